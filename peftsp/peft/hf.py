"""Any method of Hugging Face PEFT that can be injected into a model's layers."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.util import find_spec
from json import dumps, loads
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.peft.base import LINEAR_PLACES, PeftMethod, last_layers

if TYPE_CHECKING:
    from peft import PeftConfig

PLACES = {
    **LINEAR_PLACES,
    **{name: name for name in ("self_attn_layer_norm", "final_layer_norm")},
}
"""The same, layer norms too."""

CANNOT = {
    "ADALORA": "allots ranks by all earlier steps, which resume points do not hold",
    "LILY": "looks at the mean over a batch with its padding",
    "TINYLORA": "shares what it trains between layers",
    "UNILORA": "shares what it trains between layers",
    "VBLORA": "shares what it trains between layers",
}
"""Kinds that would run and be wrong here, and why."""

NEED_WEIGHTS = ("BOFT", "SHIRA", "WAVEFT")
"""Kinds that look at weights, or at their dtype, when they are put in."""

NAMING_LAYERS = ("layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern")
"""Options that choose layers by names, which are others here and in folders of Hugging Face."""

MADE_OF_FLOAT32 = frozenset({"PSOFT", "RANDLORA", "SUPERTUNING", "WAVEFT"})
"""Kinds whose places or bases would be others beside weights that are held in half precision."""
_CHANGING_WEIGHTS = re.compile(r"olora|pissa_niter_\d+|corda|eva|loftq|lora_ga")
"""Starts of LoRA that write to frozen weights, by chance or into tensors that models share."""

_ADAPTER = "default"

# PEFT imports bitsandbytes, whose word on 4-bit products concerns no method here.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)


@dataclass(frozen=True)
class HuggingFace(PeftMethod):
    """A method of Hugging Face PEFT (Mangrulkar et al., 2022), by its kind and its own options.

    Attributes:
        kind: What PEFT calls it, a ``peft.PeftType`` such as ``IA3``.
        options: Fields of its ``PeftConfig``; those that list modules take `PLACES`.
        last_k: How many of the last layers to change; None for all.
        identity: Whether it starts without effect with these options.
    """

    kind: str
    options: Mapping[str, Any] = field(hash=False)
    last_k: int | None
    identity: bool

    modules: ClassVar[tuple[str, ...]] = ("target_modules", "feedforward_modules")
    """Options that list modules."""

    def __post_init__(self) -> None:
        if find_spec("peft") is None:
            raise ConfigError("peft.kind: expected the package peft for it; pip install peft")
        # Lists and tuples are one and the same in a bundle.
        object.__setattr__(self, "options", loads(dumps(dict(self.options))))
        if self.kind in CANNOT:
            raise ConfigError(f"peft.kind: expected another, since {self.kind} {CANNOT[self.kind]}")
        config = _find_config(self.kind, self.options)
        defaults = {field.name: field.default for field in fields(config)}
        if {**defaults, **self.options}.get("random_seed", 0) is None:
            raise ConfigError(
                f"peft.options.random_seed: expected a number, from which {self.kind} is made "
                f"again, found none"
            )
        for option in NAMING_LAYERS:
            if self.options.get(option):
                raise ConfigError(
                    f"peft.options.{option}: expected none, as peft.last_k chooses the layers, all "
                    f"with the same settings, found {self.options[option]}"
                )
        start = self.options.get("init_lora_weights")
        if isinstance(start, str) and _CHANGING_WEIGHTS.fullmatch(start):
            raise ConfigError(
                f"peft.options.init_lora_weights: expected a start that leaves the frozen weights "
                f"as they are, found {start}; peft=pissa changes them in a way that can be repeated"
            )
        for option in self.modules:
            unknown = set(self.options.get(option) or ()) - set(PLACES)
            if unknown:
                raise ConfigError(
                    f"peft.options.{option}: expected some of {', '.join(PLACES)}, "
                    f"found {', '.join(sorted(unknown))}"
                )

    @property
    def label(self) -> str:
        """PEFT's name of the method; a kind of LoRA by what makes it one."""
        special = [name for name in ("dora", "rslora") if self.options.get(f"use_{name}")]
        return "+".join(special) or {"LORA": "hf_lora"}.get(self.kind, self.kind.lower())

    @property
    def starts_as_identity(self) -> bool:  # type: ignore[override]
        """As the setting says."""
        return self.identity

    def apply(self, backbone: ESM2) -> Backbone:
        """Let PEFT replace the chosen layers."""
        if backbone.source.quantization:
            raise ConfigError(
                f"peft.kind={self.kind}: expected backbone.quantization=null, "
                f"found {backbone.source.quantization}"
            )
        held = backbone.embed_tokens.weight.dtype
        if self.kind in MADE_OF_FLOAT32 and held != torch.float32:
            raise ConfigError(
                f"backbone.dtype: expected float32 with {self.kind}, which is made again from the "
                f"weights as they are held, found {str(held).removeprefix('torch.')}"
            )
        backbone.requires_grad_(False)
        try:
            self._inject(backbone, self.layers(backbone.spec))
        except (RuntimeError, ConfigError):
            if not backbone.embed_tokens.weight.is_meta:
                raise
            # Some methods are made of the weights' values.
            block = _tuned_block(backbone.spec, self.kind, dumps(self.options))
            for layer in self.layers(backbone.spec):
                backbone.layers[layer] = deepcopy(block).to("meta")
        for parameter in backbone.parameters():
            if parameter.requires_grad:
                # Half-precision backbones still get what the optimizer can move in small steps.
                parameter.data = parameter.data.to(
                    torch.promote_types(parameter.dtype, torch.float32)
                )
        return backbone

    def parameter_names(self, spec: BackboneSpec) -> frozenset[str]:
        """What PEFT's layers train, by its own names."""
        names = _names_in_block(spec, self.kind, dumps(self.options))
        return frozenset(f"layers.{layer}.{name}" for layer in self.layers(spec) for name in names)

    def frozen_prefix(self, spec: BackboneSpec) -> int:
        """The blocks before the first that changes."""
        return self.layers(spec).start

    def merge(self, backbone: Backbone) -> Backbone:
        """Fold the layers into their weights where the method can; else they stay."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        for place, layer in list(backbone.named_modules()):
            if isinstance(layer, BaseTunerLayer):
                base = _merged(layer)
                if base is not None:
                    backbone.set_submodule(place, base)
        return backbone

    def config(self, layers: range) -> PeftConfig:
        """The configuration as PEFT takes it, with the full names of the modules.

        Raises:
            ConfigError: PEFT refuses an option.
        """
        options = dict(self.options)
        for option in self.modules:
            if options.get(option):
                options[option] = [
                    f"layers.{layer}.{PLACES[name]}" for layer in layers for name in options[option]
                ]
        made: PeftConfig = _made(lambda: _find_config(self.kind, options)(**options), self.kind)
        return made

    def _inject(self, backbone: ESM2, layers: range) -> None:
        from peft import inject_adapter_in_model
        from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING

        config = self.config(layers)
        kinds: Mapping[Any, Any] = PEFT_TYPE_TO_TUNER_MAPPING
        tuner: Any = kinds.get(config.peft_type)
        if not getattr(tuner, "uses_shared_state", False):
            _made(lambda: inject_adapter_in_model(config, backbone, _ADAPTER), self.kind)
        else:
            # What layers share, and do not train, they hold themselves.
            _made(lambda: tuner(backbone, config, _ADAPTER), self.kind)

    def layers(self, spec: BackboneSpec) -> range:
        """Indices of the layers that change."""
        return last_layers(spec, self.last_k, "peft.last_k")


@cache
def _names_in_block(spec: BackboneSpec, kind: str, options: str) -> tuple[str, ...]:
    block = _tuned_block(spec, kind, options)
    return tuple(name for name, p in block.named_parameters() if p.requires_grad)


def _tuned_block(spec: BackboneSpec, kind: str, options: str) -> nn.Module:
    # Some methods cannot be made on the meta device; one block takes little memory.
    with torch.device("cpu"):
        backbone = ESM2(replace(spec, layers=1))
        backbone.requires_grad_(False)
        HuggingFace(kind, loads(options), None, False)._inject(backbone, range(1))
    return backbone.layers[0]


def _find_config(kind: str, options: Mapping[str, Any]) -> type[PeftConfig]:
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    known: dict[str, Any] = {str(k.value): c for k, c in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    if kind not in known:
        raise ConfigError(f"peft.kind: expected one of {', '.join(sorted(known))}, found {kind!r}")
    names = {f.name for f in fields(known[kind])}
    unknown = sorted(set(options) - names)
    if unknown:
        raise ConfigError(
            f"peft.options: expected fields of {known[kind].__name__}, found {', '.join(unknown)}"
        )
    found: type[PeftConfig] = known[kind]
    return found


def _made(make: Any, kind: str) -> Any:
    try:
        return make()
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ConfigError(
            f"peft.options: expected what {kind} takes, found: {' '.join(str(error).split())}"
        ) from error


def _merged(layer: Any) -> nn.Module | None:
    """The plain layer that gives what a tuned one gives, on tensors of its own; None without one.

    Some methods change what goes into or comes out of a layer and cannot be folded into it.
    """
    base = layer.get_base_layer()
    own = copy(base)
    own._parameters = {
        name: None if p is None else nn.Parameter(p.detach().clone(), requires_grad=False)
        for name, p in base._parameters.items()
    }
    holder, name = _holder(layer, base)
    holder._modules[name] = own
    try:
        with torch.no_grad():
            layer.merge()
    except (NotImplementedError, ValueError, RuntimeError):
        holder._modules[name] = base
        return None
    merged: nn.Module = layer.get_base_layer()
    return merged


def _holder(layer: nn.Module, base: nn.Module) -> tuple[nn.Module, str]:
    for holder in layer.modules():
        for name, child in holder.named_children():
            if child is base:
                return holder, name
    raise AssertionError("a tuned layer holds its base")
