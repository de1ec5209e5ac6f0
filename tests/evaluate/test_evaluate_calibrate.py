"""The command makes a bundle whose probabilities are calibrated on what it had not seen."""

import json
import shutil

import pytest
import torch

from peftsp.data.identity import sequence_mark, split_marks
from peftsp.data.labelled import read_labelled
from peftsp.evaluate.calibrate_cli import main
from peftsp.evaluate.calibration import Calibration
from peftsp.evaluate.rows import Predicting, predict_rows, predict_types
from peftsp.evaluate.seen import members_of
from peftsp.model.shipped import find_model
from peftsp.runs.record import PREDICTION_COLUMNS

pytestmark = pytest.mark.slow
PREDICTING = Predicting("cpu", None, "fp32", tells_kingdom=True, has_progress=False)


@pytest.fixture
def bundle(trained):
    """Of the run that tests partition 0 and validates on partition 1."""
    [found] = (trained / "runs").glob("*/*fold0*/bundle")
    return found


@pytest.fixture
def calibrate(trained, capsys):
    """Function that runs the command: status, what it printed, what it complained of."""

    def run(bundle, output, *options, data="own.fasta"):
        given = ["--data", str(trained / data), "-o", str(output), "--no-progress"]
        status = main([str(bundle), *given, *options])
        return status, *capsys.readouterr()

    return run


def test_the_validation_partition_calibrates(trained, bundle, calibrate, tmp_path):
    status, said, _ = calibrate(bundle, tmp_path / "new")
    assert status == 0
    records = read_labelled(trained / "own.fasta")
    validating = [record for record in records if record.partition == 1]
    assert f"of {len(validating)} proteins, each fifth calibrated on the others" in said
    about = json.loads((tmp_path / "new" / "config.json").read_text())["training"]
    found = Calibration(about["calibration"]["temperature"], about["calibration"]["offsets"])
    before = predict_types(bundle, records, PREDICTING)
    after = predict_types(tmp_path / "new", records, PREDICTING)
    torch.testing.assert_close(after, found.apply(before), atol=2e-5, rtol=1e-3)
    assert (after - before).abs().max() > 0.01
    assert split_marks(about["proteins"]) >= {sequence_mark(r.residues) for r in validating}
    [member] = members_of([tmp_path / "new"], records)
    assert {records[place].partition for place in member.unseen} == {0}


def test_sites_of_a_type_stay(trained, bundle, calibrate, tmp_path):
    assert calibrate(bundle, tmp_path / "new")[0] == 0
    records = read_labelled(trained / "own.fasta")
    rows = [
        predict_rows([one], records, range(len(records)), PREDICTING)
        for one in (bundle, tmp_path / "new")
    ]
    pairs = [(rows[0][place], rows[1][place]) for place in rows[0]]
    called = PREDICTION_COLUMNS.index("predicted_type")
    found = [PREDICTION_COLUMNS.index(f"{name}_region_end") for name in "nhc"]
    found.append(PREDICTION_COLUMNS.index("predicted_site"))
    same = [(a, b) for a, b in pairs if a[called] == b[called]]
    assert any(a[found[-1]] for a, _ in same), "signal peptides are called"
    assert [[a[n] for n in found] for a, _ in same] == [[b[n] for n in found] for _, b in same]


def test_a_calibrated_bundle_is_calibrated_from_where_it_is(trained, bundle, calibrate, tmp_path):
    names = "once", "twice"
    for was, name in zip((bundle, tmp_path / "once"), names, strict=True):
        assert calibrate(was, tmp_path / name)[0] == 0
    records = read_labelled(trained / "own.fasta")
    once, twice = (predict_types(tmp_path / name, records, PREDICTING) for name in names)
    about = json.loads((tmp_path / "twice" / "config.json").read_text())["training"]
    found = Calibration(about["calibration"]["temperature"], about["calibration"]["offsets"])
    torch.testing.assert_close(twice, found.apply(once), atol=2e-5, rtol=1e-3)


