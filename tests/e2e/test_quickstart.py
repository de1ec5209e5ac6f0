"""The quick start of the README: two commands, and a model that has learned."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from peftsp.data.fasta import read_fasta
from peftsp.data.folds import split
from peftsp.data.regions import cleavage_site
from peftsp.data.synthetic import SyntheticProteins
from peftsp.labels import SP_TYPES

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_quickstart_leaves_what_the_readme_promises(quickstart):
    folder = quickstart / "runs" / "quickstart"
    for name in ("bundle/config.json", "bundle/weights.safetensors", "metrics.csv"):
        assert (folder / name).stat().st_size > 100, name
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "bundle" / "weights.safetensors").stat().st_size < 100_000


def test_every_example_gets_a_row_in_its_order(quickstart, quickstart_table):
    [example] = [
        word
        for line in (REPOSITORY / "Makefile").read_text().splitlines()
        for word in line.split()
        if word.startswith("examples/")
    ]
    records = list(read_fasta(REPOSITORY / example))
    assert [row["id"] for row in quickstart_table] == [r.identifier for r in records]
    for row in quickstart_table:
        assert sum(float(row[name]) for name in SP_TYPES) == pytest.approx(1, abs=1e-4)
        assert row["sp_type"] == max(SP_TYPES, key=lambda name: float(row[name]))
        assert bool(row["cleavage_site"]) == (row["sp_type"] != "NO_SP")


@pytest.fixture(scope="module")
def unseen():
    """Made-up proteins of the partition that the quick start kept for the test."""
    return split(SyntheticProteins(600, 0).load(), 0)[2]


@pytest.fixture(scope="module")
def rows(quickstart, unseen, predict, tmp_path_factory):
    bundle = quickstart / "runs" / "quickstart" / "bundle"
    return predict(unseen, bundle, tmp_path_factory.mktemp("unseen"))


def test_types_of_unseen_proteins_are_recovered(rows, unseen):
    found = [row["sp_type"] for row in rows]
    assert matthews_corrcoef([record.sp_type for record in unseen], found) > 0.7


def test_cleavage_sites_of_unseen_proteins_are_recovered(rows, unseen):
    """Off by less than four residues in most, and exact in half."""
    offsets = np.array(
        [
            # Where the model says that a protein ends before the cut it is not near.
            int(row["cleavage_site"] or 99) - cleavage_site(record)
            for row, record in zip(rows, unseen, strict=True)
            if row["sp_type"] == record.sp_type != "NO_SP"
        ]
    )
    assert len(offsets) > 100
    assert np.mean(np.abs(offsets) <= 3) > 0.75
    assert np.mean(offsets == 0) > 0.5


def test_right_predictions_are_the_sure_ones(rows, unseen):
    is_right = np.array([r["sp_type"] == u.sp_type for r, u in zip(rows, unseen, strict=True)])
    certainty = np.array([float(row[row["sp_type"]]) for row in rows])
    assert certainty[is_right].mean() > certainty[~is_right].mean()


def test_regions_lie_before_the_cut(rows):
    for row in rows:
        if row["sp_type"] in ("SP", "TAT") and row["cleavage_site"]:
            ends = [int(row[f"{name}_region_end"]) for name in "nhc"]
            assert ends == sorted(ends)
            assert ends[-1] == int(row["cleavage_site"])
