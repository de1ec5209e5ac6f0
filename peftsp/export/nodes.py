"""The ONNX nodes of the operations that `torch.export` sees as one piece.

Each function writes out what its namesake in `peftsp.crf.exported` or `peftsp.backbone.exported`
declares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from onnxscript import ir
from onnxscript import opset23 as op

import peftsp.backbone.exported
import peftsp.crf.exported  # noqa: F401  (declares operations)
from peftsp.export.scan import Loop, Value

OPSET = 23
_SMALLEST_SUM = 1e-300


def walk(weights: Value, entries: Value, steps: Value) -> Value:
    """Weights and entries ``(L, W, B, C)``, steps ``(W, C, C)``; gives ``(L, W, B, C)``."""
    smallest, last = _constant(_SMALLEST_SUM, ir.DataType.DOUBLE), _constant([2])
    loop = Loop(ir.DataType.DOUBLE, ir.DataType.DOUBLE, ir.DataType.DOUBLE)
    factor, entry = loop.read
    found = loop.add("Add", loop.add("MatMul", loop.carried, steps), entry)
    weight = loop.add("Mul", found, factor)
    # What weights are relative to does not matter, but 70 products would leave float64.
    total = loop.add("Max", loop.add("ReduceSum", weight, last, keepdims=1), smallest)
    nothing = op.Sub(_first(entries), _first(entries))
    _, walked = loop.run(nothing, [weights, entries], loop.add("Div", weight, total), found)
    return walked


def best_path(
    emissions: Value, mask: Value, start: Value, end: Value, sources: Value, incoming: Value
) -> Value:
    """Emissions ``(L, B, C)``, mask ``(L, B)``; gives states, ``(L, B)``."""
    others, is_real = _others(emissions), _others(mask)
    first = op.Add(start, _first(emissions))
    last, bests = _best_scores(first, others, is_real, sources, incoming)
    state = op.ArgMax(op.Add(last, end), axis=1, keepdims=0)
    earlier = _trace_back(state, bests, is_real, sources, incoming)
    return op.Concat(earlier, op.Unsqueeze(state, _constant([0])), axis=0)


def _best_scores(
    first: Value, emissions: Value, is_real: Value, sources: Value, incoming: Value
) -> tuple[Value, Value]:
    """Scores of the best ways to each state at the last residue, and at all before."""
    by_source = [op.Transpose(table, perm=[1, 0]) for table in (sources, incoming)]
    one, two = _constant([1]), _constant([1])
    loop = Loop(ir.DataType.FLOAT, ir.DataType.FLOAT, ir.DataType.BOOL)
    emission, real = loop.read
    reached = loop.add("Add", loop.add("Gather", loop.carried, by_source[0], axis=1), by_source[1])
    arrived = loop.add("Add", loop.add("ReduceMax", reached, one, keepdims=0), emission)
    best = loop.add("Where", loop.add("Unsqueeze", real, two), arrived, loop.carried)
    return loop.run(first, [emissions, is_real], best, loop.carried)


def _trace_back(
    state: Value, bests: Value, is_real: Value, sources: Value, incoming: Value
) -> Value:
    """States before the last one, along which the best scores came about."""
    loop = Loop(ir.DataType.INT64, ir.DataType.FLOAT, ir.DataType.BOOL)
    best, real = loop.read
    one = _constant([1])
    came_from = loop.add("Gather", sources, loop.carried)
    reached = loop.add(
        "Add",
        loop.add("GatherElements", best, came_from, axis=1),
        loop.add("Gather", incoming, loop.carried),
    )
    choice = loop.add("ArgMax", reached, axis=1, keepdims=1)
    source = loop.add("Squeeze", loop.add("GatherElements", came_from, choice, axis=1), one)
    before = loop.add("Where", real, source, loop.carried)
    _, states = loop.run(state, [bests, is_real], before, before, backwards=True)
    return states


def rotary_attention(
    query: Value,
    key: Value,
    value: Value,
    bias: Value,
    positions: Value,
    cosines: Value,
    sines: Value,
    heads: int,
) -> Value:
    """Queries, keys, values ``(B, T, D)``; gives ``(B, T, D)``."""
    query, key = (
        op.RotaryEmbedding(features, cosines, sines, positions, num_heads=heads)
        for features in (query, key)
    )
    mixed, *_ = op.Attention(query, key, value, bias, q_num_heads=heads, kv_num_heads=heads)
    return mixed


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.peftsp_crf.walk.default: walk,
    torch.ops.peftsp_crf.best_path.default: best_path,
    torch.ops.peftsp_backbone.rotary_attention.default: rotary_attention,
}


def _first(values: Value) -> Value:
    return op.Gather(values, _constant(0), axis=0)


def _others(values: Value) -> Value:
    return op.Slice(values, _constant([1]), _constant([values.shape[0]]), _constant([0]))


def _constant(number: Any, dtype: ir.DataType = ir.DataType.INT64) -> Value:
    return op.Constant(value=ir.tensor(number, dtype=dtype))  # type: ignore[arg-type]
