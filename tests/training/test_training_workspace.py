"""The workspace in Weights & Biases, as its own library writes it down."""

import json

import pytest

from peftsp.labels import KINGDOMS
from peftsp.training.workspace import COMPARED, main, make_workspace


@pytest.fixture
def sections():
    """Panels of the serialised workspace, by section."""
    pytest.importorskip("wandb_workspaces", reason="wandb-workspaces is not installed")
    spec = make_workspace("someone", "peftsp")._to_model().spec
    written = json.loads(spec.model_dump_json(by_alias=True, exclude_none=True))
    banks = written["section"]["panelBankConfig"]["sections"]
    return {bank["name"]: bank["panels"] for bank in banks}


def test_runs_are_compared_by_method_and_backbone(sections):
    for heading, setting in COMPARED.items():
        for panel in sections[f"By {heading}"]:
            group, name = setting.split(".")
            assert panel["config"]["groupBy"] == f"{group}.value.{name}"


def test_charts_ask_for_what_runs_log(sections, finished_run, read_curve):
    names = set()
    for panel in (panel for panels in sections.values() for panel in panels):
        names |= {*panel["config"].get("metrics", [])}
    assert len(names) == 16 + 4
    for name in names:
        assert read_curve(finished_run, name), name


def test_kingdoms_tables_and_confusion_have_their_panels(sections):
    titles = [p["config"]["chartTitle"] for p in sections["By kingdom and SP type"]]
    assert all(any(kingdom in title for title in titles) for kingdom in KINGDOMS)
    assert len(set(titles)) == len(titles)
    table, confusion = sections["Tables and confusion"]
    assert "test/table" in json.dumps(table)
    assert confusion["config"]["mediaKeys"] == ["test/confusion"]


@pytest.mark.parametrize("arguments", [[], ["a", "b", "c"]])
def test_wrong_arguments_are_one_line(capsys, arguments):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    error = capsys.readouterr().err
    assert error.startswith("python -m peftsp.training.workspace: ")
    assert error.count("\n") == 1


def test_what_the_server_refuses_is_one_line(monkeypatch, capsys):
    class Refused:
        def save(self):
            raise Exception("permission\ndenied")

    monkeypatch.setattr("peftsp.training.workspace.make_workspace", lambda *_: Refused())
    assert main(["someone"]) == 2
    assert capsys.readouterr().err == "workspace: permission denied\n"


def test_address_is_printed(monkeypatch, capsys):
    class Saved:
        url = "https://wandb.ai/someone/peftsp"

        def save(self):
            return self

    monkeypatch.setattr("peftsp.training.workspace.make_workspace", lambda *_: Saved())
    assert main(["someone"]) == 0
    assert capsys.readouterr().out == "https://wandb.ai/someone/peftsp\n"
