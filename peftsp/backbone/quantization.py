"""A frozen backbone in four bits a weight: NF4 with double quantisation (QLoRA).

Dettmers et al., NeurIPS 2023: blocks of 64 weights share a scale, each weight becomes one of 16
quantiles of the normal distribution, and the scales themselves are held in eight bits, by blocks of
256; 4.13 bits a weight in all. The kernels are those of bitsandbytes, for GPUs and CPUs; its own
layer is not used, since it repacks weights in place and ignores autocasting.
"""

from __future__ import annotations

import math
from types import ModuleType

import torch
from torch import Tensor, nn

from peftsp.backbone.esm2 import ESM2
from peftsp.errors import ConfigError

_BLOCK = 64
_SCALE_BLOCK = 256


class NF4Linear(nn.Module):
    """A linear layer whose weight is held in four bits and does not train.

    Its tensors are buffers: ``codes`` uint8 ``(out · in / 2, 1)``, two weights a byte; ``scales``
    uint8, one for 64 weights; ``scale_scales`` float32, one for 256 scales; ``scale_codebook``
    float32 ``(256,)``; ``scale_mean`` float32 scalar.

    Args:
        in_features: Features of the input.
        out_features: Features of the output.
    """

    codes: Tensor
    scales: Tensor
    scale_scales: Tensor
    scale_codebook: Tensor
    scale_mean: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        scales = math.ceil(self.n_weights / _BLOCK)
        n_bytes = math.ceil(self.n_weights / 2)
        self.register_buffer("codes", torch.empty(n_bytes, 1, dtype=torch.uint8))
        self.register_buffer("scales", torch.empty(scales, dtype=torch.uint8))
        self.register_buffer("scale_scales", torch.empty(math.ceil(scales / _SCALE_BLOCK)))
        self.register_buffer("scale_codebook", torch.empty(256))
        self.register_buffer("scale_mean", torch.empty(()))
        self.bias = nn.Parameter(torch.empty(out_features))

    @property
    def n_weights(self) -> int:
        """How many weights it has without the bias."""
        return self.in_features * self.out_features

    def forward(self, x: Tensor) -> Tensor:
        """Float ``(..., in)`` to float ``(..., out)``, in the input's or the autocasting dtype."""
        library = _bitsandbytes()
        device = x.device.type
        if torch.is_autocast_enabled(device):
            x = x.to(torch.get_autocast_dtype(device))
        state = library.functional.QuantState(
            absmax=self.scales,
            shape=torch.Size((self.out_features, self.in_features)),
            blocksize=_BLOCK,
            quant_type="nf4",
            dtype=x.dtype,
            offset=self.scale_mean,
            state2=library.functional.QuantState(
                absmax=self.scale_scales,
                code=self.scale_codebook,
                blocksize=_SCALE_BLOCK,
                dtype=torch.float32,
            ),
        )
        bias = self.bias.to(x.dtype)
        out: Tensor = library.matmul_4bit(x, self.codes, bias=bias, quant_state=state)
        return out


def nf4_parts(weight: Tensor) -> dict[str, Tensor]:
    """Round a weight to NF4.

    Args:
        weight: float, ``(out, in)``.

    Returns:
        The buffers of an `NF4Linear` by name, on the CPU.

    Raises:
        ConfigError: bitsandbytes is not installed.
    """
    quantize = _bitsandbytes().functional.quantize_4bit
    # From float32 on a CPU, whatever the file's dtype: the same bits on every machine.
    single = weight.detach().to("cpu", torch.float32).contiguous()
    codes, state = quantize(single, blocksize=_BLOCK, compress_statistics=True, quant_type="nf4")
    return {
        "codes": codes,
        "scales": state.absmax,
        "scale_scales": state.state2.absmax,
        "scale_codebook": state.state2.code,
        "scale_mean": state.offset,
    }


def hold_in_nf4(backbone: ESM2) -> None:
    """Replace the linear layers of all blocks by empty `NF4Linear` ones."""
    for name in nf4_layers(backbone):
        linear = backbone.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        backbone.set_submodule(name, NF4Linear(linear.in_features, linear.out_features))


def nf4_layers(backbone: ESM2) -> list[str]:
    """Names of the layers that `hold_in_nf4` replaces, which hold nearly all of the weights."""
    return [name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)]


def _bitsandbytes() -> ModuleType:
    try:
        import bitsandbytes
    except ImportError as error:
        raise ConfigError(
            "backbone.quantization: expected bitsandbytes for nf4, found none: "
            "pip install bitsandbytes"
        ) from error
    module: ModuleType = bitsandbytes
    return module
