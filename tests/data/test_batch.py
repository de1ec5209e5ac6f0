from dataclasses import fields

import pytest
import torch
from lightning.fabric.utilities import move_data_to_device
from lightning_utilities.core.apply_func import apply_to_collection

from peftsp.alphabet import PAD_TOKEN
from peftsp.data.batch import (
    Batch,
    LabelledBatch,
    LabelledExample,
    collate_labelled,
    collate_tokens,
)
from peftsp.data.tokens import tokenize


def example(residues: str) -> LabelledExample:
    allowed = torch.zeros(len(residues), 37, dtype=torch.bool)
    allowed[:, len(residues)] = True
    tokens = torch.tensor(tokenize(residues), dtype=torch.uint8)
    return LabelledExample(
        tokens, allowed, kingdom=2, sp_type=1, cleavage_site=len(residues) - 1, index=len(residues)
    )


def test_tokens_are_padded_to_the_longest_sequence():
    batch = collate_tokens([tokenize("MKL"), tokenize("M"), tokenize("MKLAA")])
    assert batch.tokens.dtype == torch.int64
    assert batch.tokens.shape == batch.mask.shape == (3, 7)
    assert batch.mask.sum(dim=1).tolist() == [5, 3, 7]
    assert (batch.tokens[~batch.mask] == PAD_TOKEN).all()
    for row, residues in enumerate(["MKL", "M", "MKLAA"]):
        assert batch.tokens[row][batch.mask[row]].tolist() == tokenize(residues)
    assert batch.kingdoms.tolist() == [-1, -1, -1]


def test_residue_mask_is_true_at_residues():
    batch = collate_tokens([tokenize("MKL"), tokenize("M")])
    assert batch.residue_mask.tolist() == [[True, True, True], [True, False, False]]


def test_labels_are_padded_with_nothing_allowed():
    batch = collate_labelled([example("MKL"), example("MKLAA")])
    assert batch.allowed.shape == (2, 5, 37)
    assert batch.allowed.dtype == torch.bool
    assert torch.equal(batch.allowed.any(dim=2), batch.residue_mask)
    assert batch.allowed[0, :3, 3].all()
    assert batch.kingdoms.tolist() == [2, 2]
    assert batch.sp_types.tolist() == [1, 1]
    assert batch.cleavage_sites.tolist() == [2, 4]
    assert batch.indices.tolist() == [3, 5]
    integers = ("kingdoms", "sp_types", "cleavage_sites", "indices")
    assert {getattr(batch, name).dtype for name in integers} == {torch.int64}


@pytest.mark.parametrize("kind", [Batch, LabelledBatch])
def test_moves_as_a_whole(kind):
    batch = collate_labelled([example("MKL"), example("MKLAA")])
    if kind is Batch:
        batch = Batch(batch.tokens, batch.mask, batch.kingdoms)
    for moved in (batch.to("meta"), move_data_to_device(batch, torch.device("meta"))):
        assert type(moved) is kind
        assert all(getattr(moved, field.name).is_meta for field in fields(moved))
    assert not batch.tokens.is_meta


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_pinned_batch_moves_to_the_gpu():
    batch = collate_labelled([example("MKL"), example("MKLAA")])
    pinned = batch.pin_memory()
    assert all(getattr(pinned, field.name).is_pinned() for field in fields(pinned))
    moved = pinned.to("cuda", non_blocking=True)
    assert torch.equal(moved.allowed.cpu(), batch.allowed)


def test_lightning_can_convert_the_tensors_of_a_batch():
    batch = collate_tokens([tokenize("MKL")])
    converted = apply_to_collection(batch, torch.Tensor, torch.Tensor.clone)
    assert torch.equal(converted.tokens, batch.tokens)
