"""Which settings are refused before anything is read."""

import pytest

from peftsp.errors import ConfigError
from peftsp.settings_folder import CONF

CHOICES = [
    (path.parent.name, path.stem)
    for path in sorted(CONF.glob("*/*.yaml"))
    if not path.stem.startswith("_")
]


@pytest.mark.parametrize(("group", "name"), CHOICES, ids=[f"{g}-{n}" for g, n in CHOICES])
def test_every_choice_passes(check, group, name):
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
def test_values_of_other_right_types_pass(check, setting):
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
        ("+optimizer.betas=[0.9]", r"optimizer\.betas: expected 2 values, found \[0\.9\]"),
        ("loss=null", "loss: expected a group of settings, found None"),
        ("peft._target_=peftsp.Lora", r"peft\._target_: expected a class that can be imported"),
        ("+callbacks.mine._target_=no.Such", r"callbacks\.mine\._target_: expected a class"),
        ("+peft.rnk=3", r"peft\.rnk: expected one of .*, rank, .* found another"),
        ("+data.batch=3", r"data\.batch: expected one of .*, batch_size, .* found another"),
        ("+head.width=3", r"head\.width: expected one of .* found another"),
        ("+optimizer.rate=3", r"optimizer\.rate: expected one of .*, lr, .* found another"),
        ("+trainer.epochs=3", r"trainer\.epochs: expected one of .*, max_epochs, .* found another"),
        ("+callbacks.best.top=3", r"callbacks\.best\.top: expected one of .* found another"),
    ],
)
def test_other_values_are_named(check, setting, message):
    extra = ["data.seed=1", "backbone.seed=1", "callbacks.step_seed.seed=1", "name=x"]
    with pytest.raises(ConfigError, match=message):
        check(setting, *extra)
