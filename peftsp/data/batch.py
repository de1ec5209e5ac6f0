"""Batches: padded tensors of several sequences, with or without labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from peftsp.alphabet import PAD_TOKEN


# Not frozen: Lightning converts the tensors of a batch in place for some precisions.
@dataclass(slots=True)
class Batch:
    """Sequences as a model reads them.

    Attributes:
        tokens: int64, ``(B, T)``; ``<cls>``, residues, ``<eos>``, then `PAD_TOKEN`. T is that of
            the longest sequence.
        mask: bool, ``(B, T)``; True at real tokens, ``<cls>`` and ``<eos>`` among them.
        kingdoms: int64, ``(B,)``; kingdom ids, -1 where not known.
    """

    tokens: Tensor
    mask: Tensor
    kingdoms: Tensor

    @property
    def residue_mask(self) -> Tensor:
        """Bool, ``(B, L)``; True at real residues."""
        # Residue i is real just where token i + 2 is: one of two special tokens comes before it.
        return self.mask[:, 2:]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """Return the batch on a device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """Return the batch in page-locked memory, from which copies to a GPU are fast."""
        return self._map(Tensor.pin_memory)

    def _map(self, function: Callable[[Tensor], Tensor]) -> Self:
        return replace(self, **{f.name: function(getattr(self, f.name)) for f in fields(self)})


@dataclass(slots=True)
class LabelledBatch(Batch):
    """Sequences with what a model is to say of them.

    Attributes:
        allowed: bool, ``(B, L, C)``; states that a residue may be in, all False in padding.
        sp_types: int64, ``(B,)``; SP type ids.
        cleavage_sites: int64, ``(B,)``; residues before the cut, -1 where there is no cut.
        indices: int64, ``(B,)``; places of the records in their split.
    """

    allowed: Tensor
    sp_types: Tensor
    cleavage_sites: Tensor
    indices: Tensor


@dataclass(frozen=True, slots=True)
class LabelledExample:
    """One labelled sequence, not padded.

    Attributes:
        tokens: Any integer type, ``(T,)``; with ``<cls>`` and ``<eos>``.
        allowed: bool, ``(L, C)``; states that a residue may be in.
        kingdom: Kingdom id.
        sp_type: SP type id.
        cleavage_site: Residues before the cut, -1 where there is no cut.
        index: Place of the record in its split.
    """

    tokens: Tensor
    allowed: Tensor
    kingdom: int
    sp_type: int
    cleavage_site: int
    index: int


def collate_tokens(sequences: Sequence[Sequence[int] | Tensor]) -> Batch:
    """Pad tokenized sequences to a batch whose kingdoms are not known.

    >>> collate_tokens([[0, 20, 15, 2], [0, 20, 2]]).tokens
    tensor([[ 0, 20, 15,  2],
            [ 0, 20,  2,  1]])

    Args:
        sequences: At least one; token ids with ``<cls>`` and ``<eos>`` each.
    """
    rows = [torch.as_tensor(tokens, dtype=torch.int64) for tokens in sequences]
    lengths = torch.tensor([len(row) for row in rows])
    tokens = pad_sequence(rows, batch_first=True, padding_value=PAD_TOKEN)
    mask = torch.arange(tokens.shape[1]) < lengths[:, None]
    return Batch(tokens, mask, kingdoms=torch.full((len(rows),), -1))


def collate_labelled(examples: Sequence[LabelledExample]) -> LabelledBatch:
    """Pad at least one labelled example to a batch."""
    batch = collate_tokens([example.tokens for example in examples])
    return LabelledBatch(
        tokens=batch.tokens,
        mask=batch.mask,
        kingdoms=torch.tensor([example.kingdom for example in examples]),
        allowed=pad_sequence([example.allowed for example in examples], batch_first=True),
        sp_types=torch.tensor([example.sp_type for example in examples]),
        cleavage_sites=torch.tensor([example.cleavage_site for example in examples]),
        indices=torch.tensor([example.index for example in examples]),
    )
