"""The command leaves a file that trains, without homologs in different partitions."""

import os
import random
import sys

import pytest

from peftsp.data.labelled import read_labelled
from peftsp.prepare.cli import main

pytest.importorskip("pyopal")
pytest.importorskip("graph_part")
pytest.importorskip("logomaker")
from peftsp.prepare.homology import homologs

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


def family(rng: random.Random, members: int) -> list[str]:
    """Sequences that differ in a few residues."""
    parent = rng.choices(RESIDUES, k=60)
    children = []
    for _ in range(members):
        child = parent.copy()
        for place in rng.sample(range(60), 6):
            child[place] = rng.choice(RESIDUES)
        children.append("M" + "".join(child))
    return children


@pytest.fixture
def source(tmp_path):
    """Ten families of four proteins, half of them with a signal peptide."""
    rng = random.Random(0)
    rows = ["id,type,site,kingdom,group,partition,sequence"]
    for number in range(10):
        for member, sequence in enumerate(family(rng, 4)):
            label = "SP,20" if number % 2 else "NO_SP,"
            rows.append(f"P{number}_{member},{label},EUKARYA,g{number % 3},{member},{sequence}")
    path = tmp_path / "own.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def run(source, *options):
    output = source.parent / "own.fasta"
    status = main([str(source), "-o", str(output), "--no-progress", *options])
    return status, output


def test_families_stay_together_and_labels_are_spread(source, capsys):
    status, output = run(source)
    assert status == 0
    records = read_labelled(output)
    of_family = {}
    for record in records:
        of_family.setdefault(record.accession.split("_")[0], set()).add(record.partition)
    assert all(len(partitions) == 1 for partitions in of_family.values())
    for sp_type in ("SP", "NO_SP"):
        assert {r.partition for r in records if r.sp_type == sp_type} == {0, 1, 2}
    assert "pairs in different partitions are 30% identical or more" in capsys.readouterr().out
    page = (output.parent / "own.report.html").read_text()
    assert "<svg" in page
    assert "EUKARYA SP" in page
    first = output.read_text()
    assert run(source, "--overwrite")[1].read_text() == first


def test_given_partitions_lose_proteins_that_have_homologs_in_others(source):
    status, output = run(source, "--split", "given")
    assert status == 0
    assert len(read_labelled(output)) < 40
    lost = (output.parent / "own.unusable.tsv").read_text().splitlines()[1:]
    assert len(lost) + len(read_labelled(output)) == 40
    assert all("removed: expected homologs in one partition, found them in" in row for row in lost)
    removed = read_labelled(output.parent / "own.removed.fasta", is_extra=True)
    assert len(removed) == len(lost)
    kept = read_labelled(output)
    for record in removed:
        found = next(homologs([record.residues, *(r.residues for r in kept)], 0.3))
        near = {kept[place - 1].partition for _, place, _ in found}
        assert near <= set(record.near)
        assert len(record.near) > 1


def test_a_group_can_be_a_partition(source, capsys):
    assert run(source, "--split", "leave-one-group-out")[0] == 0
    assert "Partitions: 0: g0, 1: g1, 2: g2" in capsys.readouterr().out


FAKE_MMSEQS = """#!{python}
import sys
from pathlib import Path
command, words = sys.argv[1], sys.argv[2:]
if command == "createdb":
    Path(words[-1]).write_text(Path(words[-2]).read_text())
    Path(words[-1] + ".index").write_text("0 0 1")
if command == "convertalis":
    lines = Path(words[0]).read_text().splitlines()
    proteins = [(h[1:], s) for h, s in zip(lines[::2], lines[1::2])]
    with open(words[-1], "w") as file:
        for a, first in proteins:
            for b, second in proteins:
                share = sum(x == y for x, y in zip(first, second)) / len(first)
                if share >= {least}:
                    file.write("\\t".join([a, b, str(share)]) + "\\n")
"""


def install_fake_mmseqs(folder, monkeypatch, least):
    """A program with the four commands that GraphPart gives to MMseqs2, for equal lengths."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "mmseqs"
    program.write_text(FAKE_MMSEQS.format(python=sys.executable, least=least))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


def test_another_engine_may_find_the_homologs(source, tmp_path, monkeypatch):
    install_fake_mmseqs(tmp_path, monkeypatch, least=0.3)
    status, output = run(source, "--engine", "mmseqs2")
    assert (status, len(read_labelled(output))) == (0, 40)


def test_homologs_that_an_engine_misses_are_removed(source, tmp_path, monkeypatch):
    install_fake_mmseqs(tmp_path, monkeypatch, least=2)
    status, output = run(source, "--engine", "mmseqs2")
    assert status == 0
    kept = read_labelled(output)
    assert len(kept) < 40
    found = homologs([r.residues for r in kept], 0.3, [r.partition for r in kept])
    assert not any(found)


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


def test_identity_is_that_of_the_alignment():
    [[(_, _, share)], _] = homologs(["MKLLAWFRND", "MKLLAWRND"], 0.5)
    assert share == pytest.approx(9 / 10)
    assert not any(homologs(["MKLLAWFRND", "MEDPGHTTSQ"], 0.3))
