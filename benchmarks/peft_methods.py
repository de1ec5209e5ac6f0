"""PEFT's own layers in Transformers' EsmModel, and the same methods in peftsp, turn by turn.

python -m benchmarks.peft_methods --methods lora,dora,ia3 --rounds 15 --threads 1

Training: forward and backward pass, and a step of Adamax, of the same batch with the same weights.
Prediction: the merged model of a method beside a backbone without any. Ratios are medians over
rounds, in each of which both have a turn.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from peft import PeftConfig, get_peft_model
from torch import Tensor, nn

from benchmarks.hugging_face import load_esm, lora_config
from benchmarks.turns import ratio, take_turns
from benchmarks.workload import find_spec
from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.interop.injected import their_name
from peftsp.peft.base import PeftMethod
from peftsp.peft.hf import HuggingFace
from peftsp.peft.lora import LoRA
from peftsp.settings_folder import CONF

LENGTH = 72
LEARNING_RATE = 1e-4
Way = Callable[[], object]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default="lora,rslora,dora,ia3,loha,miss,ln_tuning")
    parser.add_argument("--size", default="8m")
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    spec = find_spec(options.size)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, 24, (options.batch_size, LENGTH), generator=generator)
    tokens[:, 0], tokens[:, -1] = 0, 2
    print("| method | steps a second of PEFT | of peftsp | ratio | merged, ratio to no method |")
    print("|---|---:|---:|---:|---:|")
    for name in options.methods.split(","):
        method = instantiate(OmegaConf.load(CONF / "peft" / f"{name}.yaml"), _convert_="all")
        trained = take_turns(train_ways(spec, method, tokens), options.rounds)
        predicted = take_turns(predict_ways(spec, method, tokens), options.rounds)
        speeds = " | ".join(f"{1 / np.median(seconds):.2f}" for seconds in trained.values())
        ratios = " | ".join(f"{ratio(*found.values()):.2f}" for found in (trained, predicted))
        print(f"| {name} | {speeds} | {ratios} |", flush=True)


def train_ways(spec: BackboneSpec, method: PeftMethod, tokens: Tensor) -> dict[str, Way]:
    """A training step in EsmModel by PEFT, and one in peftsp, after a look at the same output."""
    backbone = load_backbone(spec, "random")
    esm = load_esm(spec, backbone.state_dict())
    theirs = get_peft_model(esm, their_config(spec, method))
    ours = method.apply(backbone)
    mask = torch.ones_like(tokens).bool()

    def run_theirs() -> Tensor:
        return theirs(input_ids=tokens, attention_mask=mask.long()).last_hidden_state[:, 1:-1]

    def run_ours() -> Tensor:
        return ours(tokens, mask)

    theirs.eval()
    ours.eval()
    with torch.no_grad():
        torch.testing.assert_close(run_ours(), run_theirs(), rtol=1e-4, atol=1e-4)
    trained = [sum(p.numel() for p in m.parameters() if p.requires_grad) for m in (theirs, ours)]
    assert trained[0] == trained[1], trained
    return {"peft": step_of(theirs.train(), run_theirs), "peftsp": step_of(ours.train(), run_ours)}


def step_of(model: nn.Module, run: Callable[[], Tensor]) -> Way:
    """One step of the optimizer."""
    optimizer = torch.optim.Adamax(
        [p for p in model.parameters() if p.requires_grad], LEARNING_RATE
    )

    def step() -> None:
        run().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def predict_ways(spec: BackboneSpec, method: PeftMethod, tokens: Tensor) -> dict[str, Way]:
    """The representations of a backbone without a method, and with a merged one."""
    mask = torch.ones_like(tokens).bool()
    plain = load_backbone(spec, "random").eval()
    merged = method.merge(method.apply(load_backbone(spec, "random"))).eval()
    without = torch.inference_mode()
    return {
        "plain": without(lambda: plain(tokens, mask)),
        "merged": without(lambda: merged(tokens, mask)),
    }


def their_config(spec: BackboneSpec, method: PeftMethod) -> PeftConfig:
    """The same method for the modules of an EsmModel."""
    if isinstance(method, LoRA):
        return lora_config(spec, method)
    assert isinstance(method, HuggingFace)
    config = method.config(method.layers(spec))
    for option in method.modules:
        if getattr(config, option, None):
            setattr(config, option, [their_name(name) for name in getattr(config, option)])
    return config


if __name__ == "__main__":
    main()
