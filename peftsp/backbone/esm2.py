"""The ESM-2 encoder: modules with fair-esm's parameter names and a forward pass of our own.

Batch first, scaled dot-product attention, no language model head and no contact head.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the name everybody uses)
from torch.utils.checkpoint import checkpoint

from peftsp.alphabet import ALPHABET, MASK_TOKEN, PAD_TOKEN
from peftsp.backbone.attention import attention
from peftsp.backbone.contract import Backbone
from peftsp.backbone.exported import rotary_attention
from peftsp.backbone.rotary import inverse_frequencies, rotary_tables, rotate
from peftsp.backbone.specs import BackboneSource, BackboneSpec

_TRAINED_MASK_RATIO = 0.15 * 0.8
"""Share of tokens that were hidden when ESM-2 was trained; embeddings are scaled to make up."""


class Context(NamedTuple):
    """What every block needs beside its input.

    Attributes:
        cosines: float, ``(T, head_width)``, in the dtype of the products; see
            `peftsp.backbone.rotary`.
        sines: As ``cosines``.
        visible: bool, ``(B, 1, 1, T)``, True where a token may be attended to; None where nothing
            is padded.
    """

    cosines: Tensor
    sines: Tensor
    visible: Tensor | None


class KnownPrefix(Protocol):
    """What the first blocks give, known from elsewhere; see `peftsp.backbone.prefix_store`.

    Attributes:
        layers: How many first blocks.
    """

    layers: int

    def look_up(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Hidden states after those blocks, float, ``(B, T, D)``.

        Args:
            tokens: int64, ``(B, T)``.
            mask: bool, ``(B, T)``, True at real tokens.
        """


