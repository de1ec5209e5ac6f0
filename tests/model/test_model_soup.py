"""The mean of models against the mean of the weights that they predict with."""

from dataclasses import replace

import pytest
import torch

from peftsp.data.identity import sequence_mark
from peftsp.errors import BundleError, ConfigError
from peftsp.model.bundle import Bundle
from peftsp.model.restore import restore_tagger
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.model.soup import average
from peftsp.peft.adapter import Adapter
from peftsp.peft.full import Full
from peftsp.peft.lora import LoRA

HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.1, trainable=True)
CRF = CRFSettings("hard", "peftsp", "of_type")
LORA = LoRA(2, 4, 0.1, ("q_proj", "v_proj"), None)
DATA = {"protocol": "nested", "fold": 0, "train_splits": ["train"]}


@pytest.fixture
def make(make_tagger):
    """Function of a method, a seed and what the bundle says of its training that gives one."""

    def of(method, seed, head=HEAD, crf=CRF, backbone=None, **training):
        tagger = make_tagger(head, crf, method, seed=seed, backbone=backbone)
        return Bundle.from_tagger(tagger, head, crf, training)

    return of


def averaged(bundles, methods, shares):
    return average({f"model{n}": bundle for n, bundle in enumerate(bundles)}, methods, shares)


def merged(bundle, method):
    tagger = restore_tagger(bundle, method, "here")
    tagger.merge()
    return tagger.state_dict()


@pytest.mark.parametrize(
    "methods",
    [
        (LORA, LORA),
        (LORA, replace(LORA, rank=3, alpha=5, dropout=0.0)),
        (
            LORA,
            replace(LORA, rank=4, rslora=True),
            replace(LORA, target_modules=("v_proj", "q_proj")),
        ),
        (Full(0.0), Full(0.0)),
    ],
    ids=["one rank", "two ranks", "rslora and three", "full"],
)
def test_it_predicts_with_the_mean_of_the_weights(make, methods):
    shares = [3.0, 1.0, 2.0][: len(methods)]
    bundles = [make(method, seed) for seed, method in enumerate(methods)]
    soup = averaged(bundles, methods, shares)
    method = methods[0].average(methods[1:], [{}] * len(methods), shares)[0]
    assert soup.peft == method.settings()
    found = merged(soup, method)
    each = [merged(bundle, m) for bundle, m in zip(bundles, methods, strict=True)]
    for name, tensor in found.items():
        expected = sum(s * one[name].double() for s, one in zip(shares, each, strict=True))
        torch.testing.assert_close(
            tensor.double(), expected / sum(shares), atol=1e-6, rtol=1e-5, msg=name
        )
    assert any((found[name] - each[0][name]).abs().max() > 0.01 for name in found)


def test_other_methods_are_averaged_number_by_number(make):
    method = Adapter(last_k=None, bottleneck=4, identity=False)
    bundles = [make(method, seed) for seed in (1, 2)]
    soup = averaged(bundles, [method, method], [1, 1])
    for name, tensor in soup.weights.items():
        torch.testing.assert_close(tensor, sum(b.weights[name] for b in bundles) / 2)


def test_one_model_is_its_own_mean(make):
    bundle = make(Full(0.0), 3)
    soup = averaged([bundle], [Full(0.0)], [7])
    assert all(torch.equal(tensor, bundle.weights[name]) for name, tensor in soup.weights.items())


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"head": replace(HEAD, kingdom_embedding=2)}, "model1: head: expected .* as in model0"),
        ({"crf": replace(CRF, temperature=2.0)}, "model1: crf: expected .*'temperature': 1.0"),
        ({"crf": replace(CRF, residues=True)}, "model1: crf: expected .* as in model0"),
    ],
)
def test_models_of_other_settings_are_refused(make, other, error):
    with pytest.raises(BundleError, match=error):
        averaged([make(LORA, 0), make(LORA, 1, **other)], [LORA, LORA], [1, 1])


@pytest.mark.parametrize(
    "method",
    [
        replace(LORA, target_modules=("q_proj", "k_proj")),
        replace(LORA, start="pissa"),
        replace(LORA, last_k=1),
        Full(0.0),
    ],
)
def test_methods_that_compute_something_else_are_refused(make, method):
    bundles = [make(LORA, 0), make(method, 1)]
    with pytest.raises((ConfigError, BundleError), match="expected"):
        averaged(bundles, [LORA, method], [1, 1])


def test_models_on_other_weights_are_refused(make):
    other = replace(make(LORA, 1), backbone_sha256="0" * 64)
    with pytest.raises(
        BundleError, match=r"model1: backbone: expected .* as in model0, found '0000"
    ):
        averaged([make(LORA, 0), other], [LORA, LORA], [1, 1])


def test_what_one_has_seen_all_have_seen(make):
    first, second = sequence_mark("MKL"), sequence_mark("MAA")
    said = {"dataset": {"sha256": "abc"}, "data": DATA, "is_chosen": False}
    one = make(LORA, 0, **said, proteins=first, licence="MIT")
    other = make(LORA, 1, **said, proteins=second, start_proteins=second, licence="CC0-1.0")
    training = averaged([one, other], [LORA, LORA], [1, 3]).training
    assert training["proteins"] == "".join(sorted([first, second]))
    assert training["start_proteins"] == second
    assert training["licence"] == "CC0-1.0 AND MIT"
    assert training["is_chosen"] is False
    assert (training["dataset"], training["data"]) == (said["dataset"], DATA)
    assert [member["share"] for member in training["averaged"]] == [0.25, 0.75]


def test_models_of_other_folds_have_no_fold(make):
    said = {"dataset": {"sha256": "abc"}, "is_chosen": False, "proteins": ""}
    one, other = make(LORA, 0, **said, data=DATA), make(LORA, 1, **said, data=DATA | {"fold": 1})
    training = averaged([one, other], [LORA, LORA], [1, 1]).training
    assert not {"dataset", "data"} & training.keys()


def test_a_model_that_does_not_say_what_it_has_seen_hides_it(make):
    one, other = make(LORA, 0, proteins=sequence_mark("MKL")), make(LORA, 1)
    assert "proteins" not in averaged([one, other], [LORA, LORA], [1, 1]).training
