"""The commands of docs/own_data.md, on a small export of UniProt (Swiss-Prot, CC BY 4.0)."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXPORT = REPOSITORY / "tests" / "data" / "uniprot_export.tsv"
SHORTER = ("trainer.max_epochs=1", "trainer.precision=32-true", "callbacks.progress_bar=null")
"""What makes the page's training fit a test."""

pytestmark = pytest.mark.slow


def commands() -> list[list[str]]:
    text = (REPOSITORY / "docs" / "own_data.md").read_text()
    block = re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)
    return [shlex.split(line) for line in block.splitlines()]


def as_run(python: str, words: list[str], folder: Path) -> list[str]:
    """The command with an interpreter, patterns filled in as a shell does."""
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    if words[0] == "python":
        return [python, str(REPOSITORY / words[1]), *words[2:], *SHORTER]
    module, function = scripts[words[0]].split(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    filled = []
    for word in words[1:]:
        filled += sorted(map(str, folder.glob(word))) if "*" in word else [word]
    return [python, "-c", code, *filled]


def test_five_commands_lead_from_an_export_to_a_measured_model(warm_python, tmp_path):
    for package in ("pyopal", "graph_part", "logomaker"):
        pytest.importorskip(package)
    shutil.copy(EXPORT, tmp_path / "uniprot.tsv")
    shutil.copy(REPOSITORY / "examples" / "proteins.fasta", tmp_path / "proteome.fasta")
    assert len(commands()) == 5
    for words in commands():
        found = subprocess.run(
            as_run(warm_python, words, tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, f"{words[0]}: {found.stderr[-2000:]}"
    for config in (tmp_path / "runs" / "compact").glob("*/bundle/config.json"):
        assert json.loads(config.read_text())["training"]["is_chosen"] is False
    measured = pd.read_csv(tmp_path / "report" / "tables" / "measures.csv")
    assert set(measured["folds"]) <= {0, 1, 2, 3}
    assert measured["n"].max() == 90
    assert (tmp_path / "evaluation" / "report.html").is_file()
    assert (tmp_path / "predictions" / "predictions.csv").is_file()
