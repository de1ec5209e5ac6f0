"""What DOME asks of a study with machine learning: data, optimisation, model, evaluation.

Walsh et al., "DOME: recommendations for supervised machine learning validation in biology", Nature
Methods 2021. What runs have recorded is filled in; what only people know is left open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from peftsp.report.evaluation import Evaluation
from peftsp.runs.record import RunRecord

_OPEN = "*to be filled in*"


def dome_sheet(evaluations: Sequence[Evaluation], resamples: int, seed: int) -> str:
    """The sheet as Markdown.

    Args:
        evaluations: Of methods whose runs know their cost.
        resamples: Of each bootstrap.
        seed: Of their draws.
    """
    records = [run.record for e in evaluations for run in e.method.runs]
    parts = {
        "Data": _data(records),
        "Optimisation": _optimisation(evaluations, records),
        "Model": _model(records),
        "Evaluation": _evaluation(evaluations, resamples, seed),
    }
    lines = ["# DOME sheet", ""]
    for title, answers in parts.items():
        lines += [f"## {title}", ""]
        lines += [f"- **{question}.** {answer}" for question, answer in answers.items()]
        lines.append("")
    return "\n".join(lines)


def _data(records: Sequence[RunRecord]) -> dict[str, str]:
    first = records[0]
    data = first.settings.get("data", {})
    by_fold = sorted(records, key=lambda record: record.fold)
    splits = (f"fold {record.fold}: {_splits(record.splits)}" for record in by_fold)
    extra = sorted({record.extra_sha256 for record in records if record.extra_sha256})
    started = sorted({record.start_sha256 for record in records if record.start_sha256})
    return {
        "Provenance": f"{data.get('name') or data.get('path') or 'generated proteins'}: "
        f"{first.dataset.records:,} proteins, sha256 of their content {first.dataset.sha256}"
        + _also("further training proteins", extra)
        + _also("began from a trained model", started),
        "Splits": "; ".join(dict.fromkeys(splits)),
        "Redundancy between splits": "partitions of the data set, which are homology clusters if "
        f"its makers made them so; {_OPEN}: at what identity",
        "Availability": _OPEN,
    }


def _optimisation(
    evaluations: Sequence[Evaluation], records: Sequence[RunRecord]
) -> dict[str, str]:
    is_alone = not any(record.extra_sha256 or record.start_sha256 for record in records)
    epochs = _all(record.settings.get("trainer", {}).get("max_epochs") for record in records)
    return {
        "Algorithm": "ESM-2 language model with a PEFT method, linear layer and linear-chain CRF "
        f"over 37 states; {'; '.join(e.method.label for e in evaluations)}",
        "Meta-predictions": "none"
        if is_alone
        else f"{_OPEN}: whether a model labelled any of "
        "the further training proteins, or of those that trained the model that was begun from",
        "Encoding": "the first 70 residues as tokens of ESM-2",
        "Parameters": _counts(records, "trained_parameters") + " train, of "
        f"{_counts(records, 'all_parameters')}",
        "Settings": f"{_all(_optimizer(record) for record in records)}; {epochs} epochs; seeds "
        f"{_all(record.seed for record in records)}; everything else in each run's run.json",
        "Selection": "the epoch with the best score on the validation split, or the last one where "
        "the settings say so; nothing is chosen on test proteins",
        "Software": _all(
            ", ".join(f"{name} {version}" for name, version in record.versions.items())
            for record in records
        ),
    }


def _model(records: Sequence[RunRecord]) -> dict[str, str]:
    hashes = _all(f"{record.backbone} (sha256 {record.backbone_sha256})" for record in records)
    hours = sum(record.cost.fit_seconds for record in records if record.cost) / 3600
    return {
        "Backbone": hashes,
        "Output": "SP type with probabilities, cleavage site with its own, regions of each residue",
        "Interpretability": "probability of each region at each residue; otherwise a black box",
        "Execution time": f"{hours:.2f} hours of training in {len(records)} runs on "
        f"{_all(record.device for record in records)}",
        "Availability": f"the bundle in each run's folder; {_OPEN}: where it is published",
    }


def _evaluation(evaluations: Sequence[Evaluation], resamples: int, seed: int) -> dict[str, str]:
    folds = "; ".join(
        f"{e.method.label}: folds {', '.join(map(str, e.method.folds))}" for e in evaluations
    )
    return {
        "Method": f"test proteins of cross-validation folds ({folds})",
        "Measures": "MCC1, MCC2, precision and recall of cleavage sites within 0 to 3 residues, by "
        "kingdom and SP type: tables/measures.csv",
        "Comparison": "between the methods, paired; with published figures where the data set is "
        "that of SignalP 6.0",
        "Confidence": f"95 % bootstrap intervals over proteins, {resamples:,} resamples, seed "
        f"{seed}; permutation tests with Holm's adjustment",
        "Availability": "test_predictions.csv in each run's folder",
    }


def _splits(splits: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in splits.items())


def _optimizer(record: RunRecord) -> str:
    settings: dict[str, Any] = record.settings.get("optimizer", {})
    name = str(settings.get("_target_", "optimizer")).rpartition(".")[2]
    return f"{name}, learning rate {settings.get('lr')}"


def _counts(records: Sequence[RunRecord], name: str) -> str:
    return _all(f"{getattr(record.cost, name):,}" for record in records)


def _also(what: str, hashes: Sequence[str]) -> str:
    return f"; {what}: sha256 {', '.join(hashes)}" if hashes else ""


def _all(values: Iterable[object]) -> str:
    """Each value once, in order."""
    return ", ".join(dict.fromkeys(map(str, values)))
