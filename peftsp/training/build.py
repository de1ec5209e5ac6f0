"""The parts of a run, made from its settings: data, model, trainer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf, open_dict

from peftsp.backbone.checkpoint import (
    RANDOM,
    content_hash,
    find_dtype,
    lasting_place,
    read_weights,
)
from peftsp.backbone.quantization import NF4Linear
from peftsp.backbone.specs import BackboneSource
from peftsp.data.datamodule import SignalPeptideData
from peftsp.errors import ConfigError
from peftsp.loss.criterion import Criterion
from peftsp.model.checks import check_types
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.base import PeftMethod
from peftsp.runs.credentials import without_credentials
from peftsp.runs.folder import LAST
from peftsp.runs.identity import Contents
from peftsp.training.module import SignalPeptideModule
from peftsp.training.start import Start, read_start


def settings_of(cfg: DictConfig) -> dict[str, Any]:
    """All settings, resolved, as nested groups, without credentials."""
    settings: Any = OmegaConf.to_container(cfg, resolve=True)
    return dict(without_credentials(settings))


def standalone(cfg: DictConfig) -> DictConfig:
    """A run's configuration as Hydra has composed it, resolved and without Hydra's own part.

    Interpolations that ask for the choices of a run get its own, whatever Hydra is running now.
    """
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(cfg)
    try:
        with open_dict(cfg):
            del cfg["hydra"]
        OmegaConf.resolve(cfg)
    finally:
        HydraConfig.instance().cfg = before
    return cfg


def build_data(cfg: DictConfig) -> SignalPeptideData:
    """The proteins of a configuration, read.

    Raises:
        PeftspError: A setting or a record is wrong, or there is no such file.
    """
    data: SignalPeptideData = instantiate(cfg.data)
    data.prepare_data()
    return data


def model_settings(cfg: DictConfig) -> tuple[PeftMethod, HeadSettings, CRFSettings]:
    """What makes a model of a backbone.

    Raises:
        ConfigError: A setting is wrong, or records would have no legal path.
    """
    head, crf = instantiate(cfg.head), instantiate(cfg.crf)
    method = instantiate(cfg.peft, _convert_="all")
    for group, settings in (("head", head), ("crf", crf), ("peft", method)):
        check_types(settings, group, ConfigError)
    if (crf.table, crf.constraint) == ("published", "hard"):
        raise ConfigError(
            "crf.table: expected peftsp or none with crf.constraint=hard, found published: it "
            "leaves out ends that real proteins have, whose loss would be infinite; it was "
            "published with crf.constraint=soft"
        )
    return method, head, crf


def build_start(cfg: DictConfig) -> Start | None:
    """The trained model that a configuration begins from, if it names one.

    Raises:
        PeftspError: There is no such model, or the configuration is for another one.
    """
    if cfg.init_from is None:
        return None
    return read_start(cfg.init_from, *model_settings(cfg), _source(cfg))


def build_module(
    cfg: DictConfig, start: Start | None = None
) -> tuple[SignalPeptideModule, HeadSettings, CRFSettings]:
    """The model of a configuration and what trains it, with the settings of head and CRF.

    Args:
        cfg: As composed from ``conf/train.yaml``.
        start: What `build_start` gave.

    Raises:
        PeftspError: A setting is wrong, or the backbone's weights cannot be read.
    """
    method, head, crf = model_settings(cfg)
    if start:
        dtype = find_dtype(cfg.backbone.dtype)
        tagger = start.build(method, head, crf, dtype, cfg.backbone.activation_checkpointing)
    else:
        backbone = instantiate(cfg.backbone, checkpoint=lasting_place(cfg.backbone.checkpoint))
        tagger = build_tagger(backbone, method, head, crf)
    module = SignalPeptideModule(
        tagger,
        instantiate(cfg.optimizer),
        instantiate(cfg.scheduler),
        build_criterion(cfg),
        cfg.augmentation.hidden_residues,
        cfg.learning_rate.head_factor,
    )
    return module, head, crf


def build_criterion(cfg: DictConfig) -> Criterion:
    """What a configuration minimises.

    Raises:
        ConfigError: A setting is out of its range.
    """
    return Criterion(cfg.loss.focusing, cfg.loss.smoothing, cfg.regularisation.weight)


def build_trainer(cfg: DictConfig, watchers: Sequence[Callback]) -> Trainer:
    """What fits and tests, with the callbacks and loggers of a configuration and further ones.

    Raises:
        ConfigError: It does not take its settings.
    """
    callbacks: list[Callback] = [instantiate(c) for c in cfg.callbacks.values() if c]
    loggers: list[Logger] = [instantiate(c) for c in cfg.logger.values() if c]
    trainer: Trainer = instantiate(
        cfg.trainer,
        callbacks=[*callbacks, *watchers],
        logger=loggers,
        default_root_dir=cfg.paths.output_dir,
        enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
    )
    return trainer


def count_parameters(module: SignalPeptideModule) -> dict[str, int]:
    """How many numbers a model has, ``all`` and ``trained``, before a strategy shares them out."""
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in module.parameters() if not p.requires_grad)
    in_nf4 = sum(m.n_weights for m in module.modules() if isinstance(m, NF4Linear))
    return {"all": trained + frozen + in_nf4, "trained": trained}


def read_contents(cfg: DictConfig) -> Contents:
    """What a run of these settings would read, without building its model.

    Raises:
        PeftspError: A file is missing or broken.
    """
    data, start = build_data(cfg), build_start(cfg)
    if start:
        backbone = start.backbone_sha256
    else:
        weights, _ = read_weights(_source(cfg))
        backbone = content_hash(weights)
    return Contents(
        data=data.identity().sha256,
        extra=data.extra_sha256(),
        backbone=backbone,
        start=start.sha256 if start else None,
        checkpoint=hash_of_checkpoint(cfg.ckpt_path),
    )


def hash_of_checkpoint(place: str | None) -> str | None:
    """sha256 of the file that a run goes on from; None where that is its own, or not there."""
    if place in (None, LAST) or not Path(place).is_file():
        return None
    with Path(place).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class KnownContents:
    """`read_contents` of many runs, which reads once what several of them have in common."""

    def __init__(self) -> None:
        self._known: dict[str, Contents] = {}

    def __call__(self, cfg: DictConfig) -> Contents:
        """What a run of these settings would read.

        Raises:
            PeftspError: A file is missing or broken.
        """
        backbone, data = cfg.backbone, {**cfg.data, "fold": 0, "seed": 0}
        seed = backbone.seed if backbone.checkpoint == RANDOM else None
        key = f"{data} {backbone.spec} {backbone.checkpoint} {seed} {cfg.ckpt_path}"
        if cfg.init_from is not None:
            key += f" {cfg.init_from} {cfg.peft} {cfg.head} {cfg.crf}"
        if key not in self._known:
            self._known[key] = read_contents(cfg)
        return self._known[key]


def _source(cfg: DictConfig) -> BackboneSource:
    settings = cfg.backbone
    return BackboneSource(
        instantiate(settings.spec),
        lasting_place(settings.checkpoint),
        settings.seed,
        settings.quantization,
    )
