"""What all methods inherit: means, layers from the top, names, and when two compute the same."""

from dataclasses import dataclass, replace

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.base import LINEAR_PLACES, PeftMethod, check_positive, last_layers, mean_of

SPEC = BackboneSpec("small", layers=4, width=16, heads=2)


@dataclass(frozen=True)
class Scaling(PeftMethod):
    """A method of another package, with settings of several kinds."""

    strength: float = 1.0
    modules: tuple[str, ...] = ("fc1",)
    attention_dropout: float = 0.0
    lr_ratio: float = 1.0
    dropout_free: bool = False

    starts_as_identity = True

    def apply(self, backbone):
        return backbone

    def parameter_names(self, spec):
        return frozenset()

    def frozen_prefix(self, spec):
        return spec.layers


def test_a_mean_is_weighted():
    tensors = [torch.tensor([[1.0, -2.0]]), torch.tensor([[5.0, 2.0]]), torch.tensor([[3.0, 0.0]])]
    found = mean_of(tensors, [0.5, 0.25, 0.25])
    assert torch.equal(found, torch.tensor([[2.5, -0.5]]))


def test_a_mean_wants_a_share_for_each():
    with pytest.raises(ValueError, match="shorter"):
        mean_of([torch.ones(2), torch.ones(2)], [1.0])


@pytest.mark.parametrize(
    ("count", "layers"), [(None, [0, 1, 2, 3]), (1, [3]), (3, [1, 2, 3]), (4, [0, 1, 2, 3])]
)
def test_last_layers_are_counted_from_the_top(count, layers):
    assert list(last_layers(SPEC, count, "peft.last_k")) == layers


@pytest.mark.parametrize("count", [0, -1, 5])
def test_layers_that_a_backbone_has_not_are_refused(count):
    with pytest.raises(ConfigError) as caught:
        last_layers(SPEC, count, "peft.last_k")
    assert str(caught.value) == f"peft.last_k: expected 1 to 4 layers of small, found {count}"


@pytest.mark.parametrize("value", [0, -0.5])
def test_numbers_that_are_not_above_zero_are_named(value):
    check_positive(rank=1, alpha=1e-9)
    with pytest.raises(ConfigError) as caught:
        check_positive(rank=1, alpha=value)
    assert str(caught.value) == f"peft.alpha: expected a number above 0, found {value}"


def test_every_place_of_a_block_is_a_linear_layer():
    block = load_backbone(SPEC, "random").layers[0]
    linear = {name for name, m in block.named_modules() if isinstance(m, torch.nn.Linear)}
    assert set(LINEAR_PLACES.values()) == linear
    assert all(place.split(".")[-1] == name for name, place in LINEAR_PLACES.items())


def test_a_method_of_another_package_says_where_it_is():
    assert Scaling(2.0).settings() == {
        "method": f"{__name__}:Scaling",
        "strength": 2.0,
        "modules": ("fc1",),
        "attention_dropout": 0.0,
        "lr_ratio": 1.0,
        "dropout_free": False,
    }
    assert Scaling().label == Scaling().name == __name__.rpartition(".")[2]
    assert Scaling().rate_factor("anything") == 1.0


@pytest.mark.parametrize(
    ("changes", "is_like"),
    [
        ({"attention_dropout": 0.5}, True),
        ({"lr_ratio": 16.0}, True),
        ({"modules": ["fc1"]}, True),  # as a file gives it back
        ({"modules": ("fc1", "fc2")}, False),
        ({"strength": 2.0}, False),
        ({"dropout_free": True}, False),
    ],
)
def test_how_a_method_trains_does_not_decide_what_it_computes(changes, is_like):
    assert Scaling().computes_like(replace(Scaling(), **changes)) is is_like


def test_the_average_is_taken_number_by_number():
    weights = [{"a": torch.tensor([0.0]), "b": torch.tensor([1.0, 3.0])} for _ in range(3)]
    weights[1] = {"b": torch.tensor([5.0, 3.0]), "a": torch.tensor([4.0])}
    method, found = Scaling().average(
        [Scaling(lr_ratio=2.0), Scaling()], weights, [0.5, 0.25, 0.25]
    )
    assert method == Scaling()
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        "a": [1.0],
        "b": [2.0, 3.0],
    }


def test_methods_of_other_settings_are_not_averaged():
    with pytest.raises(ConfigError) as caught:
        Scaling().average([Scaling(), Scaling(3.0)], [{}, {}, {}], [0.5, 0.25, 0.25])
    [line] = str(caught.value).splitlines()
    assert line.startswith("peft: expected methods of the same settings to average, found {")
    assert "'strength': 1.0" in line
    assert "'strength': 3.0" in line


def test_a_method_that_cannot_be_merged_leaves_the_backbone():
    backbone = load_backbone(SPEC, "random")
    assert Scaling().merge(backbone) is backbone
