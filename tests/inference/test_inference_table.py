import csv
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peftsp.inference.table import COLUMNS, PredictionTable, table_row
from peftsp.records import Prediction, Region

REGIONS = (Region("n", 1, 5), Region("h", 6, 15), Region("c", 16, 22))


def prediction(header="P1 first", sp_type="SP"):
    return Prediction(header, sp_type, (0.0, 0.75, 1 / 3, 0.0, 0.0, 0.0), 22, 0.5, REGIONS)


def interrupted(path, fingerprint, rows):
    """A table whose run ended after some rows."""
    with PredictionTable(path, fingerprint) as table:
        table.write(prediction(f"P{index}") for index in range(rows))
    return table


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
    }


def test_row_without_signal_peptide_has_empty_cells():
    row = table_row(Prediction("P1", "NO_SP", (1.0, 0, 0, 0, 0, 0), None, None, ()))
    assert row[-5:] == ["", "", "", "", ""]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(headers=st.lists(st.text(min_size=1).filter(lambda header: header.split()), max_size=8))
def test_any_identifier_survives(tmp_path, headers):
    path = tmp_path / "t.csv"
    with PredictionTable(path, {}) as table:
        table.write(map(prediction, headers))
        kept = PredictionTable(path, {}).resume(1)
        table.finish()
    assert kept.total() == len(headers)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [header.split()[0] for header in headers]
    assert path.read_bytes().count(b"\n") == len(headers) + 1
    assert b"\r\n" not in path.read_bytes()


def test_table_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "t.csv"
    table = interrupted(path, {"run": 1}, rows=2)
    assert not path.exists()
    assert table.partial.read_text().count("\n") == 3
    with PredictionTable(path, {"run": 2}) as table:
        table.write([prediction()])
        table.finish()
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    assert path.read_text().count("\n") == 2


def test_finished_table_stays_until_there_are_new_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("earlier\n")
    with PredictionTable(path, {}) as table:
        table.resume(1)
        assert path.read_text() == "earlier\n"
        table.write([prediction()])
        assert not path.exists()


@pytest.mark.parametrize(("window", "kept"), [(1, 7), (3, 6), (7, 7), (8, 0)])
def test_whole_windows_are_kept(tmp_path, window, kept):
    table = interrupted(tmp_path / "t.csv", {"run": 1}, rows=7)
    whole = table.partial.read_bytes()
    with PredictionTable(table.path, {"run": 1}) as table:
        assert table.resume(window) == ({"SP": kept} if kept else {})
        table.write(prediction(f"P{index}") for index in range(kept, 7))
        table.finish()
    assert table.path.read_bytes() == whole


@pytest.mark.parametrize(
    "tail",
    [b"P7,SP,0.0", b"P7,SP\n", b"\x00" * 40, b'P7,"', "P7é".encode()[:-1]],
    ids=["cut", "short", "zeros", "quote", "letter"],
)
def test_torn_row_is_dropped(tmp_path, tail):
    table = interrupted(tmp_path / "t.csv", {}, rows=7)
    whole = table.partial.read_bytes()
    table.partial.write_bytes(whole + tail)
    with PredictionTable(table.path, {}) as table:
        assert table.resume(1).total() == 7
        table.finish()
    assert table.path.read_bytes() == whole


@pytest.mark.parametrize("sidecar", ["", '{"run": ', '{"run": 2}', "[]"])
def test_rows_of_another_run_are_not_kept(tmp_path, sidecar):
    table = interrupted(tmp_path / "t.csv", {"run": 1}, rows=7)
    (tmp_path / "t.csv.partial.json").write_text(sidecar)
    with PredictionTable(table.path, {"run": 1}) as table:
        assert not table.resume(1)
        table.write([prediction("new")])
    assert table.partial.read_text().count("\n") == 2
    assert json.loads((tmp_path / "t.csv.partial.json").read_text()) == {"run": 1}


def test_rows_of_a_run_that_cannot_resume_are_never_kept(tmp_path):
    path = tmp_path / "t.csv"
    interrupted(path, {"run": 1}, rows=3)
    interrupted(path, None, rows=7)
    assert not PredictionTable(path, {"run": 1}).resume(1)


def test_sidecar_without_rows_is_no_obstacle(tmp_path):
    table = interrupted(tmp_path / "t.csv", {}, rows=3)
    table.partial.unlink()
    assert not PredictionTable(table.path, {}).resume(1)
