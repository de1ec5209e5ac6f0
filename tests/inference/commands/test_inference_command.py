"""What the prediction commands say at their end."""

import pytest

from peftsp.inference.commands.command import interruption, sentence
from peftsp.inference.run.settings import RunSummary
from peftsp.inference.run.store import Tally

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


@pytest.mark.parametrize(("seconds", "speed"), [(8.0, "0.2"), (0.1, "20")])
def test_slow_speeds_have_a_decimal(seconds, speed):
    assert f"({speed} a second)" in sentence(RunSummary((), Tally(), 2, seconds, 0))
