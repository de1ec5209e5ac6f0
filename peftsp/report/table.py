"""A table, and its files for spreadsheets, READMEs and papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "±": r"$\pm$",
    "\u2212": r"$-$",
    "–": "--",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Of its files.
        caption: What it shows.
        shown: Text, as it is to be read.
        numbers: The same with all digits.
        draw: Makes a figure of the numbers; None for a table without one.
    """

    name: str
    caption: str
    shown: pd.DataFrame
    numbers: pd.DataFrame
    draw: Callable[[pd.DataFrame], Figure] | None = None

    def write(self, folder: Path) -> None:
        """Write it as CSV with all digits, and as Markdown and LaTeX as it is to be read."""
        self.numbers.to_csv(folder / f"{self.name}.csv", index=False)
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8", newline="\n")
        (folder / f"{self.name}.tex").write_text(self.latex(), encoding="utf-8", newline="\n")

    def markdown(self) -> str:
        """The table and its caption as Markdown."""
        header = [str(name) for name in self.shown.columns]
        rules = [":---" if is_left else "---:" for is_left in self.alignment]
        lines = [header, rules, *self.cells]
        rows = ("| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in lines)
        return "\n".join(rows) + f"\n\n{self.caption}\n"

    def latex(self) -> str:
        """The table as a LaTeX float; needs the packages booktabs and graphicx."""
        columns = "".join("l" if is_left else "r" for is_left in self.alignment)
        styled = self.shown.reset_index(drop=True).style.hide(axis="index")
        styled = styled.format(_escaped).format_index(_escaped, axis="columns")
        return "\n".join(
            [
                r"% Needs \usepackage{booktabs,graphicx}",
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{_escaped(self.caption)}}}",
                rf"\label{{tab:{self.name.replace('_', '-')}}}",
                r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
                styled.to_latex(hrules=True, column_format=columns).strip() + "}",
                r"\end{table}",
                "",
            ]
        )

    @cached_property
    def cells(self) -> list[list[str]]:
        """The text of each row."""
        return [[str(cell) for cell in row] for row in self.shown.itertuples(index=False)]

    @cached_property
    def alignment(self) -> list[bool]:
        """Whether each column is text, which is set from the left, and not numbers."""
        columns = zip(*self.cells, strict=True)
        return [not _is_numeric(column) for column in columns] or [True] * len(self.shown.columns)


def _is_numeric(column: tuple[str, ...]) -> bool:
    filled = [cell for cell in column if cell not in ("", "–")]
    return bool(filled) and all(cell[0].isdigit() or cell[0] == "−" for cell in filled)


def _escaped(text: object) -> str:
    return "".join(_LATEX.get(character, character) for character in str(text))
