import io

import numpy as np
import torch

from peftsp.data.batch import collate_labelled
from peftsp.data.dataset import LabelledDataset
from peftsp.data.labelled import read_labelled
from peftsp.data.regions import region_bitmap
from peftsp.data.synthetic import SyntheticProteins
from peftsp.data.tokens import tokenize
from peftsp.labels import KINGDOMS


def test_examples_hold_what_the_records_say():
    records = SyntheticProteins(60, seed=3).load()
    dataset = LabelledDataset(records)
    assert len(dataset) == len(records)
    for index, record in enumerate(records):
        example = dataset[index]
        assert example.index == index
        assert example.tokens.tolist() == tokenize(record.residues)
        assert np.array_equal(example.allowed.numpy(), region_bitmap(record))


def test_agrees_with_recorded_examples(shared, real_records):
    with np.load(shared / "golden" / "labels" / "selected.npz") as golden:
        # PILIN and some TAT bitmaps differ on purpose, see test_regions.
        rows = [i for i, kind in enumerate(golden["sp_type"]) if kind not in ("PILIN", "TAT")]
        records = [real_records[golden["dataset_row"][row]] for row in rows]
        dataset = LabelledDataset(records)
        batch = collate_labelled([dataset[index] for index in range(len(dataset))])
        assert torch.equal(batch.mask, torch.from_numpy(golden["input_mask"][rows]).bool())
        assert np.array_equal(batch.allowed, golden["region_bitmap"][rows] == 1)
        assert batch.sp_types.tolist() == golden["global_label"][rows].tolist()
        assert batch.kingdoms.tolist() == golden["kingdom_id"][rows].tolist()
        assert batch.cleavage_sites.tolist() == golden["cleavage_site"][rows].tolist()
        assert dataset.sp_types.tolist() == batch.sp_types.tolist()
        assert dataset.kingdoms.tolist() == batch.kingdoms.tolist()


def test_an_unknown_kingdom_is_the_row_behind_the_known_ones():
    records = read_labelled(io.StringIO(">P1|UNKNOWN|SP|0\nMKLLAAAAAAQAQ\nSSSSSSSSSSUUU\n"))
    assert LabelledDataset(records)[0].kingdom == len(KINGDOMS)
