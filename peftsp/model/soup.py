"""Several models averaged into one that costs no more than each of them: a model soup.

Wortsman et al., "Model soups", ICML 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from torch import Tensor

from peftsp.data.identity import split_marks
from peftsp.errors import BundleError
from peftsp.files import shown
from peftsp.model.bundle import Bundle, hash_content
from peftsp.model.checks import check_names
from peftsp.peft.base import PeftMethod, mean_of

_BACKBONE = "backbone."
_TRAINING_ONLY = ("dropout", "kingdom_dropout", "trainable")
_ALIKE = ("dataset", "data")
_SEEN = ("proteins", "start_proteins")


def average(
    bundles: Mapping[str, Bundle], methods: Sequence[PeftMethod], shares: Sequence[float]
) -> Bundle:
    """The model whose weights are the mean of others'.

    What PEFT methods have trained is averaged by `peftsp.peft.base.PeftMethod.average`, head and
    CRF number by number. What matters in training alone is taken from the first.

    Args:
        bundles: Models of one backbone, with heads and CRFs of the same settings, by what errors
            and the new bundle call them.
        methods: The method of each.
        shares: Weight of each in the mean, above 0; they are divided by their sum.

    Raises:
        BundleError: The models are too unlike to have a mean.
        ConfigError: Their methods are.
    """
    (name, first), *others = bundles.items()
    for other, bundle in others:
        _check_alike(name, first, other, bundle)
    fractions = [share / sum(shares) for share in shares]
    tuned, heads = zip(*(_parts(bundle) for bundle in bundles.values()), strict=True)
    method, weights = methods[0].average(methods[1:], tuned, fractions)
    averaged = {_BACKBONE + key: tensor for key, tensor in weights.items()}
    averaged |= {key: mean_of([head[key] for head in heads], fractions) for key in heads[0]}
    of_each = [
        {"name": name, "sha256": hash_content(bundle), "share": round(fraction, 6)}
        for (name, bundle), fraction in zip(bundles.items(), fractions, strict=True)
    ]
    return replace(
        first,
        peft=method.settings(),
        weights=dict(sorted(averaged.items())),
        training=_training([bundle.training for bundle in bundles.values()])
        | {"averaged": of_each},
    )


def _parts(bundle: Bundle) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the method has trained, by its own names, and the rest."""
    tuned = {
        name.removeprefix(_BACKBONE): tensor
        for name, tensor in bundle.weights.items()
        if name.startswith(_BACKBONE)
    }
    rest = {n: t for n, t in bundle.weights.items() if not n.startswith(_BACKBONE)}
    return tuned, rest


def _check_alike(name: str, first: Bundle, other: str, bundle: Bundle) -> None:
    for what, expected, found in (
        ("backbone", first.backbone_sha256, bundle.backbone_sha256),
        ("backbone.quantization", first.backbone.quantization, bundle.backbone.quantization),
        ("head", _lasting(first.head), _lasting(bundle.head)),
        ("crf", asdict(first.crf), asdict(bundle.crf)),
    ):
        if expected != found:
            raise BundleError(
                f"{other}: {what}: expected {shown(expected)} as in {name}, found {shown(found)}"
            )
    check_names(set(bundle.weights), frozenset(first.weights), other)
    for key, tensor in _parts(bundle)[1].items():
        if tensor.shape != first.weights[key].shape:
            raise BundleError(
                f"{other}: {key}: expected shape {tuple(first.weights[key].shape)} as in {name}, "
                f"found {tuple(tensor.shape)}"
            )


def _lasting(head: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(head).items() if key not in _TRAINING_ONLY}


def _training(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the new bundle says of its training: what all have seen, and what all agree on."""
    first, *others = each
    training = {key: first[key] for key in _ALIKE if key in first}
    if any(_split(one) != _split(first) for one in others):
        # Of which proteins such a model has not seen, only the marks tell.
        training = {}
    if all(isinstance(one.get("proteins"), str) for one in each):
        training["is_chosen"] = any(one.get("is_chosen") is not False for one in each)
        for key in _SEEN:
            marks = set().union(*(split_marks(one.get(key) or "") for one in each))
            if marks:
                training[key] = "".join(sorted(marks))
    licences = sorted({one["licence"] for one in each if one.get("licence")})
    return training | ({"licence": " AND ".join(licences)} if licences else {})


def _split(training: dict[str, Any]) -> list[Any]:
    """The data set of a model, and which partitions it was trained and validated on."""
    data = training.get("data", {})
    keys = ("protocol", "fold", "train_splits")
    return [training.get("dataset"), *(data.get(key) for key in keys)]
