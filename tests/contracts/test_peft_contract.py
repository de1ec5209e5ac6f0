"""What every PEFT method promises; methods are found by their YAML files."""

import copy

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.full import Full
from peftsp.peft.hf import MADE_OF_FLOAT32, HuggingFace
from peftsp.peft.registry import find_method, method_names
from peftsp.settings_folder import CONF

METHODS = CONF / "peft"
YAMLS = sorted(path.stem for path in METHODS.glob("*.yaml"))
VARIANTS = [
    *((name, {}) for name in YAMLS),
    ("lora", {"last_k": 1, "target_modules": ["fc1", "fc2"], "rank": 2, "alpha": 16}),
    ("lora", {"rslora": True, "lr_ratio": 16.0}),
    ("lora", {"start": "pissa", "dropout": 0.0}),
    ("adapter", {"last_k": 2, "bottleneck": 4, "identity": False}),
    ("bitfit", {"last_k": 1, "target_modules": ["fc1", "out_proj"]}),
    ("full", {"dropout": 0.3}),
    ("prompt", {"place": "first"}),
    ("prompt", {"place": "last"}),
    ("prompt", {"place": "topmost", "last_k": 2}),
    ("prompt", {"place": "all", "residual_bottleneck": 6}),
]
SPEC = BackboneSpec("contract", layers=3, width=32, heads=4)
HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.0, trainable=True)
CRF = CRFSettings(constraint="hard", table="peftsp", decoding="of_type")
LENGTHS = (12, 5, 1)


def variant_id(variant):
    name, changes = variant
    return "-".join([name, *(f"{key}={value}" for key, value in changes.items())])


@pytest.fixture(params=VARIANTS, ids=variant_id)
def method(request):
    name, changes = request.param
    settings = OmegaConf.merge(OmegaConf.load(METHODS / f"{name}.yaml"), changes)
    return instantiate(settings, _convert_="all")


@pytest.fixture
def backbone():
    return load_backbone(SPEC, "random", seed=3)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.ones(len(LENGTHS), max(LENGTHS) + 2, dtype=torch.int64)
    for row, length in enumerate(LENGTHS):
        residues = torch.randint(4, 24, (length,), generator=generator)
        tokens[row, : length + 2] = torch.cat([torch.tensor([0]), residues, torch.tensor([2])])
    return tokens, tokens != 1


def disturb(adapted, method, size=0.1):
    """Move what trains away from its start, so that the method has an effect."""
    generator = torch.Generator().manual_seed(1)
    for name in sorted(method.parameter_names(SPEC)):
        parameter = adapted.get_parameter(name)
        parameter.data += size * torch.randn(parameter.shape, generator=generator)


def disturbance(method):
    """How far to move what trains before it is merged.

    Some methods of Hugging Face PEFT multiply by 20 and more, which would leave rounding alone.
    """
    return 0.02 if isinstance(method, HuggingFace) else 0.1


def test_every_method_has_a_yaml_and_every_yaml_a_method():
    targets = {OmegaConf.load(METHODS / f"{name}.yaml")._target_ for name in YAMLS}
    modules = {target.rpartition(".")[0] for target in targets}
    assert modules == {f"peftsp.peft.{name}" for name in method_names()}


def test_output_keeps_the_backbone_contract(method, backbone, batch):
    tokens, mask = batch
    adapted = method.apply(backbone)
    out = adapted(tokens, mask)
    assert out.shape == (len(LENGTHS), max(LENGTHS), SPEC.width)
    assert out.dtype == torch.float32
    assert adapted.spec == SPEC
    assert adapted.source == backbone.source
    assert adapted.content_hash == backbone.content_hash != ""


def test_padding_and_neighbours_change_nothing(method, backbone, batch):
    tokens, mask = batch
    adapted = method.apply(backbone).eval()
    disturb(adapted, method)
    together = adapted(tokens, mask)
    for row, length in enumerate(LENGTHS):
        alone = adapted(tokens[row : row + 1, : length + 2], mask[row : row + 1, : length + 2])
        torch.testing.assert_close(together[row, :length], alone[0], rtol=1e-5, atol=1e-5)


