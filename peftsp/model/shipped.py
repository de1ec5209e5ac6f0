"""The models that come with the package, by name, and others by their place."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import peftsp
from peftsp.errors import ConfigError
from peftsp.hub import fetch_model, is_on_hub

_FOLDER = Path(peftsp.__file__).parent / "pretrained"


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A model that comes with the package.

    Attributes:
        name: What ``--model`` calls it.
        folder: Its bundle.
        description: A few words for the help text.
    """

    name: str
    folder: Path
    description: str


SHIPPED = {
    model.name: model
    for model in (
        ShippedModel("accurate", _FOLDER / "accurate", "ESM-2 8M with LoRA; GPL-3.0-or-later"),
        ShippedModel("fast", _FOLDER / "fast", "1.8 million parameters, taught by ESM-2 8M; MIT"),
    )
}
DEFAULT_MODEL = "accurate"
MODES = {"fast": "fast", "slow": "accurate", "slow-sequential": "accurate"}
"""Names of models by SignalP 6.0's modes."""
DEFAULT_MODE = next(mode for mode, model in MODES.items() if model == DEFAULT_MODEL)


def mode_of(model: str) -> str:
    """First of SignalP 6.0's modes that stands for a model, the default one for one of others.

    >>> mode_of("fast"), mode_of("accurate"), mode_of("of my own")
    ('fast', 'slow', 'slow')
    """
    return next((mode for mode, name in MODES.items() if name == model), DEFAULT_MODE)


def find_model(name: str) -> Path:
    """Bundle folder of a model that ships.

    Raises:
        ConfigError: There is none of that name.

    >>> find_model("fast").name
    'fast'
    """
    if name not in SHIPPED:
        raise ConfigError(f"--model: expected one of {', '.join(SHIPPED)}, found {name!r}")
    return SHIPPED[name].folder


def find_bundle(place: str | PathLike[str]) -> Path:
    """Bundle folder of a model: one that ships by its name, one of the Hub, or a folder.

    Raises:
        PeftspError: It cannot be fetched from the Hub (`peftsp.hub.fetch_model`).

    >>> find_bundle("fast") == find_model("fast"), find_bundle("runs/mine/bundle").name
    (True, 'bundle')
    """
    name = str(place)
    if is_on_hub(name):
        return fetch_model(name)
    return SHIPPED[name].folder if name in SHIPPED else Path(place)
