"""The published settings, as the paper and the reference's command lines give them."""

import pytest
from hydra.utils import instantiate

from peftsp.settings_folder import CONF

PAPER = sorted(path.stem for path in (CONF / "experiment").glob("paper_*.yaml"))
LORA = {"150m": (0.0069506, 25, 30), "650m": (0.0074928, 33, 33), "3b": (0.0067211, 35, 36)}


@pytest.mark.parametrize("name", PAPER)
def test_paper_experiments_share_the_published_settings(resolved, name):
    config = resolved(f"experiment={name}")
    assert config["optimizer"]["_target_"] == "torch.optim.Adamax"
    assert config["optimizer"]["weight_decay"] == 1.2e-6
    assert config["trainer"]["gradient_clip_val"] == 0.25
    assert config["trainer"]["max_epochs"] == 3
    assert config["trainer"]["accumulate_grad_batches"] == 1
    assert config["data"]["batch_size"] == 20
    assert config["data"]["name"] == "train_set"
    assert config["data"]["balance"] == 0
    assert config["head"]["dropout"] == 0.1
    assert config["regularisation"]["weight"] == 0.5
    assert config["scheduler"]["_target_"].endswith("constant")
    assert config["scheduler"]["warmup"] == 0
    assert config["experiment_name"] == name


@pytest.mark.parametrize("size", LORA)
def test_paper_lora_has_the_published_numbers(resolved, composed, size):
    config = resolved(f"experiment=paper_lora_{size}")
    rate, last_k, layers = LORA[size]
    assert config["optimizer"]["lr"] == rate
    assert config["peft"] == {
        "_target_": "peftsp.peft.lora.LoRA",
        "rank": 8,
        "alpha": 8,
        "rslora": False,
        "start": "zero",
        "lr_ratio": 1.0,
        "dropout": 0.1,
        "target_modules": ["q_proj", "k_proj", "v_proj", "out_proj"],
        "last_k": last_k,
    }
    nodes = composed(f"experiment=paper_lora_{size}")
    spec = instantiate(nodes.backbone.spec)
    assert (spec.name, spec.layers) == (f"esm2_{size}", layers)
    names = instantiate(nodes.peft, _convert_="all").parameter_names(spec)
    assert len(names) == 2 * 4 * last_k, "two matrices for each of four projections"


@pytest.mark.parametrize(("name", "method"), [("adapter", "Adapter"), ("prompt", "Prompt")])
def test_other_paper_experiments_have_their_method(resolved, name, method):
    config = resolved(f"experiment=paper_{name}_3b")
    assert config["peft"]["_target_"] == f"peftsp.peft.{name}.{method}"
    assert config["backbone"]["spec"]["name"] == "esm2_3b"


def test_adapters_of_the_paper_start_as_published(resolved):
    assert resolved("experiment=paper_adapter_3b")["peft"]["identity"] is False


def test_published_frozen_head_is_one_setting_away(resolved):
    assert resolved("experiment=paper_lora_3b")["head"]["trainable"] is True
    frozen = resolved("experiment=paper_lora_3b", "head.trainable=false")
    assert frozen["head"]["trainable"] is False


def test_experiments_leave_every_setting_to_the_command_line(resolved):
    changed = resolved("experiment=scratch", "seed=5", "data.fold=2", "optimizer.lr=0.5")
    assert (changed["seed"], changed["data"]["fold"], changed["optimizer"]["lr"]) == (5, 2, 0.5)
    assert changed["callbacks"]["step_seed"]["seed"] == 5
    assert changed["data"]["seed"] == 5


def test_runs_of_different_settings_have_different_folders(resolved):
    folders = [
        resolved("experiment=paper_lora_150m", *change)["paths"]["output_dir"]
        for change in ([], ["data.fold=1"], ["seed=2"], ["peft=adapter"], ["backbone=esm2_8m"])
    ]
    assert len(set(folders)) == len(folders)