def test_gradients_arrive_exactly_where_declared(method, backbone, batch):
    for name, parameter in backbone.named_parameters():
        if name.endswith("bias"):
            parameter.data.fill_(0.1)  # what multiplies a bias of zero gets no gradient
    adapted = method.apply(backbone)
    declared = method.parameter_names(SPEC)
    requiring = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert requiring == declared
    disturb(adapted, method)
    out = adapted(*batch)
    if declared:
        out.square().sum().backward()
    receiving = {
        name for name, p in adapted.named_parameters() if p.grad is not None and p.grad.any()
    }
    # The rest of an embedding's rows, say, may stay zero, but no parameter as a whole.
    assert receiving == declared


class PlainPrefix:
    """What the first blocks of a backbone without any method give."""

    def __init__(self, layers):
        self.layers = layers
        self.plain = load_backbone(SPEC, "random", seed=3)

    def look_up(self, tokens, mask):
        return self.plain.run_prefix(tokens, mask, self.layers)


def test_frozen_prefix_is_that_of_the_plain_backbone(method, backbone, batch):
    layers = method.frozen_prefix(SPEC)
    adapted = method.apply(backbone).eval()
    disturb(adapted, method)
    expected = adapted(*batch)
    backbone.known_prefix = PlainPrefix(layers) if layers else None
    for block in backbone.layers[:layers]:
        block.forward = None
    torch.testing.assert_close(adapted(*batch), expected)
    parts = {part for name in method.parameter_names(SPEC) for part in name.split(".")}
    assert layers == min((int(p) for p in parts if p.isdigit()), default=SPEC.layers), "no fewer"


def test_identity_at_the_start_is_kept_where_promised(method, backbone, batch):
    expected = copy.deepcopy(backbone).eval()(*batch)
    found = method.apply(backbone).eval()(*batch)
    is_same = torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert is_same == method.starts_as_identity


def test_bundle_holds_exactly_what_trains_and_restores_it(method, backbone, batch, tmp_path):
    tokens, mask = batch
    tagger = build_tagger(backbone, method, HEAD, CRF).eval()
    disturb(tagger.backbone, method, size=disturbance(method))
    save_bundle(Bundle.from_tagger(tagger, HEAD, CRF, {}), tmp_path / "bundle")
    saved = set(read_bundle(tmp_path / "bundle").weights)
    of_backbone = {n.removeprefix("backbone.") for n in saved if n.startswith("backbone.")}
    assert of_backbone == method.parameter_names(SPEC)
    assert {n for n in saved if not n.startswith("backbone.")} == {
        *(f"head.{n}" for n, _ in tagger.head.named_parameters()),
        *(f"crf.{n}" for n, _ in tagger.crf.named_parameters()),
    }
    kingdoms = torch.full((len(LENGTHS),), -1)
    [restored] = load_taggers([tmp_path / "bundle"])
    expected = tagger(tokens, mask, kingdoms)
    torch.testing.assert_close(
        restored(tokens, mask, kingdoms)[mask[:, 2:]],
        expected[mask[:, 2:]],
        rtol=1e-5,
        atol=1e-5,
    )


def test_merged_backbone_equals_the_unmerged_one(method, backbone, batch):
    adapted = method.apply(backbone).eval()
    disturb(adapted, method, size=disturbance(method))
    expected = adapted(*batch)
    shared = adapted.state_dict()
    before = {name: tensor.clone() for name, tensor in shared.items()}
    merged = method.merge(adapted)
    torch.testing.assert_close(merged(*batch), expected, rtol=1e-5, atol=1e-5)
    for name, tensor in shared.items():
        assert torch.equal(tensor, before[name]), name


def test_the_mean_of_a_model_and_itself_is_that_model(method, backbone, batch):
    adapted = method.apply(backbone).eval()
    disturb(adapted, method, size=disturbance(method))
    weights = {n: adapted.get_parameter(n).detach() for n in method.parameter_names(SPEC)}
    if getattr(method, "start", None) == "pissa":
        with pytest.raises(ConfigError, match="expected zero in models to average"):
            method.average([method], [weights, weights], [0.25, 0.75])
        return
    mean, averaged = method.average([method], [weights, weights], [0.25, 0.75])
    assert averaged.keys() == mean.parameter_names(SPEC)
    again = mean.apply(load_backbone(SPEC, "random", seed=3)).eval()
    again.load_state_dict(averaged, strict=False)
    torch.testing.assert_close(again(*batch), adapted(*batch), rtol=1e-5, atol=1e-5)


