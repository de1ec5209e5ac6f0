"""Results replace those of an earlier run together, and nothing else is touched."""

import errno
import json
import os
import subprocess
import sys

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.commands.predict import main
from peftsp.inference.run.output import OutputFolder

RECORD = {"peftsp": "0"}


def publish(folder, **contents):
    with OutputFolder(folder) as output:
        made = [output.stage / name for name in contents]
        for path in made:
            path.write_text(contents[str(path.relative_to(output.stage))])
        return output.publish(RECORD)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_what_the_earlier_run_alone_wrote_goes_and_the_rest_stays(tmp_path):
    (tmp_path / "mine").write_text("mine")
    publish(tmp_path, a="1", b="1")
    assert publish(tmp_path, b="2", c="2") == (tmp_path / "b", tmp_path / "c")
    found = contents(tmp_path)
    record = json.loads(found.pop("prediction.json"))
    assert record.pop("sha256").keys() == {"b", "c"}
    assert record == {**RECORD, "files": ["b", "c"]}
    assert found == {"mine": "mine", "b": "2", "c": "2"}
    assert not list(tmp_path.glob(".*"))


def test_folder_of_results_is_replaced_as_a_whole(tmp_path):
    for number in (1, 2):
        with OutputFolder(tmp_path) as output:
            (output.stage / "plots").mkdir()
            (output.stage / "plots" / f"{number}.png").touch()
            output.publish(RECORD)
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["2.png"]
    publish(tmp_path, a="")
    assert not (tmp_path / "plots").exists()


def test_run_that_fails_half_way_leaves_the_earlier_results(tmp_path):
    publish(tmp_path, a="1")
    before = contents(tmp_path)
    with pytest.raises(FileNotFoundError):
        publish(tmp_path, **{"a": "2", "no/such/folder": ""})
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "record",
    [
        '{"peftsp": "0", "files": [".."]}',
        '{"peftsp": "0", "files": ["../precious"]}',
        '{"peftsp": "0", "files": ["."]}',
        '{"peftsp": "0", "files": [""]}',
        '{"tool": "another", "files": ["precious"]}',
        '["precious"]',
        "no JSON",
    ],
)
def test_record_of_another_program_removes_nothing(tmp_path, record):
    folder = tmp_path / "out"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "precious").write_text("data")
    (folder / "prediction.json").write_text(record)
    with pytest.raises(ConfigError, match=r"prediction\.json: expected the record of a peftsp run"):
        publish(folder, a="1")
    assert contents(folder) == {"precious": "data", "prediction.json": record}
    assert contents(tmp_path) == {"precious": "data"}


@pytest.mark.parametrize("name", ["a", ".unfinished/thesis", ".lock"])
def test_own_file_in_the_place_of_a_result_is_kept(tmp_path, name):
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("mine")
    with pytest.raises(ConfigError, match=name.partition("/")[0]):
        publish(tmp_path, a="1")
    assert own.read_text() == "mine"


def test_result_that_was_changed_or_added_to_is_kept(tmp_path):
    with OutputFolder(tmp_path) as output:
        (output.stage / "plots").mkdir()
        (output.stage / "plots" / "1.png").touch()
        (output.stage / "a").write_text("1")
        output.publish(RECORD)
    for place, text in (("plots/thesis.txt", "mine"), ("a", "1, corrected")):
        before = (tmp_path / place).read_text() if place == "a" else None
        (tmp_path / place).write_text(text)
        with pytest.raises(ConfigError, match=f"{place}: expected what the last run wrote"):
            publish(tmp_path, a="2")
        assert (tmp_path / place).read_text() == text
        (tmp_path / place).unlink() if before is None else (tmp_path / place).write_text(before)
    publish(tmp_path, a="2")


def test_record_of_a_training_beside_results_stays(tmp_path):
    (tmp_path / "run.json").write_text('{"format": "peftsp-run", "version": 2}')
    publish(tmp_path, a="1")
    assert set(contents(tmp_path)) == {"a", "prediction.json", "run.json"}


