"""From residue representations to emissions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from peftsp.backbone.dropout import dropout
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, STATE_INDEX, STATES
from peftsp.model.context import CONTEXT_WIDTH, ResidueContext

_SHARED_BY_TATLIPO = {
    "N": ("TAT_N", "LIPO_N", "SP_N"),
    "RR": ("TAT_RR", "LIPO_N", "SP_N"),
    "H": ("TAT_H", "LIPO_H", "SP_H"),
    "CS": ("TAT_C", "LIPO_CS", "SP_C"),
    "C1": ("TAT_O", "LIPO_C1", "SP_O"),
    **{letter: (f"TAT_{letter}", f"LIPO_{letter}", f"SP_{letter}") for letter in "IMO"},
}


class EmissionHead(nn.Module):
    """Dropout and one linear layer, with optional neighbours and kingdom beside each residue.

    Args:
        width: Features of a residue representation, D.
        dropout: Probability with which features are dropped in training.
        kingdom_embedding: Features of the kingdom's embedding; 0 for none. It has one row more than
            there are kingdoms: that of the unknown one.
        kingdom_dropout: Probability with which a sequence's kingdom is taken as unknown in
            training, so that the unknown one is learned too.
        context_window: Residues that each of two convolutions beside the linear layer sees, see
            `peftsp.model.context.ResidueContext`; 0 for none.
        shares_types: Add to the scores of Tat lipoproteins those of Tat and of lipoproteins less
            those of SP, see `shared_scores`; what is their own is learned on top.

    Raises:
        ConfigError: A probability is not in [0, 1), a size is negative or a window is even.
    """

    shared: Tensor | None

    def __init__(
        self,
        width: int,
        dropout: float,
        kingdom_embedding: int,
        kingdom_dropout: float,
        context_window: int,
        shares_types: bool,
    ) -> None:
        super().__init__()
        for name, value in (("dropout", dropout), ("kingdom_dropout", kingdom_dropout)):
            if not 0 <= value < 1:
                raise ConfigError(f"head.{name}: expected 0 <= {name} < 1, found {value}")
        if kingdom_embedding < 0:
            raise ConfigError(
                f"head.kingdom_embedding: expected 0 or more features, found {kingdom_embedding}"
            )
        if context_window < 0 or (context_window and context_window % 2 == 0):
            raise ConfigError(
                f"head.context_window: expected 0 or an odd number of residues, "
                f"found {context_window}"
            )
        self.dropout = dropout
        self.kingdom_dropout = kingdom_dropout
        self.context = ResidueContext(width, context_window, dropout) if context_window else None
        self.kingdoms = (
            nn.Embedding(len(KINGDOMS) + 1, kingdom_embedding) if kingdom_embedding else None
        )
        n_features = width + kingdom_embedding + (CONTEXT_WIDTH if context_window else 0)
        self.emissions = nn.Linear(n_features, len(STATES))
        self.register_buffer("shared", shared_scores() if shares_types else None, persistent=False)

    def forward(self, residues: Tensor, kingdoms: Tensor, residue_mask: Tensor) -> Tensor:
        """Score each state at each residue.

        Args:
            residues: float, ``(B, L, D)``.
            kingdoms: int64, ``(B,)``; kingdom ids, -1 where not known. Ignored without embedding.
            residue_mask: bool, ``(B, L)``, True at residues.

        Returns:
            float, ``(B, L, C)``, float32 or better whatever the residues' dtype.
        """
        dtype = self.emissions.weight.dtype
        features = dropout(residues.to(dtype), self.dropout, self.training)
        parts = [features]
        if self.context is not None:
            parts.append(self.context(features, residue_mask).to(dtype))
        if self.kingdoms is not None:
            embedded = self.kingdoms(self._kingdom_rows(kingdoms))
            parts.append(embedded[:, None].expand(-1, features.shape[1], -1))
        # The sums over 70 emissions in the CRF need more digits than bfloat16 has.
        with torch.autocast(residues.device.type, enabled=False):
            emissions: Tensor = self.emissions(torch.cat(parts, dim=-1))
            if self.shared is not None:
                emissions = emissions + emissions @ self.shared
        return emissions

    def _kingdom_rows(self, kingdoms: Tensor) -> Tensor:
        unknown = len(KINGDOMS)
        is_unknown = kingdoms < 0
        if self.training and self.kingdom_dropout:
            drawn = torch.rand(kingdoms.shape, device=kingdoms.device)
            is_unknown = is_unknown | (drawn < self.kingdom_dropout)
        return kingdoms.masked_fill(is_unknown, unknown)


def shared_scores() -> Tensor:
    """What each state's score adds to others', float32, ``(C, C)``, from row to column.

    A Tat lipoprotein goes through the Tat translocon and is cut by signal peptidase II. If the
    evidence for translocon and peptidase adds up, its scores are those of Tat (Tat and peptidase I)
    and of lipoproteins (Sec and peptidase II) less those of SP (Sec and peptidase I).

    >>> shared_scores()[:, STATE_INDEX["TATLIPO_H"]].nonzero().flatten().tolist()
    [4, 10, 18]
    """
    shared = torch.zeros(len(STATES), len(STATES))
    for region, (tat, lipo, sp) in _SHARED_BY_TATLIPO.items():
        target = STATE_INDEX[f"TATLIPO_{region}"]
        for state, sign in ((tat, 1.0), (lipo, 1.0), (sp, -1.0)):
            shared[STATE_INDEX[state], target] = sign
    return shared
