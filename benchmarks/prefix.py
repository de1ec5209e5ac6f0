"""Outputs of the first frozen layers, kept on disk as a training run keeps them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from benchmarks.workload import Task
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.prefix_store import PrefixStore
from peftsp.peft.base import PeftMethod


class KeptPrefix:
    """A store in a temporary folder, from which a backbone reads its first layers' output.

    Args:
        backbone: Changed in place.
        method: What trains in it.
    """

    def __init__(self, backbone: ESM2, method: PeftMethod) -> None:
        self.backbone = backbone
        self.folder = tempfile.TemporaryDirectory()
        self.store = PrefixStore(
            Path(self.folder.name), backbone, method.frozen_prefix(backbone.spec)
        )
        backbone.known_prefix = self.store

    @torch.no_grad()
    def keep(self, task: Task) -> None:
        """Compute and write what is missing for a batch."""
        tokens, mask = task.batch.tokens, task.batch.mask
        lengths = mask.sum(dim=1).tolist()
        states = self.backbone.run_prefix(tokens, mask, self.store.layers)
        self.store.write(
            [row[:length].cpu() for row, length in zip(tokens, lengths, strict=True)],
            [row[:length] for row, length in zip(states, lengths, strict=True)],
        )
        self.store.read()
