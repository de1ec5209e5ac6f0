"""Models of a run: what is known of them before and after they are loaded."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from peftsp.errors import BundleError, ConfigError
from peftsp.inference.compute.device import fitting_batch_size
from peftsp.inference.compute.options import Cluster, ModelSettings
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.predictor import Predictor
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import find_model


@pytest.fixture
def settings(bundles):
    """Settings for a bundle on the processor."""
    return ModelSettings((bundles[0],), device="cpu")


def loaded(settings, **options):
    predictor = Predictor(settings, threads=1, **options)
    predictor.load()
    return predictor


def test_predictions_are_those_of_its_models(settings, bundles, short_records):
    predictor = loaded(replace(settings, bundles=tuple(bundles), batch_size=7))
    # With as many threads, which is what rounding depends on.
    expected = list(predict_records(short_records, load_taggers(bundles), 7))
    assert list(predictor.predict(short_records)) == expected


def test_batch_fits_the_device_where_none_is_given(settings):
    assert loaded(settings).batch_size == fitting_batch_size("cpu", 16)
    assert loaded(replace(settings, batch_size=3)).batch_size == 3


@pytest.mark.parametrize(
    ("embedding", "kingdom", "uses"),
    [(0, "other", False), (0, "archaea", False), (0, "eukarya", True), (4, "archaea", True)],
)
def test_kingdom_changes_predictions_where_types_are_summed_or_a_model_knows_it(
    save_tiny_bundle, tmp_path, embedding, kingdom, uses
):
    bundle = save_tiny_bundle(tmp_path / "bundle", kingdom_embedding=embedding)
    assert loaded(ModelSettings((bundle,), device="cpu", kingdom=kingdom)).uses_kingdom == uses


def test_options_say_what_the_settings_say(settings):
    chosen = replace(settings, kingdom="eukarya", min_probability=0.25, precision="bf16")
    options = Predictor(chosen, has_region_probabilities=True).options
    assert (options.kingdom, options.sums_types, options.min_probability) == (0, True, 0.25)
    assert (options.has_region_probabilities, options.has_peptide_regions) == (True, False)
    assert options.precision == "bf16"


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_graph_says_itself_with_which_precision_it_was_made(precision):
    chosen = ModelSettings((find_model("fast"),), runtime="onnx", precision=precision)
    assert loaded(chosen).options.precision == precision


def test_workers_of_a_cluster_load_the_models(settings, save_tiny_bundle, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("loaded")

    monkeypatch.setattr("peftsp.inference.compute.torch_models.load_taggers", refuse)
    bundle = save_tiny_bundle(tmp_path / "bundle", kingdom_embedding=4)
    for bundles, uses in (((bundle,), True), (settings.bundles, False)):
        on_cluster = replace(settings, bundles=bundles, cluster=Cluster("local"))
        predictor = loaded(on_cluster)
        assert predictor.uses_kingdom == uses
        assert predictor.batch_size == fitting_batch_size("cpu", 16)


def test_device_of_a_cluster_need_not_be_here(settings, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    away = replace(settings, device="cuda", precision="bf16")
    assert Predictor(replace(away, cluster=Cluster("auto"))).options.precision == "bf16"
    with pytest.raises(ConfigError, match="device cuda: expected such a device in this machine"):
        Predictor(away)


@pytest.mark.parametrize(
    ("changes", "can_multiply", "emulates"),
    [
        ({"precision": "bf16"}, False, True),
        ({"precision": "bf16"}, True, False),
        ({"precision": "fp32"}, False, False),
        ({"precision": "bf16", "cluster": Cluster("auto")}, False, False),
    ],
)
def test_bfloat16_without_instructions_for_it_is_known(
    settings, monkeypatch, changes, can_multiply, emulates
):
    monkeypatch.setattr("peftsp.processor.multiplies_bfloat16", lambda: can_multiply)
    assert Predictor(replace(settings, **changes)).emulates_bfloat16 == emulates


def test_missing_pytorch_says_how_to_get_it_and_what_goes_without(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match="expected the package torch, found none: pip install"):
        Predictor(settings)


@pytest.mark.parametrize("has_torch", [True, False])
def test_missing_bundle_is_named_first(has_torch, monkeypatch):
    if not has_torch:
        monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BundleError, match="nowhere: expected a bundle folder"):
        Predictor(ModelSettings((Path("nowhere"),), device="cpu"))


def test_threads_are_those_that_are_given(settings):
    Predictor(settings, threads=3).load()
    assert torch.get_num_threads() == 3
