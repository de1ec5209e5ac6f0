"""The tutorials of the documentation, run from their own text; ``make docs`` does so."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted((REPOSITORY / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SCRIPTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]

pytestmark = [pytest.mark.slow, pytest.mark.tutorial]


def command_of(line):
    """A line of a shell with this interpreter."""
    first, *rest = shlex.split(line)
    if first == "python":
        return [sys.executable, str(REPOSITORY / rest[0]), *rest[1:]]
    module, function = SCRIPTS[first].split(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    return [sys.executable, "-c", code, *rest]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tutorial_runs(page, tmp_path):
    pytest.importorskip("submitit")
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    blocks = BLOCK.findall(page.read_text())
    python = ""
    for language, text in blocks:
        if language == "python":
            python += text
            commands = [[sys.executable, "-c", python]]
        else:
            commands = map(command_of, text.replace("\\\n", " ").splitlines())
        for command in commands:
            done = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stderr[-2000:]}"
    assert len(blocks) > 1
