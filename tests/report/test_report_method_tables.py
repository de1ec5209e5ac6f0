"""Costs and settings of methods."""

from peftsp.report.method_tables import cost_table, settings_table
from peftsp.report.methods import group_runs
from peftsp.runs.results import read_run


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
