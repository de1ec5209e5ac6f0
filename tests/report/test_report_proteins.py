"""Test proteins of made-up runs, numbered by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from peftsp.errors import RunError
from peftsp.labels import KINGDOM_LABELS, SP_TYPES
from peftsp.report.methods import Method
from peftsp.report.proteins import Proteins, codes, joined, outcomes, sites
from peftsp.runs.results import Run, with_proteins

COLUMNS = ["accession", "partition", "kingdom", "sp_type", "cleavage_site", "membrane_start"]
COLUMNS += ["predicted_type", "predicted_site"]
NAN = float("nan")
A = ["A", 0, "NEGATIVE", "TAT", 30.0, NAN, "TAT", 31.0]
B = ["B", 0, "EUKARYA", "NO_SP", NAN, 12.0, "SP", 20.0]
C = ["C", 1, "EUKARYA", "SP", 20.0, NAN, "NO_SP", NAN]
D = ["D", 0, "EUKARYA", "NO_SP", NAN, NAN, "NO_SP", NAN]


@pytest.fixture
def run(make_record):
    """Function of rows that gives a run of them."""

    def make(*rows, name="run"):
        table = pd.DataFrame([list(row) for row in rows], columns=COLUMNS)
        table[["cleavage_site", "membrane_start", "predicted_site"]] = table[
            ["cleavage_site", "membrane_start", "predicted_site"]
        ].astype(float)
        return Run(Path(name), make_record(), with_proteins(table), pd.DataFrame())

    return make


def proteins_of(*runs):
    return Proteins.of([Method(f"m{number}", (run,), {}) for number, run in enumerate(runs)])


def test_proteins_of_all_runs_are_there_once(run):
    proteins = proteins_of(run(C, A), run(B, A, D))
    assert list(proteins.table.index) == ["A/0/0", "B/0/0", "C/1/0", "D/0/0"]
    assert len(proteins) == 4
    assert proteins.table["membrane_start"].tolist()[1] == 12
    names = pd.Series(["D/0/0", "A/0/0", "D/0/0"])
    assert proteins.places(names).tolist() == [3, 0, 3]


def test_records_of_one_accession_are_proteins_of_their_own(run):
    again = ["A", 0, "NEGATIVE", "SP", 20.0, NAN, "SP", 20.0]
    assert list(proteins_of(run(A, again)).table["sp_type"]) == ["TAT", "SP"]


def test_strata_are_of_one_partition_kingdom_and_type(run):
    names = [
        (partition, kingdom, sp_type)
        for partition in (0, 1, 10)
        for kingdom in KINGDOM_LABELS
        for sp_type in SP_TYPES
        for _ in range(2)
    ]
    rows = [[f"{n:03d}", *name, NAN, NAN, "SP", NAN] for n, name in enumerate(names)]
    proteins = proteins_of(run(*rows))
    pairs = set(zip(names, proteins.strata.tolist(), strict=True))
    assert len(pairs) == len(set(names)) == len(set(proteins.strata.tolist()))


def test_cells_are_those_with_signal_peptides_in_the_order_of_the_labels(run):
    pilin = ["E", 0, "NEGATIVE", "PILIN", 6.0, NAN, "SP", 20.0]
    proteins = proteins_of(run(pilin, A, B, C))
    assert proteins.cells == [("EUKARYA", "SP"), ("NEGATIVE", "TAT"), ("NEGATIVE", "PILIN")]
    kingdoms, types = proteins.cell_places()
    found = [(KINGDOM_LABELS[k], SP_TYPES[t]) for k, t in zip(kingdoms, types, strict=True)]
    assert found == proteins.cells


def test_outcomes_number_proteins_and_models(run):
    runs = [run(C, A), run(B, A)]
    found = outcomes(runs, proteins_of(*runs))
    eukarya, negative = KINGDOM_LABELS.index("EUKARYA"), KINGDOM_LABELS.index("NEGATIVE")
    assert found.protein.tolist() == [2, 0, 1, 0]
    assert found.model.tolist() == [0, 0, 1, 1]
    assert found.kingdom.tolist() == [eukarya, negative, eukarya, negative]
    assert [SP_TYPES[t] for t in found.true_type] == ["SP", "TAT", "NO_SP", "TAT"]
    assert [SP_TYPES[t] for t in found.predicted_type] == ["NO_SP", "TAT", "SP", "TAT"]
    assert found.true_site.tolist() == [20, 30, -1, 30]
    assert found.predicted_site.tolist() == [-1, 31, 20, 31]
    assert (found.proteins, found.models) == (3, 2)
    assert found.protein.dtype == found.true_site.dtype == np.int64


def test_joined_rows_know_their_run(run):
    rows = joined([run(A), run(B, C)])
    assert rows[["accession", "model"]].to_numpy().tolist() == [["A", 0], ["B", 1], ["C", 1]]
    assert list(rows.index) == [0, 1, 2]


@pytest.mark.parametrize(("column", "value"), [(2, "POSITIVE"), (3, "SP"), (4, 29.0), (5, 40.0)])
def test_runs_that_disagree_about_a_protein_are_refused(run, column, value):
    other = [value if number == column else cell for number, cell in enumerate(A)]
    with pytest.raises(RunError) as caught:
        proteins_of(run(A, B), run(C, other, name="second"))
    assert str(caught.value) == (
        "second: expected the protein A/0/0 with the partition and labels that other runs give it, "
        "found others"
    )


def test_without_signal_peptides_there_is_nothing_to_report(run):
    with pytest.raises(RunError) as caught:
        proteins_of(run(B), run(D))
    assert str(caught.value) == (
        "test proteins: expected some with a signal peptide, found 2 without"
    )


def test_a_name_that_is_none_is_no_code():
    assert sites(pd.Series([NAN, 1.0])).tolist() == [-1, 1]
    with pytest.raises(KeyError):
        codes(pd.Series(["SP", "none"]), SP_TYPES)
