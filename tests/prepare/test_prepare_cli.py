"""The command as a user gives it: what it says, and what it refuses in one line."""

import pytest

from peftsp.data.labelled import read_labelled
from peftsp.prepare.cli import main

pytest.importorskip("pyopal")
pytest.importorskip("graph_part")
pytest.importorskip("logomaker")


def run(source, *options):
    output = source.parent / "own.fasta"
    status = main([str(source), "-o", str(output), "--no-progress", *options])
    return status, output


def test_a_group_can_be_a_partition(source, capsys):
    assert run(source, "--split", "leave-one-group-out")[0] == 0
    assert "Partitions: 0: g0, 1: g1, 2: g2" in capsys.readouterr().out


def test_an_engine_that_is_not_installed_is_named(source, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert run(source, "--engine", "needle")[0] == 2
    assert "--engine needle: expected the program needleall, found none" in capsys.readouterr().err


def test_an_earlier_file_is_not_replaced(source, capsys):
    (source.parent / "own.fasta").write_text("mine")
    status, output = run(source)
    assert (status, output.read_text()) == (2, "mine")
    assert "expected no file, found one; --overwrite" in capsys.readouterr().err
    assert sorted(p.name for p in source.parent.iterdir()) == ["own.csv", "own.fasta"]


def test_no_usable_protein_is_one_line(tmp_path, capsys):
    path = tmp_path / "own.csv"
    path.write_text("id,type,site,sequence\nP1,SP,3,MKKKK\n")
    assert run(path)[0] == 2
    assert "expected proteins that can be used, found none" in capsys.readouterr().err


def test_names_of_uniprot_are_accessions_and_others_that_do_not_fit_are_listed(tmp_path):
    sequence = "MKKTAIAIAVALAGFATVAQAAPKDNTWYTGAKLGWSQYHDTGFINNNGPTHENQLGAGAFGG"
    proteins = {
        name: f"{sequence[:-1]}{end}"
        for name, end in zip(("P0A910", "Q9", "R9"), "AGS", strict=True)
    }
    (tmp_path / "own.faa").write_text(
        "".join(f">sp|{name}|X_ECOLI\n{residues}\n" for name, residues in proteins.items())
    )
    rows = ["sp|P0A910|X_ECOLI,SP,21,", f",SP,21,{sequence}", f"a|b,SP,21,{sequence}", "Q9,SP,21,"]
    (tmp_path / "own.csv").write_text("\n".join(["id,type,site,sequence", *rows]) + "\n")
    given = [str(tmp_path / name) for name in ("own.csv", "own.faa")]
    assert main([*given, "-o", str(tmp_path / "o.fasta"), "--split", "none", "--no-progress"]) == 0
    records = read_labelled(tmp_path / "o.fasta")
    assert [(r.accession, r.residues) for r in records] == [
        (name, proteins[name][:70]) for name in ("P0A910", "Q9")
    ]
    lost = (tmp_path / "o.unusable.tsv").read_text().splitlines()[1:]
    assert len(lost) == 3
    assert f"{tmp_path}/own.csv:3\t\texpected a name without |, found none" in lost
    assert f"{tmp_path}/own.csv:4\ta|b\texpected a name without |, found a|b" in lost


@pytest.mark.parametrize("output", [".", "", "/"])
def test_output_that_is_no_file_is_refused_at_once(source, monkeypatch, capsys, output):
    monkeypatch.chdir(source.parent)
    with pytest.raises(SystemExit) as ended:
        main([str(source), "-o", output])
    assert ended.value.code == 2
    assert "expected the name of a file, found" in capsys.readouterr().err
