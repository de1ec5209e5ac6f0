"""Sizes of the ESM-2 family (Lin et al., Science 2023) and of our own compact model."""

from __future__ import annotations

from dataclasses import dataclass

from peftsp.errors import ConfigError

# Far beyond the largest published model: what a broken file claims takes time and memory.
_MOST_LAYERS = 256
_GREATEST_WIDTH = 2**16


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """Architecture of an ESM-2 model.

    Attributes:
        name: What the model is called in configurations and bundles.
        layers: Transformer blocks.
        width: Features of a residue representation.
        heads: Attention heads; divide ``width`` into parts of an even size.
        release: File name stem of fair-esm's weights, None for other models.
        half_rotary: Whether the frequencies of the rotary embedding are rounded to half precision,
            as in the published models, which were trained in it.

    Raises:
        ConfigError: A size is not positive or the heads do not fit the width.
    """

    name: str
    layers: int
    width: int
    heads: int
    release: str | None = None
    half_rotary: bool = False

    def __post_init__(self) -> None:
        if min(self.layers, self.width, self.heads) < 1:
            raise ConfigError(
                f"backbone {self.name}: expected positive sizes, found layers={self.layers} "
                f"width={self.width} heads={self.heads}"
            )
        if self.layers > _MOST_LAYERS or self.width > _GREATEST_WIDTH:
            raise ConfigError(
                f"backbone {self.name}: expected at most {_MOST_LAYERS} layers of width "
                f"{_GREATEST_WIDTH}, found layers={self.layers} width={self.width}"
            )
        if self.width % (2 * self.heads):
            raise ConfigError(
                f"backbone {self.name}: expected a width that {self.heads} heads divide into even "
                f"parts, found {self.width}"
            )

    @property
    def head_width(self) -> int:
        """Features of one attention head."""
        return self.width // self.heads

    @property
    def parameters(self) -> int:
        """Number of parameters without language model and contact heads.

        >>> published_spec("esm2_8m").parameters
        7408960
        """
        block = 12 * self.width**2 + 13 * self.width
        return 33 * self.width + self.layers * block + 2 * self.width


@dataclass(frozen=True, slots=True)
class BackboneSource:
    """Which weights a backbone has and how to get them again.

    Attributes:
        spec: The architecture.
        checkpoint: A fair-esm ``.pt`` file, a Hugging Face ``EsmModel`` folder or its name on the
            Hub (`peftsp.hub`), ``random``, or None for the published weights: those that the
            package holds, or the torch-hub cache, else downloaded.
        seed: Seed of random weights; ignored otherwise.
        quantization: How the weights are held: ``nf4``, see `peftsp.backbone.quantization`; None:
            as they are.

    Raises:
        ConfigError: The quantization is unknown.
    """

    spec: BackboneSpec
    checkpoint: str | None = None
    seed: int = 0
    quantization: str | None = None

    def __post_init__(self) -> None:
        if self.quantization not in (None, "nf4"):
            raise ConfigError(
                f"backbone.quantization: expected null or nf4, found {self.quantization!r}"
            )


_PUBLISHED = {
    spec.name: spec
    for spec in (
        BackboneSpec("esm2_8m", 6, 320, 20, "esm2_t6_8M_UR50D", True),
        BackboneSpec("esm2_35m", 12, 480, 20, "esm2_t12_35M_UR50D", True),
        BackboneSpec("esm2_150m", 30, 640, 20, "esm2_t30_150M_UR50D", True),
        BackboneSpec("esm2_650m", 33, 1280, 20, "esm2_t33_650M_UR50D", True),
        BackboneSpec("esm2_3b", 36, 2560, 40, "esm2_t36_3B_UR50D", True),
        BackboneSpec("esm2_15b", 48, 5120, 40, "esm2_t48_15B_UR50D", True),
        BackboneSpec("compact", 4, 192, 3),
    )
}

PUBLISHED_RELEASES = tuple(spec.release for spec in _PUBLISHED.values() if spec.release)
"""File name stems of the weights that fair-esm publishes."""


def published_spec(name: str) -> BackboneSpec:
    """The architecture of a model whose weights are published.

    Args:
        name: ``esm2_8m``, ``esm2_35m``, ``esm2_150m``, ``esm2_650m``, ``esm2_3b``, ``esm2_15b``, or
            ``compact`` for the one that ships with peftsp.

    Raises:
        ConfigError: There is no such model.

    >>> published_spec("esm2_650m").layers
    33
    """
    if name not in _PUBLISHED:
        raise ConfigError(f"backbone: expected one of {', '.join(_PUBLISHED)}, found {name!r}")
    return _PUBLISHED[name]
