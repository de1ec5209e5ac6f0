"""Tables against the csv module and pyarrow."""

import csv
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peftsp.inference.formats.base import RunFacts
from peftsp.inference.formats.table import COLUMNS, CSV, PARQUET, TSV, table_row
from peftsp.records import Prediction, Region

REGIONS = (Region("n", 1, 5), Region("h", 6, 15), Region("c", 16, 22))
FACTS = RunFacts(1, "other", "model", datetime(2026, 1, 1), 1, False)


def prediction(header="P1 first", sp_type="SP"):
    return Prediction(header, sp_type, (0.0, 0.75, 1 / 3, 0.0, 0.0, 0.0), 22, 0.5, REGIONS)


def test_row_has_a_cell_for_each_column():
    row = dict(zip(COLUMNS, table_row(prediction()), strict=True))
    assert row == {
        "id": "P1",
        "sp_type": "SP",
        "NO_SP": "0.000000",
        "SP": "0.750000",
        "LIPO": "0.333333",
        "TAT": "0.000000",
        "TATLIPO": "0.000000",
        "PILIN": "0.000000",
        "cleavage_site": "22",
        "cleavage_site_probability": "0.500000",
        "n_region_end": "5",
        "h_region_end": "15",
        "c_region_end": "22",
        "description": "first",
        "note": "",
    }


@pytest.mark.parametrize(("certainty", "note"), [(0.499, "unsure cleavage site"), (0.5, "")])
def test_site_that_is_less_probable_than_others_is_noted(certainty, note):
    found = replace(prediction(), cleavage_site_probability=certainty)
    assert table_row(found)[-1] == note


def test_row_without_signal_peptide_has_empty_cells():
    row = table_row(Prediction("P1", "NO_SP", (1.0, 0, 0, 0, 0, 0), None, None, ()))
    assert row[-6:] == ["", "", "", "", "", ""]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(headers=st.lists(st.text(min_size=1).filter(lambda header: header.split()), max_size=8))
@pytest.mark.parametrize("choice", [CSV, TSV], ids=["csv", "tsv"])
def test_any_identifier_survives(tmp_path, choice, headers):
    choice.write(lambda: map(prediction, headers), tmp_path, FACTS)
    path = tmp_path / f"predictions.{choice.name}"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="," if choice is CSV else "\t"))
    assert [row["id"] for row in rows] == [header.split()[0] for header in headers]
    assert path.read_bytes().count(b"\n") == len(headers) + 1
    assert b"\r\n" not in path.read_bytes()


def test_parquet_has_the_same_columns_with_types(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    nothing = Prediction("P2", "NO_SP", (1.0, 0.0, 0.0, 0.0, 0.0, 0.0), None, None, ())
    PARQUET.write(lambda: iter([prediction(), nothing] * 6000), tmp_path, FACTS)
    table = parquet.read_table(tmp_path / "predictions.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.num_rows == 12000
    rows = table.slice(11998).to_pylist()
    assert rows[0]["id"] == "P1"
    assert rows[0]["LIPO"] == pytest.approx(1 / 3)
    assert rows[0]["cleavage_site"] == 22
    assert rows[1]["cleavage_site"] is None
    assert table.schema.field("note").type == "string"
