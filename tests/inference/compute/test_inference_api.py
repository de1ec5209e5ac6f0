"""Prediction from Python, against the command."""

import csv
import subprocess
import sys

import numpy as np
import pytest
import torch

import peftsp
from peftsp.errors import ConfigError, RecordError
from peftsp.inference.commands.predict import main
from peftsp.inference.formats.table import COLUMNS
from peftsp.labels import RESIDUE_REGIONS
from peftsp.records import SequenceRecord


def test_predictions_are_those_of_the_command(fasta, bundles, short_records, tmp_path):
    assert main([str(fasta), "-b", str(bundles[0]), "-o", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "predictions.csv").open() as file:
        expected = list(csv.DictReader(file))
    pairs = [(record.header, record.residues.lower()) for record in short_records]
    for proteins in (fasta, str(fasta), short_records, pairs):
        found = list(peftsp.predict(proteins, bundle=bundles[0]))
        assert [p.identifier for p in found] == [row["id"] for row in expected]
        assert [p.sp_type for p in found] == [row["sp_type"] for row in expected]
        for prediction, row in zip(found, expected, strict=True):
            assert prediction.probability == pytest.approx(float(row[row["sp_type"]]), abs=1e-5)


def test_several_bundles_are_averaged(bundles, short_records):
    single, other = (list(peftsp.predict(short_records, bundle=bundle)) for bundle in bundles)
    for both, a, b in zip(
        peftsp.predict(short_records, bundle=bundles), single, other, strict=True
    ):
        expected = (torch.tensor(a.probabilities) + torch.tensor(b.probabilities)) / 2
        torch.testing.assert_close(torch.tensor(both.probabilities), expected)


def test_options_reach_the_model(bundles, short_records):
    options = {"kingdom": "eukarya", "has_region_probabilities": True, "batch_size": 3}
    found = list(peftsp.predict(short_records, bundle=bundles[0], **options))
    assert {prediction.sp_type for prediction in found} <= {"NO_SP", "SP"}
    assert all(prediction.region_probabilities for prediction in found)


def test_frame_has_the_columns_of_the_table(bundles, short_records):
    pytest.importorskip("pandas")
    frame = peftsp.to_frame(peftsp.predict(short_records, bundle=bundles[0]))
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame["id"]) == [record.identifier for record in short_records]
    assert frame.loc[frame["sp_type"] == "NO_SP", "cleavage_site"].isna().all()
    for name in ("cleavage_site", "n_region_end", "h_region_end", "c_region_end"):
        assert frame[name].dtype == peftsp.to_frame([])[name].dtype == "Int64"


@pytest.mark.parametrize(
    ("protein", "message"),
    [
        (("a", "MK1"), r"protein 2: expected residues A to Z, found '1' in position 3 \(a\)"),
        (("a", ""), "protein 2: expected a name and residues, found none"),
        (SequenceRecord(" ", "MK"), "protein 2: expected a name and residues, found none"),
    ],
)
def test_wrong_protein_is_named(bundles, protein, message):
    found = peftsp.predict([("first", "MKL"), protein], bundle=bundles[0])
    with pytest.raises(RecordError, match=message):
        list(found)


@pytest.mark.parametrize("kind", ["path", "listed"])
def test_dna_is_refused_as_by_the_command(bundles, tmp_path, kind):
    path = tmp_path / "dna.fasta"
    path.write_text(">a\n" + "ATGGCGTAA" * 20 + "\n")
    proteins = path if kind == "path" else {"a": "ATGGCGTAA" * 20}
    with pytest.raises(RecordError, match="expected protein sequences, found DNA or RNA"):
        next(peftsp.predict(proteins, bundle=bundles[0]))


def test_a_table_is_no_list_of_its_columns(bundles):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"id": ["a"], "sequence": ["MKLAAVW"]})
    for wrong in (table, table["sequence"]):
        with pytest.raises(RecordError, match=r"as zip\(table\.id, table\.sequence\), found"):
            next(peftsp.predict(wrong, bundle=bundles[0]))
    (found,) = peftsp.predict(zip(table.id, table.sequence, strict=True), bundle=bundles[0])
    assert found.header == "a"


def test_no_bundle_is_the_model_that_ships():
    (found,) = peftsp.predict(["MKLAAVW"], bundle=None, model=None)
    assert found.header == "protein_1"


def test_wrong_setting_is_an_error_at_once(bundles):
    with pytest.raises(ConfigError, match=r"kingdom: expected one of other, .* found 'yeast'"):
        peftsp.predict([], bundle=bundles[0], kingdom="yeast")


def test_package_imports_without_torch():
    code = "import sys, peftsp; assert 'torch' not in sys.modules; peftsp.nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "AttributeError: module 'peftsp' has no attribute 'nothing'" in done.stderr


class SeqRecordLike:
    """What Biopython's SeqRecord has, and no more."""

    def __init__(self, name, sequence):
        self.id, self.seq, self.description = name, sequence, f"{name} described"


class SeqLike:
    """What Biopython's Seq has, and no more."""

    def __init__(self, residues):
        self.residues = residues

    def __str__(self):
        return self.residues

    def reverse_complement(self):
        raise NotImplementedError


