"""Bundles in PyTorch: evaluation mode, kingdoms, and what a lack of memory is."""

import numpy as np
import pytest
import torch

from peftsp.data.tokens import tokenize
from peftsp.errors import BundleError, ConfigError
from peftsp.inference.compute.options import ModelSettings, Options
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.torch_models import TorchModels

SEQUENCES = [tokenize(residues) for residues in ("MKKLLFAIPLVVPFYSHSAQA", "MKL", "M" * 70)]


def test_dropout_is_off_even_if_the_model_was_left_in_training_mode(taggers, records):
    expected = list(predict_records(records, taggers, batch_size=8))
    for tagger in taggers:
        tagger.train()
    assert list(predict_records(records, taggers, batch_size=8)) == expected


def test_no_model_is_refused():
    with pytest.raises(ConfigError, match="prediction: expected one model or more, found none"):
        TorchModels([])


def fail_on_gpu(*_):
    raise torch.OutOfMemoryError("tried to allocate 2 GiB")


def fail_on_cpu(*_):
    torch.empty(2**48)


@pytest.mark.parametrize("fail", [fail_on_gpu, fail_on_cpu])
def test_lack_of_memory_is_pythons_own_error(taggers, fail):
    taggers[0].forward = fail
    with pytest.raises(MemoryError, match="allocate"):
        TorchModels(taggers[:1]).find_results(SEQUENCES, Options())


def test_bug_in_a_model_is_not_taken_for_lack_of_memory(taggers):
    def fail(*_):
        raise RuntimeError("shapes differ")

    taggers[0].forward = fail
    with pytest.raises(RuntimeError, match="shapes differ"):
        TorchModels(taggers[:1]).find_results(SEQUENCES, Options())


def test_kingdom_is_that_of_all_proteins_and_none_is_no_kingdom(save_tiny_bundle, tmp_path):
    bundle = save_tiny_bundle(tmp_path / "kingdoms", kingdom_embedding=4)
    models = TorchModels.load(ModelSettings((bundle,)), "cpu", "fp32")
    seen = []
    models.taggers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2].tolist()))
    results = [models.find_results(SEQUENCES, Options(kingdom=kingdom)) for kingdom in (2, -1)]
    assert seen == [[2] * 3, [-1] * 3]
    assert not np.allclose(results[0].probabilities, results[1].probabilities)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_bundles_are_held_in_the_precision_of_the_run(bundles, precision, dtype):
    models = TorchModels.load(ModelSettings(tuple(bundles)), "cpu", precision)
    assert len(models.taggers) == 2
    for tagger in models.taggers:
        assert tagger.backbone.get_parameter("layers.0.fc1.weight").dtype == dtype
        assert not tagger.training


def test_missing_bundle_is_named(tmp_path):
    with pytest.raises(BundleError, match="nowhere: expected a bundle folder"):
        TorchModels.load(ModelSettings((tmp_path / "nowhere",)), "cpu", "fp32")
