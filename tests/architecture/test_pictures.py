"""The picture of the packages is of the import rules; that of the terminal, of its recording."""

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "docs"))

import pictures  # noqa: E402
import recording  # noqa: E402


def test_picture_is_drawn_from_the_rules_that_hold():
    assert pictures.PACKAGES.read_text() == pictures.draw_packages(), "run python docs/pictures.py"


def test_every_package_is_in_the_picture():
    drawn = set(re.findall(r">(\w+)</text>", pictures.draw_packages()))
    assert {path.parent.name for path in (REPOSITORY / "peftsp").glob("*/__init__.py")} <= drawn


def test_moving_picture_is_drawn_from_the_recording():
    events = recording.of_cast(recording.CAST.read_text())
    assert recording.as_cast(events) == recording.CAST.read_text()
    assert recording.as_svg(events) == recording.PICTURE.read_text(), "run python docs/recording.py"


def test_recording_is_of_the_commands_and_short():
    events = recording.of_cast(recording.CAST.read_text())
    typed = "".join(text for _, text in events if len(text) == 1 or text == "$ ")
    assert all(command in typed for command in recording.COMMANDS)
    assert [seconds for seconds, _ in events] == sorted(seconds for seconds, _ in events)
    assert events[-1][0] < 30


def test_bars_are_drawn_over_and_long_lines_wrapped():
    typed = [(0.0, "$ "), (0.1, "a"), (0.2, "\r\n")]
    shown = [(1.0, "\r 10%"), (2.5, "\r100%\r\n"), (2.6, 150 * "x")]
    svg = recording.as_svg([*typed, *shown])
    assert " 10%" not in svg
    assert f">{100 * 'x'}<" in svg
    assert 'line-1)"] { animation: come 1ms 2.50s both' in svg
