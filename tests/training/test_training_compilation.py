"""Compiled blocks compute what the others do."""

import shutil

import pytest
import torch

from peftsp.backbone.esm2 import Block
from peftsp.training.compilation import CompiledBlocks


@pytest.mark.skipif(shutil.which("g++") is None, reason="PyTorch's compiler needs a C++ compiler")
def test_compiled_blocks_give_the_same_loss(make_module, batch):
    module = make_module(regularisation=0.0).eval()
    expected = module.loss(batch)["loss"]
    CompiledBlocks().on_fit_start(None, module)
    blocks = [part for part in module.modules() if isinstance(part, Block)]
    assert blocks
    assert all(block._compiled_call_impl is not None for block in blocks)
    found = module.loss(batch)["loss"]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    found.backward()
