"""How commands end."""

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.commands.command import interruption, run_command


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


@pytest.mark.parametrize(
    ("fasta", "is_fresh", "message"),
    [
        (["-"], False, "interrupted; a run on standard input starts anew"),
        (["p.fasta", "-"], False, "interrupted; a run on standard input starts anew"),
        (["p.fasta"], False, "interrupted; the same command resumes it"),
        (["p.fasta"], True, "interrupted; the same command without --fresh resumes it"),
    ],
)
def test_interruption_says_how_to_go_on(fasta, is_fresh, message):
    assert interruption(fasta, is_fresh=is_fresh) == message
