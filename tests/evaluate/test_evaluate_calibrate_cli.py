"""What the calibrating command reads, says and ends with; the work itself is made up."""

from dataclasses import replace
from pathlib import Path

import pytest

from peftsp.errors import ConfigError
from peftsp.evaluate.calibrate import CalibrateSettings, CalibrateSummary, Quality
from peftsp.evaluate.calibrate_cli import main
from peftsp.evaluate.calibration import Calibration
from peftsp.evaluate.rows import Predicting

SUMMARY = CalibrateSummary(
    1234,
    Calibration(2.345, {"NO_SP": 0.0, "SP": 0.25, "LIPO": -1.5}),
    Quality(0.54321, 0.1, 1500),
    Quality(0.25, 0.00049, 12),
)


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for, when it gets `SUMMARY`."""
    kept = []

    def calibrate(settings):
        kept.append(settings)
        return SUMMARY

    monkeypatch.setattr("peftsp.evaluate.calibrate.calibrate_bundle", calibrate)
    return kept


def test_before_and_after_are_said(asked, capsys):
    assert main(["fast", "--data", "own.fasta", "-o", "new"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "temperature 2.35; offsets SP +0.25, LIPO -1.50",
        "of 1,234 proteins, each fifth calibrated on the others:",
        "  of a wrong type    1,500, then 12",
        "  calibration error  0.1000, then 0.0005",
        "  log loss           0.5432, then 0.2500",
        "new",
    ]


def test_offsets_of_nothing_are_said_to_be_none(monkeypatch, capsys):
    plain = replace(SUMMARY, calibration=Calibration(1.0, {"NO_SP": 0.0, "SP": 0.0}))
    monkeypatch.setattr("peftsp.evaluate.calibrate.calibrate_bundle", lambda _: plain)
    main(["fast", "--data", "own.fasta", "-o", "new"])
    assert capsys.readouterr().out.startswith("temperature 1.00; offsets none\n")


def test_every_option_arrives(asked):
    words = "runs/bundle --data own.fasta --output new --fold 0 --prevalence 0.1 --device cpu"
    assert main([*words.split(), "--hide-kingdom", "--no-progress"]) == 0
    assert asked == [
        CalibrateSettings(
            bundle="runs/bundle",
            data=Path("own.fasta"),
            fold=0,
            prevalence=0.1,
            output=Path("new"),
            predicting=Predicting("cpu", None, "fp32", tells_kingdom=False, has_progress=False),
        )
    ]


def test_what_is_not_given_is_left_to_the_model(asked):
    main(["fast", "--data", "own.fasta", "-o", "new"])
    assert (asked[0].fold, asked[0].prevalence) == (None, None)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ConfigError("--fold: expected none, found 2"), 2, "--fold: expected none, found 2\n"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was written\n"),
    ],
)
def test_what_ends_it_is_one_line(monkeypatch, capsys, error, status, line):
    def fail(_):
        raise error

    monkeypatch.setattr("peftsp.evaluate.calibrate.calibrate_bundle", fail)
    assert main(["fast", "--data", "own.fasta", "-o", "new"]) == status
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("--data own.fasta -o new", "BUNDLE"),
        ("fast -o new", "--data"),
        ("fast --data own.fasta", "--output"),
        ("fast --data own.fasta -o new --fold -1", "--fold"),
        ("fast --data own.fasta -o new --prevalence much", "--prevalence"),
    ],
)
def test_wrong_options_are_named(asked, capsys, words, found):
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert found in capsys.readouterr().err
    assert asked == []