class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """Mix tokens: float ``(B, T, D)`` to float ``(B, T, D)``."""
        # Autocasting would cast for each projection anew.
        x = x.to(context.cosines.dtype)
        projected = [projection(x) for projection in (self.q_proj, self.k_proj, self.v_proj)]
        if torch.compiler.is_exporting():
            query, key, value = projected
            cosines, sines, visible = context
            assert visible is not None
            mixed = rotary_attention(query, key, value, cosines, sines, visible, self.heads)
            return self.out_proj(mixed)  # type: ignore[no-any-return]
        query, key, value = (
            features.unflatten(-1, (self.heads, -1)).transpose(1, 2) for features in projected
        )
        query, key = (rotate(x, context.cosines, context.sines) for x in (query, key))
        mixed = attention(query, key, value, context.visible)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    """One pre-norm transformer block.

    ``after_attention`` and ``after_feed_forward`` do nothing; they are the places where a PEFT
    method may put a module, before the residual sums.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.self_attn = SelfAttention(width, heads)
        self.after_attention: nn.Module = nn.Identity()
        self.final_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.after_feed_forward: nn.Module = nn.Identity()

    def forward(self, x: Tensor, context: Context) -> Tensor:
        """One round of attention and feed-forward: float ``(B, T, D)`` to float ``(B, T, D)``."""
        attended = self.self_attn(self.self_attn_layer_norm(x), context)
        x = x + self.after_attention(attended)
        fed = self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))
        out: Tensor = x + self.after_feed_forward(fed)
        return out


class ESM2(Backbone):
    """An ESM-2 encoder.

    In its methods ``tokens`` is int64, ``(B, T)``, ``mask`` bool, ``(B, T)``, True at real tokens,
    and ``x`` float, ``(B, T, D)``, hidden states.

    Args:
        spec: Its sizes.
        activation_checkpointing: Keep only the input of each block for the backward pass and
            compute the rest again: less memory for about a third more time.

    Attributes:
        known_prefix: Takes the place of the embedding and the first blocks, which have to be
            frozen; None to compute them.
    """

    known_prefix: KnownPrefix | None = None

    def __init__(self, spec: BackboneSpec, activation_checkpointing: bool = False) -> None:
        super().__init__(BackboneSource(spec))
        self.activation_checkpointing = activation_checkpointing
        # Not drawn: for that the meta device would load PyTorch's compiler, which takes a second.
        embedding = torch.empty(len(ALPHABET), spec.width)
        self.embed_tokens = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            embedding, freeze=False, padding_idx=PAD_TOKEN
        )
        self.layers = nn.ModuleList(Block(spec.width, spec.heads) for _ in range(spec.layers))
        self.emb_layer_norm_after = nn.LayerNorm(spec.width)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Residue representations, float ``(B, L, D)``; see `Backbone`."""
        x, first = self.begin(tokens, mask)
        context = self.context(x, mask)
        for index in range(first, len(self.layers)):
            x = self.run_block(index, x, context)
        residues: Tensor = self.emb_layer_norm_after(x)[:, 1:-1]
        return residues

    def begin(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, int]:
        """Hidden states to go on from, float, ``(B, T, D)``, and the block that takes them."""
        if self.known_prefix is None:
            return self.embed(tokens, mask), 0
        weight = self.embed_tokens.weight
        known = self.known_prefix.look_up(tokens, mask)
        return known.to(weight.device, weight.dtype), self.known_prefix.layers

    @torch.no_grad()
    def run_prefix(self, tokens: Tensor, mask: Tensor, layers: int) -> Tensor:
        """Hidden states after the first blocks, float, ``(B, T, D)``, without gradients."""
        x = self.embed(tokens, mask)
        context = self.context(x, mask)
        for index in range(layers):
            x = self.run_block(index, x, context)
        return x

    def embed(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Token embeddings as the first block takes them, float, ``(B, T, D)``."""
        embedded = self.embed_tokens(tokens)
        embedded = embedded.masked_fill((tokens == MASK_TOKEN).unsqueeze(-1), 0.0)
        scaled: Tensor = embedded * self.embedding_scale(tokens, mask).to(embedded.dtype)
        return scaled

    def embedding_scale(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Factor that makes up for hidden tokens, float, ``(B, 1, 1)``.

        ESM-2 was trained with a fixed share of tokens hidden; inputs are scaled as if they had it.
        """
        dtype = torch.promote_types(self.embed_tokens.weight.dtype, torch.float32)
        hidden = (tokens == MASK_TOKEN).sum(dim=1).to(dtype) / mask.sum(dim=1)
        return ((1 - _TRAINED_MASK_RATIO) / (1 - hidden))[:, None, None]

    def context(self, x: Tensor, mask: Tensor) -> Context:
        """Rotary tables and attention mask for a run of blocks.

        Args:
            x: float, ``(B, T, D)``, whose positions count from 0.
            mask: bool, ``(B, T)``, True where a token may be attended to.
        """
        frequencies = inverse_frequencies(self.spec.head_width, self.spec.half_rotary)
        dtype = product_dtype(x)
        cosines, sines = rotary_tables(x.shape[1], frequencies, x.device, dtype)
        # Attention without a mask takes a faster kernel; an exported graph has to serve any batch.
        is_whole = not torch.compiler.is_exporting() and bool(mask.all())
        visible = None if is_whole else mask[:, None, None, :]
        return Context(cosines, sines, visible)

    def run_block(self, index: int, x: Tensor, context: Context) -> Tensor:
        """Apply one block, float, ``(B, T, D)``, with activation checkpointing where it is on."""
        block = self.layers[index]
        out: Tensor
        if self.activation_checkpointing and torch.is_grad_enabled():
            out = checkpoint(block, x, context, use_reentrant=False)
        else:
            out = block(x, context)
        return out

    def reset_parameters(self, seed: int) -> None:
        """Draw random weights, the same ones for the same seed on every machine."""
        generator = torch.Generator().manual_seed(seed)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        nn.init.normal_(self.embed_tokens.weight, generator=generator)
        self.embed_tokens.weight.data[PAD_TOKEN] = 0.0


def product_dtype(x: Tensor) -> torch.dtype:
    """In what dtype products with a tensor are computed: that of autocasting, else its own.

    Args:
        x: float, of any shape.
    """
    device = x.device.type
    is_cast = device != "meta" and torch.is_autocast_enabled(device)
    return torch.get_autocast_dtype(device) if is_cast else x.dtype
