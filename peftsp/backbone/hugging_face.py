"""ESM-2 weights in a Hugging Face ``EsmModel`` folder: reading and writing them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from torch import Tensor

from peftsp.alphabet import ALPHABET, MASK_TOKEN, PAD_TOKEN
from peftsp.backbone.rotary import AttentionShape, inverse_frequencies
from peftsp.backbone.specs import BackboneSpec
from peftsp.backbone.tensor_files import (
    check_plain,
    read_pickled_tensors,
    read_safetensors,
    tensor_table,
    write_safetensors,
)
from peftsp.errors import CheckpointError
from peftsp.files import is_there, read_json, shown

THEIR_MODULES = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "LayerNorm",
}
"""Parts of a block by their names here, and by those in ``EsmModel``."""

_OUR_MODULES = {theirs: ours for ours, theirs in THEIR_MODULES.items()}
_OLD_ENDINGS = {".gamma": ".weight", ".beta": ".bias"}
_OUTSIDE_BLOCKS = {
    "embeddings.word_embeddings.weight": "embed_tokens.weight",
    "encoder.emb_layer_norm_after.weight": "emb_layer_norm_after.weight",
    "encoder.emb_layer_norm_after.bias": "emb_layer_norm_after.bias",
}
_BLOCK = re.compile(r"^encoder\.layer\.(\d+)\.(.+)\.(weight|bias)$")
_OUR_BLOCK = re.compile(r"^layers\.(\d+)\.(.+)\.(weight|bias)$")
_FREQUENCIES = "rotary_embeddings.inv_freq"
_NOT_USED = re.compile(rf"^embeddings\.position|{re.escape(_FREQUENCIES)}$")
_ENCODER = re.compile(r"^(embeddings|encoder)\.")
_MODEL_PREFIX = "esm."
_SAFETENSORS, _BIN = "model.safetensors", "pytorch_model.bin"
_MOST_NAMED = 5


def read_esm_folder(folder: Path) -> tuple[dict[str, Tensor], AttentionShape]:
    """Encoder weights of a folder that ``save_pretrained`` of an ESM-2 with any head wrote.

    Heads, such as those of ``EsmForMaskedLM`` or a classifier, are left out and named in a line on
    standard error. Other files beside the weights are not looked at.

    Args:
        folder: Holds ``config.json`` and the weights: ``model.safetensors`` or
            ``pytorch_model.bin``, or the shards that ``model.safetensors.index.json`` or
            ``pytorch_model.bin.index.json`` names; the first of these that is there.

    Returns:
        Tensors by `peftsp.backbone.esm2.ESM2` parameter name, in the files' dtype; and what
        the folder says of attention.

    Raises:
        CheckpointError: A file is missing or broken, or the model is not an ESM-2.
    """
    config = _read_config(folder)
    weights, heads = {}, set()
    frequencies = None
    for name, tensor in _read_shards(folder).items():
        if name.endswith(_FREQUENCIES):
            frequencies = tensor
        name = name.removeprefix(_MODEL_PREFIX)
        if not _ENCODER.match(name):
            heads.add(name.split(".")[0])
        elif not _NOT_USED.search(name):
            weights[_our_name(name)] = tensor
    check_plain(weights, str(folder))
    if heads:
        print(f"{folder}: left out {_enumerate(heads)}, the encoder alone is used", file=sys.stderr)
    count = config.get("num_attention_heads")
    head_width = config["hidden_size"] // count if count and "hidden_size" in config else None
    return weights, AttentionShape.of(frequencies)._replace(head_width=head_width)


def write_esm_folder(folder: Path, spec: BackboneSpec, weights: dict[str, Tensor]) -> None:
    """Write encoder weights as a folder that ``EsmModel.from_pretrained`` and we can read.

    Args:
        folder: Made if need be.
        spec: The architecture.
        weights: Tensors by `peftsp.backbone.esm2.ESM2` parameter name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["EsmModel"],
        "model_type": "esm",
        "num_hidden_layers": spec.layers,
        "hidden_size": spec.width,
        "num_attention_heads": spec.heads,
        "intermediate_size": 4 * spec.width,
        "vocab_size": len(ALPHABET),
        "pad_token_id": PAD_TOKEN,
        "mask_token_id": MASK_TOKEN,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": 1026,
        "position_embedding_type": "rotary",
        "emb_layer_norm_before": False,
        "token_dropout": True,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", newline="\n")
    theirs = {_their_name(name): tensor.contiguous() for name, tensor in weights.items()}
    for layer in range(spec.layers):
        key = f"encoder.layer.{layer}.attention.self.{_FREQUENCIES}"
        theirs[key] = inverse_frequencies(spec.head_width, spec.half_rotary)
    write_safetensors(theirs, folder / _SAFETENSORS)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not is_there(path):
        raise CheckpointError(f"{folder}: expected a config.json in it, found none")
    config = read_json(path, CheckpointError)
    for key in ("num_attention_heads", "hidden_size"):
        found = config.get(key, 1)
        if type(found) is not int or found < 1:
            raise CheckpointError(f"{path}: {key}: expected a whole number, found {shown(found)}")
    expected = {
        "model_type": "esm",
        "position_embedding_type": "rotary",
        "emb_layer_norm_before": False,
        "token_dropout": True,
    }
    for key, value in expected.items():
        found = config.get(key, value) or False
        if found != value:
            raise CheckpointError(
                f"{path}: expected {key} {value!r} as in ESM-2, found {shown(config.get(key))}"
            )
    return config


