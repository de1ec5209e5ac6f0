"""What a user chooses about a prediction, and what models are told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from peftsp.errors import ConfigError
from peftsp.inference.compute.device import DEVICES, may_have_a_gpu
from peftsp.labels import KINGDOMS
from peftsp.model.bundle_files import GRAPH_FILES
from peftsp.model.shipped import DEFAULT_MODEL, find_bundle, find_model

ANY = "other"
EUKARYA = "eukarya"

KINGDOM_NAMES = (ANY, *(kingdom.lower() for kingdom in KINGDOMS))
"""``other`` for unknown or mixed origin, or a kingdom."""
PRECISIONS = ("auto", "fp32", "bf16", "int8")
RUNTIMES = ("auto", "onnx", "torch")
GRAPH_SUFFIX = ".onnx"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster.

    Attributes:
        address: ``local`` for a new cluster on this machine; ``auto`` for the one that runs here,
            or ``HOST:PORT`` of its head.
        workers: Processes that predict; None for as many as there is room for.
        threads: CPU threads of each.
    """

    address: str
    workers: int | None = None
    threads: int = 1


@dataclass(frozen=True)
class ModelSettings:
    """What predicts and how: the choices, and their defaults, that all commands and Python share.

    Attributes:
        bundles: Bundle folders, at least one; or one file of `peftsp.export`.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        kingdom: One of `KINGDOM_NAMES`; ``eukarya`` counts every signal peptide as SP.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        precision: One of `PRECISIONS`.
        device: One of `peftsp.inference.compute.device.DEVICES`.
        batch_size: Sequences in a batch; None for what fits the device.
        cluster: Where to predict, if not in this process.
        allow_code: Packages whose code may be imported for a bundle's PEFT method.
        runtime: One of `RUNTIMES`; ``auto`` is ONNX Runtime for a file of `peftsp.export`, and
            for a bundle that has its graph with it, on a processor in float32 or int8; else
            PyTorch.

    Raises:
        ConfigError: A choice is none, or a number is out of range.
    """

    bundles: tuple[Path, ...]
    backbone: str | None = None
    kingdom: str = ANY
    min_probability: float = 0.0
    precision: str = "auto"
    device: str = "auto"
    batch_size: int | None = None
    cluster: Cluster | None = None
    allow_code: tuple[str, ...] = ()
    runtime: str = "auto"

    def __post_init__(self) -> None:
        check_choice("kingdom", self.kingdom, KINGDOM_NAMES)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("device", self.device, DEVICES)
        check_count("batch size", self.batch_size, most=1_000_000)
        share: Any = self.min_probability
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not is_number or not 0 <= share <= 1:
            raise ConfigError(f"min probability: expected a number from 0 to 1, found {share!r}")
        if self.cluster is not None:
            check_count("cluster workers", self.cluster.workers, most=1_000_000)
            check_count("threads", self.cluster.threads)
        check_choice("runtime", self.runtime, RUNTIMES)
        self._check_graph()

    @property
    def graph(self) -> Path | None:
        """The graph that predicts, None where PyTorch does."""
        graph = self._given_graph or self._own_graph
        if self._given_graph or self.runtime == "onnx":
            return graph
        is_for_torch = self.runtime == "torch" or any(self._beyond_a_graph().values())
        # 8-bit integers are for processors.
        is_for_torch = is_for_torch or (self.precision != "int8" and may_have_a_gpu())
        return graph if graph.is_file() and not is_for_torch else None

    @property
    def _given_graph(self) -> Path | None:
        graphs = [bundle for bundle in self.bundles if bundle.suffix == GRAPH_SUFFIX]
        return graphs[0] if graphs else None

    @property
    def _own_graph(self) -> Path:
        """Where the first bundle has its graph, if it has one."""
        return self.bundles[0] / GRAPH_FILES["int8" if self.precision == "int8" else "fp32"]

    def _beyond_a_graph(self) -> dict[str, object]:
        """What is chosen that PyTorch alone can do, by name; nothing where a value is empty."""
        return {
            "device": self.device if self.device not in ("auto", "cpu") else None,
            "backbone": self.backbone,
            "second bundle": ", ".join(map(str, self.bundles[1:])),
            "precision": self.precision if self.precision == "bf16" else None,
        }

    def _check_graph(self) -> None:
        given = self._given_graph
        if given and self.runtime == "torch":
            raise ConfigError(f"runtime torch: expected a bundle folder, found the graph {given}")
        if not given and self.runtime == "onnx" and not self._own_graph.is_file():
            raise ConfigError(
                f"runtime onnx: expected a bundle that ends in {GRAPH_SUFFIX} or has one with it, "
                f"found {self.bundles[0]}: peftsp-export makes one of it"
            )
        if given or self.runtime == "onnx":
            for name, found in self._beyond_a_graph().items():
                if found:
                    raise ConfigError(
                        f"{given or self.bundles[0]}: expected no {name} for a graph, found {found}"
                    )


@dataclass(frozen=True, slots=True)
class Options:
    """What is told to a model, and what is asked of it.

    Attributes:
        kingdom: Kingdom id of all proteins, -1 where not known; for models that use it.
        sums_types: Count every signal peptide as SP, as is right for eukaryotes.
        min_probability: A signal peptide whose type is less probable than this is called NO_SP.
        has_region_probabilities: Give those of each residue too.
        has_peptide_regions: Give those of each residue by SP type too.
        precision: ``fp32``; ``bf16``: the backbone computes in bfloat16; ``int8``: in 8-bit
            integers, for which the models have to be held so, see
            `peftsp.inference.compute.precision`.
    """

    kingdom: int = -1
    sums_types: bool = False
    min_probability: float = 0.0
    has_region_probabilities: bool = False
    precision: str = "fp32"
    has_peptide_regions: bool = False


def chosen_bundles(model: str | None, bundles: Sequence[str | PathLike[str]]) -> tuple[Path, ...]:
    """Bundle folders of a run.

    Args:
        model: Name of a model that ships; None for the default one.
        bundles: Other models, as `peftsp.model.shipped.find_bundle` takes them, if any.

    Raises:
        ConfigError: There is no such model, or both are given.
        DownloadError: One cannot be fetched from the Hub.
    """
    if not bundles:
        return (find_model(model or DEFAULT_MODEL),)
    if model is not None:
        raise ConfigError(f"--model {model}: expected it without --bundle, found both")
    return tuple(map(find_bundle, bundles))


def kingdom_of(kingdom: str) -> int:
    """Kingdom id of one of `KINGDOM_NAMES` for models that use it, -1 for ``other``.

    >>> kingdom_of("archaea"), kingdom_of("other")
    (3, -1)
    """
    return KINGDOM_NAMES.index(kingdom) - 1


def sums_types(kingdom: str) -> bool:
    """Whether every signal peptide counts as SP: eukaryotes have no other."""
    return kingdom == EUKARYA


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ConfigError unless a setting is one of its choices."""
    if value not in choices:
        raise ConfigError(f"{name}: expected one of {', '.join(choices)}, found {value!r}")


def check_count(name: str, value: object, most: int = 1024) -> None:
    """Raise ConfigError unless a setting is a whole number of one or more, or None.

    Args:
        name: Of the setting.
        value: Of the setting.
        most: What it may be; by default more threads or processes than one machine has use for.
    """
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{name}: expected a whole number of 1 or more, found {value!r}")
    if value > most:
        raise ConfigError(f"{name}: expected at most {most:,}, found {value:,}")
