"""The forward pass against fair-esm and Hugging Face on the same random weights."""

import esm
import pytest
import torch
from transformers import EsmConfig, EsmModel

from peftsp.alphabet import MASK_TOKEN, PAD_TOKEN
from peftsp.backbone.checkpoint import build_backbone, load_backbone
from peftsp.backbone.hugging_face import read_esm_folder
from peftsp.backbone.specs import BackboneSource, BackboneSpec

SPEC = BackboneSpec("oracle", layers=3, width=48, heads=4)
LENGTHS = {"no padding": [20, 20, 20], "padding": [20, 7, 1]}


def randomise(module, seed):
    """Weights far from their initial values, so that each matters."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    return module.eval()


def make_tokens(lengths, seed=0, hidden=False):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.full((len(lengths), max(lengths) + 2), PAD_TOKEN)
    for row, length in enumerate(lengths):
        residues = torch.randint(4, 24, (length,), generator=generator)
        if hidden and length > 2:
            residues[1] = MASK_TOKEN
        tokens[row, : length + 2] = torch.cat([torch.tensor([0]), residues, torch.tensor([2])])
    return tokens, tokens != PAD_TOKEN


@pytest.fixture(scope="module")
def fair_esm_model():
    torch.manual_seed(0)
    return randomise(esm.ESM2(SPEC.layers, SPEC.width, SPEC.heads), 1)


@pytest.fixture(scope="module")
def backbone(fair_esm_model):
    names = set(load_backbone(SPEC, "random").state_dict())
    weights = {n: t for n, t in fair_esm_model.state_dict().items() if n in names}
    return build_backbone(BackboneSource(SPEC), weights, "").eval()


@pytest.mark.parametrize("hidden", [False, True], ids=["plain", "masked tokens"])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_forward_equals_fair_esm(fair_esm_model, backbone, lengths, hidden):
    tokens, mask = make_tokens(lengths, hidden=hidden)
    with torch.no_grad():
        expected = fair_esm_model(tokens, repr_layers=[SPEC.layers])["representations"][SPEC.layers]
        found = backbone(tokens, mask)
    is_residue = mask[:, 2:]
    torch.testing.assert_close(
        found[is_residue], expected[:, 1:-1][is_residue], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_forward_equals_hugging_face(tmp_path, lengths):
    config = EsmConfig(
        vocab_size=33,
        hidden_size=SPEC.width,
        num_hidden_layers=SPEC.layers,
        num_attention_heads=SPEC.heads,
        intermediate_size=4 * SPEC.width,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        pad_token_id=PAD_TOKEN,
        mask_token_id=MASK_TOKEN,
        layer_norm_eps=1e-5,
    )
    torch.manual_seed(0)
    theirs = randomise(EsmModel(config, add_pooling_layer=False), 2)
    theirs.save_pretrained(tmp_path)
    weights, (head_width, _) = read_esm_folder(tmp_path)
    ours = build_backbone(BackboneSource(SPEC), weights, "").eval()
    tokens, mask = make_tokens(lengths)
    with torch.no_grad():
        expected = theirs(input_ids=tokens, attention_mask=mask.long()).last_hidden_state[:, 1:-1]
        found = ours(tokens, mask)
    is_residue = mask[:, 2:]
    assert head_width == SPEC.head_width
    torch.testing.assert_close(found[is_residue], expected[is_residue], rtol=1e-5, atol=1e-5)


def test_padding_and_neighbours_change_nothing(backbone):
    tokens, mask = make_tokens([20, 7, 1])
    with torch.no_grad():
        together = backbone(tokens, mask)
        for row, length in enumerate([20, 7, 1]):
            alone = backbone(tokens[row : row + 1, : length + 2], mask[row : row + 1, : length + 2])
            torch.testing.assert_close(together[row, :length], alone[0], rtol=1e-5, atol=1e-5)


def test_activation_checkpointing_changes_neither_value_nor_gradient():
    tokens, mask = make_tokens([9, 5])
    gradients = []
    for is_on in (False, True):
        backbone = load_backbone(SPEC, "random", activation_checkpointing=is_on)
        backbone(tokens, mask).square().mean().backward()
        gradients.append([p.grad for p in backbone.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)


def test_random_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = load_backbone(SPEC, "random", seed=5)
    torch.manual_seed(2)
    again, other = load_backbone(SPEC, "random", seed=5), load_backbone(SPEC, "random", seed=6)
    assert first.content_hash == again.content_hash != other.content_hash
