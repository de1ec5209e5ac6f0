"""Prompt tuning: soft tokens before the sequence (Lester et al., EMNLP 2021; Li & Liang, 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.base import PeftMethod, check_positive, last_layers
from peftsp.peft.bottleneck import BOTTLENECK_PARAMETERS, Bottleneck

PLACES = ("first", "last", "all", "topmost")


@dataclass(frozen=True)
class Prompt(PeftMethod):
    """Learn soft tokens that the residues attend to.

    Attributes:
        place: Layers that get fresh soft tokens in place of earlier ones: ``first``, ``last``,
            ``all``, or ``topmost``, the last ``last_k``.
        length: Number of soft tokens, P.
        last_k: Number of layers for ``topmost``, None otherwise.
        residual_bottleneck: Features inside a residual MLP through which each prompt passes
            (Razdaibiedina et al., ACL 2023); None for no such MLP.
    """

    place: str
    length: int
    last_k: int | None
    residual_bottleneck: int | None

    starts_as_identity: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise ConfigError(
                f"peft.place: expected one of {', '.join(PLACES)}, found {self.place!r}"
            )
        check_positive(length=self.length)
        if self.residual_bottleneck is not None:
            check_positive(residual_bottleneck=self.residual_bottleneck)
        if (self.last_k is not None) != (self.place == "topmost"):
            raise ConfigError(
                f"peft.last_k: expected a number for place=topmost and null otherwise, "
                f"found {self.last_k} for place={self.place}"
            )

    def apply(self, backbone: ESM2) -> Backbone:
        """Wrap the backbone so that soft tokens run along."""
        return PromptedBackbone(
            backbone, self._layers(backbone.spec), self.length, self.residual_bottleneck
        )

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """The soft tokens and their MLPs."""
        layers = self._layers(spec)
        names = {f"prompts.{layer}" for layer in layers}
        if self.residual_bottleneck:
            names |= {f"mlps.{layer}.{name}" for layer in layers for name in BOTTLENECK_PARAMETERS}
        return frozenset(names)

    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """The blocks before the first that attends to soft tokens."""
        return self._layers(spec).start

    def _layers(self, spec: BackboneSpec) -> range:
        if self.place == "topmost":
            return last_layers(spec, self.last_k, "peft.last_k")
        count = {"first": (0, 1), "last": (spec.layers - 1, spec.layers), "all": (0, spec.layers)}
        return range(*count[self.place])


class PromptedBackbone(Backbone):
    """A frozen backbone whose layers attend to soft tokens.

    Args:
        backbone: The backbone; frozen here.
        layers: Layers that get prompts of their own.
        length: Soft tokens a prompt, P.
        residual_bottleneck: Features inside the residual MLPs, None for none.
    """

    def __init__(
        self, backbone: ESM2, layers: range, length: int, residual_bottleneck: int | None
    ) -> None:
        super().__init__(backbone.source)
        self.content_hash = backbone.content_hash
        self.backbone = backbone.requires_grad_(False)
        self.prompt_length = length
        width = backbone.spec.width
        self.prompts = nn.ParameterDict(
            {str(layer): self._fresh_prompt(layer, length) for layer in layers}
        )
        self.mlps = nn.ModuleDict()
        if residual_bottleneck:
            for layer in layers:
                self.mlps[str(layer)] = Bottleneck(width, residual_bottleneck, identity=False)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Residue representations, float ``(B, L, D)``; see `Backbone`."""
        x, first = self.backbone.begin(tokens, mask)
        context = self.backbone.context(x, mask)
        present = 0
        for layer in range(first, self.spec.layers):
            if str(layer) in self.prompts:
                prompt = self._prompt(layer).to(x.dtype).expand(x.shape[0], -1, -1)
                if layer == 0:
                    # Soft tokens of the first layer are embeddings and scaled like them.
                    prompt = prompt * self.backbone.embedding_scale(tokens, mask).to(x.dtype)
                x = torch.cat((prompt, x[:, present:]), dim=1)
                if not present:
                    present = self.prompt_length
                    context = self.backbone.context(x, F.pad(mask, (present, 0), value=True))
            x = self.backbone.run_block(layer, x, context)
        residues: Tensor = self.backbone.emb_layer_norm_after(x)[:, present + 1 : -1]
        return residues

    def _prompt(self, layer: int) -> Tensor:
        prompt: Tensor = self.prompts[str(layer)]
        if str(layer) in self.mlps:
            prompt = self.mlps[str(layer)](prompt)
        return prompt

    def _fresh_prompt(self, layer: int, length: int) -> nn.Parameter:
        embedding = self.backbone.embed_tokens.weight
        dtype = torch.promote_types(embedding.dtype, torch.float32)
        if layer:
            return nn.Parameter(torch.randn(length, embedding.shape[1], dtype=dtype))
        sample = torch.randint(len(embedding), (length,))
        return nn.Parameter(embedding.detach()[sample].to(dtype, copy=True))
