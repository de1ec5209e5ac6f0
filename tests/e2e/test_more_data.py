"""What is kept back trains nowhere, in whichever file it stands."""

import runpy
import sys
from pathlib import Path

import pytest

from peftsp.data.labelled import read_labelled

SCRIPT = Path(__file__).resolve().parents[2] / "experiments/esm2_8m/more_data.py"
COLUMNS = "accession", "sp_type", "cleavage_site", "in_signalp6_train_set", "sequence_70"
PROTEINS = {f"P{n:05}": "MKL" + "ACDEFGHIK"[n] * 30 for n in range(9)}


@pytest.fixture
def more(tmp_path, monkeypatch):
    """Function of the share to keep back that gives sequences of the file, by accession."""
    rows = [(name, "SP", "20", "0", residues) for name, residues in PROTEINS.items()]
    lines = ["\t".join(row) + "\n" for row in (COLUMNS, *rows)]
    (tmp_path / "eukarya_uniprot_2024.tsv").write_text("".join(lines))
    again = "".join(
        f">Q{name[1:]}|EUKARYA|SP|0\n{residues}\n{'S' * 20 + 'O' * 13}\n"
        for name, residues in PROTEINS.items()
    )
    (tmp_path / "signalp6_remainder.fasta").write_text(again)
    (tmp_path / "haloarchaea_tatlipo_candidates.faa").write_text("")

    def run(share):
        output = tmp_path / "more.fasta"
        given = [str(SCRIPT), str(tmp_path), "--keep-back", str(share), "-o", str(output)]
        given += ["--kept", str(tmp_path / "kept.fasta")]
        monkeypatch.setattr(sys, "argv", given)
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return {record.accession: record.residues for record in read_labelled(output)}

    return run


def test_a_protein_that_is_kept_back_is_so_by_any_accession(more, tmp_path):
    everything = more(0)
    assert (tmp_path / "kept.fasta").read_text() == ""
    rest = more(0.5)
    kept = {record.accession for record in read_labelled(tmp_path / "kept.fasta")}
    assert kept == PROTEINS.keys() - rest.keys()
    assert len(everything) == 18
    assert 0 < len(rest) < 18
    assert {name[1:] for name in rest if name[0] == "P"} == {
        name[1:] for name in rest if name[0] == "Q"
    }
