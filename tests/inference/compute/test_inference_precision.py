"""Fewer digits: nearly the same predictions."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from peftsp.errors import ConfigError
from peftsp.inference.compute.pipeline import Options, predict_records
from peftsp.inference.compute.precision import Int8Linear, find_precision, lower_precision


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_fewer_digits_change_little(taggers, records, precision):
    expected = list(predict_records(records, taggers, 8))
    lower_precision(taggers, precision)
    found = list(predict_records(records, taggers, 8, options=Options(precision=precision)))
    differences = torch.tensor([p.probabilities for p in expected]) - torch.tensor(
        [p.probabilities for p in found]
    )
    assert 1e-7 < differences.abs().mean() < 0.02
    same = sum(a.sp_type == b.sp_type for a, b in zip(expected, found, strict=True))
    assert same >= 0.9 * len(records)


def test_rounded_weights_change_nothing_beside_autocasting(taggers, records):
    options = Options(precision="bf16")
    expected = list(predict_records(records, taggers, 8, options=options))
    lower_precision(taggers, "bf16")
    assert list(predict_records(records, taggers, 8, options=options)) == expected


def test_models_share_rounded_weights(taggers):
    def weights():
        return [tagger.backbone.get_parameter("layers.0.fc1.weight") for tagger in taggers]

    places = {weight.data_ptr() for weight in weights()}
    assert len(places) < len(taggers)
    lower_precision(taggers, "bf16")
    assert {weight.dtype for weight in weights()} == {torch.bfloat16}
    assert len({weight.data_ptr() for weight in weights()}) == len(places)


def test_quantized_backbone_holds_no_plain_layer(taggers):
    lower_precision(taggers, "int8")
    for tagger in taggers:
        assert not [m for m in tagger.backbone.modules() if type(m) is nn.Linear]
        assert type(tagger.head.emissions) is nn.Linear


@pytest.mark.parametrize(
    ("device", "has_bf16", "expected"),
    [("cpu", True, "fp32"), ("cuda", True, "bf16"), ("cuda", False, "fp32")],
)
def test_auto_keeps_all_digits_but_on_fit_gpus(monkeypatch, device, has_bf16, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    assert find_precision("auto", torch.device(device)) == expected
    assert find_precision("bf16", torch.device(device)) == "bf16"


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_neighbours_in_the_batch_change_no_call(taggers, records, precision):
    """Rounding of bfloat16 depends on the shape of a product, which kernels choose by."""
    lower_precision(taggers, precision)
    options = Options(precision=precision)
    digits = {"fp32": 1e-4, "bf16": 2e-3, "int8": 1e-4}[precision]
    expected = {p.header: p for p in predict_records(records, taggers[:1], 1, options=options)}
    for size, order in ((3, records), (50, records), (7, records[::-1]), (64, records[::2])):
        for found in predict_records(order, taggers[:1], size, options=options):
            alone = expected[found.header]
            assert found.probabilities == pytest.approx(alone.probabilities, abs=digits)
            first, second = sorted(alone.probabilities)[-1:-3:-1]
            if first - second > 2 * digits:
                assert found.sp_type == alone.sp_type


def test_integer_layer_is_near_the_plain_one_and_rows_are_their_own():
    torch.manual_seed(0)
    plain = nn.Linear(32, 24)
    layer = Int8Linear(plain)
    x = torch.randn(5, 7, 32) * torch.logspace(-3, 3, 5)[:, None, None]
    found, expected = layer(x), plain(x)
    assert ((found - expected).abs().amax((1, 2)) < 0.03 * expected.abs().amax((1, 2))).all()
    assert torch.equal(layer(x[:1]), found[:1])
    assert torch.equal(layer(torch.zeros(2, 32)), plain.bias.expand(2, -1))


def test_integers_need_a_cpu():
    with pytest.raises(ConfigError, match="precision int8: expected the device cpu, found cuda"):
        find_precision("int8", torch.device("cuda"))


def test_backbone_in_four_bits_is_not_rounded_again(taggers):
    backbone = taggers[0].backbone
    backbone.source = replace(backbone.source, quantization="nf4")
    with pytest.raises(ConfigError, match=r"without backbone\.quantization, found nf4"):
        lower_precision(taggers, "int8")
