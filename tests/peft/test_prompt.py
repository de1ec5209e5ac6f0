"""Where soft tokens go, and settings that do not fit."""

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.prompt import Prompt

SPEC = BackboneSpec("small", layers=4, width=32, heads=4)


@pytest.mark.parametrize(
    ("place", "last_k", "layers"),
    [
        ("first", None, [0]),
        ("last", None, [3]),
        ("all", None, [0, 1, 2, 3]),
        ("topmost", 2, [2, 3]),
    ],
)
@pytest.mark.parametrize("length", [1, 10, 64])
def test_blocks_see_one_prompt_at_a_time(place, last_k, layers, length):
    """However short the sequence, prompts never pile up (the published ones did)."""
    adapted = Prompt(place, length, last_k, None).apply(load_backbone(SPEC, "random"))
    widths = []
    for block in adapted.backbone.layers:
        block.register_forward_hook(lambda module, inputs, out: widths.append(out.shape[1]))
    tokens = torch.tensor([[0, 20, 4, 5, 2]])
    out = adapted(tokens, torch.ones_like(tokens).bool())
    assert out.shape == (1, 3, SPEC.width)
    assert widths == [5 + length * (index >= layers[0]) for index in range(4)]
    assert sorted(adapted.prompts) == [str(layer) for layer in layers]


def test_first_prompt_starts_as_token_embeddings():
    backbone = load_backbone(SPEC, "random")
    prompt = Prompt("first", 6, None, None).apply(backbone).prompts["0"]
    offsets = prompt[:, None] - backbone.embed_tokens.weight
    distances = offsets.abs().amax(dim=-1).min(dim=1).values
    torch.testing.assert_close(distances, torch.zeros(6), atol=0, rtol=0)


def test_fresh_prompts_follow_the_seed():
    prompts = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        adapted = Prompt("all", 4, None, None).apply(load_backbone(SPEC, "random"))
        prompts.append(adapted.prompts["1"])
    assert torch.equal(prompts[0], prompts[1])
    assert not torch.equal(prompts[0], prompts[2])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("middle", 5, None, None), r"peft\.place: expected one of first, .* found 'middle'"),
        (("all", 0, None, None), r"peft\.length: expected a number above 0, found 0"),
        (("all", 5, 2, None), r"peft\.last_k: .* found 2 for place=all"),
        (("topmost", 5, None, None), r"peft\.last_k: .* found None for place=topmost"),
        (("topmost", 5, 9, None), r"peft\.last_k: expected 1 to 4 layers of small, found 9"),
        (("all", 5, None, 0), r"peft\.residual_bottleneck: expected a number above 0, found 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Prompt(*settings).parameter_names(SPEC)
