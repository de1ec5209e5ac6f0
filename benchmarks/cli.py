"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks import checks, contenders, end_to_end, machine
from benchmarks.contenders import PREDICT, TRAIN
from benchmarks.measure import empty_caches, run_rounds
from benchmarks.products import backbone_operations
from benchmarks.results import Results, make_row
from benchmarks.worker import Job, WorkerError, start_workers
from benchmarks.workload import (
    METHODS,
    SIZES,
    find_method,
    find_spec,
    make_workload,
    uneven_task,
)
from peftsp.errors import ConfigError, PeftspError
from peftsp.inference.compute.device import find_device, fitting_batch_size
from peftsp.labels import MAX_RESIDUES

END_TO_END = "end_to_end"
QUICK = {
    "sizes": ["8m"],
    "methods": ["lora"],
    "rounds": 3,
    "batch_size": 10,
    "predict_batch_size": 10,
}
EXIT_DIFFERENT, EXIT_BAD_INPUT, EXIT_FAILED = 1, 2, 3
PROGRAM = "python -m benchmarks"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    options.command = f"{PROGRAM} {shlex.join(arguments)}"
    if options.quick:
        vars(options).update(QUICK)
    try:
        return _run(options)
    except PeftspError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except WorkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train and predict side by side with the reference way and with libraries.",
    )
    parser.add_argument("--mode", choices=[TRAIN, PREDICT, END_TO_END, "all"], default="all")
    parser.add_argument("--sizes", type=_names, default=["8m"], help=f"of {', '.join(SIZES)}")
    parser.add_argument("--methods", type=_names, default=["lora"], help=f"of {', '.join(METHODS)}")
    parser.add_argument(
        "--contenders", type=_names, help=f"of {', '.join(contenders.ENTRIES)}; default: all"
    )
    parser.add_argument("--rounds", type=_positive, default=15, help="timed turns of each")
    parser.add_argument("--batch-size", type=_positive, default=20, help="in training")
    parser.add_argument(
        "--predict-batch-size", type=_positive, help="default: what peftsp-predict takes"
    )
    parser.add_argument("--proteins", type=_positive, default=2000, help="in files, end to end")
    parser.add_argument("--threads", type=_positive, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--quick", action="store_true", help="8M, LoRA, batches of 10, 3 rounds")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/benchmark"))
    return parser


def _names(text: str) -> list[str]:
    return text.split(",")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {value}")
    return value


def _run(options: argparse.Namespace) -> int:
    device = find_device(options.device)
    torch.set_num_threads(options.threads)
    names, skipped = contenders.choose(options.contenders, device)
    for name, reason in skipped.items():
        print(f"skipped {name}: {reason}")
    results = Results(machine.describe(device, options.command), skipped)
    for place in _places(options):
        here = [name for name in names if contenders.ENTRIES[name].fits(place[0], place[2])]
        if not here:
            raise ConfigError(
                f"--contenders: expected one that can {place[0]} {place[2]}, found none"
            )
        print(f"measuring {', '.join(place)}: {', '.join(here)}", flush=True)
        rows, found_checks = _measure(place, here, device, options)
        results.rows += rows
        results.checks += found_checks
        # A run that is broken off keeps the tables it has.
        results.write(options.output)
        empty_caches()
    if options.mode in (END_TO_END, "all") and not options.quick:
        print("measuring from file to file", flush=True)
        cpu = torch.device("cpu")
        batch_sizes = {size: _batch_size(PREDICT, size, cpu, options) for size in options.sizes}
        results.end_to_end = end_to_end.measure(
            batch_sizes, options.proteins, options.rounds, options.threads
        )
        results.write(options.output)
    print(results.markdown())
    print(f"written to {options.output}")
    if results.are_equal:
        return 0
    print("error: results differ by more than the tolerance, see the table", file=sys.stderr)
    return EXIT_DIFFERENT


def _batch_size(
    mode: str,
    size: str,
    device: torch.device,
    options: argparse.Namespace,
) -> int:
    if mode == TRAIN:
        return options.batch_size
    return options.predict_batch_size or fitting_batch_size(device.type, find_spec(size).width)


def _places(options: argparse.Namespace) -> list[tuple[str, str, str]]:
    """Mode, size and method of each table; prediction with LoRA, the only one that merges."""
    modes = [mode for mode in (TRAIN, PREDICT) if options.mode in (mode, "all")]
    return [
        (mode, size, method)
        for size in options.sizes
        for mode in modes
        for method in (options.methods if mode == TRAIN else ["lora"])
    ]


def _measure(
    place: tuple[str, str, str],
    names: list[str],
    device: torch.device,
    options: argparse.Namespace,
) -> tuple[list[dict[str, Any]], list[checks.Check]]:
    mode, size, method = place
    batch_size = _batch_size(mode, size, device, options)
    found_checks = _check(place, names, device)
    # The processes of the contenders need it too.
    empty_caches()
    settings = (size, method, mode, batch_size, str(device), options.threads)
    with start_workers([Job(name, *settings) for name in names]) as workers:
        timings = run_rounds(workers, device, options.rounds)
    spec, trained = find_spec(size), find_method(method) if mode == TRAIN else None
    rows = []
    for name in names:
        operations = backbone_operations(
            spec, trained, batch_size, MAX_RESIDUES + 2, contenders.ENTRIES[name].keeps_prefix
        )
        rows.append(make_row(place, name, batch_size, timings, operations, found_checks))
    return rows, found_checks


def _check(
    place: tuple[str, str, str], names: list[str], device: torch.device
) -> list[checks.Check]:
    mode, size, method = place
    workload = make_workload(size, method)
    built = {name: contenders.build(name, workload, device, mode) for name in names}
    check = checks.check_training if mode == TRAIN else checks.check_prediction
    return check(workload, built, uneven_task(8, device))
