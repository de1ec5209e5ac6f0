"""peftsp as it is, with a switch for each thing that makes it fast."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.contender import Answer, Contender
from benchmarks.prefix import KeptPrefix
from benchmarks.reference import HEAD_DROPOUT, REGULARISATION
from benchmarks.workload import Task, Workload
from peftsp.backbone.checkpoint import build_backbone
from peftsp.backbone.specs import BackboneSource
from peftsp.inference.compute.precision import lower_precision
from peftsp.labels import TYPE_OF_STATE
from peftsp.loss.region_similarity import RegionRegularisation
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger


@dataclass(frozen=True)
class Switches:
    """What to do otherwise than peftsp does by default.

    Attributes:
        trains_one_path: The target is one path, as pytorch-crf's is, and not a set of states, and
            there is no region regularisation.
        has_full_table: The CRF walks the whole table of transitions and not lists of neighbours.
        checkpoints: Compute activations again in the backward pass instead of keeping them.
        keeps_prefix: What the first frozen layers give of a protein is computed once, before it is
            timed, and read from disk.
        precision: ``fp32``, ``bf16`` or ``int8``.
        returns_memory: Give freed memory back to the system at once, as the C library does by
            default.
    """

    trains_one_path: bool = False
    has_full_table: bool = False
    checkpoints: bool = False
    keeps_prefix: bool = False
    precision: str = "fp32"
    returns_memory: bool = False


class Ours(Contender):
    """A `peftsp.model.tagger.Tagger`.

    Args:
        workload: The weights.
        device: Where to compute.
        is_training: Keep the updates apart from the weights.
        switches: See `Switches`.
    """

    def __init__(
        self, workload: Workload, device: torch.device, is_training: bool, switches: Switches
    ) -> None:
        source = BackboneSource(workload.spec, "random")
        backbone = build_backbone(source, workload.backbone, "", switches.checkpoints)
        table = "none" if switches.has_full_table else "peftsp"
        # The reference decodes freely too.
        crf = CRFSettings(constraint="hard", table=table, decoding="free")
        head = HeadSettings(HEAD_DROPOUT, kingdom_embedding=0, kingdom_dropout=0, trainable=True)
        tagger = build_tagger(backbone, workload.method, head, crf)
        for name, tensor in workload.adapter.items():
            tagger.backbone.get_parameter(name).data.copy_(tensor)
        tagger.head.emissions.weight.data.copy_(workload.head_weight)
        tagger.head.emissions.bias.data.copy_(workload.head_bias)
        tagger.crf.transitions.data.copy_(workload.transitions)
        tagger.crf.start_transitions.data.copy_(workload.starts)
        tagger.crf.end_transitions.data.copy_(workload.ends)
        self.tagger = tagger.eval().to(device)
        if not is_training:
            self.tagger.merge()
            lower_precision([self.tagger], switches.precision)
        self.switches = switches
        self.adapter_names = list(workload.adapter)
        self.regularisation = RegionRegularisation(REGULARISATION)
        self.state_types = torch.tensor(TYPE_OF_STATE, device=device)
        self.modules = nn.ModuleDict({"tagger": self.tagger})
        self.prefix = KeptPrefix(backbone, workload.method) if switches.keeps_prefix else None

    def meet(self, task: Task) -> None:
        """See `Contender`."""
        if self.prefix:
            self.prefix.keep(task)

    def residues(self, task: Task) -> Tensor:
        """See `Contender`."""
        is_half = self.switches.precision == "bf16"
        with torch.autocast(task.batch.tokens.device.type, torch.bfloat16, enabled=is_half):
            return self.tagger.backbone(task.batch.tokens, task.batch.mask)

    def emissions(self, residues: Tensor, task: Task) -> Tensor:
        """See `Contender`."""
        return self.tagger.head(residues, task.batch.kingdoms, task.batch.residue_mask)

    def likelihood(self, emissions: Tensor, task: Task) -> tuple[Tensor, Tensor]:
        """Log-likelihoods, ``(B,)``, and marginals, ``(B, L, C)``."""
        return self.tagger.crf(emissions, task.batch.residue_mask, self._target(task))

    def objective(self, residues: Tensor, task: Task) -> Tensor:
        """See `Contender`."""
        batch, emissions = task.batch, self.emissions(residues, task)
        mask, target = batch.residue_mask, self._target(task)
        if self.switches.trains_one_path:
            return -self.tagger.crf.log_likelihood(emissions, mask, target).mean()
        likelihood, marginals = self.tagger.crf(emissions, mask, target)
        region_term = self.regularisation(marginals, batch.tokens[:, 1:-1], mask, batch.sp_types)
        return region_term - likelihood.mean()

    def answer(self, residues: Tensor, task: Task) -> Answer:
        """See `Contender`."""
        mask, emissions = task.batch.residue_mask, self.emissions(residues, task)
        marginals = self.tagger.crf.marginals(emissions, mask)
        decoded = self.tagger.decode(emissions, marginals, mask)
        path_types = self.state_types[decoded.paths[:, 0]]
        return Answer(decoded.sp_types, decoded.cleavage_sites, path_types)

    def adapter_gradients(self) -> dict[str, Tensor]:
        """See `Contender`."""
        backbone = self.tagger.backbone
        return {name: backbone.get_parameter(name).grad for name in self.adapter_names}

    def _target(self, task: Task) -> Tensor:
        if not self.switches.trains_one_path:
            return task.batch.allowed
        states = task.batch.allowed.shape[-1]
        return nn.functional.one_hot(task.paths, states).bool()
