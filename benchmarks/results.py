"""All results of a run, and the files they are written to."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import end_to_end, table
from benchmarks.checks import Check
from benchmarks.draw import draw


@dataclass
class Results:
    """What a run has found so far.

    Attributes:
        machine: What it ran on.
        skipped: Why a contender did not take part, by its name.
        rows: Of each mode, size and method.
        checks: Comparisons of results.
        end_to_end: From file to file.
    """

    machine: dict[str, Any]
    skipped: dict[str, str]
    rows: list[table.Row] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    end_to_end: list[end_to_end.EndToEnd] = field(default_factory=list)

    @property
    def are_equal(self) -> bool:
        """Whether all comparisons are within their tolerances."""
        return all(check.is_passed for check in self.checks)

    def markdown(self) -> str:
        """The machine and all tables."""
        text = "\n".join(f"- {key}: {value}" for key, value in self.machine.items()) + "\n"
        if self.rows:
            text += table.markdown(self.rows) + "\n" + table.checks_markdown(self.checks)
        text += end_to_end.markdown(self.end_to_end) if self.end_to_end else ""
        skipped = self.skipped.items()
        return text + "".join(f"\nSkipped {name}: {reason}.\n" for name, reason in skipped)

    def write(self, folder: Path) -> None:
        """Write ``results.json``, ``results.md``, a CSV file of each list and ``ratios.png``.

        Args:
            folder: Made if need be; what an earlier call wrote is replaced.
        """
        folder.mkdir(parents=True, exist_ok=True)
        content = asdict(self)
        for name, part in content.items():
            if isinstance(part, list) and part:
                _write_csv(folder / f"{name}.csv", part)
        (folder / "results.json").write_text(json.dumps(content, indent=2) + "\n")
        (folder / "results.md").write_text(self.markdown())
        if self.rows:
            draw(self.rows, folder / "ratios.png")


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
