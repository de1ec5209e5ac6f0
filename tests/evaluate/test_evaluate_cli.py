"""The command tests bundles on what they have not seen, as their runs did."""

import pandas as pd
import pytest

from peftsp.evaluate.cli import main
from peftsp.report.cli import main as report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("blank_pictures")]


def test_folds_give_the_numbers_of_their_runs(evaluate, measures, trained, tmp_path, capsys):
    assert evaluate(trained, tmp_path / "a") == 0
    assert "called one" in capsys.readouterr().out
    given = [str(trained / "runs"), "-o", str(tmp_path / "b"), "--resamples", "100"]
    assert report([*given, "--no-progress"]) == 0
    pd.testing.assert_frame_equal(measures(tmp_path / "a"), measures(tmp_path / "b"))
    page = (tmp_path / "a" / "report.html").read_text()
    for name in ("confusion", "thresholds", "calibration", "groups"):
        assert (tmp_path / "a" / "figures" / f"{name}.png").is_file()
        assert f'id="{name}-caption"' in page
    assert "best threshold" in page
    assert "What it costs" not in page


def test_named_methods_are_compared(trained, tmp_path, capsys):
    bundles = sorted(map(str, (trained / "runs").glob("*/*/bundle")))
    given = ["--data", str(trained / "own.fasta"), "--resamples", "100", "--no-progress"]
    named = ["--method", "one", *bundles, "--method", "two", *bundles[::-1]]
    assert main([*named, *given, "-o", str(tmp_path / "a")]) == 0
    table = pd.read_csv(tmp_path / "a" / "tables" / "comparison.csv")
    assert (table["difference"] == 0).all()
    assert main(["--bundle", "fast", "--bundle", "fast", *given, "-o", str(tmp_path / "b")]) == 2
    assert "--bundle: expected each model once, found " in capsys.readouterr().err
    assert main([*given, "-o", str(tmp_path / "b")]) == 2
    assert main(["--method", "one", *given, "-o", str(tmp_path / "b")]) == 2
    assert main([*named, *given, "--contender", "two=x", "-o", str(tmp_path / "b")]) == 2
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()[-3:]] == [
        *("expected --bundle or --method, found neither", "--method one", "--contender"),
    ]
    assert main(["--method", "n", "fast", *given, "-o", str(tmp_path / "b")]) == 2
    assert capsys.readouterr().err.endswith("that no column of tables has, found n\n")
