"""The model that ships with peftsp, on proteins whose signal peptides everybody knows."""

import csv
from pathlib import Path

import pytest

from peftsp.inference.cli import main
from peftsp.model.bundle import DEFAULT_BUNDLE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "proteins.fasta"

# UniProt: SP type and the last residue of the signal peptide.
KNOWN = {
    "INS_HUMAN": ("SP", 24),
    "ALBU_HUMAN": ("SP", 18),
    "OMPA_ECOLI": ("SP", 21),
    "LPP_ECOLI": ("LIPO", 20),
    "TORA_ECOLI": ("TAT", 39),
    "FMM1_NEIGO": ("PILIN", 7),
    "GFP_AEQVI": ("NO_SP", None),
    "LACY_ECOLI": ("NO_SP", None),
    "ACTB_HUMAN": ("NO_SP", None),
    "G3P1_ECOLI": ("NO_SP", None),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default")
    assert main([str(EXAMPLES), "-o", str(folder), "--no-progress"]) == 0
    with (folder / "predictions.csv").open() as table:
        return {row["id"].rpartition("|")[2]: row for row in csv.DictReader(table)}


@pytest.mark.parametrize("name", KNOWN)
def test_known_protein_comes_out_right(rows, name):
    sp_type, site = KNOWN[name]
    row = rows[name]
    assert (row["sp_type"], row["cleavage_site"]) == (sp_type, str(site or ""))


def test_every_example_is_known(rows):
    assert rows.keys() == KNOWN.keys()


def test_shipped_files_are_small():
    shipped = DEFAULT_BUNDLE.parent.rglob("*")
    assert sum(path.stat().st_size for path in shipped if path.is_file()) < 16 * 1024**2
