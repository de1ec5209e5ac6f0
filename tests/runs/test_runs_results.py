"""Which folders are taken for runs, and what is said of broken ones."""

import pandas as pd
import pytest

from peftsp.errors import RunError
from peftsp.runs.results import find_runs, read_run


def test_finished_runs_are_found_below_and_others_are_told_apart(make_run, tmp_path):
    finished = [make_run("lora", fold) for fold in (0, 1)]
    stopped = make_run("lora", 2)
    (stopped / "run.json").unlink()
    (tmp_path / "runs" / "notes").mkdir()
    found, skipped = find_runs([tmp_path])
    assert found == finished
    assert skipped == [stopped]


@pytest.mark.parametrize("changes", [{"ended": None}, {"version": 1}])
def test_run_that_has_not_ended_or_cannot_be_read_is_skipped(make_run, edit_record, changes):
    finished, other = make_run("lora"), make_run("prompt")
    edit_record(other, **changes)
    assert find_runs([finished, other]) == ([finished], [other])


def test_what_loggers_make_in_a_run_is_no_run(make_run, tmp_path):
    folder = make_run()
    (folder / "wandb" / "offline-run-1" / "logs").mkdir(parents=True)
    assert find_runs([tmp_path]) == ([folder], [])


def test_runs_may_lie_behind_links_and_in_a_folder_called_logs(make_run, tmp_path):
    folder = make_run()
    (tmp_path / "study" / "logs").mkdir(parents=True)
    (tmp_path / "study" / "logs" / "run").symlink_to(folder)
    assert find_runs([tmp_path / "study"])[0] == [tmp_path / "study" / "logs" / "run"]


def test_run_given_twice_counts_once(make_run, tmp_path):
    folder = make_run()
    assert find_runs([folder, tmp_path])[0] == [folder]


def test_no_run_and_no_folder_are_errors(make_run, tmp_path):
    with pytest.raises(RunError, match=r"expected finished runs .* found no run"):
        find_runs([tmp_path])
    (make_run() / "run.json").unlink()
    with pytest.raises(RunError, match="found 1 that are not finished or not tested"):
        find_runs([tmp_path])
    with pytest.raises(RunError, match="nowhere: expected the folder of a run"):
        find_runs([tmp_path / "nowhere"])


def test_record_and_predictions_are_read_as_written(make_run):
    run = read_run(make_run("adapter", fold=3, seed=4))
    assert (run.record.method, run.record.fold, run.record.seed) == ("adapter", 3, 4)
    assert run.record.cost.fit_seconds == 12.5
    assert len(run.predictions) == 400
    is_cut = run.predictions["sp_type"] != "NO_SP"
    assert (run.predictions["cleavage_site"].notna() == is_cut).all()


def test_type_of_a_column_does_not_hang_on_whether_cells_are_empty(make_run):
    """By it, the proteins of several test partitions are compared."""
    folder = make_run()
    rows = pd.read_csv(folder / "test_predictions.csv")
    rows[rows["cleavage_site"].notna()].to_csv(folder / "test_predictions.csv", index=False)
    assert read_run(folder).predictions["cleavage_site"].dtype == float


def test_curves_of_several_starts_are_one(make_run):
    folder = make_run()
    later = folder / "logs" / "version_10"
    later.mkdir()
    (later / "metrics.csv").write_text("epoch,step,train/nll\n1,1,40.0\n1,2,30.0\n")
    (folder / "logs" / "version_2").mkdir()
    (folder / "logs" / "version_2" / "metrics.csv").write_text("")
    curves = read_run(folder).curves
    assert curves["train/nll"].to_dict() == {0: 60.5, 1: 40.0, 2: 30.0}
    assert curves["val/nll"].dropna().to_dict() == {1: 48.0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, r"run\.json: expected peftsp-run of version 2, found \('other', 2\)"),
        ({"version": 1}, r"run\.json: expected peftsp-run of version 2, found .*1"),
        ({"fold": "first"}, r"run\.json: fold: expected int, found 'first'"),
        ({"cost": {"fit_seconds": 1}}, r"run\.json: expected the keys"),
        ({"surprise": 1}, r"run\.json: expected the keys .* found: .*surprise"),
        ({"settings": 3}, r"run\.json: settings: expected dict\[str, Any\], found 3"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_broken_record_is_named(make_run, edit_record, changes, message):
    folder = make_run()
    edit_record(folder, **changes)
    with pytest.raises(RunError, match=message):
        read_run(folder)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]"])
def test_record_that_is_no_record_is_named(make_run, text):
    folder = make_run()
    (folder / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run\.json: expected"):
        read_run(folder)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (2, "FUNGI", r":3: kingdom: expected one of EUKARYA, .* found 'FUNGI'"),
        (6, "SPI", r":3: predicted_type: expected one of NO_SP, .* found 'SPI'"),
        (8, "", r":3: NO_SP: expected a number, found nothing"),
        (4, "x", r":3: cleavage_site: expected a number, found 'x'"),
    ],
)
def test_broken_prediction_is_named_with_its_line(make_run, column, value, message):
    path = make_run() / "test_predictions.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[2][column] = value
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    with pytest.raises(RunError, match=message):
        read_run(path.parent)


def test_records_of_one_accession_stay_apart(make_run):
    path = make_run() / "test_predictions.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], lines[1], *lines[4:]]) + "\n")
    names = read_run(path.parent).predictions["protein"]
    assert names.is_unique
    assert names[[0, 3]].tolist() == ["P0-000/0/0", "P0-000/0/1"]


def test_other_columns_and_empty_tables_are_named(make_run):
    path = make_run() / "test_predictions.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header.replace("partition", "part"), *rows]))
    with pytest.raises(
        RunError, match=r"expected the columns .*differing: \['part', 'partition'\]"
    ):
        read_run(path.parent)
    path.write_text(header + "\n")
    with pytest.raises(RunError, match="expected a row for each test protein, found none"):
        read_run(path.parent)
    path.write_text("")
    with pytest.raises(RunError, match=r"test_predictions\.csv: expected a table"):
        read_run(path.parent)
