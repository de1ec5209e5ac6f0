"""Lightning's view of the data: one fold of a record source, in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any, Self

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from peftsp.data.batch import LabelledExample, collate_labelled
from peftsp.data.dataset import LabelledDataset
from peftsp.data.download import SignalP6File
from peftsp.data.fold_records import SPLITS, FoldRecords, check_train_splits, fold_records
from peftsp.data.folds import Fold, folds_of, split
from peftsp.data.identity import DatasetIdentity, dataset_digest
from peftsp.data.sampling import EpochSampler, cell_counts, cell_weights, check_shares, eval_batches
from peftsp.data.source import LabelledFile, RecordSource
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError


class SignalPeptideData(LightningDataModule):
    """Batches of one fold for training, validation and test.

    Distributed runs are served by the module itself, so the trainer needs
    ``use_distributed_sampler=False``: training batches are wrapped around to equally many a
    process, the shares of evaluation are disjoint and may differ in length by one example, but not
    in the number of batches, since some strategies let processes wait for one another in each.

    Args:
        source: Where the records come from.
        fold: 0-based index into `peftsp.data.folds.folds_of` the protocol.
        batch_size: Sequences a training batch and process; the last batch may be smaller.
        eval_batch_size: Sequences a validation or test batch and process.
        num_workers: Loader processes; 0 loads in the training process.
        seed: Seed of the training order.
        balance: See `peftsp.data.sampling.cell_weights`.
        type_weights: SP type to sampling factor.
        kingdom_weights: Kingdom to sampling factor.
        extra_path: A 3-line file of further records, which train in every fold whatever their
            partition; for example proteins that another model has labelled. Those whose sequence
            validates or tests are left out, and so are those that say, as in ``0+2``, that they
            have homologs in a partition that does.
        train_splits: Which of train, validation and test are trained on. Validation beside train
            refits with settings that were chosen before; all three make a model to be given away,
            whose own validation and test scores mean nothing.
        protocol: Which folds there are, see `peftsp.data.folds.folds_of`.
        keeps_prior: Let the model learn the probabilities of the data as they are, whatever
            kingdoms and SP types are drawn more often, see `drawn_more`.
        chimeras: Tat lipoproteins to train on beside those of the data, of each kingdom, see
            `peftsp.data.chimeras.tat_lipoproteins`.

    Attributes:
        drawn_more: float, ``(kingdoms, K)``; logarithm of how often each kingdom and SP type is
            drawn for an example that the data have of it, up to a constant, after `setup` for the
            stage ``fit``; None where that is to be ignored or all are drawn alike.

    Raises:
        ConfigError: A number is out of range, or there is no such split.
    """

    def __init__(
        self,
        source: RecordSource,
        *,
        fold: int,
        batch_size: int,
        eval_batch_size: int,
        num_workers: int,
        seed: int,
        balance: float,
        type_weights: Mapping[str, float] | None,
        kingdom_weights: Mapping[str, float] | None,
        extra_path: str | PathLike[str] | None,
        train_splits: Sequence[str],
        keeps_prior: bool,
        chimeras: int,
        protocol: str,
    ) -> None:
        super().__init__()
        check_train_splits(train_splits)
        _check("fold", fold, least=0)
        _check("batch_size", batch_size, least=1)
        _check("eval_batch_size", eval_batch_size, least=1)
        _check("num_workers", num_workers, least=0)
        _check("seed", seed, least=0)
        self._source = source
        self._fold, self._protocol = fold, protocol
        self._batch_size = batch_size
        self._eval_batch_size = eval_batch_size
        self._num_workers = num_workers
        self._seed = seed
        self._balance = balance
        self._type_weights = type_weights
        self._kingdom_weights = kingdom_weights
        self._extra = None if extra_path is None else LabelledFile(extra_path, is_extra=True)
        self._train_splits = train_splits
        self._keeps_prior = keeps_prior
        self._chimeras = chimeras
        self.drawn_more: Tensor | None = None
        self._start: tuple[int, int] | None = None
        self._datasets: dict[str, LabelledDataset] = {}

    @classmethod
    def from_signalp6(cls, name: str, dir: str | PathLike[str] | None, **settings: Any) -> Self:
        """Serve `SignalP6File`; settings are the other arguments of the class."""
        return cls(SignalP6File(name, dir), **settings)

    @classmethod
    def from_file(cls, path: str | PathLike[str], **settings: Any) -> Self:
        """Serve `LabelledFile`; settings are the other arguments of the class."""
        return cls(LabelledFile(path), **settings)

    @classmethod
    def from_synthetic(cls, count: int, proteins_seed: int, **settings: Any) -> Self:
        """Serve `SyntheticProteins`; settings are the other arguments of the class."""
        return cls(SyntheticProteins(count, proteins_seed), **settings)

    def prepare_data(self) -> None:
        """Load the records in one process of each machine, before the others may download too."""
        _ = self.records  # which reads them

    def setup(self, stage: str) -> None:
        """Load, split and encode the records; for the stage ``fit`` also prepare the sampler.

        Raises:
            RecordError: A record of the source is wrong.
            DownloadError: The source cannot be fetched.
            ConfigError: There is no such fold, a sampling weight is wrong, or proteins too few.
        """
        check_shares(self.records.sizes(), self._processes()[0])
        if not self._datasets:
            splits = self.records.splits
            self._datasets = {name: LabelledDataset(splits[name]) for name in SPLITS}
        if stage == "fit":
            self._sampler = self._train_sampler(*self._processes())

    def train_dataloader(self) -> DataLoader[LabelledExample]:
        """Return batches in the order that the seed and the trainer's epoch decide.

        A trainer that resumes from a checkpoint goes on with the batch after the last one it did.
        """
        epoch, batches = self._start or (self.trainer.current_epoch if self.trainer else 0, 0)
        self._start = None
        # The trainer sets the epoch too, but loader processes fetch ahead before it does.
        self._sampler.set_epoch(epoch)
        # The last batch may be smaller than the others.
        self._sampler.skip(min(batches * self._batch_size, len(self._sampler)))
        return self._loader(
            self._datasets["train"], batch_size=self._batch_size, sampler=self._sampler
        )

    def val_dataloader(self) -> DataLoader[LabelledExample]:
        """Return this process's share of the validation records, in the order of `records`."""
        return self._eval_loader("validation")

    def test_dataloader(self) -> DataLoader[LabelledExample]:
        """Return this process's share of the test records, in the order of `records`."""
        return self._eval_loader("test")

    def state_dict(self) -> dict[str, Any]:
        """Where training goes on: epoch of the next batch, batches done in it, its proteins."""
        assert self.trainer is not None
        loop = self.trainer.fit_loop
        batches = loop.epoch_loop.batch_progress
        if not batches.is_last_batch:
            done: int = batches.current.processed  # type: ignore[attr-defined]
            return {"epoch": self.trainer.current_epoch, "batches": done, **self._seen}
        # A checkpoint made with the last batch of an epoch may not count that epoch yet.
        is_epoch_counted = self.trainer.current_epoch == loop.epoch_progress.current.ready
        epoch = self.trainer.current_epoch + (not is_epoch_counted)
        return {"epoch": epoch, "batches": 0, **self._seen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where a checkpoint was made.

        Raises:
            ConfigError: Other proteins have trained or chosen it.
        """
        for name, digest in self._seen.items():
            if state_dict.get(name, digest) != digest:
                raise ConfigError(
                    f"ckpt_path: expected a checkpoint of this fold's {name} proteins, found one "
                    f"of others; init_from=BUNDLE begins from a model of other data"
                )
        self._start = (state_dict["epoch"], state_dict["batches"])

    def folds(self) -> list[Fold]:
        """The folds that the records have."""
        return folds_of((record.partition for record in self._source.load()), self._protocol)

    @cached_property
    def records(self) -> FoldRecords:
        """What trains, validates and tests."""
        return fold_records(
            split(self._source.load(), self._fold, self._protocol),
            [] if self._extra is None else self._extra.load(),
            self._train_splits,
            self._chimeras,
            self._seed,
        )

    def sequences(self) -> list[Tensor]:
        """Tokens of the records of all splits, uint8, ``(T,)`` each, after `setup`."""
        return [tokens for dataset in self._datasets.values() for tokens in dataset.tokens]

    def identity(self) -> DatasetIdentity:
        """What data set this is a fold of."""
        records = self._source.load()
        return DatasetIdentity(len(self.folds()), len(records), dataset_digest(records))

    def extra_sha256(self) -> str | None:
        """sha256 of the further records that train, as of a data set; None without."""
        return None if self._extra is None else dataset_digest(self._extra.load())

    def _train_sampler(self, replicas: int, rank: int) -> EpochSampler:
        dataset = self._datasets["train"]
        of_cell = cell_weights(
            dataset.kingdoms,
            dataset.sp_types,
            self._balance,
            self._type_weights,
            self._kingdom_weights,
        )
        is_weighted = bool(self._balance or self._type_weights or self._kingdom_weights)
        if self._keeps_prior and (is_weighted or self.records.chimeras):
            n_found = len(dataset) - self.records.chimeras
            found = cell_counts(dataset.kingdoms[:n_found], dataset.sp_types[:n_found]).clamp(min=1)
            every = cell_counts(dataset.kingdoms, dataset.sp_types).clamp(min=1)
            self.drawn_more = (of_cell * every / found).log().masked_fill(of_cell == 0, 0.0).float()
        weights = of_cell[dataset.kingdoms, dataset.sp_types] if is_weighted else None
        return EpochSampler(len(dataset), self._seed, weights, replicas, rank)

    @cached_property
    def _seen(self) -> dict[str, str]:
        """sha256 of the proteins that train and choose, by their split."""
        splits = self.records.splits
        found = splits["train"][: len(splits["train"]) - self.records.chimeras]
        return {"train": dataset_digest(found), "validation": dataset_digest(splits["validation"])}

    def _processes(self) -> tuple[int, int]:
        if self.trainer is None:
            return 1, 0
        return self.trainer.world_size, self.trainer.global_rank

    def _eval_loader(self, name: str) -> DataLoader[LabelledExample]:
        dataset = self._datasets[name]
        batches = eval_batches(len(dataset), self._eval_batch_size, *self._processes())
        return self._loader(dataset, batch_sampler=batches)

    def _loader(self, dataset: LabelledDataset, **batches: Any) -> DataLoader[LabelledExample]:
        return DataLoader(
            dataset,
            **batches,
            collate_fn=collate_labelled,
            num_workers=self._num_workers,
            persistent_workers=self._num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            # Of its own, else every iterator would draw from the global random state.
            generator=torch.Generator().manual_seed(self._seed),
        )


def _check(setting: str, value: int, *, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise ConfigError(f"data.{setting}: expected {least} or more, found {value}")