def test_activation_checkpointing_changes_neither_value_nor_gradient(method, batch):
    results = []
    for is_on in (False, True):
        torch.manual_seed(0)
        backbone = load_backbone(SPEC, "random", seed=3, activation_checkpointing=is_on)
        adapted = method.apply(backbone)
        disturb(adapted, method)
        torch.manual_seed(7)
        out = adapted(*batch)
        if out.requires_grad:
            out.square().mean().backward()
        results.append((out, {n: p.grad for n, p in adapted.named_parameters()}))
    (plain, gradients), (checkpointed, others) = results
    torch.testing.assert_close(plain, checkpointed)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, others[name])


def in_half(method):
    """The method on a backbone that is held in bfloat16; skips one that is refused there."""
    backbone = load_backbone(SPEC, "random", seed=3, dtype="bfloat16")
    if isinstance(method, HuggingFace) and method.kind in MADE_OF_FLOAT32:
        with pytest.raises(ConfigError, match=r"^backbone\.dtype: expected float32 with"):
            method.apply(backbone)
        pytest.skip(f"{method.kind} is refused beside half precision")
    return method.apply(backbone)


def test_what_was_trained_beside_half_precision_is_the_same_beside_float32(method, batch):
    adapted = in_half(method)
    disturb(adapted, method)
    trained = {n: adapted.get_parameter(n).detach() for n in method.parameter_names(SPEC)}
    again = method.apply(load_backbone(SPEC, "random", seed=3)).eval()
    again.load_state_dict(trained, strict=False)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found, expected = adapted.eval()(*batch), again(*batch)
    real = batch[1][:, 2:]
    assert (found - expected)[real].abs().mean() < 0.1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bfloat16_autocast_stays_near_float32(method, batch, dtype):
    expected = method.apply(load_backbone(SPEC, "random", seed=3)).eval()
    adapted = in_half(method) if dtype == "bfloat16" else copy.deepcopy(expected)
    if method.starts_as_identity:
        with torch.autocast("cpu", torch.bfloat16):
            out = adapted.eval()(*batch)
        real = batch[1][:, 2:]
        assert (out - expected(*batch))[real].abs().mean() < 0.05
    with torch.autocast("cpu", torch.bfloat16):
        out = adapted.train()(*batch)
    assert out.isfinite().all()
    if out.requires_grad:
        out.float().square().mean().backward()
        names = method.parameter_names(SPEC)
        assert all(adapted.get_parameter(name).grad.isfinite().all() for name in names)


def test_method_trains_beside_a_quantized_backbone(method, batch, tmp_path):
    pytest.importorskip("bitsandbytes")
    tokens, mask = batch
    backbone = load_backbone(SPEC, "random", seed=3, quantization="nf4")
    if isinstance(method, Full | HuggingFace) or method.settings().get("start") == "pissa":
        with pytest.raises(ConfigError, match=r"expected backbone\.quantization=null"):
            method.apply(backbone)
        return
    tagger = build_tagger(backbone, method, HEAD, CRF)
    disturb(tagger.backbone, method)
    before = {name: tensor.clone() for name, tensor in tagger.state_dict().items()}
    kingdoms = torch.full((len(LENGTHS),), -1)
    optimizer = torch.optim.SGD([p for p in tagger.parameters() if p.requires_grad], lr=0.1)
    tagger(tokens, mask, kingdoms).square().mean().backward()
    optimizer.step()
    after = tagger.state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {f"backbone.{n}" for n in method.parameter_names(SPEC)} | {
        "head.emissions.weight",
        "head.emissions.bias",
    }
    save_bundle(Bundle.from_tagger(tagger, HEAD, CRF, {}), tmp_path / "bundle")
    assert read_bundle(tmp_path / "bundle").backbone.quantization == "nf4"
    assert (tmp_path / "bundle" / "weights.safetensors").stat().st_size < 200_000
    [restored] = load_taggers([tmp_path / "bundle"])
    expected = tagger.eval()(tokens, mask, kingdoms)
    torch.testing.assert_close(restored(tokens, mask, kingdoms), expected, rtol=0, atol=0)


def test_settings_rebuild_the_method(method):
    assert find_method(method.settings()) == method
