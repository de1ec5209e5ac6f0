"""Check a backbone's weights: our forward pass against fair-esm's and Hugging Face's own.

python -m peftsp.backbone.verify backbone=esm2_650m
python -m peftsp.backbone.verify backbone=esm2_8m backbone.checkpoint=FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from peftsp.alphabet import ALPHABET, CLS_TOKEN, EOS_TOKEN, PAD_TOKEN, STANDARD_RESIDUE_TOKENS
from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.rotary import inverse_frequencies
from peftsp.command_line import EXIT_BAD_INPUT, lacking, new_parser, parse
from peftsp.errors import ConfigError, PeftspError, tell
from peftsp.settings_folder import CONF

FLOAT32_LIMIT = 1e-4
"""Largest difference in float32, as a share of the largest number, that passes."""

BFLOAT16_FACTOR = 2.0
"""Largest error in bfloat16 that passes, as a multiple of the other program's own."""

_LENGTHS = (70, 70, 41, 12, 70, 1)
_EXIT_DIFFERENT = 1

Encode = Callable[[Tensor, Tensor], Tensor]
"""Tokens, ``(B, T)``, and their mask, ``(B, T)``, to residue representations, ``(B, L, D)``."""


class Comparison(NamedTuple):
    """How far our forward pass is from another one's.

    Attributes:
        program: Whose.
        dtype: In which both computed.
        padded: Whether some sequences were shorter than others.
        difference: Largest difference, as a share of the largest number.
        limit: What it may be.
    """

    program: str
    dtype: str
    padded: bool
    difference: float
    limit: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is within its limit."""
        return self.difference <= self.limit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 where all agrees, 1 where something does not, 2 on a wrong setting or file.
    """
    parser = new_parser(
        "python -m peftsp.backbone.verify",
        "Compare a backbone with fair-esm's and Hugging Face's ESM-2 on its weights.",
        "example: python -m peftsp.backbone.verify backbone=esm2_150m",
    )
    parser.add_argument(
        "settings",
        nargs="+",
        metavar="SETTING",
        help="backbone=NAME and, if need be, backbone.checkpoint=PATH, as for training",
    )
    given = parse(parser, arguments)
    try:
        backbone = _load(given.settings)
        has_passed = _knows_alphabet()
    except ModuleNotFoundError as error:
        tell(str(lacking(parser.prog, error, "train")))
        return EXIT_BAD_INPUT
    except PeftspError as error:
        tell(str(error))
        return EXIT_BAD_INPUT
    print(f"{backbone.spec.name}: content hash {backbone.content_hash}")
    for comparison in compare(backbone):
        has_passed &= comparison.agrees
        shape = "padded" if comparison.padded else "unpadded"
        verdict = "agrees" if comparison.agrees else "DIFFERS"
        print(
            f"{comparison.program:12} {comparison.dtype:8} {shape:8} largest difference "
            f"{comparison.difference:.1e} of the largest number, at most {comparison.limit:.1e}: "
            f"{verdict}"
        )
    print("yes, the backbone is right" if has_passed else "NO, the backbone is not right")
    return 0 if has_passed else _EXIT_DIFFERENT


def compare(backbone: ESM2) -> Iterator[Comparison]:
    """Compare a backbone with what other programs compute of the same weights.

    In bfloat16, that is with autocasting, the limit is a multiple of the other program's own error,
    both measured against its result in float32.

    Args:
        backbone: In float32; its tensors are shared with the other programs' modules.
    """
    for program, encode in _others(backbone):
        for is_padded in (False, True):
            tokens, mask = _proteins(is_padded)
            expected, found = _run(encode, tokens, mask), _run(backbone, tokens, mask)
            difference = _difference(found, expected)
            yield Comparison(program, "float32", is_padded, difference, FLOAT32_LIMIT)
            with torch.autocast("cpu", torch.bfloat16):
                rough, found = _run(encode, tokens, mask), _run(backbone, tokens, mask)
            limit = BFLOAT16_FACTOR * _difference(rough, expected)
            difference = _difference(found, expected)
            yield Comparison(program, "bfloat16", is_padded, difference, limit)


def _load(settings: Sequence[str]) -> ESM2:
    # The command alone reads settings; whoever imports its functions need not have Hydra loaded.
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from hydra.utils import instantiate
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("train", overrides=["name=verify", *settings])
        backbone: ESM2 = instantiate(config.backbone)
    except (HydraException, OmegaConfBaseException) as error:
        if isinstance(error.__cause__, PeftspError):
            raise error.__cause__ from None
        raise ConfigError(" ".join(str(error).split())) from error
    return backbone.float().eval()


def _knows_alphabet() -> bool:
    import esm

    theirs = tuple(esm.data.Alphabet.from_architecture("ESM-1b").all_toks)
    is_same = theirs == ALPHABET
    print(f"{'fair-esm':12} alphabet of {len(theirs)} tokens: {'agrees' if is_same else 'DIFFERS'}")
    return is_same


def _others(backbone: ESM2) -> Iterator[tuple[str, Encode]]:
    yield "fair-esm", _fair_esm(backbone)
    place = backbone.source.checkpoint
    if place and Path(place).is_dir() and find_spec("transformers"):
        yield "Hugging Face", _hugging_face(place)


def _fair_esm(backbone: ESM2) -> Encode:
    import esm

    spec = backbone.spec
    with torch.device("meta"):
        model = esm.ESM2(spec.layers, spec.width, spec.heads).eval()
    model.load_state_dict(backbone.state_dict(), strict=False, assign=True)
    # The heads are called but not looked at.
    model.lm_head.to_empty(device="cpu")
    model.contact_head.to_empty(device="cpu")
    for layer in model.layers:
        frequencies = inverse_frequencies(spec.head_width, spec.half_rotary)
        layer.self_attn.rot_emb.inv_freq = frequencies

    def encode(tokens: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG001  (it knows its padding)
        states = model(tokens, repr_layers=[spec.layers])["representations"][spec.layers]
        residues: Tensor = states[:, 1:-1]
        return residues

    return encode


def _hugging_face(place: str) -> Encode:
    from transformers import EsmModel

    # Else it would compute in the dtype of the files.
    model = EsmModel.from_pretrained(place, add_pooling_layer=False, dtype=torch.float32)
    model.train(False)

    def encode(tokens: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return states[:, 1:-1]

    return encode


def _proteins(is_padded: bool) -> tuple[Tensor, Tensor]:
    """Random proteins as tokens, int64, and their mask, bool, ``(B, T)`` both."""
    lengths = _LENGTHS if is_padded else (max(_LENGTHS),) * 2
    generator = torch.Generator().manual_seed(0)
    tokens = torch.full((len(lengths), max(lengths) + 2), PAD_TOKEN)
    for row, length in zip(tokens, lengths, strict=True):
        first, last = STANDARD_RESIDUE_TOKENS[0], STANDARD_RESIDUE_TOKENS[-1]
        row[0], row[length + 1] = CLS_TOKEN, EOS_TOKEN
        row[1 : length + 1] = torch.randint(first, last + 1, (length,), generator=generator)
    return tokens, tokens != PAD_TOKEN


@torch.no_grad()
def _run(encode: Encode, tokens: Tensor, mask: Tensor) -> Tensor:
    """Representations of the residues alone, float32, ``(N, D)``."""
    is_residue = mask[:, 2:]
    return encode(tokens, mask).float()[is_residue]


def _difference(found: Tensor, expected: Tensor) -> float:
    return ((found - expected).abs().max() / expected.abs().max()).item()


if __name__ == "__main__":
    sys.exit(main())
