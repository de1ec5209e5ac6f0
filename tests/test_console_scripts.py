import runpy
import sys

import pytest

from peftsp import console_scripts


@pytest.mark.parametrize(
    ("command", "module"),
    [
        (console_scripts.train, "peftsp.training.cli"),
        (console_scripts.search, "peftsp.search.cli"),
        (console_scripts.memory, "peftsp.memory.cli"),
    ],
)
def test_missing_package_is_named_with_what_brings_it(monkeypatch, capsys, command, module):
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "hydra", None)
    assert command() == 2
    assert capsys.readouterr().err == (
        f"error: peftsp-{command.__name__}: expected the package hydra, found none: "
        "pip install '.[train]' in the folder of peftsp brings all that it needs\n"
    )


def test_command_is_started(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["peftsp-memory", "--help"])
    assert console_scripts.memory() == 0
    assert "GPU memory" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["memory", "search"])
def test_package_as_a_command_names_what_is_missing(monkeypatch, capsys, name):
    monkeypatch.delitem(sys.modules, f"peftsp.{name}.cli", raising=False)
    monkeypatch.setitem(sys.modules, "hydra", None)
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"peftsp.{name}", run_name="__main__")
    assert end.value.code == 2
    assert f"peftsp-{name}: expected the package hydra" in capsys.readouterr().err
