"""Runs whose bundles are evaluated."""

import pytest
from hydra import compose, initialize_config_dir

from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
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
