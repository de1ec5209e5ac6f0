"""The commands as a user gives them, in an empty folder."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig

from peftsp.inference.commands import predict as prediction
from peftsp.training import cli as training

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def quickstart(warm_python, tmp_path_factory):
    """Folder in which the commands of ``make quickstart`` have run."""
    folder = tmp_path_factory.mktemp("quickstart")
    for name in ("train.py", "predict.py", "examples"):
        (folder / name).symlink_to(REPOSITORY / name)
    recipe = re.search(
        r"^quickstart:.*\n((?:\t.*\n)+)", (REPOSITORY / "Makefile").read_text(), re.M
    )
    commands = [line.split() for line in recipe[1].splitlines() if line.startswith("\t$(PYTHON)")]
    assert len(commands) == 2
    for _, *arguments in commands:
        subprocess.run(
            [warm_python, *arguments],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
            capture_output=True,
        )
    return folder


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Function of settings that runs the training command and returns the bundle's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")

    def run(*settings):
        settings = (*settings, "callbacks.progress_bar=null", "name=run")
        monkeypatch.setattr(sys, "argv", ["train.py", *settings])
        training.main()
        return tmp_path / "runs" / "run" / "bundle"

    yield run
    HydraConfig.instance().cfg = None


@pytest.fixture(scope="session")
def predict():
    """Function of records, a bundle and a folder that runs the prediction command.

    It returns the rows of the table.
    """

    def run(records, bundle, folder):
        fasta = folder / "proteins.fasta"
        fasta.write_text("".join(f">{r.accession}\n{r.residues}\n" for r in records))
        status = prediction.main([str(fasta), "-b", str(bundle), "-o", str(folder / "out")])
        assert status == 0
        return read_table(folder / "out" / "predictions.csv")

    return run


@pytest.fixture(scope="session")
def quickstart_table(quickstart):
    """Rows that the quick start has predicted."""
    return read_table(quickstart / "runs" / "quickstart" / "predictions" / "predictions.csv")


def read_table(path):
    with path.open() as lines:
        return list(csv.DictReader(lines))
