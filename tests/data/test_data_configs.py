from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from peftsp.data.datamodule import SignalPeptideData
from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.settings_folder import CONF

NAMES = sorted(path.stem for path in (CONF / "data").glob("*.yaml"))


def data_of(name: str, *overrides: str):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [f"data={name}", "seed=3", *overrides]).data


@pytest.fixture
def mine(tmp_path) -> Path:
    write_labelled(SyntheticProteins(60, seed=0).load(), tmp_path / "mine.fasta")
    return tmp_path / "mine.fasta"


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_makes_a_data_module(name, mine):
    overrides = [f"data.path={mine}"] if name == "labelled" else []
    config = data_of(name, *overrides)
    assert config.seed == 3
    assert config.batch_size == 20
    assert isinstance(instantiate(config), SignalPeptideData)


def test_choices_are_those_documented():
    assert NAMES == [
        "labelled",
        "signalp6",
        "signalp6_small10",
        "signalp6_small20",
        "signalp6_small30",
        "synthetic",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_settings_fail(name):
    overrides = ["data.path=x"] if name == "labelled" else []
    with pytest.raises(InstantiationException, match="typo"):
        instantiate(data_of(name, *overrides, "+data.typo=1"))


def test_settings_reach_the_data(mine):
    weights = "data.type_weights={NO_SP: 0.0}"
    data = instantiate(
        data_of("labelled", f"data.path={mine}", "data.fold=5", "data.batch_size=3", weights)
    )
    data.setup("fit")
    eukaryotic = [r for r in data.records.splits["test"] if r.kingdom == "EUKARYA"]
    assert sorted(record.sp_type for record in eukaryotic) == ["NO_SP", "SP"]
    batches = list(data.train_dataloader())
    assert len(batches[0].tokens) == 3
    assert all((batch.sp_types > 0).all() for batch in batches)


def test_synthetic_proteins_do_not_depend_on_the_training_seed():
    one, other = (instantiate(data_of("synthetic", f"seed={seed}")) for seed in (1, 2))
    one.setup("test")
    other.setup("test")
    batches = zip(one.test_dataloader(), other.test_dataloader(), strict=True)
    assert all(a.tokens.equal(b.tokens) for a, b in batches)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("signalp6")])
def test_real_sets_are_found_in_the_given_folder(name, shared):
    folder = shared / "data" / "signalp6"
    data = instantiate(data_of(name, f"data.dir={folder}"))
    data.setup("test")
    assert sum(len(batch.tokens) for batch in data.test_dataloader()) > 100
