"""How commands end, whatever their standard streams are."""

import subprocess
import sys
from argparse import ArgumentTypeError

import pytest

from peftsp.command_line import add_resamples, file, new_parser, parse, run_command
from peftsp.errors import ConfigError


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "x: the following arguments are required: FILE"),
        (["a", "--no-such"], "x: unrecognized arguments: --no-such"),
        (
            ["a", "--seed", "-1"],
            "x: argument --seed: expected a whole number of 0 or more, found '-1'",
        ),
    ],
)
def test_wrong_option_is_one_line_on_standard_error(capsys, words, message):
    parser = new_parser("x", "y", "z")
    parser.add_argument("FILE")
    add_resamples(parser)
    with pytest.raises(SystemExit, match="2"):
        parse(parser, words)
    assert capsys.readouterr() == ("", f"{message}; x --help lists what it takes\n")


@pytest.mark.parametrize(
    ("text", "found"), [("", "none"), (" ", "none"), ("-", "a stream"), (".", "a folder")]
)
def test_name_of_a_file_is_no_stream_or_folder(text, found):
    with pytest.raises(ArgumentTypeError, match=f"expected the name of a file, found {found}"):
        file(text)
