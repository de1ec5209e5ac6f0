"""A graph that takes its weights from the files of its bundle, so that none is kept twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxscript import ir

from peftsp.model.bundle_files import CONFIG_FILE, GRAPH_FILES, WEIGHTS_FILE

_FEWEST = 200
"""Numbers of a weight that is worth a place elsewhere."""
_HALF = {"F16": (ir.DataType.FLOAT16, np.float16), "F32": (ir.DataType.FLOAT, np.float32)}
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class _Stored:
    """A tensor in a file of the bundle.

    Attributes:
        file: Relative to the bundle.
        name: In the file.
        kind: As safetensors call its dtype.
        offset: Of its first byte in the file.
        value: float32.
    """

    file: str
    name: str
    kind: str
    offset: int
    value: NDArray[np.float32]


def share_weights(model: ir.Model, bundle: Path) -> int:
    """Let a graph take its weights from its bundle's files; changed in place.

    A weight that LoRA has been merged into is computed of its parts when the graph is loaded.

    Args:
        model: What `peftsp.export.model.export_model` made of this one bundle.
        bundle: Folder of the bundle, whose own backbone, if it has one, lies in it.

    Returns:
        Bytes that the graph still holds itself: tables, and what is in none of the files.
    """
    stored = list(_read(bundle))
    scale = _lora_scale(bundle)
    kept = 0
    for name, value in list(model.graph.initializers.items()):
        tensor = value.const_value
        assert tensor is not None
        array = tensor.numpy()
        if array.dtype != np.float32 or array.size < _FEWEST:
            kept += array.nbytes
            continue
        maker = _Maker(model.graph, name)
        made = _plain(array, stored, maker) or _merged(array, stored, scale, maker)
        if made is None:
            kept += array.nbytes
            continue
        ir.convenience.replace_all_uses_with(value, made)
        del model.graph.initializers[name]
    return kept


def save_beside(model: ir.Model, bundle: Path, precision: str) -> Path:
    """Write a graph whose weights `share_weights` has found elsewhere into its bundle."""
    path = bundle / GRAPH_FILES[precision]
    path.write_bytes(ir.to_proto(model).SerializeToString())
    return path


class _Maker:
    """Adds nodes before all others.

    Args:
        graph: Gets them.
        name: Of the weight that they make.
    """

    def __init__(self, graph: ir.Graph, name: str) -> None:
        self._graph, self._name, self._count = graph, name, 0
        self._first = graph[0]

    def read(self, stored: _Stored) -> ir.Value:
        """A tensor of a file, in float32."""
        kind, dtype = _HALF[stored.kind]
        name = f"{stored.file}:{stored.name}"
        if name not in self._graph.initializers:
            tensor = ir.ExternalTensor(
                stored.file,
                stored.offset,
                stored.value.size * np.dtype(dtype).itemsize,
                kind,
                shape=ir.Shape(stored.value.shape),
                name=name,
            )
            value = ir.Value(
                name=name,
                shape=tensor.shape,
                type=ir.TensorType(kind),
                const_value=tensor,
            )
            self._graph.register_initializer(value)
        value = self._graph.initializers[name]
        return value if dtype is np.float32 else self.add("Cast", value, to=ir.DataType.FLOAT)

    def number(self, value: float) -> ir.Value:
        """A scalar in float32."""
        return self.add("Constant", value=ir.tensor(np.float32(value)))

    def add(self, kind: str, *inputs: ir.Value, **attributes: Any) -> ir.Value:
        """What a new node gives."""
        self._count += 1
        node = ir.node(kind, list(inputs), attributes=attributes)
        node.outputs[0].name = f"{self._name}/{self._count}"
        self._first.prepend(node)
        return node.outputs[0]


def _plain(array: NDArray[Any], stored: list[_Stored], maker: _Maker) -> ir.Value | None:
    for one in stored:
        if one.value.shape == array.shape and np.array_equal(one.value, array):
            return maker.read(one)
        if one.value.ndim == 2 and np.array_equal(one.value.T, array):
            return maker.add("Transpose", maker.read(one), perm=[1, 0])
    return None


def _merged(
    array: NDArray[Any], stored: list[_Stored], scale: float, maker: _Maker
) -> ir.Value | None:
    if array.ndim != 2 or not scale:
        return None
    parts = {one.name: one for one in stored}
    for name, first in parts.items():
        if not name.endswith("lora_A"):
            continue
        second = parts[name.removesuffix("A") + "B"]
        if (len(second.value), first.value.shape[1]) not in (array.shape, array.shape[::-1]):
            continue
        update = scale * (second.value @ first.value)
        for is_turned in (False, True):
            rest = (array.T if is_turned else array) - update
            for base in stored:
                if base.value.shape == rest.shape and np.abs(base.value - rest).max() < _TOLERANCE:
                    product = maker.add("MatMul", maker.read(second), maker.read(first))
                    scaled = maker.add("Mul", product, maker.number(scale))
                    whole = maker.add("Add", maker.read(base), scaled)
                    return maker.add("Transpose", whole, perm=[1, 0]) if is_turned else whole
    return None


def _read(bundle: Path) -> Iterator[_Stored]:
    own = bundle / "backbone" / "model.safetensors"
    for path in filter(Path.is_file, (bundle / WEIGHTS_FILE, own)):
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        for name, about in header.items():
            if name == "__metadata__" or about["dtype"] not in _HALF:
                continue
            start, end = (8 + length + place for place in about["data_offsets"])
            dtype = _HALF[about["dtype"]][1]
            value = np.frombuffer(content[start:end], dtype).reshape(about["shape"])
            file = path.relative_to(bundle).as_posix()
            yield _Stored(file, name, about["dtype"], start, value.astype(np.float32))


def _lora_scale(bundle: Path) -> float:
    peft = json.loads((bundle / CONFIG_FILE).read_text(encoding="utf-8"))["peft"]
    if peft["method"] != "lora":
        return 0.0
    return float(peft["alpha"] / peft["rank"])
