"""Processes that draw: what is left out, what ends them, and what they end."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.formats.figure_files import PNG, save
from peftsp.inference.formats.process_pool import drawing


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_picture_that_cannot_be_drawn_is_left_out(
    tmp_path, make_prediction, make_facts, capsys, workers
):
    broken = replace(make_prediction("P\x1b[31m"), sp_type="UNHEARD")
    proteins = [make_prediction("before"), broken, make_prediction("behind"), broken]
    PNG.write(lambda: iter(proteins), tmp_path, make_facts(4, workers))
    names = sorted(path.name for path in (tmp_path / "figures_png").iterdir())
    assert names == ["1_before.png", "3_behind.png"]
    expected = "pictures of 2 proteins are left out, such as of P\\x1b[31m: KeyError: 'UNHEARD'\n"
    assert capsys.readouterr().err == expected


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_picture_that_cannot_be_written_ends_the_run(tmp_path, make_prediction, make_facts):
    (tmp_path / "full.png").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"), drawing(save, 1) as add:
        add(make_prediction(), tmp_path / "full.png")


@pytest.mark.slow
def test_lost_worker_is_told(tmp_path, make_prediction, make_facts, monkeypatch):
    monkeypatch.setattr("peftsp.inference.formats.figure_files.save", _Ending())
    with pytest.raises(ConfigError, match="--workers 2"):
        PNG.write(lambda: iter([make_prediction()]), tmp_path, make_facts(1, 2))


class _Ending:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (9,)


ABANDONED = """
import os, signal, sys, time
from peftsp.inference.formats.process_pool import drawing
if __name__ == "__main__":
    with drawing(time.sleep, 2) as add:
        add(0.01), add(60)
        time.sleep(1)
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_workers_end_with_their_parent(tmp_path, name):
    """Else whoever waits for the end of the output would wait for ever."""
    script = tmp_path / "abandoned.py"
    script.write_text(ABANDONED)
    command = [sys.executable, str(script), name]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == -getattr(signal, name)


def test_each_is_drawn_in_its_turn_with_what_belongs_to_it(make_prediction):
    drawn = []
    predictions = [make_prediction(f"P{number}") for number in range(3)]
    with drawing(lambda *words: drawn.append(words), 1) as add:
        for number, prediction in enumerate(predictions):
            add(prediction, number, "png")
    assert drawn == [(prediction, n, "png") for n, prediction in enumerate(predictions)]


def test_failures_are_counted_and_the_first_is_told_at_the_end(make_prediction, capsys):
    def draw(prediction, reason):
        if reason:
            raise ValueError(reason)

    with drawing(draw, 1) as add:
        for number, reason in enumerate([None, "this\nway", *["another"] * 1499]):
            add(make_prediction(f"P{number}"), reason)
        assert capsys.readouterr().err == ""
    expected = "pictures of 1,500 proteins are left out, such as of P1: ValueError: this\\nway\n"
    assert capsys.readouterr().err == expected


def test_error_of_the_caller_is_its_own(make_prediction):
    with pytest.raises(KeyError, match="mine"), drawing(print, 1):
        raise KeyError("mine")


def test_more_than_wait_are_drawn_by_others(tmp_path):
    folders = [tmp_path / f"{number}" for number in range(20)]
    with drawing(os.mkdir, 2) as add:
        for folder in folders:
            add(folder)
    assert all(folder.is_dir() for folder in folders)
