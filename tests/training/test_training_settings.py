"""Which settings are refused before anything is read."""

from contextlib import nullcontext

import pytest
from hydra import compose, initialize_config_dir

from peftsp.errors import ConfigError
from peftsp.settings_folder import CONF
from peftsp.training.build import standalone
from peftsp.training.settings import check_settings

CHOICES = [
    (path.parent.name, path.stem)
    for path in sorted(CONF.glob("*/*.yaml"))
    if not path.stem.startswith("_")
]


def check(*overrides, config="train"):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        check_settings(standalone(compose(config, [*overrides], return_hydra_config=True)))


@pytest.mark.parametrize(("group", "name"), CHOICES, ids=[f"{g}-{n}" for g, n in CHOICES])
def test_every_choice_passes(group, name):
    check(f"{group}={name}", *(["data.path=mine.fasta"] if name == "labelled" else []))


@pytest.mark.parametrize(
    "setting",
    [
        *("callbacks.early_stopping=null", "+trainer.strategy=ddp", "trainer.devices=[0,1]"),
        *("+trainer.max_time={hours: 2}", "data.type_weights={LIPO: 50}", "optimizer.lr=1"),
        *("+optimizer.betas=[0.9,0.99]", "trainer.limit_val_batches=3", "ckpt_path=last"),
        *("callbacks.best.monitor=val/mcc2/EUKARYA/SP", "callbacks.best.monitor=null"),
        "search",
    ],
)
def test_values_of_other_right_types_pass(setting):
    check(config="search") if setting == "search" else check(setting)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("+regularisation.more=1", r"regularisation\.more: expected a setting that --help lists"),
        ("~seed", "seed: expected a value, found none"),
        ("optimizer.lr=fast", r"optimizer\.lr: expected float or Tensor, found 'fast'"),
        ("data.batch_size=1.5", r"data\.batch_size: expected int, found 1\.5"),
        ("data.type_weights={LIPO: x}", r"data\.type_weights\.LIPO: expected float, found 'x'"),
        ("data.train_splits=train", r"data\.train_splits: expected Sequence, found 'train'"),
        ("callbacks.early_stopping.patience=long", r"patience: expected int, found 'long'"),
        ("head.trainable=2", r"head\.trainable: expected bool, found 2"),
        ("overwrite=3", "overwrite: expected bool, found 3"),
        ("trainer.limit_val_batches=0", r"best\.monitor: expected null, as nothing is validated"),
        ("trainer.max_epochs=-1", r"trainer\.max_epochs: expected 1 or more, found -1"),
        ("trainer.max_epochs=null", r"trainer\.max_epochs: expected 1 or more, found None"),
        ("trainer.accumulate_grad_batches=0", "accumulate_grad_batches: expected 1 or more"),
        ("trainer.check_val_every_n_epoch=0", "check_val_every_n_epoch: expected 1 or more"),
        ("+optimizer.betas=[0.9]", r"optimizer\.betas: expected 2 values, found \[0\.9\]"),
        (
            "trainer.check_val_every_n_epoch=500",
            "expected at most trainer.max_epochs=.*, found 500",
        ),
        ("trainer.limit_train_batches=0", r"limit_train_batches: expected some, found 0"),
        ("+trainer.fast_dev_run=true", "fast_dev_run: expected false, .*; debug=default tries"),
        ("loss=null", "loss: expected a group of settings, found None"),
        ("trainer.limit_test_batches=0", r"limit_test_batches: expected some with test=true"),
        ("+trainer.max_steps=7", "max_steps: expected none beside callbacks.early_stopping"),
        ("peft._target_=peftsp.Lora", r"peft\._target_: expected a class that can be imported"),
        ("+callbacks.mine._target_=no.Such", r"callbacks\.mine\._target_: expected a class"),
        ("callbacks.early_stopping.monitor=val/foo", "expected one of val/score, .* found val/foo"),
        ("+peft.rnk=3", r"peft\.rnk: expected one of .*, rank, .* found another"),
        ("+data.batch=3", r"data\.batch: expected one of .*, batch_size, .* found another"),
        ("+head.width=3", r"head\.width: expected one of .* found another"),
        ("+optimizer.rate=3", r"optimizer\.rate: expected one of .*, lr, .* found another"),
        ("+trainer.epochs=3", r"trainer\.epochs: expected one of .*, max_epochs, .* found another"),
        ("+callbacks.best.top=3", r"callbacks\.best\.top: expected one of .* found another"),
        ("callbacks.best.monitor=val/nll", r"best\.mode: expected min with val/nll, found max"),
        ("+callbacks.best.save_last=true", r"callbacks\.best: expected neither save_last"),
        ("+callbacks.best.save_weights_only=true", "nor save_weights_only, which leaves out"),
        ("callbacks.best.save_top_k=3", r"best\.save_top_k: expected 1, since .* found 3"),
    ],
)
def test_other_values_are_named(setting, message):
    extra = ["data.seed=1", "backbone.seed=1", "callbacks.step_seed.seed=1", "name=x"]
    with pytest.raises(ConfigError, match=message):
        check(setting, *extra)


@pytest.mark.parametrize(("precision", "passes"), [("32-true", False), ("bf16-mixed", True)])
def test_methods_of_others_beside_half_the_precision_need_autocasting(precision, passes):
    given = ("peft=vera", "backbone.dtype=bfloat16", f"trainer.precision={precision}")
    refused = pytest.raises(ConfigError, match=r"trainer\.precision: .* with peft\.kind=VERA and")
    with nullcontext() if passes else refused:
        check(*given)
