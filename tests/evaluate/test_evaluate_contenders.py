"""Files of other programs are read as they write them."""

import pytest

from peftsp.errors import RecordError
from peftsp.evaluate.contenders import read_contender

SIGNALP = (
    "# SignalP-6.0\tOrganism: Other\n# ID\tPrediction\tOTHER\tSP(Sec/SPI)\tLIPO\tTAT\tTATLIPO\t"
    "PILIN\tCS Position\nP1 x\tLIPO\t0.1\t0.1\t0.8\t0\t0\t0\tCS pos: 20-21. Pr: 0.97\n"
    "P2\tOTHER\t1\t0\t0\t0\t0\t0\t\n"
)
PHOBIUS = "SEQENCE ID  TM SP PREDICTION\nP1  0  Y n4-12c20/21o\nP2  1  0 i7-28o\n"
DEEPSIG = (
    "P1\tDeepSig\tSignal peptide\t1\t20\t0.9\t.\t.\tevidence=ECO:0000256\n"
    "P1\tDeepSig\tChain\t21\t90\t.\t.\t.\tevidence=ECO:0000256\n"
    "P2\tDeepSig\tChain\t1\t90\t.\t.\t.\tevidence=ECO:0000256\n"
)


@pytest.mark.parametrize(("text", "sp_type"), [(SIGNALP, "LIPO"), (PHOBIUS, "SP"), (DEEPSIG, "SP")])
def test_calls_of_each_program(tmp_path, text, sp_type):
    path = tmp_path / "calls"
    path.write_text(text)
    calls = read_contender(path)
    assert {name: (c.sp_type, c.site) for name, c in calls.items()} == {
        "P1": (sp_type, 20),
        "P2": ("NO_SP", None),
    }
    assert all(sum(c.probabilities) == pytest.approx(1) for c in calls.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">P1\nMKL\n", "expected SignalP 6.0's prediction_results.txt"),
        (
            SIGNALP.replace("LIPO\t0.1", "CAT\t0.1"),
            r"calls:3: expected a type of OTHER, .*found 'P1",
        ),
        (SIGNALP.replace("P1 x", " "), "calls:3: expected an identifier, found"),
        (SIGNALP.replace("LIPO\t0.1", "LIPO\t"), "calls:3: expected 2 or 6 probabilities, found"),
        (PHOBIUS + "P3\n", "calls:4: expected identifier, TM, SP"),
        (DEEPSIG + "P3\t\n", "calls:4: expected nine columns of GFF3"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "calls"
    path.write_text(text)
    with pytest.raises(RecordError, match=message):
        read_contender(path)


@pytest.mark.parametrize(
    ("text", "again", "other"),
    [
        (SIGNALP, "P2\tOTHER\t1\t0\t0\t0\t0\t0\t\n", "P2\tSP\t0\t1\t0\t0\t0\t0\tCS pos: 9-10\n"),
        (PHOBIUS, "P1  0  Y n4-12c20/21o\n", "P1  0  0 o\n"),
        (DEEPSIG, DEEPSIG.split("\n")[0] + "\n", DEEPSIG.split("\n")[0].replace("20", "24") + "\n"),
    ],
)
def test_two_calls_of_a_protein_are_refused_unless_they_are_one(tmp_path, text, again, other):
    path = tmp_path / "calls"
    path.write_text(text)
    calls = read_contender(path)
    path.write_text(text + again)
    assert read_contender(path) == calls
    path.write_text(text + other)
    line = len((text + other).splitlines())
    with pytest.raises(RecordError, match=rf"calls:{line}: expected one call .* of P[12]$"):
        read_contender(path)
