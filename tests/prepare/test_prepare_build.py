"""A file that trains, without homologs in different partitions, and what is beside it."""

import os
import sys

import pytest

from peftsp.data.labelled import read_labelled
from peftsp.errors import ConfigError, RecordError

pytest.importorskip("pyopal")
pytest.importorskip("graph_part")
pytest.importorskip("logomaker")
from peftsp.prepare.build import PrepareSettings, outputs, prepare
from peftsp.prepare.homology import homologs

SEQUENCE = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"


def run(source, **changes):
    """Prepare a file beside a source; its path, and what was prepared."""
    defaults = {
        **{"kingdom": None, "evidence": "manual", "split": "homology", "partitions": 3},
        **{"identity": 0.3, "engine": "pyopal", "overwrite": False, "has_progress": False},
    }
    output = source.parent / "own.fasta"
    settings = {"sources": [source], "output": output, **defaults, **changes}
    return output, prepare(PrepareSettings(**settings))


def test_families_stay_together_and_labels_are_spread(source):
    output, summary = run(source)
    records = read_labelled(output)
    of_family = {}
    for record in records:
        of_family.setdefault(record.accession.split("_")[0], set()).add(record.partition)
    assert all(len(partitions) == 1 for partitions in of_family.values())
    for sp_type in ("SP", "NO_SP"):
        assert {r.partition for r in records if r.sp_type == sp_type} == {0, 1, 2}
    assert (
        "pairs in different partitions are 30% identical or more" in summary.shown.facts["Homology"]
    )
    page = (output.parent / "own.report.html").read_text()
    assert "<svg" in page
    assert "EUKARYA SP" in page
    first = output.read_text()
    assert run(source, overwrite=True)[0].read_text() == first


@pytest.fixture
def mostly_parted(source):
    """The same, but for three proteins each family in one partition of four."""
    header, *rows = source.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    for row in cells:
        if row[0] not in ("P0_3", "P2_1", "P5_3"):
            row[5] = str(int(row[0][1]) % 4)
    source.write_text("\n".join([header, *map(",".join, cells)]) + "\n")
    return source


def test_given_partitions_lose_proteins_that_have_homologs_in_others(mostly_parted):
    output, summary = run(mostly_parted, split="given")
    assert summary.shown.facts["Partitions"] == "0: 0, 1: 1, 2: 2, 3: 3"
    assert len(read_labelled(output)) == 37
    lost = (output.parent / "own.unusable.tsv").read_text().splitlines()[1:]
    assert len(lost) + len(read_labelled(output)) == 40
    assert all("removed: expected homologs in one partition, found them in" in row for row in lost)
    removed = read_labelled(output.parent / "own.removed.fasta", is_extra=True)
    assert len(removed) == len(lost) == summary.removed
    kept = read_labelled(output)
    for record in removed:
        found = next(homologs([record.residues, *(r.residues for r in kept)], 0.3))
        near = {kept[place - 1].partition for _, place, _ in found}
        assert near <= set(record.near)
        assert len(record.near) > 1


def test_partition_that_loses_all_its_proteins_is_told(mostly_parted):
    rows = mostly_parted.read_text().splitlines()
    alone = next(row for row in rows if row.startswith("P1_0")).replace("P1_0", "Q1").split(",")
    alone[5:] = ["7", alone[6][:-1] + "W"]
    mostly_parted.write_text("\n".join([*rows, ",".join(alone)]) + "\n")
    output, summary = run(mostly_parted, split="given")
    assert summary.shown.facts["Partitions"] == "0: 0, 1: 1, 2: 2, 3: 3, 4: 7 (no protein left)"
    assert {record.partition for record in read_labelled(output)} == {0, 1, 2, 3}


def test_too_few_partitions_with_proteins_left_are_refused(source):
    with pytest.raises(RecordError, match=r"--split given: expected 3 groups .* found none such"):
        run(source, split="given")
    assert list(source.parent.iterdir()) == [source]


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
    output, _ = run(source, engine="mmseqs2")
    assert len(read_labelled(output)) == 40


