"""PEFT's own layers in Transformers' EsmModel, and the same methods in peftsp, turn by turn.

python -m benchmarks.peft_methods --methods lora,dora,ia3 --rounds 15 --threads 1

Training: forward and backward pass, and a step of Adamax, of the same batch with the same weights.
Prediction: the merged model of a method beside a backbone without any. Ratios are medians over
rounds, in each of which both have a turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from peft import LoraConfig, PeftConfig, get_peft_model
from torch import Tensor, nn
from transformers import EsmModel
from transformers.utils import logging

from benchmarks.workload import find_spec
from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import THEIR_MODULES, write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.interop.injected import their_name
from peftsp.peft.base import PeftMethod
from peftsp.peft.hf import PLACES, HuggingFace
from peftsp.peft.lora import LoRA
from peftsp.settings_folder import CONF

LENGTH = 72
LEARNING_RATE = 1e-4
Turn = Callable[[], object]


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
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    spec = find_spec(options.size)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, 24, (options.batch_size, LENGTH), generator=generator)
    tokens[:, 0], tokens[:, -1] = 0, 2
    print("| method | steps a second of PEFT | of peftsp | ratio | merged, ratio to no method |")
    print("|---|---:|---:|---:|---:|")
    for name in options.methods.split(","):
        method = instantiate(OmegaConf.load(CONF / "peft" / f"{name}.yaml"), _convert_="all")
        theirs, ours = train_turns(spec, method, tokens)
        seconds, others = take_turns(theirs, ours, options.rounds)
        plain, merged = predict_turns(spec, method, tokens)
        of_plain, of_merged = take_turns(plain, merged, options.rounds)
        print(
            f"| {name} | {1 / median(seconds):.2f} | {1 / median(others):.2f} "
            f"| {ratio(seconds, others):.2f} | {ratio(of_plain, of_merged):.2f} |",
            flush=True,
        )


def train_turns(spec: BackboneSpec, method: PeftMethod, tokens: Tensor) -> tuple[Turn, Turn]:
    """A training step in EsmModel by PEFT, and one in peftsp, after a look at the same output."""
    backbone = load_backbone(spec, "random")
    with tempfile.TemporaryDirectory() as folder:
        write_esm_folder(Path(folder), spec, backbone.state_dict())
        esm = EsmModel.from_pretrained(
            folder, attn_implementation="sdpa", add_pooling_layer=False, dtype=torch.float32
        )
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
    return step_of(theirs.train(), run_theirs), step_of(ours.train(), run_ours)


def step_of(model: nn.Module, run: Callable[[], Tensor]) -> Turn:
    """One step of the optimizer."""
    optimizer = torch.optim.Adamax(
        [p for p in model.parameters() if p.requires_grad], LEARNING_RATE
    )

    def step() -> None:
        run().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def predict_turns(spec: BackboneSpec, method: PeftMethod, tokens: Tensor) -> tuple[Turn, Turn]:
    """The representations of a backbone without a method, and with a merged one."""
    mask = torch.ones_like(tokens).bool()
    plain = load_backbone(spec, "random").eval()
    merged = method.merge(method.apply(load_backbone(spec, "random"))).eval()
    without = torch.inference_mode()
    return without(lambda: plain(tokens, mask)), without(lambda: merged(tokens, mask))


def take_turns(first: Turn, second: Turn, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each, a value a round; the first round does not count, and the order changes."""
    seconds: dict[Turn, list[float]] = {first: [], second: []}
    for number in range(rounds + 1):
        for turn in (first, second) if number % 2 else (second, first):
            started = time.perf_counter()
            turn()
            seconds[turn].append(time.perf_counter() - started)
    return seconds[first][1:], seconds[second][1:]


def ratio(seconds: list[float], others: list[float]) -> float:
    """How many times as fast the second is; median over rounds."""
    return median(a / b for a, b in zip(seconds, others, strict=True))


def their_config(spec: BackboneSpec, method: PeftMethod) -> PeftConfig:
    """The same method for the modules of an EsmModel."""
    if isinstance(method, LoRA):
        modules = [THEIR_MODULES[PLACES[name]] for name in method.target_modules]
        return LoraConfig(
            r=method.rank,
            lora_alpha=method.alpha,
            lora_dropout=method.dropout,
            target_modules=rf".*encoder\.layer\.\d+\.({'|'.join(modules)})",
        )
    assert isinstance(method, HuggingFace)
    config = method.config(method.layers(spec))
    for option in method.modules:
        if getattr(config, option, None):
            setattr(config, option, [their_name(name) for name in getattr(config, option)])
    return config


if __name__ == "__main__":
    main()
