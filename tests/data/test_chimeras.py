import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from peftsp.data.chimeras import tat_lipoproteins
from peftsp.data.datamodule import SignalPeptideData
from peftsp.data.legality import has_legal_path
from peftsp.data.regions import cleavage_site, region_bitmaps
from peftsp.data.sampling import cell_weights
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, SP_TYPES

RECORDS = SyntheticProteins(300, seed=0).load()
SETTINGS = {
    **{"fold": 0, "batch_size": 4, "eval_batch_size": 7, "num_workers": 0, "seed": 1},
    **{"balance": 0.5, "type_weights": None, "kingdom_weights": None},
    **{"extra_path": None, "train_splits": ("train",), "keeps_prior": True, "chimeras": 5},
    "protocol": "nested",
}


def test_every_chimera_has_a_twin_arginine_and_a_cysteine_behind_its_cut():
    made = tat_lipoproteins(RECORDS, 20, seed=1)
    assert {record.kingdom for record in made} <= set(KINGDOMS)
    assert len(made) >= 20
    for record in made:
        cut = cleavage_site(record)
        assert record.sp_type == "TATLIPO"
        assert "RR" in record.residues[:cut]
        assert record.residues[cut] == "C"
        assert len(record.residues) == len(record.annotation) <= 70
    lengths = np.array([len(record.residues) for record in made])
    assert has_legal_path(region_bitmaps(made), lengths).all()


def test_chimeras_are_of_one_kingdom_and_follow_from_the_seed():
    first, again, other = (tat_lipoproteins(RECORDS, 20, seed=s) for s in (1, 1, 2))
    assert first == again != other
    kingdoms = {record.accession: record.kingdom for record in RECORDS}
    for record in first:
        assert {kingdoms[name] for name in record.accession.split("+")} == {record.kingdom}
    assert len({record.accession for record in first}) == len(first)


def test_lipoproteins_without_cysteine_and_tat_signals_without_arginines_are_left_alone():
    spoilt = [
        replace(record, residues=record.residues.replace("C", "S"))
        if record.sp_type == "LIPO"
        else replace(record, residues=record.residues.replace("RR", "KK"))
        for record in RECORDS
    ]
    assert tat_lipoproteins(spoilt, 20, seed=1) == []
    with pytest.raises(ConfigError, match=r"data\.chimeras: expected 0 or more, found -1"):
        tat_lipoproteins(RECORDS, -1, seed=1)


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_chimeras_only_train_and_do_not_change_the_prior(balance):
    source = SyntheticProteins(300, seed=0)
    plain, data = (
        SignalPeptideData(source, **{**SETTINGS, "balance": balance, "chimeras": count})
        for count in (0, 5)
    )
    plain.setup("fit")
    data.setup("fit")
    made = data.records.sizes()["train"] - plain.records.sizes()["train"]
    assert made >= 5
    assert data.records.splits["test"] == plain.records.splits["test"]
    assert data.records.sizes()["validation"] == plain.records.sizes()["validation"]
    assert data.records.notes[-1] == f"data.chimeras: {made} Tat lipoproteins joined from two"
    found, every = (
        Counter(r.sp_type for r in d.records.splits["train"] if r.kingdom == "NEGATIVE")
        for d in (plain, data)
    )
    row = data.drawn_more[KINGDOMS.index("NEGATIVE")]
    odds = row[SP_TYPES.index("TATLIPO")] - row[SP_TYPES.index("TAT")]
    drawn = every["TATLIPO"] ** (1 - balance) / every["TAT"] ** (1 - balance)
    assert float(odds) == pytest.approx(
        math.log(drawn * found["TAT"] / max(found["TATLIPO"], 1)), abs=1e-5
    )


def test_weights_of_cells_without_examples_are_finite():
    assert cell_weights(torch.tensor([0]), torch.tensor([0]), balance=0.5).isfinite().all()
