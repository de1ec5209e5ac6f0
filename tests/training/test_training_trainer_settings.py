"""Which settings of trainer and callbacks would not do what they seem to."""

from contextlib import nullcontext

import pytest

from peftsp.errors import ConfigError


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("trainer.limit_val_batches=0", r"best\.monitor: expected null, as nothing is validated"),
        ("trainer.max_epochs=-1", r"trainer\.max_epochs: expected 1 or more, found -1"),
        ("trainer.max_epochs=null", r"trainer\.max_epochs: expected 1 or more, found None"),
        ("trainer.accumulate_grad_batches=0", "accumulate_grad_batches: expected 1 or more"),
        ("trainer.check_val_every_n_epoch=0", "check_val_every_n_epoch: expected 1 or more"),
        ("trainer.limit_train_batches=0", r"limit_train_batches: expected some, found 0"),
        ("+trainer.fast_dev_run=true", "fast_dev_run: expected false, .*; debug=default tries"),
        ("trainer.limit_test_batches=0", r"limit_test_batches: expected some with test=true"),
        ("+trainer.max_steps=7", "max_steps: expected none beside callbacks.early_stopping"),
        ("callbacks.early_stopping.monitor=val/foo", "expected one of val/score, .* found val/foo"),
        ("callbacks.best.monitor=val/nll", r"best\.mode: expected min with val/nll, found max"),
        ("+callbacks.best.save_last=true", r"callbacks\.best: expected neither save_last"),
        ("+callbacks.best.save_weights_only=true", "nor save_weights_only, which leaves out"),
        ("callbacks.best.save_top_k=3", r"best\.save_top_k: expected 1, since .* found 3"),
        (
            "trainer.check_val_every_n_epoch=500",
            "expected at most trainer.max_epochs=.*, found 500",
        ),
    ],
)
def test_what_would_not_do_what_it_seems_to_is_named(check, setting, message):
    extra = ["data.seed=1", "backbone.seed=1", "callbacks.step_seed.seed=1", "name=x"]
    with pytest.raises(ConfigError, match=message):
        check(setting, *extra)


@pytest.mark.parametrize(("precision", "passes"), [("32-true", False), ("bf16-mixed", True)])
def test_methods_of_others_beside_half_the_precision_need_autocasting(check, precision, passes):
    given = ("peft=vera", "backbone.dtype=bfloat16", f"trainer.precision={precision}")
    refused = pytest.raises(ConfigError, match=r"trainer\.precision: .* with peft\.kind=VERA and")
    with nullcontext() if passes else refused:
        check(*given)
