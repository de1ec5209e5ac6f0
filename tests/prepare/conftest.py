"""Sources to read, and what was made of them."""

import random
from pathlib import Path

import pytest

from peftsp.data.regions import cleavage_site

COLUMNS = (
    *("Entry", "Reviewed", "Taxonomic lineage", "Signal peptide", "Transmembrane", "Lipidation"),
    *("Propeptide", "Topological domain", "Protein names", "Sequence"),
)
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
BACTERIUM = "cellular organisms (no rank), Bacteria (domain), Pseudomonadota (phylum)"


@pytest.fixture
def written():
    """Function of a path and a text that writes it and returns the path."""

    def write(path: Path, text: str) -> Path:
        path.write_text(text)
        return path

    return write


@pytest.fixture
def table(tmp_path):
    """Function of rows, by column, that writes a table of UniProt and returns its path."""

    def write(*rows: dict[str, str]) -> Path:
        standard = {"Reviewed": "reviewed", "Taxonomic lineage": BACTERIUM}
        lines = ["\t".join(COLUMNS)]
        lines += ["\t".join({**standard, **r}.get(name, "") for name in COLUMNS) for r in rows]
        path = tmp_path / "uniprot.tsv"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def labels():
    """Function of a collection: kingdom, type and site by accession."""

    def of(collection) -> dict[str, tuple[str, str, int | None]]:
        return {
            p.record.accession: (p.record.kingdom, p.record.sp_type, cleavage_site(p.record))
            for p in collection.proteins
        }

    return of


@pytest.fixture
def reasons():
    """Function of a collection: why what it left out is of no use, by accession."""

    def of(collection) -> dict[str, str]:
        return {one.accession: one.reason for one in collection.unusable}

    return of


def family(rng: random.Random, members: int) -> list[str]:
    """Sequences that differ in a few residues."""
    parent = rng.choices(RESIDUES, k=60)
    children = []
    for _ in range(members):
        child = parent.copy()
        for place in rng.sample(range(60), 6):
            child[place] = rng.choice(RESIDUES)
        children.append("M" + "".join(child))
    return children


@pytest.fixture
def source(tmp_path):
    """Ten families of four proteins, half of them with a signal peptide."""
    rng = random.Random(0)
    rows = ["id,type,site,kingdom,group,partition,sequence"]
    for number in range(10):
        for member, sequence in enumerate(family(rng, 4)):
            label = "SP,20" if number % 2 else "NO_SP,"
            rows.append(f"P{number}_{member},{label},EUKARYA,g{number % 3},{member},{sequence}")
    path = tmp_path / "own.csv"
    path.write_text("\n".join(rows) + "\n")
    return path
