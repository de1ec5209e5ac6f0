"""From residue representations to emissions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from peftsp.backbone.dropout import dropout
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, STATES
from peftsp.model.context import CONTEXT_WIDTH, ResidueContext


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

    Raises:
        ConfigError: A probability is not in [0, 1), a size is negative or a window is even.
    """

    def __init__(
        self,
        width: int,
        dropout: float = 0.1,
        kingdom_embedding: int = 0,
        kingdom_dropout: float = 0.1,
        context_window: int = 0,
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

    def forward(self, residues: Tensor, kingdoms: Tensor, residue_mask: Tensor) -> Tensor:
        """Score each state at each residue.

        Args:
            residues: float, ``(B, L, D)``.
            kingdoms: int64, ``(B,)``; kingdom ids, -1 where not known. Ignored without embedding.
            residue_mask: bool, ``(B, L)``, True at residues.

        Returns:
            float, ``(B, L, C)``, float32 or better whatever the residues' dtype.
        """
        weight = self.emissions.weight
        # The sums over 70 emissions in the CRF need more digits than bfloat16 has.
        with torch.autocast(residues.device.type, enabled=False):
            residues = residues.to(weight.dtype)
            features = dropout(residues, self.dropout, self.training)
            if self.context is not None:
                features = torch.cat((features, self.context(features, residue_mask)), dim=-1)
            if self.kingdoms is not None:
                embedded = self.kingdoms(self._kingdom_rows(kingdoms))
                embedded = embedded[:, None].expand(-1, features.shape[1], -1)
                features = torch.cat((features, embedded), dim=-1)
            emissions: Tensor = self.emissions(features)
        return emissions

    def _kingdom_rows(self, kingdoms: Tensor) -> Tensor:
        unknown = len(KINGDOMS)
        is_unknown = kingdoms < 0
        if self.training and self.kingdom_dropout:
            drawn = torch.rand(kingdoms.shape, device=kingdoms.device)
            is_unknown = is_unknown | (drawn < self.kingdom_dropout)
        return kingdoms.masked_fill(is_unknown, unknown)
