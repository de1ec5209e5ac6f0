"""What is computed without weights beside what PyTorch's allocator hands out in a real step."""

from functools import partial

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F  # noqa: N812
from torch.profiler import ProfilerActivity, profile
from torch.utils._pytree import tree_leaves

from peftsp.backbone import esm2
from peftsp.backbone.checkpoint import empty_backbone, load_backbone
from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.loss.criterion import Criterion
from peftsp.memory.step import walk_through
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.adapter import Adapter
from peftsp.peft.frozen import Frozen
from peftsp.peft.full import Full
from peftsp.peft.lora import LoRA
from peftsp.peft.prompt import Prompt
from peftsp.training.muon import MuonAdamW

SPEC = BackboneSpec("small", layers=4, width=64, heads=4)
HEAD = HeadSettings(0.1, 0, 0.0, True)
CRF = CRFSettings("hard", "peftsp", "of_type")
BATCH = 4
CRITERION = Criterion(focusing=0.0, smoothing=0.0, regularisation=0.5)
MARK = 12345
LORA = LoRA(4, 4, 0.1, ("q_proj", "k_proj", "v_proj", "out_proj"), None)
METHODS = {
    "lora": LORA,
    "lora, last layers, no dropout": LoRA(4, 4, 0.0, ("q_proj", "fc1", "fc2"), 2),
    "adapter": Adapter(None, None, True),
    "prompt": Prompt("all", 5, None, 16),
    "frozen": Frozen(),
    "full": Full(0.0),
}


def computed(method, checkpointing=False, half=None, optimizer=torch.optim.AdamW, batch=BATCH):
    backbone = empty_backbone(BackboneSource(SPEC), checkpointing)
    tagger = build_tagger(backbone, method, HEAD, CRF)
    return walk_through(tagger, optimizer, CRITERION, batch, half)


def real_backbone(method, checkpointing=False):
    adapted = method.apply(load_backbone(SPEC, "random", activation_checkpointing=checkpointing))
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    return adapted.train()


def measure(backbone, half=None):
    """Bytes that PyTorch hands out and has not got back after the forward pass, and at most."""
    tokens = torch.randint(4, 24, (BATCH, 72))
    tokens[0, 50:] = 1
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        with torch.autocast("cpu", half or torch.bfloat16, enabled=half is not None):
            out = backbone(tokens, tokens != 1)
        mark = torch.empty(MARK, dtype=torch.uint8)
        if out.requires_grad:
            torch.autograd.backward([out], [torch.empty_like(out)])
    del mark
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    balance = peak = kept = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        if event.nbytes() == MARK:
            kept = balance
        balance += event.nbytes()
        peak = max(peak, balance)
    return kept, peak


@pytest.mark.parametrize("checkpointing", [False, True], ids=["", "checkpointing"])
@pytest.mark.parametrize("name", METHODS)
def test_step_takes_what_was_computed(name, checkpointing):
    kept, peak = measure(real_backbone(METHODS[name], checkpointing))
    expected = computed(METHODS[name], checkpointing)
    assert expected.activations == pytest.approx(kept, rel=0.1)
    assert expected.backbone == pytest.approx(peak, rel=0.1)


@pytest.mark.parametrize("name", ["lora", "adapter", "full"])
def test_autocasting_step_takes_what_was_computed(monkeypatch, name):
    # As on a GPU: the fused kernel in half precision too, and norms in single.
    monkeypatch.setattr(esm2, "attention", fused_attention)
    plain = F.layer_norm
    monkeypatch.setattr(F, "layer_norm", lambda x, *a, **settings: plain(x.float(), *a, **settings))
    kept, peak = measure(real_backbone(METHODS[name]), torch.bfloat16)
    expected = computed(METHODS[name], half=torch.bfloat16)
    assert expected.activations == pytest.approx(kept, rel=0.1)
    assert expected.backbone == pytest.approx(peak, rel=0.1)
    assert expected.activations < computed(METHODS[name]).activations


def fused_attention(query, key, value, visible):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=visible)


def test_tensors_saved_for_the_backward_pass_are_the_activations():
    backbone = real_backbone(METHODS["lora"])
    own = {p.untyped_storage().data_ptr() for p in backbone.parameters()}
    sizes = {}

    def keep(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    tokens = torch.randint(4, 24, (BATCH, 72))
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        out = backbone(tokens, torch.ones_like(tokens).bool())
    saved = sum(size for place, size in sizes.items() if place not in own)
    assert saved + out.nbytes == pytest.approx(computed(METHODS["lora"]).activations, rel=0.1)


@pytest.mark.parametrize(
    "optimizer",
    [
        torch.optim.Adamax,
        torch.optim.AdamW,
        partial(
            MuonAdamW,
            **{"lr": 0.1, "matrix_lr": 0.1, "weight_decay": 0.0, "momentum": 0.9},
            **{"betas": (0.9, 0.999), "smallest_side": 64},
        ),
    ],
    ids=["adamax", "adamw", "muon"],
)
def test_optimizer_keeps_what_was_computed(optimizer):
    tagger = build_tagger(load_backbone(SPEC, "random"), METHODS["full"], HEAD, CRF)
    for parameter in tagger.parameters():
        parameter.grad = torch.zeros_like(parameter)
    made = optimizer(list(tagger.parameters()))
    made.step()
    kept = sum(t.nbytes for t in tree_leaves(made.state_dict()) if torch.is_tensor(t))
    assert computed(METHODS["full"], optimizer=optimizer).optimizer == kept


def test_quantized_backbone_keeps_no_copies_of_weights():
    def kept(quantization):
        source = BackboneSource(SPEC, quantization=quantization)
        tagger = build_tagger(empty_backbone(source), METHODS["lora"], HEAD, CRF)
        return walk_through(tagger, torch.optim.AdamW, CRITERION, BATCH, torch.bfloat16)

    # Autocasting keeps the frozen weights in half precision beside those in single, but for three
    # projections of the first block, through which no gradient passes.
    copies = 2 * SPEC.width**2 * (12 * SPEC.layers - 3)
    assert kept(None).activations - kept("nf4").activations == copies


def test_longer_batches_and_the_head_count():
    one = computed(METHODS["lora"])
    two = computed(METHODS["lora"], batch=2 * BATCH)
    assert two.activations == pytest.approx(2 * one.activations, rel=0.02)
    assert two.head == pytest.approx(2 * one.head, rel=0.1)
    assert one.head > BATCH * 70 * 37 * 4