def test_a_model_that_ships_keeps_its_licence_and_says_what_it_is(trained, calibrate, tmp_path):
    assert calibrate("fast", tmp_path / "new")[0] == 0
    card = (tmp_path / "new" / "README.md").read_text()
    assert "Calibrated from `fast`, content hash" in card
    licence = json.loads((find_model("fast") / "config.json").read_text())["training"]["licence"]
    about = json.loads((tmp_path / "new" / "config.json").read_text())["training"]
    assert about["licence"] == licence
    assert about["calibration"]["proteins"] == len(read_labelled(trained / "own.fasta"))


def test_another_prevalence_is_expected(trained, calibrate, tmp_path):
    records = read_labelled(trained / "own.fasta")
    odds = []
    for name, options in (("as_it_is", []), ("rare", ["--prevalence", "0.02"])):
        status, said, _ = calibrate("fast", tmp_path / name, *options)
        assert status == 0
        assert ("before --prevalence moves them" in said) == bool(options)
        none = predict_types(tmp_path / name, records, PREDICTING)[:, 0].double()
        odds.append((none / (1 - none)).log())
    share = sum(record.sp_type != "NO_SP" for record in records) / len(records)
    expected = torch.tensor([0.98 / 0.02 * share / (1 - share)]).log().double()
    is_measurable = torch.stack(odds).abs().amax(dim=0) < 10  # beyond, float32 is too coarse
    assert is_measurable.sum() > 5
    difference = (odds[1] - odds[0])[is_measurable]
    torch.testing.assert_close(difference, expected.expand_as(difference), atol=0.05, rtol=0)


def copy_of(bundle, folder, **changes):
    """A bundle of which other things are said."""
    shutil.copytree(bundle, folder)
    path = folder / "config.json"
    said = json.loads(path.read_text())
    for group, values in changes.items():
        said[group] |= values
    path.write_text(json.dumps(said))
    return folder


def test_a_model_that_begins_from_one_of_unknown_proteins_has_its_fold(
    trained, bundle, calibrate, tmp_path
):
    unknown = copy_of(bundle, tmp_path / "unknown", training={"proteins": None})
    status, said, complained = calibrate(unknown, tmp_path / "new")
    validating = [r for r in read_labelled(trained / "own.fasta") if r.partition == 1]
    assert status == 0
    assert f"of {len(validating)} proteins" in said
    assert "unknown does not say all that it was trained on" in complained


@pytest.mark.parametrize("changes", [{"constraint": "soft"}, {"table": "none"}])
def test_a_model_whose_paths_change_their_type_is_refused(bundle, calibrate, tmp_path, changes):
    """An offset where paths begin would not reach the types that they end in."""
    status, _, complained = calibrate(
        copy_of(bundle, tmp_path / "free", crf=changes), tmp_path / "new"
    )
    assert status == 2
    assert complained.startswith(f"{tmp_path}/free: expected crf.constraint=hard and a crf.table ")
    assert not (tmp_path / "new").exists()


def test_what_does_not_fit_is_one_line(trained, bundle, calibrate, tmp_path):
    (tmp_path / "there").mkdir()
    status, said, complained = calibrate(bundle, tmp_path / "there")
    assert (status, said) == (2, "")
    assert complained == f"{tmp_path}/there: expected a new folder, found one that exists\n"
    assert "expected one of 0, for which" in calibrate(bundle, tmp_path / "a", "--fold", "2")[2]
    assert "expected none, as fast" in calibrate("fast", tmp_path / "a", "--fold", "2")[2]
    (trained / "few.csv").write_text("id,sequence,signal_peptide\na,MKKLLAAAA,no\n")
    assert "found a table without" in calibrate("fast", tmp_path / "a", data="few.csv")[2]
    lines = (trained / "own.fasta").read_text().splitlines(keepends=True)[:3]
    (trained / "one.fasta").write_text("".join(lines))
    assert (
        "with and without signal peptide" in calibrate("fast", tmp_path / "a", data="one.fasta")[2]
    )
    assert "found 1.0" in calibrate("fast", tmp_path / "a", "--prevalence", "1")[2]
    assert not (tmp_path / "a").exists()
