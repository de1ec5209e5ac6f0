"""DeepSig's rows against text written by hand."""

import io

from peftsp.inference.formats.deepsig import write_gff3


def test_rows_of_a_protein(make_prediction):
    file = io.StringIO()
    write_gff3([make_prediction("P1 x", "SP"), make_prediction("P2", "NO_SP")], file)
    tail = "\t.\t.\tevidence=ECO:0000256\n"
    assert file.getvalue() == (
        f"P1\tDeepSig\tSignal peptide\t1\t20\t0.75{tail}"
        f"P1\tDeepSig\tChain\t21\t90\t.{tail}"
        f"P2\tDeepSig\tChain\t1\t90\t.{tail}"
    )