def _read_shards(folder: Path) -> dict[str, Tensor]:
    for name, read in ((_SAFETENSORS, read_safetensors), (_BIN, _read_bin)):
        whole, index = folder / name, folder / f"{name}.index.json"
        if whole.is_file():
            return read(whole)
        if index.is_file():
            shards = [folder / shard for shard in _shard_names(index)]
            return {name: tensor for shard in shards for name, tensor in read(shard).items()}
    raise CheckpointError(f"{folder}: expected {_SAFETENSORS} or {_BIN}, found none")


def _shard_names(index: Path) -> list[str]:
    table = read_json(index, CheckpointError).get("weight_map")
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table.values()):
        raise CheckpointError(
            f"{index}: expected weight_map with the names of files, found {shown(table)}"
        )
    names = sorted(set(table.values()))
    for name in names:
        if Path(name).name != name:
            raise CheckpointError(
                f"{index}: expected names of files beside it, found {shown(name)}"
            )
        if not (index.parent / name).is_file():
            raise CheckpointError(f"{index}: expected the file {name} beside it, found none")
    return names


def _enumerate(names: set[str]) -> str:
    shown = sorted(names)[:_MOST_NAMED]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" * (len(names) > len(shown)))


def _read_bin(path: Path) -> dict[str, Tensor]:
    content = tensor_table(read_pickled_tensors(path, allowed=[]))
    if content is None:
        raise CheckpointError(f"{path}: expected a table of tensors, found something else")
    return content


def _our_name(name: str) -> str:
    for old, new in _OLD_ENDINGS.items():
        if name.endswith(old):
            name = name.removesuffix(old) + new
    if name in _OUTSIDE_BLOCKS:
        return _OUTSIDE_BLOCKS[name]
    match = _BLOCK.match(name)
    if match and match[2] in _OUR_MODULES:
        return f"layers.{match[1]}.{_OUR_MODULES[match[2]]}.{match[3]}"
    return name


def _their_name(name: str) -> str:
    for theirs, ours in _OUTSIDE_BLOCKS.items():
        if ours == name:
            return theirs
    match = _OUR_BLOCK.match(name)
    if not match:
        raise CheckpointError(f"expected a backbone parameter, found {name}")
    return f"encoder.layer.{match[1]}.{THEIR_MODULES[match[2]]}.{match[3]}"
