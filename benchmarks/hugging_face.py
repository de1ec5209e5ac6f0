"""What libraries give today: Transformers' EsmModel, PEFT's LoRA and pytorch-crf."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
import torchcrf
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import EsmModel
from transformers.utils import logging

from benchmarks.contender import Answer, Contender
from benchmarks.reference import HEAD_DROPOUT, read_paths
from benchmarks.workload import Task, Workload
from peftsp.backbone.hugging_face import THEIR_MODULES, write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.interop.injected import their_name
from peftsp.peft.base import last_layers
from peftsp.peft.hf import PLACES
from peftsp.peft.lora import LoRA


class HuggingFace(Contender):
    """Trains on one path a protein, which is all that pytorch-crf can; answers with its best path.

    Args:
        workload: The weights.
        device: Where to compute.
        is_merged: Fold the updates into the weights, for prediction.
    """

    def __init__(self, workload: Workload, device: torch.device, is_merged: bool) -> None:
        esm = load_esm(workload.spec, workload.backbone).requires_grad_(False)
        self.places: dict[str, str] = {}
        if isinstance(workload.method, LoRA):
            esm = get_peft_model(esm, lora_config(workload.spec, workload.method))
            self.places = {
                name: f"base_model.model.{their_name(name)}.default.weight"
                for name in workload.adapter
            }
            for name, theirs in self.places.items():
                esm.get_parameter(theirs).data.copy_(workload.adapter[name])
            if is_merged:
                esm = esm.merge_and_unload()
        head = nn.Linear(workload.spec.width, len(workload.head_bias))
        head.weight.data.copy_(workload.head_weight)
        head.bias.data.copy_(workload.head_bias)
        crf = torchcrf.CRF(len(workload.head_bias), batch_first=True)
        crf.transitions.data.copy_(workload.transitions)
        crf.start_transitions.data.copy_(workload.starts)
        crf.end_transitions.data.copy_(workload.ends)
        parts = {"esm": esm, "dropout": nn.Dropout(HEAD_DROPOUT), "head": head, "crf": crf}
        self.modules = nn.ModuleDict(parts).eval().to(device)

    def residues(self, task: Task) -> Tensor:
        """See `Contender`."""
        batch = task.batch
        found = self.modules["esm"](input_ids=batch.tokens, attention_mask=batch.mask.long())
        return found.last_hidden_state[:, 1:-1]

    def emissions(self, residues: Tensor, task: Task) -> Tensor:  # noqa: ARG002
        """See `Contender`."""
        return self.modules["head"](self.modules["dropout"](residues))

    def objective(self, residues: Tensor, task: Task) -> Tensor:
        """See `Contender`."""
        emissions, mask = self.emissions(residues, task), task.batch.residue_mask
        return -self.modules["crf"](emissions, task.paths, mask=mask, reduction="mean")

    def answer(self, residues: Tensor, task: Task) -> Answer:
        """See `Contender`."""
        emissions = self.emissions(residues, task)
        paths = self.modules["crf"].decode(emissions, mask=task.batch.residue_mask)
        return Answer(None, *read_paths(paths))

    def adapter_gradients(self) -> dict[str, Tensor]:
        """See `Contender`."""
        esm = self.modules["esm"]
        return {name: esm.get_parameter(theirs).grad for name, theirs in self.places.items()}


def load_esm(spec: BackboneSpec, tensors: dict[str, Tensor]) -> EsmModel:
    """An ``EsmModel`` (SDPA, float32) with the weights of a backbone."""
    # Random weights lack heads that are not used, which it would report.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        write_esm_folder(Path(folder), spec, tensors)
        return EsmModel.from_pretrained(
            folder, attn_implementation="sdpa", add_pooling_layer=False, dtype=torch.float32
        )


def lora_config(spec: BackboneSpec, method: LoRA) -> LoraConfig:
    """PEFT's LoRA in the same places of an ``EsmModel``."""
    layers = "|".join(map(str, last_layers(spec, method.last_k, "peft.last_k")))
    modules = "|".join(THEIR_MODULES[PLACES[name]] for name in method.target_modules)
    return LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        use_rslora=method.rslora,
        target_modules=rf".*encoder\.layer\.({layers})\.({modules})",
    )
