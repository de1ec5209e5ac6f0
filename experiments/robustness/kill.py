"""Whether a prediction that is killed again and again ends with the bytes of an unharmed one.

python experiments/robustness/kill.py PROTEINS.faa.gz FOLDER --kills 30
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from peftsp.data.fasta import read_fasta

RESULTS = ("predictions.csv", "predictions.gff3", "mature.fasta")
_PROTEINS_A_KILL = 40


def main() -> int:
    """Kill, resume and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proteins_file")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    options = parser.parse_args()
    options.folder.mkdir()
    proteins = options.folder / "proteins.fasta"
    with proteins.open("w") as file:
        for index, record in enumerate(read_fasta(options.proteins_file)):
            if index == (options.kills + 2) * _PROTEINS_A_KILL:
                break
            file.write(f">{record.header}\n{record.residues}\n")
    unharmed, harmed = options.folder / "unharmed", options.folder / "harmed"
    subprocess.run(command(proteins, unharmed), check=True)
    rng = random.Random(0)
    killed = sum(kill_once(command(proteins, harmed), harmed, rng) for _ in range(options.kills))
    subprocess.run(command(proteins, harmed), check=True)
    differ = [name for name in RESULTS if not is_same(unharmed / name, harmed / name)]
    print(f"{killed} of {options.kills} runs killed while they predicted; files differ: {differ}")
    return len(differ)


def command(proteins: Path, output: Path) -> list[str]:
    """The command line of a prediction in small windows, of which a killed one keeps the whole."""
    words = "--model fast --batch-size 4 --threads 1 --formats csv,gff3,fasta --no-progress"
    return [sys.executable, "predict.py", str(proteins), "-o", str(output), *words.split()]


def kill_once(words: list[str], output: Path, rng: random.Random) -> bool:
    """Start a run and kill it when it has written some more; whether it was still at work."""
    partial = output / "predictions.partial"
    before = partial.stat().st_size if partial.exists() else 0
    wanted = before + rng.randrange(1000, 20_000)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if partial.exists() and partial.stat().st_size >= wanted:
                time.sleep(rng.random() / 20)
                process.kill()
                return process.wait() < 0
            time.sleep(0.005)
    return False


def is_same(first: Path, second: Path) -> bool:
    """Whether two files have the same bytes."""
    return first.read_bytes() == second.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
