"""Converted checkpoints give the numbers that the published reference gave."""

from pathlib import Path

import numpy as np
import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.interop.reference import main
from peftsp.interop.reference_names import model_name
from peftsp.loss.region_similarity import region_similarity
from peftsp.model.bundle import read_bundle
from peftsp.model.decode import type_probabilities
from peftsp.model.restore import load_taggers
from peftsp.model.settings import build_tagger
from peftsp.peft.registry import find_method

CHECKPOINTS = [
    "frozen/model.pt",
    "lora/model.pt",
    "lora/model_peft0.4.0.pt",
    "adapter/model.pt",
    "prompt_all/model.pt",
    "prompt_first/model.pt",
    "prompt_topmost_resmlp16/model.pt",
]
REFERENCE_RESIDUE_TOKENS = range(5, 25)


@pytest.fixture(scope="module", params=CHECKPOINTS)
def case(request, shared, tmp_path_factory):
    """A checkpoint's folder with its outputs, and the bundle made of it."""
    path = shared / "golden" / "model" / request.param
    bundle = tmp_path_factory.mktemp("bundle") / "model"
    assert main([str(path), "--backbone", "file", "-o", str(bundle)]) == 0
    return path, bundle


@pytest.fixture(scope="module")
def inputs(shared):
    with np.load(shared / "golden" / "model" / "inputs.npz") as arrays:
        return {
            name: torch.from_numpy(value)
            for name, value in arrays.items()
            if value.dtype.kind in "iu"
        }


def unmerged_tagger(bundle_folder: Path, dtype: torch.dtype):
    """The model as training has it, without LoRA folded into the weights."""
    bundle = read_bundle(bundle_folder)
    backbone = load_backbone(bundle.backbone.spec, bundle.backbone.checkpoint)
    tagger = build_tagger(backbone, find_method(bundle.peft), bundle.head, bundle.crf)
    tagger.load_state_dict(bundle.weights, strict=False)
    return tagger.to(dtype).eval()


def run(tagger, inputs, mask):
    """Everything that the reference's outputs hold, by their names."""
    tokens, is_residue = inputs["token_ids"], inputs["region_bitmap"][:, :, 0] >= 0
    allowed = inputs["region_bitmap"] == 1
    kingdoms = torch.full((len(tokens),), -1)
    hidden = tagger.backbone(tokens, mask) * is_residue.unsqueeze(-1)
    emissions = tagger.head(hidden, kingdoms, mask[:, 2:])
    likelihood, marginals = tagger.crf(emissions, is_residue, allowed)
    return {
        "hidden_crf": hidden,
        "emissions": emissions,
        "llh": likelihood,
        "marginals": marginals,
        "global_probs": type_probabilities(marginals, is_residue),
        "viterbi": tagger.decode(emissions, marginals, is_residue).paths,
    }


FLOAT32 = {
    "hidden_crf": 1e-4,
    "emissions": 5e-4,
    "llh": 1e-3,
    "marginals": 1e-3,
    "global_probs": 1e-3,
    "viterbi": 0,
}
FLOAT64 = {name: 0 if name == "viterbi" else 1e-8 for name in FLOAT32}


def assert_as_recorded(found, path, prefix, suffix, tolerances, is_residue):
    with np.load(path) as recorded:
        compared = [name for name in tolerances if f"{prefix}{name}{suffix}" in recorded]
        assert {"hidden_crf", "llh", "global_probs", "viterbi"} <= set(compared)
        for name in compared:
            expected, got = torch.from_numpy(recorded[f"{prefix}{name}{suffix}"]), found[name]
            if got.shape[:2] == is_residue.shape:
                expected, got = expected[is_residue], got[is_residue]
            torch.testing.assert_close(
                got, expected, rtol=0, atol=tolerances[name], msg=lambda m, n=name: f"{n}: {m}"
            )


@torch.no_grad()
@pytest.mark.parametrize("is_padding_seen", [True, False])
def test_outputs_equal_the_references(case, inputs, is_padding_seen):
    checkpoint, bundle = case
    # The reference pads with <cls> and attends to it; a sequence alone has no padding.
    mask = inputs["input_mask"].bool() | is_padding_seen
    prefix = "" if is_padding_seen else "single_"
    is_residue = inputs["region_bitmap"][:, :, 0] >= 0
    (merged,) = load_taggers([bundle])
    for tagger, file, suffix, tolerances in (
        (merged, "outputs.npz", "", FLOAT32),
        (unmerged_tagger(bundle, torch.float64), "outputs_f64.npz", "_f64", FLOAT64),
    ):
        found = run(tagger, inputs, mask)
        assert_as_recorded(found, checkpoint.parent / file, prefix, suffix, tolerances, is_residue)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_training_step_equals_the_references(case, inputs, dtype):
    checkpoint, bundle = case
    recorded = torch.load(checkpoint.parent / "train_step.pt", weights_only=True)
    tagger = unmerged_tagger(bundle, dtype)
    parameters = {name: p for name, p in tagger.named_parameters() if p.requires_grad}
    assert {model_name(key) for key in recorded["grads"]} == parameters.keys()

    found = run(tagger, inputs, torch.ones_like(inputs["token_ids"]).bool())
    n_h, h_c = region_similarity(
        found["marginals"],
        inputs["token_ids"][:, 1:-1],
        inputs["region_bitmap"][:, :, 0] >= 0,
        inputs["global_label"],
        residue_tokens=REFERENCE_RESIDUE_TOKENS,
    )
    loss = -found["llh"].mean() + 0.5 * n_h.mean() + 0.5 * h_c.mean()
    loss.backward()
    for got, name in ((n_h, "n_h"), (h_c, "h_c"), (loss, "loss")):
        torch.testing.assert_close(got.float(), recorded[name], rtol=1e-5, atol=1e-4)
    for key, expected in recorded["grads"].items():
        got = parameters[model_name(key)].grad.float()
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-4 * expected.abs().max().item())

    optimizer = torch.optim.Adamax(parameters.values(), lr=0.005, weight_decay=1.2e-6)
    torch.nn.utils.clip_grad_norm_(parameters.values(), 0.25)
    optimizer.step()
    for key, expected in recorded["params_after_one_step"].items():
        got = parameters[model_name(key)].detach().float()
        # The first step of Adamax has the gradient's sign, which says nothing where it is noise.
        gradient = recorded["grads"][key].abs()
        is_clear = gradient > 1e-3 * gradient.max()
        assert is_clear.any(), key
        torch.testing.assert_close(got[is_clear], expected[is_clear], rtol=0, atol=1e-5)
