"""One training step, one evaluation step, and what a checkpoint holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from peftsp.data.batch import LabelledBatch
from peftsp.errors import CheckpointError, ConfigError, TrainingError
from peftsp.loss.criterion import Criterion
from peftsp.metrics.collection import SignalPeptideMetrics
from peftsp.model.checks import check_names
from peftsp.model.decode import Decoded
from peftsp.model.tagger import Tagger
from peftsp.model.temperature import temper_types
from peftsp.runs.identity import first_difference
from peftsp.training.augmentation import hide_residues
from peftsp.training.predictions import KeptPredictions, Tested
from peftsp.training.prior import favour_types
from peftsp.training.rates import OptimizerFactory, kept_settings, rated_optimizer
from peftsp.training.sharding import shard

_TAGGER = "tagger."
_HASH = "backbone_sha256"
_QUANTIZATION = "quantization"
_OPTIMIZER = "optimizer settings"

SchedulerFactory = Callable[[Optimizer, int], LRScheduler]


class SignalPeptideModule(LightningModule):
    """Trains a `Tagger` with the CRF's likelihood of the labels.

    Args:
        tagger: The model.
        optimizer: Makes the optimizer from the parameters that train.
        scheduler: Makes the learning rate schedule from the optimizer and the number of steps.
        criterion: What is minimised.
        hidden_residues: Probability with which a training residue is hidden from the backbone.
        head_factor: Factor of the learning rate for emission head and CRF, which start from
            nothing where the backbone is pretrained.

    Raises:
        ConfigError: The probability is not in [0, 1), or the factor is negative.
    """

    tested: Tested
    """What the last test has found."""

    def __init__(
        self,
        tagger: Tagger,
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory,
        criterion: Criterion,
        hidden_residues: float,
        head_factor: float,
    ) -> None:
        super().__init__()
        if not isinstance(hidden_residues, int | float) or not 0 <= hidden_residues < 1:
            name = "augmentation.hidden_residues"
            raise ConfigError(f"{name}: expected 0 <= probability < 1, found {hidden_residues}")
        if not isinstance(head_factor, int | float) or head_factor < 0:
            name = "learning_rate.head_factor"
            raise ConfigError(f"{name}: expected a number of 0 or more, found {head_factor}")
        self.tagger = tagger
        self.head_factor = head_factor
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.criterion = criterion
        self.hidden_residues = hidden_residues
        self.metrics = SignalPeptideMetrics()
        self.test_predictions = KeptPredictions()
        self.drawn_more: Tensor | None = None
        # Checkpoints hold only what trains; `on_load_checkpoint` checks that all of it is there.
        self.strict_loading = False
        self._nll_sum: Tensor | float = 0.0

    def loss(self, batch: LabelledBatch) -> dict[str, Tensor]:
        """The loss and its parts.

        Returns:
            ``loss``, ``nll`` (nats a sequence) and ``regularisation``: float scalars.
        """
        mask = batch.residue_mask
        shown = batch.tokens
        if self.training:
            shown = hide_residues(shown, batch.mask, self.hidden_residues)
        emissions = self.tagger(shown, batch.mask, batch.kingdoms)
        if self.training and self.drawn_more is not None:
            emissions = favour_types(emissions, self.drawn_more.to(emissions)[batch.kingdoms])
        output = self.tagger.crf(emissions, mask, batch.allowed)
        parts: dict[str, Tensor] = self.criterion(
            output.log_likelihood, output.marginals, batch.tokens[:, 1:-1], mask, batch.sp_types
        )
        return parts

    def on_fit_start(self) -> None:
        """Learn how often the data draw each kingdom and SP type."""
        self.drawn_more = getattr(self.trainer.datamodule, "drawn_more", None)  # type: ignore[attr-defined]

    def training_step(self, batch: LabelledBatch, batch_index: int) -> Tensor:
        """The loss of a batch; nothing is decoded.

        Raises:
            TrainingError: It is not finite, in this process or another.
        """
        parts = self.loss(batch)
        values = self._reduced(torch.stack([value.detach() for value in parts.values()]), "mean")
        self._check_finite(values[0], f"train/loss at batch {batch_index}")
        # Every process has the same by now.
        named = {f"train/{name}": value for name, value in zip(parts, values, strict=True)}
        self.log_dict(named, batch_size=len(batch.tokens), rank_zero_only=False)
        self.log("loss", named["train/loss"], prog_bar=True, logger=False)
        return parts["loss"]

    def validation_step(self, batch: LabelledBatch, batch_index: int) -> None:  # noqa: ARG002
        """Loss and predictions of a batch."""
        self._evaluate(batch, "val")

    def test_step(self, batch: LabelledBatch, batch_index: int) -> None:  # noqa: ARG002
        """Loss and predictions of a batch, which are kept."""
        self.test_predictions.update(batch.indices, self._evaluate(batch, "test"))

    def on_validation_epoch_start(self) -> None:
        """Forget earlier predictions."""
        self.metrics.reset()
        self._nll_sum = 0.0

    def on_test_epoch_start(self) -> None:
        """Forget earlier predictions."""
        self.on_validation_epoch_start()
        self.test_predictions.reset()

    def on_validation_epoch_end(self) -> None:
        """Log the measures of all predictions.

        Raises:
            TrainingError: A loss was not finite.
        """
        self._check_nll("val")
        self._log_metrics("val")

    def on_test_epoch_end(self) -> None:
        """Log the measures of all predictions, and keep them.

        Raises:
            TrainingError: A loss was not finite.
        """
        self._check_nll("test")
        self._log_metrics("test")
        # Once the trainer is done its processes gather nothing any more.
        self.tested = Tested(
            self.metrics.table(), self.metrics.confusion(), self.test_predictions.compute()
        )

    def configure_model(self) -> None:
        """Share the parameters out, where the strategy wants it."""
        if self.device_mesh is not None:
            shard(self, self.device_mesh["data_parallel"])

    def configure_optimizers(self) -> Any:
        """Optimizer and schedule over the parameters that train.

        Raises:
            ConfigError: They do not take their settings.
        """
        total_steps = int(self.trainer.estimated_stepping_batches)
        try:
            optimizer = rated_optimizer(self.tagger, self.optimizer, self.head_factor)
            schedule = self.scheduler(optimizer, total_steps)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"optimizer, scheduler: expected settings that they take, found: {error}"
            ) from error
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step", "name": "learning rate"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what was trained, and remember the backbone it belongs to.

        Raises:
            TrainingError: A number is not finite; in every process, as all have to call this.
        """
        kept, state = self.checkpoint_names(), checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: state[name] for name in state if name in kept}
        # A strategy may leave the tensors to the first process alone.
        lost = [name for name, t in checkpoint["state_dict"].items() if not t.isfinite().all()]
        self._check_finite(
            self._reduced(torch.tensor(math.nan if lost else 0.0, device=self.device), "sum"),
            next(iter(lost), "a trained tensor"),
        )
        checkpoint[_HASH] = self.tagger.backbone.content_hash
        checkpoint[_QUANTIZATION] = self.tagger.backbone.source.quantization
        checkpoint[_OPTIMIZER] = kept_settings(self.optimizer, self.head_factor)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another method, another backbone or another optimizer.

        Raises:
            CheckpointError: The backbone's weights differ, or how they are held; or the settings
                of the optimizer, which would go on with those that it has kept.
            BundleError: The trained tensors are not those of this model.
        """
        check_names(set(checkpoint["state_dict"]), self.checkpoint_names(), "checkpoint")
        expected, found = self.tagger.backbone.content_hash, checkpoint.get(_HASH, "")
        if found != expected:
            raise CheckpointError(
                f"checkpoint: expected one trained on the backbone {expected[:12]}…, "
                f"found {found[:12]}…"
            )
        held, was_held = self.tagger.backbone.source.quantization, checkpoint.get(_QUANTIZATION)
        if held != was_held:
            raise CheckpointError(
                f"checkpoint: expected one trained with backbone.quantization={held or 'null'}, "
                f"found {was_held or 'null'}"
            )
        given = kept_settings(self.optimizer, self.head_factor)
        difference = first_difference(checkpoint.get(_OPTIMIZER, given), given)
        if difference is not None:
            name, was, now = difference
            raise CheckpointError(
                f"checkpoint: expected {name}={was}, as its optimizer goes on with, found {now}; "
                "init_from=BUNDLE begins anew from trained weights"
            )

    def checkpoint_names(self) -> frozenset[str]:
        """Names of the tensors that a checkpoint holds."""
        return frozenset(_TAGGER + name for name in self.tagger.trained_names())

    def trained_weights(self, checkpoint: dict[str, Any]) -> dict[str, Tensor]:
        """What a checkpoint holds, by parameter name of the `Tagger`."""
        return {name.removeprefix(_TAGGER): t for name, t in checkpoint["state_dict"].items()}

    def _evaluate(self, batch: LabelledBatch, stage: str) -> Decoded:
        mask = batch.residue_mask
        emissions = self.tagger(batch.tokens, batch.mask, batch.kingdoms)
        output = self.tagger.crf(emissions, mask, batch.allowed)
        marginals = temper_types(output.marginals, mask, self.tagger.temperature)
        decoded = self.tagger.decode(emissions, marginals, mask)
        loss = -output.log_likelihood.mean()
        self._nll_sum = self._nll_sum + loss.detach()
        self.log(f"{stage}/nll", loss, batch_size=len(batch.tokens), sync_dist=True)
        self.metrics.update(
            batch.sp_types,
            decoded.sp_types,
            batch.cleavage_sites,
            decoded.cleavage_sites,
            batch.kingdoms,
        )
        return decoded

    def _check_nll(self, stage: str) -> None:
        total = torch.as_tensor(self._nll_sum, device=self.device)
        self._check_finite(self._reduced(total, "sum"), f"{stage}/nll")

    def _reduced(self, values: Tensor, operation: str) -> Tensor:
        """Mean or sum over all processes, which have to call this together."""
        reduced = self.trainer.strategy.reduce(values, reduce_op=operation)
        assert isinstance(reduced, Tensor)
        return reduced

    def _check_finite(self, values: Tensor, name: str) -> None:
        if not values.isfinite().all():
            found = values[~values.isfinite()].flatten()[0].item()
            raise TrainingError(
                f"{name}: expected finite numbers, found {found} in epoch "
                f"{self.trainer.current_epoch} after {self.trainer.global_step} steps: training "
                f"has diverged, a smaller optimizer.lr or trainer.gradient_clip_val may help"
            )

    def _log_metrics(self, stage: str) -> None:
        values = {f"{stage}/{name}": value for name, value in self.metrics.compute().items()}
        shown = {f"{stage}/score", f"{stage}/mean_mcc2"}
        with torch.no_grad():
            for name, value in values.items():
                # Every process has computed the same from all predictions.
                self.log(name, value.float(), prog_bar=name in shown, rank_zero_only=False)
