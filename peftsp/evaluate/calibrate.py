"""A bundle calibrated on labelled proteins that have not trained it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from peftsp.data.folds import NESTED, folds_of
from peftsp.data.identity import dataset_digest, sequence_mark, split_marks
from peftsp.errors import BundleError, ConfigError, RecordError, tell
from peftsp.evaluate.calibration import (
    Calibration,
    calibrate,
    check_calibratable,
    fit_calibration,
)
from peftsp.evaluate.dataset import read_test_set
from peftsp.evaluate.rows import Predicting, predict_types
from peftsp.evaluate.seen import members_of
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.metrics.calibration import calibration_error
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.bundle_files import check_new
from peftsp.records import LabelledRecord
from peftsp.training.card import papers_of
from peftsp.training.start import Start, read_trained

_PARTS = 5


@dataclass(frozen=True, slots=True)
class CalibrateSettings:
    """What to calibrate and on what.

    Attributes:
        bundle: Folder of the model, or the name of one that ships.
        data: 3-line file.
        fold: Whose validation partition calibrates, for a model that was trained on a fold of the
            data; None for its own. A model of other data is calibrated on all that it has not seen.
        prevalence: Share of signal peptides among the proteins to predict; None for that of the
            proteins that calibrate.
        output: New folder of the calibrated bundle.
        predicting: How the model predicts.
    """

    bundle: str
    data: Path
    fold: int | None
    prevalence: float | None
    output: Path
    predicting: Predicting


@dataclass(frozen=True, slots=True)
class Quality:
    """How good probabilities of SP types are.

    Attributes:
        log_loss: Nats a protein.
        error: Expected calibration error.
        wrong: How many proteins get a wrong type.
    """

    log_loss: float
    error: float
    wrong: int


@dataclass(frozen=True, slots=True)
class CalibrateSummary:
    """What was found.

    Attributes:
        proteins: How many calibrated.
        calibration: What makes the probabilities calibrated.
        before: As the model was.
        after: Calibrated, each fifth of the proteins on the four others.
    """

    proteins: int
    calibration: Calibration
    before: Quality
    after: Quality


def calibrate_bundle(settings: CalibrateSettings) -> CalibrateSummary:
    """Find a temperature and offsets of SP types, and write a bundle that has them.

    Raises:
        PeftspError: A file or bundle is wrong, the model cannot be calibrated, the output exists,
            the fold is not one that the model was trained for, the prevalence is not a share, or
            the proteins are not some with and some without signal peptide.
    """
    if settings.prevalence is not None and not 0 < settings.prevalence < 1:
        raise ConfigError(
            f"--prevalence: expected a share between 0 and 1, found {settings.prevalence}"
        )
    check_new(settings.output)
    test_set = read_test_set(settings.data)
    if not test_set.has_types:
        raise RecordError(
            f"{settings.data}: expected a 3-line file with SP types, found a table without"
        )
    records = test_set.records
    start = read_trained(settings.bundle, settings.predicting.allow_code)
    folder, bundle = start.folder, start.bundle
    check_calibratable(bundle.crf, settings.bundle)
    fold, used = _calibrating(folder, bundle, records, settings)
    true = torch.tensor([SP_TYPES.index(record.sp_type) for record in used])
    count = int((true == NO_SP).sum())
    if count in (0, len(used)):
        raise RecordError(
            f"{settings.data}: expected proteins with and without signal peptide to calibrate on, "
            f"found {count} of {len(used)} without"
        )
    probabilities = predict_types(folder, used, settings.predicting)
    calibration = fit_calibration(probabilities, true)
    if settings.prevalence is not None:
        seen = (true != NO_SP).double().mean().item()
        calibration = calibration.expecting(seen, settings.prevalence)
    summary = CalibrateSummary(
        len(used),
        calibration,
        quality_of(probabilities, true),
        quality_of(_each_part_by_the_others(probabilities, true), true),
    )
    training = _seen(bundle, used, fold)
    about = {**asdict(calibration), "proteins": len(used), "sha256": dataset_digest(records)}
    training["calibration"] = about
    _save(settings, start, replace(calibrate(bundle, calibration), training=training))
    return summary


def _calibrating(
    folder: Path, bundle: Bundle, records: Sequence[LabelledRecord], settings: CalibrateSettings
) -> tuple[int | None, list[LabelledRecord]]:
    """The fold, if the model was trained on one, and the proteins to calibrate on."""
    [member] = members_of([folder], records)
    if not member.is_known:
        tell(
            f"{settings.bundle} does not say all that it was trained on; what it has seen of the "
            f"proteins that calibrate makes it too sure"
        )
    if member.fold is None:
        if settings.fold is not None:
            raise ConfigError(
                f"--fold: expected none, as {settings.bundle} was not trained on a fold of "
                f"{settings.data}, found {settings.fold}"
            )
        return None, [records[place] for place in sorted(member.unseen)]
    fold = member.fold if settings.fold is None else settings.fold
    if fold not in member.tests:
        fitting = ", ".join(map(str, sorted(member.tests)))
        raise ConfigError(
            f"--fold: expected one of {fitting}, for which {settings.bundle} was trained, "
            f"found {fold}"
        )
    data = bundle.training["data"]
    folds = folds_of((record.partition for record in records), data.get("protocol", NESTED))
    if "validation" in data["train_splits"]:
        raise BundleError(
            f"{folder}: expected a bundle that leaves proteins to calibrate on, found one that "
            f"was trained on the validation partition, too"
        )
    validating = [record for record in records if record.partition == folds[fold].validation]
    before = split_marks(bundle.training.get("start_proteins", ""))
    used = [record for record in validating if sequence_mark(record.residues) not in before]
    if not used:
        raise BundleError(
            f"{folder}: expected a bundle that leaves proteins to calibrate on, found one that "
            f"begins from a model trained or chosen on all {len(validating):,} that validate it"
        )
    return fold, used


def quality_of(probabilities: Tensor, true: Tensor) -> Quality:
    """How good probabilities of SP types are.

    Args:
        probabilities: float32, ``(N, K)``; rows sum to one.
        true: int64, ``(N,)``; ids of the true types.
    """
    confidence, called = probabilities.max(dim=-1)
    is_right = called == true
    own = probabilities.gather(1, true[:, None]).clamp(min=torch.finfo(torch.float32).tiny)
    error = calibration_error(
        confidence.double().numpy(), is_right.numpy(), torch.ones(len(true)).double().numpy()
    )
    return Quality(-own.log().mean().item(), error, int((~is_right).sum()))


def _each_part_by_the_others(probabilities: Tensor, true: Tensor) -> Tensor:
    """Calibrated probabilities of proteins that have not calibrated."""
    parts = torch.empty_like(true)
    parts[true.argsort(stable=True)] = torch.arange(len(true)) % _PARTS
    found = probabilities.clone()
    for part in range(_PARTS):
        is_own = parts == part
        calibration = fit_calibration(probabilities[~is_own], true[~is_own])
        found[is_own] = calibration.apply(probabilities[is_own])
    return found


def _save(settings: CalibrateSettings, start: Start, bundle: Bundle) -> None:
    """Write the bundle, with what its model carries: backbone, card and licences."""
    papers = papers_of(start, settings.output.name, "Calibrated") if start.papers else None
    save_bundle(bundle, settings.output, start.own_backbone(start.method), papers)


def _seen(was: Bundle, used: Sequence[LabelledRecord], fold: int | None) -> dict[str, Any]:
    """What the bundle says of its training, with the proteins that calibrate among those seen."""
    training = {key: value for key, value in was.training.items() if key != "metrics"}
    training["is_chosen"] = True
    if isinstance(training.get("proteins"), str):
        marks = split_marks(training["proteins"]) | {sequence_mark(r.residues) for r in used}
        training["proteins"] = "".join(sorted(marks))
    if fold is not None:
        training["data"] = {**training["data"], "fold": fold}
    return training
