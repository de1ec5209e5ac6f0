"""A graph is compared with the models that it should be of, protein by protein."""

import pytest

from peftsp.export.check import Comparison, compare
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import find_model

FAST = find_model("fast")


def test_graph_of_a_bundle_is_near_it(fasta, records):
    found = compare(FAST / "graph.onnx", [FAST], fasta)
    assert (found.proteins, found.types, found.sites) == (len(records), 0, 0)
    assert found.difference < 1e-4


def test_what_differs_from_another_model_is_counted(bundles, records, tmp_path):
    records = records[:22]
    fasta = tmp_path / "proteins.fasta"
    fasta.write_text("".join(f">{record.header}\n{record.residues}\n" for record in records))
    found = compare(FAST / "graph.onnx", bundles[:1], fasta)
    ours = list(predict_records(records, OnnxModel(FAST / "graph.onnx", 1), 7))
    theirs = list(predict_records(records, load_taggers(bundles[:1]), 7))
    pairs = list(zip(ours, theirs, strict=True))
    assert found.types == sum(a.sp_type != b.sp_type for a, b in pairs)
    assert found.sites == sum(a.cleavage_site != b.cleavage_site for a, b in pairs)
    assert len(pairs) > found.types > found.sites > 0
    differences = [
        max(abs(p - q) for p, q in zip(a.probabilities, b.probabilities, strict=True))
        for a, b in pairs
    ]
    assert found.difference == pytest.approx(max(differences), abs=1e-5)
    assert differences[-1] < max(differences) - 1e-4


@pytest.mark.parametrize(
    ("comparison", "line"),
    [
        (
            Comparison(12_345, 0.00123, 1_000, 37),
            "12,345 proteins: probabilities differ by at most 1.2e-03; "
            "1,000 types (8.10 %) and 37 cleavage sites (0.30 %) differ",
        ),
        (
            Comparison(0, 0.0, 0, 0),
            "0 proteins: probabilities differ by at most 0.0e+00; "
            "0 types (0.00 %) and 0 cleavage sites (0.00 %) differ",
        ),
    ],
)
def test_comparison_is_one_line(comparison, line):
    assert str(comparison) == line
