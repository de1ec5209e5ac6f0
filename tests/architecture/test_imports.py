"""What may import what, and what prediction leaves alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = {"lightning", "pytorch_lightning", "hydra", "omegaconf", "wandb"}
_LOADED_BY = """
import importlib, pkgutil, sys
for name in {packages}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def loaded_by(*packages):
    """Top-level modules that a fresh interpreter has after importing all modules of packages."""
    code = _LOADED_BY.format(packages=packages)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_training_stack_stays_out_of_prediction_and_the_parts():
    parts = ("backbone", "crf", "inference", "loss", "model", "peft", "report")
    loaded = loaded_by(*(f"peftsp.{part}" for part in parts))
    assert "torch" in loaded
    assert not loaded & HEAVY


def test_command_line_of_prediction_waits_with_pytorch():
    code = "import sys, peftsp.inference.commands.predict; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    assert done.stdout == "False\n"


def test_labels_and_records_need_nothing():
    code = "import sys, peftsp.labels, peftsp.records, peftsp.errors; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    assert not {"torch", "numpy"} & set(done.stdout.split())


@pytest.mark.slow
def test_imports_flow_one_way():
    command = shutil.which("lint-imports", path=Path(sys.executable).parent)
    if command is None:
        pytest.skip("import-linter is not installed")
    done = subprocess.run(
        [command, "--no-cache"], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout
