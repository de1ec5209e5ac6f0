"""Tables as text: published columns, LaTeX that is escaped, costs and settings."""

import pandas as pd
import pytest

from peftsp.report.measure_tables import measure_tables
from peftsp.report.method_tables import cost_table, overall_table, settings_table
from peftsp.report.methods import group_runs
from peftsp.report.published import SIGNALP6_SHA256, published_for, read_published
from peftsp.report.table import Table
from peftsp.runs.record import DatasetIdentity
from peftsp.runs.results import read_run


def test_published_columns_stand_beside_ours_with_their_means(evaluations):
    tables = {table.name: table for table in measure_tables(evaluations, read_published())}
    shown = tables["mcc2"].shown
    assert list(shown.columns[:5]) == ["kingdom", "SP type", "n", "good", "poor"]
    row = shown[(shown["kingdom"] == "NEGATIVE") & (shown["SP type"] == "TAT")].iloc[0]
    assert (row["SignalP 6.0"], row["LoRA 3B"]) == ("0.96", "0.96")
    # A cell that the publications do not have stays empty.
    extra = shown[(shown["kingdom"] == "EUKARYA") & (shown["SP type"] == "TAT")].iloc[0]
    assert extra["LoRA 3B"] == "–"
    mean = shown.iloc[-1]
    assert (mean["kingdom"], mean["SignalP 6.0"], mean["LoRA 3B"]) == ("mean", "0.782", "0.830")
    assert "LoRA 3B" not in tables["mcc1"].shown


def test_published_numbers_are_for_their_data_set():
    assert published_for(DatasetIdentity(6, 20290, "0" * 64)) is None
    assert len(published_for(DatasetIdentity(6, 20290, SIGNALP6_SHA256))) == 16


def test_known_data_set_is_that_of_signalp6(shared):
    from peftsp.data.download import SignalP6File
    from peftsp.data.identity import dataset_digest

    records = SignalP6File("train_set", shared / "data" / "signalp6").load()
    assert dataset_digest(records) == SIGNALP6_SHA256


def test_numbers_keep_all_digits(evaluations):
    table = measure_tables(evaluations, None)[0]
    cells = evaluations[0].cells
    expected = cells[cells["measure"] == "mcc2"]["value"].to_numpy()
    assert table.numbers["good value"].to_numpy() == pytest.approx(expected, abs=0)
    overall = overall_table(evaluations)
    assert overall.numbers["mean MCC2 value"][1] == evaluations[1].mean.value


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


def test_costs_are_those_of_the_records(make_run):
    methods = group_runs([read_run(make_run("lora", fold)) for fold in (0, 1)])
    [row] = cost_table(methods).shown.to_dict("records")
    assert row["trained parameters"] == "1,000 (20.00%)"
    assert row["time to fit"] == "12.5 s ± 0.0 s"
    assert (row["peak memory"], row["peak GPU memory"]) == ("2.0 MB", "–")
    assert (row["checkpoint"], row["bundle"]) == ("5.0 kB", "3.0 kB")


def test_settings_that_differ_are_shown(make_run):
    folders = make_run("lora", peft={"rank": 4}), make_run("prompt", peft={"length": None})
    table = settings_table(group_runs(map(read_run, folders))).shown
    assert table.to_dict("list") == {
        "setting": ["peft.length", "peft.rank"],
        "lora": ["–", "4"],
        "prompt": ["null", "–"],
    }
