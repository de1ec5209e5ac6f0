"""Prediction by the workers of a Ray cluster, a window of records at a time.

Each worker is a process that loads the models once. Records go out from the process that reads
them, and predictions come back to it, so that machines of a cluster need not share a folder.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peftsp.allocator import keep_freed_memory
from peftsp.errors import BundleError, ConfigError, PeftspError
from peftsp.inference.compute.crew import Crew
from peftsp.inference.compute.device import find_device
from peftsp.inference.compute.onnx_model import open_graph
from peftsp.inference.compute.options import Cluster, ModelSettings, Options
from peftsp.inference.compute.pipeline import predict_window, windows
from peftsp.inference.compute.results import Models
from peftsp.model.bundle_files import hash_bundle
from peftsp.model.shipped import SHIPPED, find_model
from peftsp.records import Prediction, SequenceRecord

if TYPE_CHECKING:
    import torch

LOCAL = "local"
_PATIENCE = 10


def predict_on_cluster(
    records: Iterable[SequenceRecord],
    settings: ModelSettings,
    batch_size: int,
    device: torch.device | None,
    options: Options,
) -> Generator[Prediction]:
    """Yield the prediction of each record in order, as `predict_records` does.

    Workers get the windows that `predict_records` would take, so that processors of one kind give
    the same digits. Few windows are on their way at a time, so that memory does not grow. What a
    worker had at hand when it was lost goes to another one.

    Args:
        records: Proteins; the first 70 residues count.
        settings: What predicts and on which cluster, each machine of which has to have bundles and
            backbone under these paths.
        batch_size: Sequences in a batch.
        device: Of the workers; of GPUs each takes one. None for graphs.
        options: What is told to the models and asked of them.

    Raises:
        PeftspError: There is no such cluster, no room in it, or a machine of it lacks a bundle or
            has another one.
    """
    cluster = settings.cluster
    assert cluster is not None
    order = Order(settings, _places(settings.bundles), batch_size, device, options)
    with _connected(cluster) as ray:
        is_gpu = device is not None and device.type == "cuda"
        needs = {"num_cpus": cluster.threads, "num_gpus": int(is_gpu)}
        size = cluster.workers or _room(ray, needs)
        worker = ray.remote(**needs)(Worker)
        crew = Crew(ray, lambda: worker.remote(order), size)
        for predictions in crew.predict(windows(records, batch_size)):
            yield from predictions


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker has to know.

    Attributes:
        settings: As of the run.
        bundles: Bundle folders with the hashes of their files; the name of one that ships.
        batch_size: Sequences in a batch.
        device: Where to compute; None for graphs.
        options: What is told to the models and asked of them.
    """

    settings: ModelSettings
    bundles: tuple[tuple[Path | str, dict[str, str]], ...]
    batch_size: int
    device: torch.device | None
    options: Options


class Worker:
    """One process that predicts.

    Args:
        order: How to predict.
    """

    def __init__(self, order: Order) -> None:
        self._order = order

    def load(self) -> None:
        """Load the models.

        Raises:
            PeftspError: This machine lacks something, or has another bundle.
        """
        order, settings = self._order, self._order.settings
        assert settings.cluster is not None
        threads = settings.cluster.threads
        with _on_this_machine():
            bundles = [
                find_model(place) if isinstance(place, str) else place for place, _ in order.bundles
            ]
            here = replace(settings, bundles=tuple(bundles))
            self._models = (
                _open_graph(here, threads) if order.device is None else _load(here, order, threads)
            )
            for bundle, (_, digest) in zip(bundles, order.bundles, strict=True):
                if hash_bundle(bundle) != digest:
                    raise BundleError(f"{bundle}: expected the bundle of this run, found another")
        keep_freed_memory()

    def predict(self, window: Sequence[SequenceRecord]) -> list[Prediction]:
        """Predictions of a window in order."""
        order = self._order
        with _on_this_machine():
            return predict_window(window, self._models, order.batch_size, order.options)


def _open_graph(settings: ModelSettings, threads: int) -> Models:
    # Whatever this machine has beside its processors.
    settings = replace(settings, runtime="onnx")
    assert settings.graph is not None
    return open_graph(settings, settings.graph, threads)


def _load(settings: ModelSettings, order: Order, threads: int) -> Models:
    import torch

    from peftsp.inference.compute.torch_models import TorchModels

    assert order.device is not None
    torch.set_num_threads(threads)
    find_device(order.device.type)
    return TorchModels.load(settings, order.device, order.options.precision)


@contextmanager
def _on_this_machine() -> Iterator[None]:
    try:
        yield
    except PeftspError as error:
        raise type(error)(f"worker on {socket.gethostname()}: {error}") from error


def _places(bundles: Sequence[Path]) -> tuple[tuple[Path | str, dict[str, str]], ...]:
    # What ships lies elsewhere where peftsp is installed elsewhere.
    shipped = {model.folder: model.name for model in SHIPPED.values()}
    return tuple((shipped.get(bundle, bundle.resolve()), hash_bundle(bundle)) for bundle in bundles)


@contextmanager
def _connected(cluster: Cluster) -> Iterator[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "--cluster: expected the package ray, found none; pip install 'ray>=2.50'"
        ) from error
    own: dict[str, Any] = {}
    if cluster.address == LOCAL:
        own["include_dashboard"] = False
        if cluster.workers is not None:
            own["num_cpus"] = cluster.workers * cluster.threads
    try:
        _check_answers(cluster.address)
        ray.init(cluster.address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"--cluster {cluster.address}: expected a Ray cluster there, found none: {reason}"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    # Ray tries for minutes.
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), _PATIENCE).close()


def _room(ray: Any, needs: dict[str, int]) -> int:
    """How many workers a cluster has room for."""
    names = {"num_cpus": "CPU", "num_gpus": "GPU"}
    wanted = {names[key]: need for key, need in needs.items() if need}
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(
        min(int(machine.get(name, 0)) // need for name, need in wanted.items())
        for machine in machines
    )
    if not room:
        text = " and ".join(f"{need} {name}" for name, need in wanted.items())
        raise ConfigError(
            f"--cluster: expected a machine with {text} for a worker, found none among "
            f"{len(machines)}"
        )
    return room
