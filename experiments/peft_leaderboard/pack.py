"""Pack the tests of a study, so that it can be gone on with elsewhere.

python experiments/peft_leaderboard/pack.py runs/STUDY-tested -o tests.tar.xz
python experiments/peft_leaderboard/pack.py runs/STUDY-tested --beyond tests.tar.xz -o more.tar.xz

Probabilities keep three digits; of settings that no fold has chosen, and with --calls-only of all,
only the calls stay, with probability 1. Of paths the last part stays. The same tests give the same
bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
from trials import chosen, is_complete, read_tested, validating

from peftsp.labels import SP_TYPES
from peftsp.runs.record import PREDICTIONS_FILE, RUN_FILE
from peftsp.runs.results import Run


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("study", type=Path, help="folder with one for each method")
    add(
        "--beyond", type=Path, nargs="+", default=[], metavar="FILE", help="packed before: left out"
    )
    add("--only", nargs="+", metavar="METHOD", help="(default: all)")
    add("--calls-only", action="store_true", help="leave out probabilities, which need most room")
    add("-o", "--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    study: Path = options.study.resolve()
    if not study.is_dir():
        parser.error(f"{options.study}: expected the folder of a study, found none")
    packed = set[str]()
    for path in options.beyond:
        with tarfile.open(path) as archive:
            packed.update(archive.getnames())
    partial: Path = options.output.with_name(f".{options.output.name}.partial")
    # A dictionary that holds several tests: they repeat each other's proteins.
    with tarfile.open(partial, "w:xz", preset=9) as archive:
        for method in sorted(path for path in study.iterdir() if path.is_dir()):
            if options.only and method.name not in options.only:
                continue
            tests = read_tested(method)
            needed = set() if options.calls_only else needed_folders(tests)
            for run in tests:
                place = run.folder.relative_to(study.parent).as_posix()
                if f"{place}/{RUN_FILE}" in packed:
                    continue
                table = table_text(run, has_probabilities=run.folder in needed)
                contents = {RUN_FILE: record_text(run), PREDICTIONS_FILE: table}
                for name, text in contents.items():
                    member = tarfile.TarInfo(f"{place}/{name}")
                    data = text.encode()
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
    partial.replace(options.output)


def needed_folders(tests: list[Run]) -> set[Path]:
    """Tests that a report reads: of the chosen settings, and what calibrates them."""
    if not is_complete(tests):  # a fold may choose other settings yet
        return {run.folder for run in tests}
    return {run.folder for t in chosen(tests) for run in (t, validating(tests, t))}


def record_text(run: Run) -> str:
    """The record, without where it was made."""

    def shortened(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shortened(part) for key, part in value.items()}
        if isinstance(value, list):
            return [shortened(part) for part in value]
        return Path(value).name if isinstance(value, str) and value.startswith("/") else value

    record = json.loads((run.folder / RUN_FILE).read_text())
    return json.dumps(shortened(record), indent=2) + "\n"


def table_text(run: Run, has_probabilities: bool) -> str:
    """The predictions, with fewer digits or none."""
    table = pd.read_csv(run.folder / PREDICTIONS_FILE, dtype=str, keep_default_na=False)
    for name in SP_TYPES:
        if has_probabilities:
            table[name] = [f"{float(value):.3g}" for value in table[name]]
        else:
            table[name] = (table["predicted_type"] == name).astype(int)
    return table.to_csv(index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
