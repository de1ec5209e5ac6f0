"""Options of commands become how models predict."""

import argparse
import subprocess
import sys

import pytest

from peftsp.evaluate.options import add_predicting, predicting
from peftsp.evaluate.rows import Predicting


@pytest.fixture
def read():
    """Function of words that gives what they mean."""
    parser = argparse.ArgumentParser()
    add_predicting(parser)
    return lambda *words: predicting(parser.parse_args(words))


def test_without_options_models_are_told_the_kingdom(read):
    assert read() == Predicting("auto", None, "fp32", tells_kingdom=True, has_progress=True)


def test_every_option_arrives(read):
    words = ["--hide-kingdom", "--no-progress", "--backbone", "esm", "--device", "cpu"]
    words += ["--precision", "bf16", "--allow-code", "mylab", "--allow-code", "other"]
    found = read(*words)
    assert found == Predicting("cpu", "esm", "bf16", False, False, ("mylab", "other"))


@pytest.mark.parametrize("words", [["--device", "tpu"], ["--precision", "int8"], ["--kingdom"]])
def test_other_choices_are_refused(read, words, capsys):
    with pytest.raises(SystemExit) as ended:
        read(*words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_help_waits_for_no_library():
    code = "import sys, peftsp.evaluate.options; print({'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
