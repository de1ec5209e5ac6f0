"""Labelled records as a torch data set."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from peftsp.data.batch import LabelledExample
from peftsp.data.regions import cleavage_site, region_bitmaps
from peftsp.data.tokens import tokenize
from peftsp.labels import KINGDOM_LABELS, SP_TYPES
from peftsp.records import LabelledRecord


class LabelledDataset(Dataset[LabelledExample]):
    """Examples in the order of their records, encoded once and then left alone.

    Attributes:
        kingdoms: int64, ``(N,)``; kingdom ids.
        sp_types: int64, ``(N,)``; SP type ids.
        tokens: uint8, ``(T,)`` each; with ``<cls>`` and ``<eos>``.
    """

    def __init__(self, records: Sequence[LabelledRecord]) -> None:
        self.kingdoms = torch.tensor([KINGDOM_LABELS.index(r.kingdom) for r in records])
        self.sp_types = torch.tensor([SP_TYPES.index(r.sp_type) for r in records])
        sites = [cleavage_site(record) for record in records]
        self._cleavage_sites = [-1 if site is None else site for site in sites]
        self.tokens = [torch.tensor(tokenize(r.residues), dtype=torch.uint8) for r in records]
        self._allowed = torch.from_numpy(region_bitmaps(records))  # (N, 70, C)

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: int) -> LabelledExample:
        tokens = self.tokens[index]
        return LabelledExample(
            tokens=tokens,
            allowed=self._allowed[index, : len(tokens) - 2],
            kingdom=int(self.kingdoms[index]),
            sp_type=int(self.sp_types[index]),
            cleavage_site=self._cleavage_sites[index],
            index=index,
        )
