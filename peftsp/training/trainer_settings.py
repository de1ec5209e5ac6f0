"""Whether the trainer and its callbacks are set so that they do what they seem to."""

from __future__ import annotations

from typing import Any

from peftsp.errors import ConfigError

_MONITORED = (
    *("val/score", "val/detection_mcc", "val/cleavage_site_mcc", "val/mean_mcc2", "val/nll"),
    *("train/loss", "train/nll", "train/regularisation"),
)
_LESS_IS_BETTER = ("val/nll", "train/loss", "train/nll", "train/regularisation")
_HALVES = ("bfloat16", "float16")
_PRECISIONS = ("32-true", "32", "64-true", "bf16-mixed", "16-mixed")
_AT_LEAST_1 = ("max_epochs", "accumulate_grad_batches", "check_val_every_n_epoch")


def check_trainer(settings: dict[str, Any]) -> None:
    """Refuse what Lightning takes, and fails at later or makes less of than it seems.

    Args:
        settings: Of a run, as nested groups.

    Raises:
        ConfigError: There is such a setting.
    """
    trainer = settings["trainer"]
    precision = trainer.get("precision")
    if str(precision) not in _PRECISIONS:
        raise ConfigError(
            f"trainer.precision: expected one of {', '.join(_PRECISIONS)}, found {precision}"
        )
    kind, held = settings["peft"].get("kind"), settings["backbone"].get("dtype")
    if kind and held in _HALVES and not str(precision).endswith("mixed"):
        raise ConfigError(
            f"trainer.precision: expected bf16-mixed or 16-mixed with peft.kind={kind} and "
            f"backbone.dtype={held}, found {precision}"
        )
    for name in _AT_LEAST_1:
        value = trainer.get(name, 1)
        if not isinstance(value, int) or value < 1:
            raise ConfigError(f"trainer.{name}: expected 1 or more, found {value}")
    if trainer.get("fast_dev_run"):
        raise ConfigError(
            f"trainer.fast_dev_run: expected false, as what it leaves looks finished, found "
            f"{trainer['fast_dev_run']}; debug=default tries a few batches in a folder of its own"
        )
    if trainer.get("limit_train_batches") == 0:
        raise ConfigError("trainer.limit_train_batches: expected some, found 0")
    if settings["test"] and trainer.get("limit_test_batches") == 0:
        raise ConfigError(
            "trainer.limit_test_batches: expected some with test=true, found 0; test=false leaves "
            "the test out"
        )
    stops = settings["callbacks"].get("early_stopping") or {}
    if stops.get("monitor") and trainer.get("max_steps", -1) not in (None, -1):
        raise ConfigError(
            f"trainer.max_steps: expected none beside callbacks.early_stopping, which needs whole "
            f"epochs, found {trainer['max_steps']}; callbacks.early_stopping=null leaves that out"
        )


def check_monitor(trainer: dict[str, Any], callback: Any, place: str) -> None:
    """Refuse a callback whose score Lightning would miss after an epoch at the earliest, or never.

    Args:
        trainer: Settings of the trainer.
        callback: Settings of the callback; None where it is left out.
        place: Of its setting ``monitor``, for errors.

    Raises:
        ConfigError: There is no such score, or the callback does not fit it.
    """
    monitor = callback.get("monitor") if isinstance(callback, dict) else None
    if monitor is None:
        return
    if monitor.startswith("val/") and trainer.get("limit_val_batches") == 0:
        raise ConfigError(
            f"{place}: expected null, as nothing is validated with trainer.limit_val_batches=0, "
            f"found {monitor}"
        )
    every = trainer.get("check_val_every_n_epoch") or 1
    most = trainer.get("max_epochs") or every
    if monitor.startswith("val/") and every > most > 0:
        raise ConfigError(
            f"trainer.check_val_every_n_epoch: expected at most trainer.max_epochs={most}, as "
            f"{place} needs {monitor}, found {every}"
        )
    if monitor not in _MONITORED and not monitor.startswith("val/mcc2/"):
        raise ConfigError(f"{place}: expected one of {', '.join(_MONITORED)}, found {monitor}")
    callback_place = place.removesuffix(".monitor")
    mode = "min" if monitor in _LESS_IS_BETTER else "max"
    if callback.get("mode") != mode:
        raise ConfigError(
            f"{callback_place}.mode: expected {mode} with {monitor}, found {callback.get('mode')}"
        )
    if callback.get("save_last") or callback.get("save_weights_only"):
        raise ConfigError(
            f"{callback_place}: expected neither save_last, as callbacks.resume_point keeps that, "
            f"nor save_weights_only, which leaves out averages; found one of them"
        )
    if callback.get("save_top_k", 1) != 1:
        raise ConfigError(
            f"{callback_place}.save_top_k: expected 1, since one file holds the best, "
            f"found {callback['save_top_k']}"
        )
