"""What stands around a residue."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from peftsp.backbone.dropout import dropout

CONTEXT_WIDTH = 64
"""Features of a residue's context."""


class ResidueContext(nn.Module):
    """What stands around a residue, at exact distances: two convolutions along the sequence.

    A cleavage site is a motif of exact positions (von Heijne, Nucleic Acids Research 1986), which
    attention learns slowly from few sequences.

    Args:
        width: Features of a residue representation, D.
        window: Residues that a convolution sees; odd.
        dropout: Probability with which features are dropped in training.
    """

    def __init__(self, width: int, window: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.first = nn.Conv1d(width, CONTEXT_WIDTH, window, padding=window // 2)
        self.second = nn.Conv1d(CONTEXT_WIDTH, CONTEXT_WIDTH, window, padding=window // 2)

    def forward(self, features: Tensor, residue_mask: Tensor) -> Tensor:
        """Describe the surroundings of each residue.

        Args:
            features: float, ``(B, L, D)``.
            residue_mask: bool, ``(B, L)``, True at residues.

        Returns:
            float, ``(B, L, CONTEXT_WIDTH)``; at a residue independent of what is none.
        """
        is_residue = residue_mask[:, None]
        shown = features.transpose(1, 2).masked_fill(~is_residue, 0.0)
        shown = F.gelu(self.first(shown)).masked_fill(~is_residue, 0.0)
        shown = dropout(shown, self.dropout, self.training)
        context: Tensor = F.gelu(self.second(shown)).transpose(1, 2)
        return context
