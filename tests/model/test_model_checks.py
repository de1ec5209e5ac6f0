"""Names, shapes and types of what a file holds, and the line that says what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from peftsp.errors import BundleError, RunError
from peftsp.model.checks import check_names, check_shapes, check_types


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"a"}, "one missing: b"),
        ({"a", "b", "c"}, "an unknown one: c"),
        ({"a", "aa"}, "an unknown one: aa"),
        (set(), "one missing: a"),
    ],
)
def test_the_first_tensor_too_many_or_too_few_is_named(found, reason):
    check_names({"b", "a"}, frozenset({"a", "b"}), "here")
    with pytest.raises(BundleError) as caught:
        check_names(found, frozenset({"a", "b"}), "here")
    assert str(caught.value) == f"here: expected the tensors of its method, found {reason}"


def test_a_tensor_of_another_shape_is_named():
    model = nn.ModuleDict({"head": nn.Linear(4, 3)})
    fitting = {"head.weight": torch.zeros(3, 4), "head.bias": torch.zeros(3)}
    check_shapes(fitting, model, "here")
    check_shapes(fitting | {"other": torch.zeros(9)}, model, "here")
    with pytest.raises(BundleError) as caught:
        check_shapes(fitting | {"head.weight": torch.zeros(4, 3)}, model, "here")
    assert str(caught.value) == "here: head.weight: expected shape (3, 4), found (4, 3)"


def test_one_number_is_no_row_of_numbers():
    with pytest.raises(BundleError, match=r"bias: expected shape \(1,\), found \(\)"):
        check_shapes({"bias": torch.tensor(0.0)}, nn.Linear(2, 1), "here")


@dataclass(frozen=True)
class Settings:
    """A field of each kind that settings have."""

    rank: int = 1
    alpha: float = 0.5
    is_on: bool = True
    name: str = "x"
    last_k: int | None = None
    share: float | None = None
    modules: tuple[str, ...] = ("a", "b")
    options: Mapping[str, Any] | None = None
    metrics: dict[str, float] | None = None


RIGHT = [
    {},
    {"alpha": 3},
    {"last_k": 4, "share": 1},
    {"modules": ()},
    {"options": {"a": [1]}, "metrics": {}},
]


@pytest.mark.parametrize("changes", RIGHT)
def test_values_of_the_right_types_are_taken(changes):
    check_types(replace(Settings(), **changes), "here")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("rank", 1.0, "expected int, found 1.0"),
        ("rank", True, "expected int, found True"),
        ("alpha", False, "expected float, found False"),
        ("alpha", "0.5", "expected float, found '0.5'"),
        ("is_on", 1, "expected bool, found 1"),
        ("name", None, "expected str, found None"),
        ("last_k", "all", "expected int | None, found 'all'"),
        ("last_k", True, "expected int | None, found True"),
        ("share", [0.5], "expected float | None, found [0.5]"),
        ("modules", ["a"], "expected tuple[str, ...], found ['a']"),
        ("modules", ("a", 1), "expected tuple[str, ...], found ('a', 1)"),
        ("modules", "a", "expected tuple[str, ...], found 'a'"),
        ("options", [("a", 1)], "expected Mapping[str, Any] | None, found [('a', 1)]"),
        ("metrics", 0, "expected dict[str, float] | None, found 0"),
    ],
)
def test_a_value_of_another_type_is_named(name, value, reason):
    with pytest.raises(BundleError) as caught:
        check_types(replace(Settings(), **{name: value}), "here")
    assert str(caught.value) == f"here: {name}: {reason}"


def test_the_error_may_be_another():
    with pytest.raises(RunError, match=r"run\.json: name: expected str, found PosixPath"):
        check_types(Settings(name=Path("x")), "run.json", RunError)
