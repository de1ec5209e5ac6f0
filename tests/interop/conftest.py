"""A small model with the reference's parameter names, of fair-esm's and HF PEFT's own modules."""

import esm
import peft
import pytest
import torch
from torch import nn

from peftsp.crf.constraints import constraint_table

LAYERS, WIDTH, HEADS = 3, 32, 4
ALPHA, RANK = 8, 4


class ReferenceLike(nn.Module):
    """ESM-2, an emission layer and the CRF's tables, under the reference's names."""

    def __init__(self):
        super().__init__()
        self.outputs_to_emissions = nn.Linear(WIDTH, 37)
        self.crf = nn.Module()
        for name, shape in (
            ("transitions", (37, 37)),
            ("start_transitions", (37,)),
            ("end_transitions", (37,)),
        ):
            self.crf.register_parameter(name, nn.Parameter(torch.randn(shape)))
        transitions, starts, ends = constraint_table("published")
        self.crf.register_buffer("_constraint_mask", transitions.float())
        self.crf.register_buffer("_constraint_start_mask", starts.float())
        self.crf.register_buffer("_constraint_end_mask", ends.float())
        self.model_seq = nn.Module()
        self.model_seq.esm2 = esm.ESM2(LAYERS, WIDTH, HEADS)

    def forward(self, tokens):
        """Emissions, (B, L, C)."""
        hidden = self.model_seq.esm2(tokens, repr_layers=[LAYERS])["representations"][LAYERS]
        return self.outputs_to_emissions(hidden[:, 1:-1])


@pytest.fixture
def reference_model():
    torch.manual_seed(0)
    return ReferenceLike().eval()


@pytest.fixture
def lora_model(reference_model):
    """The same with LoRA of HF PEFT in the last two layers."""
    config = peft.LoraConfig(
        r=RANK,
        lora_alpha=ALPHA,
        target_modules=[
            f"layers.{layer}.self_attn.{name}"
            for layer in (1, 2)
            for name in ("q_proj", "k_proj", "v_proj", "out_proj")
        ],
    )
    model = peft.get_peft_model(reference_model, config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def tokens():
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(4, 24, (3, 22), generator=generator)
    tokens[:, 0], tokens[:, -1] = 0, 2
    return tokens
