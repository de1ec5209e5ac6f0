"""Two processes that share the parameters out do what one does with the whole batch."""

import os
import subprocess
import sys
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.data.datamodule import SignalPeptideData
from peftsp.loss.criterion import Criterion
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.adapter import Adapter
from peftsp.peft.frozen import Frozen
from peftsp.peft.full import Full
from peftsp.peft.lora import LoRA
from peftsp.peft.prompt import Prompt
from peftsp.training.module import SignalPeptideModule
from peftsp.training.muon import MuonAdamW
from peftsp.training.rates import rated_optimizer
from peftsp.training.schedules import constant
from peftsp.training.sharding import gather_state, shard, split_state

REPOSITORY = Path(__file__).resolve().parents[2]
PROCESSES = 2
SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
ADAM = partial(torch.optim.AdamW, lr=0.01)
MUON = partial(
    MuonAdamW,
    **{"lr": 0.003, "matrix_lr": 0.02, "weight_decay": 0.05, "momentum": 0.95},
    **{"betas": (0.9, 0.999), "smallest_side": 8},
)
PROJECTIONS = ("q_proj", "v_proj", "fc1")
LORA = LoRA(3, 4, 0.0, PROJECTIONS, None)
CASES = {
    "lora": (LORA, {}, ADAM),
    "lora, odd sizes": (LoRA(1, 1, 0.0, PROJECTIONS, 1), {}, ADAM),
    "adapter": (Adapter(None, 4, False), {}, ADAM),
    "prompt": (Prompt("all", 3, None, 4), {}, ADAM),
    "frozen": (Frozen(), {}, ADAM),
    "full": (Full(0.0), {}, ADAM),
    "full, muon": (Full(0.0), {}, MUON),
    "half-precision backbone": (LORA, {"dtype": "bfloat16"}, ADAM),
    "activation checkpointing": (LORA, {"activation_checkpointing": True}, ADAM),
    "nf4": (LORA, {"quantization": "nf4"}, ADAM),
}


def make_module(method, held, optimizer):
    torch.manual_seed(0)
    tagger = build_tagger(
        load_backbone(SPEC, "random", seed=3, **held),
        method,
        HeadSettings(0.0, 0, 0.0, True),
        CRFSettings("hard", "peftsp", "of_type"),
    )
    schedule, criterion = partial(constant, warmup=0.0), Criterion(0.0, 0.0, 0.5)
    return SignalPeptideModule(tagger, optimizer, schedule, criterion, 0.0, 1.0)


# Muon rounds to bfloat16, which would hide errors.
@mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone)
@mock.patch.object(SignalPeptideModule, "_reduced", lambda self, values, operation: values)
def two_steps(module, batch):
    """Losses of two steps and what was trained by them."""
    make = partial(rated_optimizer, module.tagger, module.optimizer, module.head_factor)
    optimizer = make()
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in module.parameters() if p.requires_grad], 0.5)
        optimizer.step()
        losses.append(loss.detach())
        # As if the run had been stopped and gone on with.
        whole = gather_state(optimizer.state_dict(), keeps=True)
        optimizer = make()
        optimizer.load_state_dict(split_state(whole, optimizer))
    trained = {name: p.detach() for name, p in module.named_parameters() if p.requires_grad}
    return torch.stack(losses), trained


def make_batch():
    data = SignalPeptideData.from_synthetic(
        60,
        0,
        **{"fold": 0, "batch_size": 2 * PROCESSES, "eval_batch_size": 8, "num_workers": 0},
        **{"seed": 1, "balance": 0.0, "type_weights": None, "kingdom_weights": None},
        **{"extra_path": None, "train_splits": ["train"], "keeps_prior": True, "chimeras": 0},
        protocol="nested",
    )
    data.setup("fit")
    return next(iter(data.train_dataloader()))


def part_of(batch, rank):
    mine = slice(2 * rank, 2 * rank + 2)
    return replace(batch, **{f.name: getattr(batch, f.name)[mine] for f in fields(batch)})


def work(rank, folder, names):
    """One of several processes; the first one writes what they found."""
    torch.distributed.init_process_group(
        "gloo", f"file://{folder}/meeting", rank=rank, world_size=PROCESSES
    )
    mesh = init_device_mesh("cpu", (PROCESSES,))
    batch = part_of(make_batch(), rank)
    found = {}
    for name in names:
        module = make_module(*CASES[name])
        shard(module, mesh)
        shard(module, mesh)
        losses, trained = two_steps(module, batch)
        assert all(isinstance(p, DTensor) for p in module.parameters()), name
        torch.distributed.all_reduce(losses)
        whole = {key: tensor.full_tensor() for key, tensor in trained.items()}
        found[name] = (losses / PROCESSES, whole)
    if rank == 0:
        torch.save(found, f"{folder}/found.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def found(warm_python, tmp_path_factory):
    """Losses and weights by case."""
    folder = tmp_path_factory.mktemp("sharded")
    workers = [
        subprocess.Popen(
            [warm_python, __file__, str(rank), str(folder), *cases_at_hand()],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(PROCESSES)
    ]
    for worker in workers:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
    return torch.load(folder / "found.pt", weights_only=True)


def cases_at_hand():
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        return [name for name in CASES if name != "nf4"]
    return list(CASES)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_as_one(found, name):
    if name not in found:
        pytest.skip("needs bitsandbytes")
    losses, trained = found[name]
    expected_losses, expected = two_steps(make_module(*CASES[name]), make_batch())
    is_half = "dtype" in CASES[name][1]
    torch.testing.assert_close(losses, expected_losses, rtol=1e-2 if is_half else 1e-5, atol=0)
    assert trained.keys() == expected.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(trained[key], tensor, rtol=0, atol=4e-3 if is_half else 1e-4)


if __name__ == "__main__":
    work(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
