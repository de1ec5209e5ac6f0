"""Estimates beside models that are really built."""

from dataclasses import replace

import pytest
from hydra.utils import instantiate

from peftsp.backbone.quantization import NF4Linear
from peftsp.errors import ConfigError
from peftsp.memory.estimate import estimate_memory, outline
from peftsp.model.settings import build_tagger
from peftsp.peft.hf import MADE_OF_FLOAT32
from peftsp.settings_folder import CONF

NEED_WEIGHTS = ("boft", "shira", "waveft")
METHODS = sorted({path.stem for path in (CONF / "peft").glob("*.yaml")} - {*NEED_WEIGHTS})


def build(cfg):
    method = instantiate(cfg.peft, _convert_="all")
    backbone = instantiate(cfg.backbone, seed=0)
    return build_tagger(backbone, method, instantiate(cfg.head), instantiate(cfg.crf))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_are_those_of_the_model(settings, method, dtype):
    cfg = settings(f"peft={method}", f"backbone.dtype={dtype}")
    if dtype == "bfloat16" and cfg.peft.get("kind") in MADE_OF_FLOAT32:
        pytest.skip(f"{method} is refused beside half precision")
    estimate = estimate_memory(cfg)
    parameters = list(build(cfg).parameters())
    assert estimate.weights == sum(p.nbytes for p in parameters)
    assert estimate.gradients == sum(p.nbytes for p in parameters if p.requires_grad)


@pytest.mark.parametrize("method", NEED_WEIGHTS)
def test_method_that_needs_weights_is_refused(settings, method):
    with pytest.raises(ConfigError, match=f"without weights, found {method.upper()}"):
        estimate_memory(settings(f"peft={method}"))


def test_quantized_weights_are_those_of_the_model(settings):
    pytest.importorskip("bitsandbytes")
    cfg = settings("backbone.quantization=nf4", "backbone.dtype=bfloat16")
    tagger = build(cfg)
    layers = [module for module in tagger.modules() if isinstance(module, NF4Linear)]
    frozen = estimate_memory(cfg).frozen
    assert frozen["nf4"] == sum(tensor.nbytes for layer in layers for tensor in layer.buffers())
    others = [p.nbytes for p in tagger.parameters() if not p.requires_grad]
    assert frozen["bfloat16"] == sum(others)


@pytest.mark.parametrize("name", ["esm2_650m", "esm2_3b", "esm2_15b"])
def test_published_sizes_have_an_outline(settings, name):
    tagger = outline(settings(f"backbone={name}", "peft=frozen"))
    held = list(tagger.backbone.parameters())
    assert sum(p.numel() for p in held) == tagger.backbone.spec.parameters
    assert {p.device.type for p in held} == {"meta"}


def test_devices_share_what_fsdp_shares(settings):
    estimate = estimate_memory(settings("peft=full"))
    lasting = 2 * estimate.weights + estimate.step.optimizer
    passing = estimate.total - lasting
    gathered = 3 * estimate.block
    assert estimate.total_sharded(4) == pytest.approx(lasting / 4 + passing + gathered, abs=1)
    in_nf4 = replace(estimate, frozen={"nf4": 4000})
    assert in_nf4.total_sharded(4) - estimate.total_sharded(4) == 4000


def test_less_is_needed_with_what_saves_memory(settings):
    mixed = "trainer.precision=bf16-mixed"
    plain = estimate_memory(settings(mixed))
    for change in ("backbone.activation_checkpointing=true", "backbone.dtype=bfloat16"):
        assert estimate_memory(settings(mixed, change)).total < plain.total, change


def test_other_precisions_are_refused(settings):
    with pytest.raises(ConfigError, match=r"trainer\.precision: expected one of .*, found 64-true"):
        estimate_memory(settings("trainer.precision=64-true"))
