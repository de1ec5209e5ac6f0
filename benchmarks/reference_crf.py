"""A CRF over a full table of transitions, looped over positions, with back-tracking in Python."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.workload import FORBIDDEN, Workload


class FullTableCRF(nn.Module):
    """Every state is every other state's neighbour; what is forbidden scores `FORBIDDEN`.

    Args:
        workload: Holds the tables.
    """

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.transitions = nn.Parameter(workload.transitions.clone())
        self.starts = nn.Parameter(workload.starts.clone())
        self.ends = nn.Parameter(workload.ends.clone())

    def forward(self, emissions: Tensor, mask: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihood of the allowed states, ``(B,)``, and marginals, ``(B, L, C)``."""
        alpha = self.forward_scores(emissions, mask)
        confined = emissions.masked_fill(~allowed, FORBIDDEN)
        permitted = self.total(self.forward_scores(confined, mask))
        marginals = self.marginals(emissions, mask, alpha)
        return permitted - self.total(alpha), marginals

    def total(self, alpha: Tensor) -> Tensor:
        """Log-sum over all paths, ``(B,)``."""
        return torch.logsumexp(alpha[:, -1] + self.ends, dim=-1)

    def forward_scores(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Log-sum of all path beginnings, ``(B, L, C)``."""
        alpha = [self.starts + emissions[:, 0]]
        for position in range(1, emissions.shape[1]):
            arrived = torch.logsumexp(alpha[-1].unsqueeze(2) + self.transitions, dim=1)
            is_real = mask[:, position].unsqueeze(1)
            alpha.append(torch.where(is_real, arrived + emissions[:, position], alpha[-1]))
        return torch.stack(alpha, dim=1)

    def marginals(self, emissions: Tensor, mask: Tensor, alpha: Tensor | None = None) -> Tensor:
        """Probability of each state at each residue, ``(B, L, C)``."""
        if alpha is None:
            alpha = self.forward_scores(emissions, mask)
        beta = [self.ends.expand_as(emissions[:, 0])]
        for position in reversed(range(1, emissions.shape[1])):
            ahead = (beta[-1] + emissions[:, position]).unsqueeze(1) + self.transitions
            is_real = mask[:, position].unsqueeze(1)
            beta.append(torch.where(is_real, torch.logsumexp(ahead, dim=2), self.ends))
        scores = alpha + torch.stack(beta[::-1], dim=1)
        normalised = scores - torch.logsumexp(scores, dim=-1, keepdim=True)
        return normalised.exp() * mask.unsqueeze(-1)

    @torch.no_grad()
    def paths(self, emissions: Tensor, mask: Tensor) -> list[list[int]]:
        """The best path of each sequence."""
        best = self.starts + emissions[:, 0]
        came_from = []
        for position in range(1, emissions.shape[1]):
            arrived, source = (best.unsqueeze(2) + self.transitions).max(dim=1)
            is_real = mask[:, position].unsqueeze(1)
            best = torch.where(is_real, arrived + emissions[:, position], best)
            came_from.append(source)
        lengths = mask.sum(dim=1).tolist()
        found = []
        for row, length in enumerate(lengths):
            path = [int((best[row] + self.ends).argmax())]
            for source in reversed(came_from[: length - 1]):
                path.append(int(source[row][path[-1]]))
            found.append(path[::-1])
        return found
