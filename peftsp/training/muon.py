"""Muon for weight matrices and AdamW for everything else, as one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from peftsp.errors import ConfigError

Params = Iterable[Tensor] | Iterable[dict[str, Any]]


class MuonAdamW(Optimizer):
    """Orthogonalised momentum for large matrices, AdamW for the rest.

    A matrix is what has two dimensions of at least ``smallest_side``: the layers of a backbone, not
    embeddings, norms, biases, low-rank updates, emission head or CRF (Jordan et al., "Muon: an
    optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is scalable for LLM
    training", 2025). `torch.optim.Muon` and `torch.optim.AdamW` do the work.

    Args:
        params: Tensors, or parameter groups of tensors alone.
        lr: Learning rate of AdamW.
        matrix_lr: Learning rate of Muon.
        weight_decay: Of both, decoupled.
        momentum: Of Muon.
        betas: Of AdamW.
        smallest_side: Rows and columns that a matrix has at least.

    Attributes:
        parts: The optimizers that do the work.

    Raises:
        ConfigError: The momentum is out of range.
    """

    def __init__(
        self,
        params: Params,
        lr: float,
        matrix_lr: float,
        weight_decay: float,
        momentum: float,
        betas: tuple[float, float],
        smallest_side: int,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ConfigError(f"optimizer.momentum: expected 0 to less than 1, found {momentum}")
        given: list[Any] = list(params)
        is_grouped = bool(given) and isinstance(given[0], dict)
        groups: list[list[Tensor]] = [g["params"] for g in given] if is_grouped else [given]
        is_matrix = {
            id(tensor): tensor.dim() == 2 and min(tensor.shape) >= smallest_side
            for group in groups
            for tensor in group
        }
        matrices = [[t for t in group if is_matrix[id(t)]] for group in groups]
        others = [[t for t in group if not is_matrix[id(t)]] for group in groups]
        self.parts: list[Optimizer] = []
        if any(matrices):
            chosen = [{"params": group} for group in matrices if group]
            self.parts.append(
                torch.optim.Muon(chosen, lr=matrix_lr, weight_decay=weight_decay, momentum=momentum)
            )
        if any(others):
            chosen = [{"params": group} for group in others if group]
            self.parts.append(
                AdamW(chosen, lr=lr, weight_decay=weight_decay, betas=tuple(betas))  # type: ignore[arg-type]
            )
        super().__init__([g for part in self.parts for g in part.param_groups], defaults={})
        self._link()

    def _link(self) -> None:
        """Share groups and state with the parts, so that a schedule reaches them."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]
        self.state.clear()
        for part in self.parts:
            self.state.update(part.state)

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move all parameters once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The states of the parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the states of the parts."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._link()