def test_proteins_may_come_in_many_shapes(bundles, tmp_path):
    path = tmp_path / "p.fasta"
    path.write_text(">a described\nMKLAAVW*\n")
    shapes = [
        {"a described": "MKLAAVW"},
        [("a described", "mklaavw*")],
        [["a described", "MKLAAVW "]],
        [["a described", "MKL AAV\nW"]],
        {"a described": SeqRecordLike("other", "MKLAAVW")},
        {"a described": SeqLike("MKLAAVW")},
        [SeqRecordLike("a", "MKLAAVW")],
        [path],
    ]
    expected = list(peftsp.predict(path, bundle=bundles[0]))
    for proteins in shapes:
        assert list(peftsp.predict(proteins, bundle=bundles[0])) == expected
    for alone in ("MKLAAVW", SeqLike("MKLAAVW")):
        (found,) = peftsp.predict([alone], bundle=bundles[0])
        assert (found.header, found.probabilities) == ("protein_1", expected[0].probabilities)
    with pytest.raises(RecordError, match=r"protein 1: expected a record, a pair .* found int"):
        list(peftsp.predict([7], bundle=bundles[0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "bf-16"}, "precision: expected one of auto, fp32, bf16, int8"),
        ({"min_probability": 7}, "min probability: expected a number from 0 to 1, found 7"),
        ({"min_probability": True}, "min probability: expected a number from 0 to 1, found True"),
        ({"device": "tpu"}, "device: expected one of auto, cpu, cuda, mps, found 'tpu'"),
        ({"kingdom": "plants"}, "kingdom: expected one of other, eukarya"),
        ({"batch_size": 10**23}, "batch size: expected at most 1,000,000, found 100,000,000,000"),
        ({"batch_size": 0}, "batch size: expected a whole number of 1 or more, found 0"),
        ({"model": "huge"}, "model: expected one of accurate, fast"),
        ({"model": "fast", "bundle": "here"}, "--model fast: expected it without --bundle"),
    ],
)
def test_wrong_option_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        next(iter(peftsp.predict([("a", "MKL")], **options)))


def test_one_record_by_itself_is_one_protein(bundles):
    alone = (SeqRecordLike("P1", "MKLAAVW"), SequenceRecord("P1 described", "MKLAAVW"))
    for record in alone:
        (found,) = peftsp.predict(record, bundle=bundles[0])
        assert (found.header, found.residues) == ("P1 described", "MKLAAVW")
    with pytest.raises(RecordError, match=r"proteins: expected a path, a list .* found NoneType"):
        list(peftsp.predict(None, bundle=bundles[0]))


def test_model_by_name_is_the_default():
    protein = [("a", "MKKTAIAIAVALAGFATVAQAAPKDNTWYTGAKLGWSQYHDTGFINNNG")]
    assert list(peftsp.predict(protein, model="accurate")) == list(peftsp.predict(protein))


def test_package_shows_what_it_has():
    assert {"PeftspError", "predict", "to_frame", "__version__"} <= set(dir(peftsp))
    with pytest.raises(peftsp.PeftspError, match="expected"):
        list(peftsp.predict(None))


def test_frame_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"expected the package pandas.* pip install"):
        peftsp.to_frame([])


def test_region_probabilities_are_an_array(bundles, short_records):
    ask = {"bundle": bundles[0], "has_region_probabilities": True}
    found = next(peftsp.predict(short_records[:1], **ask))
    array = found.region_array()
    assert array.shape == (len(short_records[0].residues), len(RESIDUE_REGIONS))
    assert array.dtype == np.float32
    np.testing.assert_allclose(array.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ConfigError, match="region_array: expected a prediction with has_region"):
        next(peftsp.predict(short_records[:1], bundle=bundles[0])).region_array()


def test_frame_has_the_description(bundles):
    pytest.importorskip("pandas")
    frame = peftsp.to_frame(peftsp.predict([("P1 a protein", "MKLAAV")], bundle=bundles[0]))
    assert list(frame["description"]) == ["a protein"]


def test_what_holds_of_a_file_holds_of_each(bundles, tmp_path):
    protein = "MKKTAIAIAVALAGFATVAQAAPKDNTWYTGAKLGWSQYHDTGFINNNG" + "K" * 30
    (tmp_path / "protein.fasta").write_text(f">a\n{protein}\n")
    (tmp_path / "gene.fasta").write_text(">g\n" + 40 * "ACGT")
    both = [tmp_path / name for name in ("protein.fasta", "gene.fasta")]
    with pytest.raises(RecordError, match=r"gene\.fasta: expected protein sequences, found DNA"):
        list(peftsp.predict(both, bundle=bundles[0]))
    [plain, *others] = peftsp.predict(
        [("a", protein), ("a", protein + "**"), ("a", protein + "*MKK")], bundle=bundles[0]
    )
    assert others == [plain, plain]
    with pytest.raises(RecordError, match="protein 1: expected at most 200,000 residues, found 20"):
        list(peftsp.predict([("long", "M" * 200_001)], bundle=bundles[0]))
