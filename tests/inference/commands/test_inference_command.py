"""How commands end, whatever their standard streams are."""

import subprocess
import sys

import pytest

from peftsp.command_line import run_command
from peftsp.errors import ConfigError
from peftsp.inference.commands.command import interruption, sentence
from peftsp.inference.run.settings import RunSummary
from peftsp.inference.run.store import Tally


def raising(error):
    def predict():
        raise error

    return predict


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ConfigError("here: expected this,\nfound that"), 2, "here: expected this,\\nfound that\n"),
        (OSError("disk full"), 2, "disk full\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_error_is_one_line_on_standard_error(capsys, error, status, message):
    assert run_command(raising(error), "stopped") == status
    assert capsys.readouterr() == ("", message)


def test_bug_is_not_caught():
    with pytest.raises(ZeroDivisionError):
        run_command(raising(ZeroDivisionError()), "stopped")


def test_success_is_said_on_standard_output(capsys):
    assert run_command(lambda: "done", "stopped") == 0
    assert capsys.readouterr() == ("done\n", "")


STREAM = "interrupted; a run on standard input or another stream starts anew"


@pytest.mark.parametrize(
    ("fasta", "is_fresh", "message"),
    [
        (["-"], False, STREAM),
        (["p.fasta", "-"], False, STREAM),
        (["/dev/null"], False, STREAM),
        (["p.fasta"], False, "interrupted; the same command resumes it"),
        (["p.fasta"], True, "interrupted; the same command without --fresh resumes it"),
    ],
)
def test_interruption_says_how_to_go_on(fasta, is_fresh, message):
    assert interruption(fasta, is_fresh=is_fresh) == message


SAYS = """
import sys
from peftsp.command_line import new_parser, parse, run_command
from peftsp.errors import ConfigError
def predict():
    if "wrong" in sys.argv:
        raise ConfigError("expected this")
    return "pr\u00e9dit \u86cb"
parse(new_parser("x", "y", "z"), [word for word in sys.argv[1:] if word != "wrong"])
sys.exit(run_command(predict, "stopped"))
"""


def ends(redirections, word="", environment=""):
    """Status, standard output and standard error of a command that a shell starts."""
    line = f"{environment} {sys.executable} -c '{SAYS}' {word} {redirections}"
    shell = ["bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(shell, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


FULL = "standard output: expected it to take a text, found: No space left on device\n"


@pytest.mark.parametrize(
    ("redirections", "word", "expected"),
    [
        ("<&-", "", (0, "prédit 蛋\n", "")),
        ("2>&-", "", (0, "prédit 蛋\n", "")),
        ("2>&-", "wrong", (2, "", "")),
        (">&-", "", (0, "", "")),
        ("<&- >&- 2>&-", "", (0, "", "")),
        (">/dev/full", "", (0, "", FULL)),
        (">/dev/full", "--version", (0, "", FULL)),
        ("2>/dev/full", "wrong", (2, "", "")),
        ("| true", "", (0, "", "")),
        ("| true", "--help", (0, "", "")),
    ],
)
def test_status_is_that_of_the_results_whatever_takes_the_text(redirections, word, expected):
    assert ends(redirections, word, "PYTHONUTF8=1") == expected


def test_stream_of_ascii_takes_any_text():
    found = ends("", environment="PYTHONIOENCODING=ascii")
    assert found == (0, "pr\\xe9dit \\u86cb\n", "")


@pytest.mark.parametrize(("seconds", "speed"), [(8.0, "0.2"), (0.1, "20")])
def test_slow_speeds_have_a_decimal(seconds, speed):
    assert f"({speed} a second)" in sentence(RunSummary((), Tally(), 2, seconds, 0))
