"""Time from a command to its table, with ONNX Runtime and with PyTorch, in turn.

python benchmarks/cold_start.py examples/proteins.fasta --rounds 5
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peftsp.model.shipped import SHIPPED

RUNTIMES = ("onnx", "torch")
_COMMAND = "import sys; from peftsp.inference.commands.predict import main; sys.exit(main())"


def main() -> None:
    """Print a row for each model: medians of wall time and of processor time, and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=list(SHIPPED), default=list(SHIPPED))
    options = parser.parse_args()
    print("| model | ONNX Runtime, s | PyTorch, s | ratio | processor time, s | | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for model in options.models:
        times: dict[str, list[tuple[float, float]]] = {runtime: [] for runtime in RUNTIMES}
        # The first round fills the disk's cache.
        for number in range(options.rounds + 1):
            for runtime in RUNTIMES:
                found = _run(options.fasta, model, runtime, options.threads)
                times[runtime] += [found] if number else []
        wall, work = (
            [statistics.median(one[place] for one in times[runtime]) for runtime in RUNTIMES]
            for place in (0, 1)
        )
        cells = (
            f"{ours:.2f} | {theirs:.2f} | {theirs / ours:.1f}" for ours, theirs in (wall, work)
        )
        print(f"| `{model}` | {' | '.join(cells)} |", flush=True)


def _run(fasta: Path, model: str, runtime: str, threads: int) -> tuple[float, float]:
    """Seconds that pass, and seconds of processors, from the command to its table."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _COMMAND, str(fasta)]
        command += ["-o", folder, "--model", model, "--runtime", runtime, "--no-progress"]
        command += ["--threads", str(threads)]
        before, began = os.times(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        assert (Path(folder) / "predictions.csv").stat().st_size
    work = after.children_user + after.children_system
    return time.perf_counter() - began, work - before.children_user - before.children_system


if __name__ == "__main__":
    main()
