"""Methods of Hugging Face PEFT leave as folders that its own models load."""

import peft
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from transformers import EsmModel

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.interop.huggingface_peft import main
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.registry import find_method
from peftsp.settings_folder import CONF

METHODS = CONF / "peft"
INJECTED = sorted(
    path.stem
    for path in METHODS.glob("*.yaml")
    if OmegaConf.load(path)._target_.split(".")[2] in ("bitfit", "hf")
)
SPEC = BackboneSpec("small", layers=2, width=32, heads=4)
HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.0, trainable=True)
CRF = CRFSettings(constraint="hard", table="peftsp", decoding="of_type")


@pytest.fixture(scope="module")
def esm_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("esm")
    write_esm_folder(folder, SPEC, load_backbone(SPEC, "random").state_dict())
    return folder


@pytest.mark.parametrize("name", INJECTED)
@pytest.mark.parametrize("last_k", [None, 1])
def test_exported_folder_gives_the_same_hidden_states(tmp_path, esm_folder, tokens, name, last_k):
    settings = OmegaConf.merge(OmegaConf.load(METHODS / f"{name}.yaml"), {"last_k": last_k})
    method = instantiate(settings, _convert_="all")
    tagger = build_tagger(load_backbone(SPEC, str(esm_folder)), method, HEAD, CRF).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in sorted(method.parameter_names(SPEC)):
        tensor = tagger.backbone.get_parameter(parameter)
        tensor.data += 0.02 * torch.randn(tensor.shape, generator=generator)
    said = {"name": "mine", "proteins": "63b136c2", "licence": "GPL-3.0-or-later"}
    save_bundle(Bundle.from_tagger(tagger, HEAD, CRF, said), tmp_path / "bundle")
    assert main(["export", str(tmp_path / "bundle"), "-o", str(tmp_path / "adapter")]) == 0

    base = EsmModel.from_pretrained(esm_folder, add_pooling_layer=False).eval()
    with torch.no_grad():
        plain = base(input_ids=tokens).last_hidden_state[:, 1:-1]
        model = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
        found = model(input_ids=tokens).last_hidden_state[:, 1:-1]
        expected = tagger.backbone(tokens, torch.ones_like(tokens).bool())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(found, plain, atol=1e-4)

    back = tmp_path / "back"
    place = ["--checkpoint", str(esm_folder)]
    assert main(["import", str(tmp_path / "adapter"), "-o", str(back), *place]) == 0
    before, after = read_bundle(tmp_path / "bundle"), read_bundle(back)
    assert (after.head, after.crf) == (HEAD, CRF)
    assert after.training == {**said, "name": "adapter"}
    if name == "rslora":
        assert after.peft["method"] == "lora"  # our own does it
    else:
        assert find_method(after.peft).label == method.label
        assert after.weights.keys() == before.weights.keys()
    [restored] = load_taggers([back])
    mask, kingdoms = torch.ones_like(tokens).bool(), torch.full((len(tokens),), -1)
    torch.testing.assert_close(
        restored(tokens, mask, kingdoms), tagger(tokens, mask, kingdoms), rtol=1e-5, atol=1e-5
    )
