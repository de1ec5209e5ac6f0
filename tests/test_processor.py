"""What a processor can do is read from what PyTorch says of it."""

import pytest
import torch

from peftsp.data.fasta import EXAMPLES
from peftsp.inference.commands.predict import main
from peftsp.processor import multiplies_bfloat16


@pytest.mark.parametrize(
    ("can", "multiplies"),
    [
        ({"architecture": "x86_64", "avx2": True}, False),
        ({"architecture": "x86_64", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "aarch64"}, True),
    ],
)
def test_instructions_for_bfloat16(monkeypatch, can, multiplies):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    assert multiplies_bfloat16() is multiplies


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_prediction_says_that_bfloat16_is_slow(monkeypatch, tmp_path, capsys, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    given = [str(EXAMPLES), "-o", str(tmp_path), "--model", "fast", "--runtime", "torch"]
    assert main([*given, "--precision", precision, "--no-progress"]) == 0
    assert ("bf16 is slow here" in capsys.readouterr().err) == (precision == "bf16")
