"""Sizes of models: those of fair-esm, and none that no model can have."""

import esm
import pytest
import torch

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import (
    PUBLISHED_RELEASES,
    BackboneSource,
    BackboneSpec,
    published_spec,
)
from peftsp.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("esm2_8m", (6, 320, 20)),
        ("esm2_35m", (12, 480, 20)),
        ("esm2_150m", (30, 640, 20)),
        ("esm2_650m", (33, 1280, 20)),
        ("esm2_3b", (36, 2560, 40)),
        ("esm2_15b", (48, 5120, 40)),
    ],
)
def test_published_sizes_equal_fair_esms(name, sizes):
    spec = published_spec(name)
    with torch.device("meta"):
        theirs = esm.ESM2(*sizes)
        ours = ESM2(spec)
    shapes = {n: p.shape for n, p in theirs.named_parameters()}
    assert all(p.shape == shapes[n] for n, p in ours.named_parameters())
    assert sum(p.numel() for p in ours.parameters()) == spec.parameters


def test_published_releases_are_those_that_fair_esm_loads():
    theirs = {name for name in vars(esm.pretrained) if name.startswith("esm2_t")}
    assert set(PUBLISHED_RELEASES) == theirs


def test_model_that_is_not_published_is_refused():
    with pytest.raises(ConfigError, match=r"expected one of esm2_8m, .* found 'esm2_9m'"):
        published_spec("esm2_9m")


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((1, 32, 5), "expected a width that 5 heads divide into even parts, found 32"),
        ((1, 32, 32), "expected a width that 32 heads divide into even parts, found 32"),
        ((0, 32, 4), "expected positive sizes, found layers=0 width=32 heads=4"),
        ((1, 0, 4), "expected positive sizes, found layers=1 width=0 heads=4"),
        ((1, 32, -4), "expected positive sizes, found layers=1 width=32 heads=-4"),
        ((257, 32, 4), "expected at most 256 layers of width 65536, found layers=257 width=32"),
        (
            (1, 10**30, 5),
            f"expected at most 256 layers of width 65536, found layers=1 width={10**30}",
        ),
    ],
)
def test_sizes_that_no_model_has_are_refused(sizes, message):
    with pytest.raises(ConfigError) as caught:
        BackboneSpec("odd", *sizes)
    assert str(caught.value) == f"backbone odd: {message}"


def test_largest_sizes_are_taken():
    assert BackboneSpec("large", 256, 2**16, 2**15).head_width == 2


def test_quantization_that_is_not_known_is_refused():
    spec = published_spec("esm2_8m")
    assert BackboneSource(spec, quantization="nf4").quantization == "nf4"
    message = r"^backbone\.quantization: expected null or nf4, found 'int8'$"
    with pytest.raises(ConfigError, match=message):
        BackboneSource(spec, quantization="int8")