def test_planted_record_removes_nothing(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text").write_text("mine")
    (tmp_path / "prediction.json").write_text('{"peftsp": "0", "files": ["thesis"]}')
    with pytest.raises(ConfigError, match="thesis/text: expected what the last run wrote"):
        publish(tmp_path, a="1")
    assert (tmp_path / "thesis" / "text").read_text() == "mine"


def test_input_is_neither_replaced_nor_removed(tmp_path):
    publish(tmp_path, a="1", b="1")
    for name in ("a", "b"):
        with OutputFolder(tmp_path, [tmp_path / "a"]) as output:
            (output.stage / name).write_text("2")
            if name == "a":
                with pytest.raises(ConfigError, match="found an input of this run"):
                    output.publish(RECORD)
            else:
                output.publish(RECORD)
    assert (tmp_path / "a").read_text() == "1"


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "interrupted"])
@pytest.mark.parametrize("moved", range(4))
def test_run_ended_while_it_publishes_is_followed_by_another(
    tmp_path, monkeypatch, moved, is_killed
):
    publish(tmp_path, a="1", b="1", c="1")
    output = OutputFolder(tmp_path)
    output.__enter__()
    for name in "abd":
        (output.stage / name).write_text("2")
    real, count = type(tmp_path).replace, iter(range(9))

    def replace(path, target):
        if next(count) == moved:
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            output.publish(RECORD)
    output._let_go() if is_killed else output.__exit__()
    with OutputFolder(tmp_path):
        found = contents(tmp_path)
        assert json.loads(found.pop("prediction.json"))["files"] == ["a", "b", "d"]
        assert found == {"a": "2", "b": "2", "d": "2", ".lock": ""}
    publish(tmp_path, a="3", d="3")
    found = contents(tmp_path)
    found.pop("prediction.json")
    assert found == {"a": "3", "d": "3"}


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_file_system_without_locks_is_written_to(tmp_path, monkeypatch, capsys, code):
    def refuse(self, *args, **kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    publish(tmp_path, a="1")
    assert (tmp_path / "a").read_text() == "1"
    assert "has no locks" in capsys.readouterr().err


HOLD = """
import sys
from pathlib import Path
from peftsp.inference.run.output import OutputFolder
with OutputFolder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder):
    """A process that has a folder of results until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_one_run_has_a_folder_at_a_time(fasta, bundles, tmp_path, capsys):
    out = tmp_path / "out"
    with hold(out) as other:
        before = contents(out)
        assert predict(fasta, bundles[0], out) == 2
        assert capsys.readouterr().err == (
            f"{out}: expected a folder that no other run writes to, found one that does\n"
        )
        assert contents(out) == before
        assert predict(fasta, bundles[0], tmp_path / "another") == 0
        other.communicate()
    assert predict(fasta, bundles[0], out) == 0
    assert {path.name for path in out.iterdir()} == {"predictions.csv", "prediction.json"}


def test_killed_run_keeps_no_other_from_its_folder(fasta, bundles, tmp_path):
    out = tmp_path / "out"
    with hold(out) as other:
        other.kill()
    assert (out / ".lock").exists()
    assert predict(fasta, bundles[0], out) == 0
    assert {path.name for path in out.iterdir()} == {"predictions.csv", "prediction.json"}


@pytest.fixture
def mount(tmp_path):
    """Function that mounts a small memory disk with some options and returns its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mounted(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, check=False, capture_output=True)
        except FileNotFoundError:
            pytest.skip("this system has no mount")
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        return folder

    yield mounted
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def predict(fasta, bundle, out, formats="csv"):
    options = ["-b", str(bundle), "-o", str(out), "--threads", "1", "--formats", formats]
    return main([str(fasta), *options])


@pytest.mark.parametrize("kib", [8, 16, 24, 28])
def test_full_disk_leaves_nothing_that_looks_whole(fasta, bundles, mount, capsys, kib):
    out = mount(f"size={kib}k") / "out"
    assert predict(fasta, bundles[0], out, "csv,tsv") == 2
    found = capsys.readouterr().err
    assert found == f"{out}: expected a place to write to, found: No space left on device\n"
    assert {path.name for path in out.iterdir()} <= {"predictions.partial"}


def test_full_disk_leaves_the_earlier_results_alone(fasta, bundles, mount, capsys):
    disk = mount("size=64k")
    assert predict(fasta, bundles[0], disk / "out") == 0
    before = contents(disk / "out")
    (disk / "ballast").write_bytes(bytes(40_000))
    assert predict(fasta, bundles[1], disk / "out", "csv,tsv") == 2
    after = contents(disk / "out")
    assert {name: after[name] for name in before} == before
    assert "No space left on device" in capsys.readouterr().err
    (disk / "ballast").unlink()
    assert predict(fasta, bundles[1], disk / "out", "csv,tsv") == 0
    assert set(contents(disk / "out")) == {"predictions.csv", "predictions.tsv", "prediction.json"}


def test_read_only_folder_is_one_line_and_status_2(fasta, bundles, mount, capsys):
    disk = mount("size=64k,ro")
    for out in (disk, disk / "out"):
        assert predict(fasta, bundles[0], out) == 2
        assert capsys.readouterr().err == (
            f"{out}: expected a place to write to, found: Read-only file system\n"
        )


def test_record_may_name_more_than_other_files_may_hold(tmp_path):
    """Of a proteome, each picture is named twice."""
    long = "x" * 2**20
    for names in (("a.txt", "b.txt"), ("a.txt",)):
        with OutputFolder(tmp_path) as folder:
            for name in names:
                (folder.stage / name).write_text(name)
            folder.publish({"peftsp": "1", "notes": [long] * 17})
    assert (tmp_path / "prediction.json").stat().st_size > 17 * 2**20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "prediction.json"]