def test_homologs_that_an_engine_misses_are_removed(source, tmp_path, monkeypatch):
    install_fake_mmseqs(tmp_path, monkeypatch, least=2)
    output, _ = run(source, engine="mmseqs2")
    kept = read_labelled(output)
    assert len(kept) < 40
    found = homologs([r.residues for r in kept], 0.3, [r.partition for r in kept])
    assert not any(found)


@pytest.fixture
def few(tmp_path):
    """Two labelled proteins, and one without a site."""
    rows = ["id,type,site,kingdom,group,partition,sequence", f"P1,SP,18,EUKARYA,g,0,{SEQUENCE}"]
    rows += [f"P2,NO_SP,,EUKARYA,h,,{SEQUENCE[::-1].replace('G', 'M', 1)}", "P3,SP,,,,,MK"]
    (tmp_path / "few.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "few.csv"


def test_tables_beside_the_file_tell_of_each_protein(few):
    output, summary = run(few, split="none")
    assert [(r.accession, r.partition) for r in read_labelled(output)] == [("P1", 0), ("P2", 0)]
    places = outputs(output)
    assert places["groups"].read_text().splitlines() == [
        "accession\tgroup\tplace\tis_weak",
        f"P1\tg\t{few}:2\t0",
        f"P2\th\t{few}:3\t0",
    ]
    assert places["unusable"].read_text().splitlines() == [
        "place\taccession\treason",
        f"{few}:4\tP3\texpected a cleavage site of SP, found none",
    ]
    assert "all in one partition" in summary.shown.facts["Homology"]
    assert (summary.compared, summary.removed, summary.groups) == (0, 0, [])
    assert not places["removed"].exists()


def test_removed_proteins_of_an_earlier_file_do_not_stay_beside_a_new_one(few):
    removed = outputs(few.parent / "own.fasta")["removed"]
    removed.write_text("earlier")
    run(few, split="none", overwrite=True)
    assert not removed.exists()


def test_pairs_between_partitions_are_counted(few):
    rows = "".join(f"Q{n},NO_SP,,ARCHAEA,i,,M{letter * 30}\n" for n, letter in enumerate("ACDE"))
    few.write_text(few.read_text() + rows)
    _, summary = run(few, split="leave-one-group-out")
    assert summary.groups == ["g", "h", "i"]
    assert summary.compared == 1 + 4 + 4


def test_file_and_tables_come_together_or_not_at_all(few, monkeypatch):
    few.write_text(few.read_text() + f"P4,SP,17,EUKARYA,,,{SEQUENCE[1:].replace('K', 'M', 1)}\n")
    monkeypatch.setitem(sys.modules, "logomaker", None)
    with pytest.raises(ConfigError, match="expected the package logomaker"):
        run(few, split="none")
    assert list(few.parent.iterdir()) == [few]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"output": "."}, ConfigError, r": expected a file or nothing there, found a folder"),
        ({"output": "few.csv", "overwrite": True}, ConfigError, "another file than a source"),
        ({"output": "no/own.fasta"}, ConfigError, "no: expected a folder, found none"),
        ({"split": "given"}, RecordError, r"few\.csv:3: expected a partition .* found none \(P2"),
        (
            {"split": "leave-one-group-out"},
            RecordError,
            "--split leave-one-group-out: expected 3 groups or more, found g, h",
        ),
        ({"partitions": 3}, RecordError, "expected 3 groups of proteins or more"),
    ],
)
def test_what_cannot_be_prepared_is_named_and_nothing_is_written(few, changes, error, message):
    place = {"output": few.parent / changes["output"]} if "output" in changes else {}
    with pytest.raises(error, match=message):
        run(few, **{**changes, **place})
    assert list(few.parent.iterdir()) == [few]
