"""Runs whose bundles are evaluated."""

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.evaluate.cli import main
from peftsp.settings_folder import CONF
from peftsp.training.build import standalone
from peftsp.training.run import train


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A labelled file, and above it three runs, one for each partition."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_labelled(SyntheticProteins(60, 0).load(), folder / "own.fasta")
    for fold in range(3):
        given = (
            *("experiment=quickstart", "overwrite=false", "data=labelled", "data.protocol=plain"),
            *(f"data.path={folder}/own.fasta", f"data.fold={fold}", "trainer.max_epochs=1"),
            *("callbacks.progress_bar=null", "+trainer.enable_progress_bar=false"),
            f"paths.runs_dir={folder}/runs",
        )
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = standalone(compose("train", [*given], return_hydra_config=True))
        train(config)
    return folder


@pytest.fixture(scope="session")
def evaluate():
    """Function that runs the command on the bundles of all runs and gives its status."""

    def run(trained, output, *options, data="own.fasta"):
        bundles = sorted(map(str, (trained / "runs").glob("*/*/bundle")))
        given = ["--data", str(trained / data), "-o", str(output), "--resamples", "100"]
        return main(["--bundle", *bundles, *given, "--no-progress", *options])

    return run


@pytest.fixture(scope="session")
def measures():
    """Function of a report's folder that gives its numbers."""
    return lambda folder: pd.read_csv(folder / "tables" / "measures.csv").drop(columns="method")
