"""From a FASTA file to a table, with loaded models, all three side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import HUGGING_FACE, PEFTSP, PREDICT, REFERENCE
from benchmarks.files import write_fasta
from benchmarks.turns import ratio, take_turns
from benchmarks.worker import Job, start_workers
from benchmarks.workload import find_spec


def measure(
    batch_sizes: Mapping[str, int], proteins: int, rounds: int, threads: int
) -> list[dict[str, Any]]:
    """Time every way, one round of each in turn.

    Args:
        batch_sizes: Proteins in a batch, by size of the backbones.
        proteins: In the file of the smallest; as many fewer as larger ones take longer.
        rounds: How often each is timed.
        threads: Of each.

    Returns:
        For each size and way: proteins in the file, median and quartiles of the seconds, and the
        median over rounds of the Hugging Face stack's time over its own.
    """
    rows = []
    for size, batch_size in batch_sizes.items():
        fewer = proteins * find_spec("8m").parameters // find_spec(size).parameters
        count = min(proteins, max(batch_size, fewer))
        names = (REFERENCE, HUGGING_FACE, PEFTSP)
        jobs = [Job(name, size, "lora", PREDICT, batch_size, "cpu", threads) for name in names]
        with tempfile.TemporaryDirectory() as folder, start_workers(jobs) as workers:
            fasta = Path(folder) / "proteins.fasta"
            write_fasta(fasta, count)
            ways = {
                name: partial(worker.predict_file, fasta, Path(folder) / f"{name}.csv")
                for name, worker in workers.items()
            }
            found = take_turns(ways, rounds)
        for name, seconds in found.items():
            low, median, high = np.percentile(seconds, [25, 50, 75]).tolist()
            row = {"what": f"{name}, {size}", "proteins": count, "rounds": rounds}
            row |= {"seconds": median, "low": low, "high": high}
            rows.append(row | {"to_hugging_face": ratio(found[HUGGING_FACE], seconds)})
    return rows
