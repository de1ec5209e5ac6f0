"""Tables as text: LaTeX that is escaped, Markdown."""

import pandas as pd

from peftsp.report.table import Table


def test_latex_is_escaped_and_aligned():
    shown = pd.DataFrame({"name": ["a_b & 5 %"], "n": ["−0.5 ± 0.1"]})
    latex = Table("some_name", "50 % of #1", shown, shown).latex()
    assert r"a\_b \& 5 \% & $-$0.5 $\pm$ 0.1 \\" in latex
    assert r"\caption{50 \% of \#1}" in latex
    assert r"\begin{tabular}{lr}" in latex
    assert r"\label{tab:some-name}" in latex


def test_markdown_is_a_table():
    shown = pd.DataFrame({"name": ["a|b"], "n": ["1"]})
    lines = Table("t", "Caption.", shown, shown).markdown().splitlines()
    assert lines == ["| name | n |", "| :--- | ---: |", r"| a\|b | 1 |", "", "Caption."]
