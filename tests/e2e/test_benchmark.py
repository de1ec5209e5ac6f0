"""The benchmark compares what it times, and says so when results differ."""

import json
import os
import signal
from collections import Counter
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import torch

pytest.importorskip("torchcrf")
REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = ["--sizes", "tiny", "--rounds", "1", "--batch-size", "2", "--predict-batch-size", "2"]


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """Runs the benchmark at a tiny size and gives its exit status; files go to ``tmp_path``."""
    monkeypatch.syspath_prepend(REPOSITORY)
    from benchmarks.cli import main

    threads = ["--threads", str(torch.get_num_threads())]
    return lambda *more: main([*SMALL, *threads, "-o", str(tmp_path), *more])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["train", "predict"])
def test_contenders_agree_and_leave_their_tables(benchmark, tmp_path, mode):
    names = ["reference", "hugging_face", "peftsp", "peftsp-full-table"]
    assert (
        benchmark("--mode", mode, "--methods", "lora_last2", "--contenders", ",".join(names)) == 0
    )
    results = json.loads((tmp_path / "results.json").read_text())
    rows = results["rows"]
    assert [row["contender"] for row in rows] == names
    assert all(row["is_equal"] for row in rows)
    assert all(row["rounds"] == 1 and row["memory_mb"] > 0 for row in rows)
    assert f"--mode {mode} --methods lora_last2" in results["machine"]["command"]
    assert results["machine"]["cores"]
    compared = {(c["contender"], c["what"]) for c in results["checks"]}
    wanted = {"loss", "gradients"} if mode == "train" else {"emissions", "differing answers"}
    assert {(name, what) for name in names for what in wanted} <= compared
    assert "peftsp-full-table" in (tmp_path / "results.md").read_text()
    assert (tmp_path / "ratios.png").stat().st_size


@pytest.mark.slow
def test_different_results_are_told(benchmark, tmp_path, monkeypatch):
    from benchmarks.ours import Ours

    right = Ours.emissions
    monkeypatch.setattr(Ours, "emissions", lambda *given: right(*given) + 0.01)
    assert benchmark("--mode", "predict", "--contenders", "reference,peftsp") == 1
    assert "**NO**" in (tmp_path / "results.md").read_text()


def test_contenders_take_turns(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY)
    from benchmarks import measure
    from benchmarks.worker import Step

    class Worker:
        def __init__(self, name):
            self.name = name

        def step(self):
            order.append(self.name)
            # A warm-up may take longer and need more.
            memory = 10 if len(order) <= 3 else 7
            return Step(1.0, dict.fromkeys(measure.STAGES, 1.0), memory, None)

    order = []
    names = ["reference", "hugging_face", "peftsp"]
    timings = measure.run_rounds({n: Worker(n) for n in names}, torch.device("cpu"), rounds=4)
    rounds = [order[start : start + 3] for start in range(0, len(order), 3)]
    assert len(rounds) == measure.WARM_UPS + 4
    assert all(Counter(turn) == Counter(names) for turn in rounds)
    assert all(later == [*turn[1:], turn[0]] for turn, later in pairwise(rounds))
    assert [len(timings.seconds[name]) for name in names] == [4, 4, 4]
    assert timings.memory == dict.fromkeys(names, 10)


@pytest.mark.slow
def test_failure_of_a_process_ends_the_command(benchmark, monkeypatch, capsys):
    from benchmarks import cli, worker

    def broken(name, *settings):
        job = worker.Job(name, *settings)
        return job._replace(device="abacus") if name == "peftsp" else job

    monkeypatch.setattr(cli, "Job", broken)
    assert benchmark("--mode", "predict", "--contenders", "reference,peftsp") == 3
    error = capsys.readouterr().err
    assert "error: peftsp: its process failed" in error
    assert "Traceback" in error
    assert "abacus" in error


@pytest.mark.slow
def test_process_that_is_killed_is_named_and_the_others_end(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY)
    from benchmarks.worker import Job, WorkerError, start_workers

    settings = ("tiny", "lora", "predict", 2, "cpu", torch.get_num_threads())
    jobs = [Job(name, *settings) for name in ("reference", "peftsp")]
    with start_workers(jobs) as workers:
        os.kill(workers["peftsp"].pid, signal.SIGKILL)
        workers["reference"].step()
        with pytest.raises(WorkerError, match="peftsp: its process ended"):
            workers["peftsp"].step()
    assert not any(psutil.pid_exists(worker.pid) for worker in workers.values())


def test_unknown_contender_is_named(benchmark, capsys):
    assert benchmark("--contenders", "peftsp,torch") == 2
    assert "found torch" in capsys.readouterr().err


def test_products_of_a_backbone_are_counted(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY)
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.products import backbone_operations
    from benchmarks.workload import find_spec, make_workload
    from peftsp.backbone.checkpoint import build_backbone
    from peftsp.backbone.specs import BackboneSource

    workload = make_workload("tiny", "lora")
    spec = find_spec("tiny")
    backbone = build_backbone(BackboneSource(spec, "random"), workload.backbone, "")
    tokens = torch.full((2, 72), 5)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        backbone(tokens, tokens > 0)
    # The counter does not know the fused attention of CPUs.
    attention = spec.layers * 4 * 72 * spec.width * 2 * 72
    counted = counter.get_total_flops()
    assert backbone_operations(spec, None, 2, 72) in (counted, counted + attention)
