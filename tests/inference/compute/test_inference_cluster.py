"""Prediction on a real Ray cluster, against prediction in this process."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

import peftsp.inference.compute.cluster
import peftsp.inference.run.execution
from peftsp.errors import ConfigError
from peftsp.inference.commands.predict import main
from peftsp.inference.compute.cluster import predict_on_cluster
from peftsp.inference.formats.registry import FORMATS, find_formats
from peftsp.model.bundle_files import hash_bundle
from peftsp.records import SequenceRecord

REPOSITORY = Path(__file__).resolve().parents[3]
BATCH_SIZE = 2
PICTURES = {"png", "svg", "pdf"}


def on_cluster(test):
    return pytest.mark.slow(pytest.mark.cluster(test))


@pytest.fixture(scope="module")
def address():
    """That of a cluster of a head without CPUs and two machines with one each."""
    pytest.importorskip("ray", reason="ray is not installed")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture(scope="module")
def many(write_fasta, short_records, tmp_path_factory):
    """FASTA file of 25 windows, the last one not full."""
    records = [
        SequenceRecord(f"{number}.{record.header}", record.residues)
        for number in range(5)
        for record in short_records
    ]
    return write_fasta(tmp_path_factory.mktemp("many"), records[:-7])


@pytest.fixture
def command(many, bundles, tmp_path):
    return arguments(many, bundles[0], tmp_path / "out")


def arguments(fasta, bundle, out):
    options = ("-b", bundle, "-o", out, "--batch-size", BATCH_SIZE, "--threads", 1)
    return [str(word) for word in (fasta, *options, "--device", "cpu")]


@pytest.fixture(scope="module")
def expected_table(many, bundles, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    assert main(arguments(many, bundles[0], out)) == 0
    return (out / "predictions.csv").read_bytes()


def is_installed(name):
    try:
        return bool(find_formats([name]))
    except ConfigError:
        return False


@on_cluster
def test_every_format_has_the_same_bytes(address, fasta, bundles, tmp_path, monkeypatch):
    clock = SimpleNamespace(now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(peftsp.inference.run.execution, "datetime", clock)
    names = [name for name in FORMATS if name not in PICTURES and is_installed(name)]
    written = []
    for place in ([], ["--cluster", address]):
        folder = tmp_path / f"place{len(place)}"
        folder.mkdir()
        # Some files name the folder as it was given.
        monkeypatch.chdir(folder)
        more = ["-b", str(bundles[1]), "--formats", ",".join(names), *place]
        assert main([*arguments(fasta, bundles[0], "out"), *more]) == 0
        (folder / "out" / "prediction.json").unlink()  # tells the speed
        written.append({p.name: p.read_bytes() for p in (folder / "out").iterdir()})
    assert len(written[0]) > len(names)
    assert written[0] == written[1]


def kill_after(monkeypatch, predictions, kill):
    """Make something happen when the driver has got some predictions."""

    def watched(*args):
        for index, prediction in enumerate(predict_on_cluster(*args)):
            if index == predictions:
                kill()
            yield prediction

    monkeypatch.setattr(peftsp.inference.compute.cluster, "predict_on_cluster", watched)


def kill_worker():
    import psutil

    processes = psutil.Process().children(recursive=True)
    workers = [process for process in processes if "ray::Worker" in process.name()]
    assert len(workers) == 2
    workers[0].kill()
    workers[0].wait()


@on_cluster
def test_killed_worker_changes_no_byte(
    address, command, expected_table, tmp_path, monkeypatch, capsys
):
    kill_after(monkeypatch, 20, kill_worker)
    assert main([*command, "--cluster", address]) == 0
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table
    assert capsys.readouterr().err == ""


@on_cluster
def test_killed_run_resumes_to_the_same_bytes(
    address, command, expected_table, tmp_path, capsys, run_killed
):
    command += ["--cluster", address]
    killed = run_killed("cluster", "predict_on_cluster", command)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "predictions.csv").exists()
    assert main(command) == 0
    output = capsys.readouterr()
    assert output.err == "resuming after 48 proteins\n"
    assert "predicted 345 proteins" in output.out
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table


@on_cluster
def test_cluster_of_this_machine_is_started(command, expected_table, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    # Ray does not take a second cluster well in one process.
    script = [sys.executable, str(REPOSITORY / "predict.py")]
    done = subprocess.run(
        [*script, *command, "--cluster", "local", "--cluster-workers", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == expected_table


def remove(bundle):
    shutil.rmtree(bundle)


def change(bundle):
    config = bundle / "config.json"
    config.write_text(config.read_text() + "\n")


@on_cluster
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (remove, "expected a bundle folder with config.json in it, found none"),
        (change, "expected the bundle of this run, found another"),
    ],
)
def test_machine_without_the_bundle_is_named(
    address, command, bundles, tmp_path, monkeypatch, capsys, harm, message
):
    bundle = shutil.copytree(bundles[0], tmp_path / "bundle")
    command[command.index("-b") + 1] = str(bundle)

    def hash_and_harm(folder):
        digest = hash_bundle(folder)
        harm(folder)
        return digest

    # In place of another machine: the bundle is no longer what this process saw.
    monkeypatch.setattr("peftsp.inference.compute.cluster.hash_bundle", hash_and_harm)
    assert main([*command, "--cluster", address]) == 2
    assert capsys.readouterr().err == f"worker on {os.uname().nodename}: {bundle}: {message}\n"


@on_cluster
def test_cluster_without_room_is_an_error(address, command, capsys):
    assert main([*command, "--cluster", address, "--threads", "2"]) == 2
    message = "--cluster: expected a machine with 2 CPU for a worker, found none among 3\n"
    assert capsys.readouterr().err == message


def test_no_ray_is_one_line_that_says_what_to_install(command, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*command, "--cluster", "local"]) == 2
    assert capsys.readouterr().err == (
        "--cluster: expected the package ray, found none; pip install 'ray>=2.50'\n"
    )


@on_cluster
@pytest.mark.parametrize("place", ["127.0.0.1:9", "nowhere"])
def test_no_cluster_is_one_line(command, capsys, place):
    pytest.importorskip("ray", reason="ray is not installed")
    assert main([*command, "--cluster", place]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"--cluster {place}: expected a Ray cluster there, found none: ")
    assert message.count("\n") == 1


def test_workers_of_no_cluster_are_refused(command, capsys):
    assert main([*command, "--cluster-workers", "2"]) == 2
    message = "--cluster-workers 2: expected --cluster too, found none\n"
    assert capsys.readouterr().err == message


@on_cluster
def test_graphs_give_the_same_bytes(address, many, tmp_path):
    tables = []
    for place in ([], ["--cluster", address]):
        out = tmp_path / f"place{len(place)}"
        assert main([str(many), "-o", str(out), "--model", "fast", "--threads", "1", *place]) == 0
        tables.append((out / "predictions.csv").read_bytes())
    assert tables[0] == tables[1]
