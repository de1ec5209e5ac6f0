"""What is made of settings: models, and what they would read."""

import pytest

from peftsp.backbone.checkpoint import PRETRAINED, content_hash, read_weights
from peftsp.errors import ConfigError
from peftsp.training.build import (
    KnownContents,
    build_data,
    build_module,
    model_settings,
    read_contents,
)


def test_contents_are_those_of_the_built_run(compose_run, tmp_path):
    config = compose_run(tmp_path)
    contents, (module, _, _) = read_contents(config), build_module(config)
    assert contents.backbone == module.tagger.backbone.content_hash
    assert contents.data == build_data(config).identity().sha256
    assert contents.extra is None
    other = compose_run(tmp_path, "data.count=70", "backbone.seed=9")
    assert {read_contents(other).data, read_contents(other).backbone}.isdisjoint(
        {contents.data, contents.backbone}
    )


def test_contents_that_runs_have_in_common_are_read_once(compose_run, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr("peftsp.training.build.read_contents", lambda cfg: read.append(cfg) or cfg)
    known = KnownContents()
    first = compose_run(tmp_path, "backbone=compact")
    assert known(first) is first
    later = ("data.fold=3", "seed=7", "optimizer.lr=0.5")
    assert known(compose_run(tmp_path, "backbone=compact", *later)) is first
    for other in ("data.count=70", "backbone.seed=9", "init_from=fast"):
        config = compose_run(tmp_path, other)
        assert known(config) is config
    assert len(read) == 4


def test_an_adapter_begins_with_the_head_of_the_run(compose_run, tmp_path, monkeypatch):
    monkeypatch.setattr("peftsp.training.build.read_contents", lambda cfg: cfg)
    known = KnownContents()
    given = "backbone=compact", "init_from=adapter"
    first = compose_run(tmp_path, *given)
    assert known(first) is known(compose_run(tmp_path, *given, "seed=7")) is first
    for other in ("head.dropout=0.3", "crf.constraint=soft"):
        assert known(compose_run(tmp_path, *given, other)) is not first


def test_weights_are_found_from_any_folder_later(compose_run, tmp_path, monkeypatch):
    (tmp_path / "weights").symlink_to(PRETRAINED / "compact")
    monkeypatch.chdir(tmp_path)
    config = compose_run(tmp_path, "backbone=compact", "backbone.checkpoint=weights")
    module, _, _ = build_module(config)
    assert module.tagger.backbone.source.checkpoint == str(tmp_path / "weights")
    monkeypatch.chdir("/")
    weights, _ = read_weights(module.tagger.backbone.source)
    assert content_hash(weights) == module.tagger.backbone.content_hash


def test_published_table_is_refused_where_it_would_make_a_loss_infinite(compose_run, tmp_path):
    config = compose_run(tmp_path, "crf.table=published")
    with pytest.raises(ConfigError, match=r"crf\.table: expected peftsp or none .*found published"):
        model_settings(config)
    config.crf.constraint = "soft"
    assert model_settings(config)[2].table == "published"
