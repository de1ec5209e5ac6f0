"""The way of the published reference: fair-esm, its language model head, a CRF over a full table.

Written from its description; see README.md for what it does in every step.
"""

from __future__ import annotations

import torch
from esm.model.esm2 import ESM2
from torch import Tensor, nn

from benchmarks.contender import Answer, Contender
from benchmarks.reference_crf import FullTableCRF
from benchmarks.workload import Task, Workload
from peftsp.labels import LAST_SP_STATE_OF_TYPE, SP_TYPES, TYPE_OF_STATE
from peftsp.loss.region_similarity import RegionRegularisation
from peftsp.peft.lora import LoRA

HEAD_DROPOUT = 0.1
REGULARISATION = 0.5
_FINAL_STATES = set(LAST_SP_STATE_OF_TYPE.values())


class LowRankUpdate(nn.Module):
    """A linear layer with two more beside it.

    Args:
        base: The frozen layer.
        method: Rank, scale and dropout.
        first: A, ``(rank, in)``.
        second: B, ``(out, rank)``.
    """

    def __init__(self, base: nn.Linear, method: LoRA, first: Tensor, second: Tensor) -> None:
        super().__init__()
        self.base = base
        self.dropout = nn.Dropout(method.dropout)
        self.first = nn.Linear(*first.shape[::-1], bias=False)
        self.second = nn.Linear(*second.shape[::-1], bias=False)
        self.first.weight.data.copy_(first)
        self.second.weight.data.copy_(second)
        self.scale = method.alpha / method.rank

    def forward(self, x: Tensor) -> Tensor:
        """Float ``(..., in)`` to float ``(..., out)``."""
        return self.base(x) + self.second(self.first(self.dropout(x))) * self.scale


class Reference(Contender):
    """Marginals and paths in every training step, updates that are never merged."""

    def __init__(self, workload: Workload, device: torch.device) -> None:
        spec = workload.spec
        esm = ESM2(spec.layers, spec.width, spec.heads)
        absent = esm.load_state_dict(workload.backbone, strict=False, assign=True)
        assert not absent.unexpected_keys
        esm.requires_grad_(False)
        self.layer = spec.layers
        self.updates = {}
        for name in sorted({name.rpartition(".")[0] for name in workload.adapter}):
            a, b = (workload.adapter[f"{name}.lora_{part}"] for part in "AB")
            assert isinstance(workload.method, LoRA)
            update = LowRankUpdate(esm.get_submodule(name), workload.method, a, b)
            esm.set_submodule(name, update)
            self.updates[name] = update
        head = nn.Linear(spec.width, len(workload.head_bias))
        head.weight.data.copy_(workload.head_weight)
        head.bias.data.copy_(workload.head_bias)
        parts = {"esm": esm, "dropout": nn.Dropout(HEAD_DROPOUT), "head": head}
        self.modules = nn.ModuleDict(parts | {"crf": FullTableCRF(workload)}).eval().to(device)
        self.regularisation = RegionRegularisation(REGULARISATION)

    def residues(self, task: Task) -> Tensor:
        """See `Contender`."""
        found = self.modules["esm"](task.batch.tokens, repr_layers=[self.layer])
        return found["representations"][self.layer][:, 1:-1]

    def emissions(self, residues: Tensor, task: Task) -> Tensor:  # noqa: ARG002
        """See `Contender`."""
        return self.modules["head"](self.modules["dropout"](residues))

    def likelihood(self, emissions: Tensor, task: Task) -> tuple[Tensor, Tensor]:
        """Log-likelihoods, ``(B,)``, and marginals, ``(B, L, C)``."""
        return self.modules["crf"](emissions, task.batch.residue_mask, task.batch.allowed)

    def objective(self, residues: Tensor, task: Task) -> Tensor:
        """See `Contender`."""
        batch, emissions = task.batch, self.emissions(residues, task)
        likelihood, marginals = self.likelihood(emissions, task)
        self.modules["crf"].paths(emissions, batch.residue_mask)
        region_term = self.regularisation(
            marginals, batch.tokens[:, 1:-1], batch.residue_mask, batch.sp_types
        )
        return region_term - likelihood.mean()

    def answer(self, residues: Tensor, task: Task) -> Answer:
        """See `Contender`."""
        mask, emissions = task.batch.residue_mask, self.emissions(residues, task)
        marginals = self.modules["crf"].marginals(emissions, mask)
        of_state = marginals.sum(dim=1) / mask.sum(dim=1, keepdim=True)
        of_type = of_state.new_zeros(len(of_state), len(SP_TYPES))
        of_type.index_add_(1, torch.tensor(TYPE_OF_STATE, device=mask.device), of_state)
        paths = self.modules["crf"].paths(emissions, mask)
        return Answer(of_type.argmax(dim=1), *read_paths(paths))

    def adapter_gradients(self) -> dict[str, Tensor]:
        """See `Contender`."""
        found = {}
        for name, update in self.updates.items():
            found[f"{name}.lora_A"] = update.first.weight.grad
            found[f"{name}.lora_B"] = update.second.weight.grad
        return found


def read_paths(paths: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Cleavage sites and SP types of paths, int64, ``(B,)`` each."""
    sites, types = [], []
    for path in paths:
        final = [place for place, state in enumerate(path, start=1) if state in _FINAL_STATES]
        sites.append(final[-1] if final else -1)
        types.append(TYPE_OF_STATE[path[0]])
    return torch.tensor(sites), torch.tensor(types)
