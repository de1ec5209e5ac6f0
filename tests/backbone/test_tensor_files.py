"""Tensors that cannot be computed with are refused."""

import pytest
import torch

from peftsp.backbone.tensor_files import (
    check_finite,
    check_plain,
    read_safetensors,
    write_safetensors,
)
from peftsp.errors import CheckpointError


@pytest.mark.parametrize(
    "tensor",
    [
        torch.eye(2).to_sparse(),
        torch.zeros(2, device="meta"),
        torch.zeros(2, dtype=torch.int8),
        torch.zeros(2).to(torch.float8_e4m3fn),
    ],
)
def test_tensor_of_another_kind_is_refused(tensor):
    check_plain({"a": torch.zeros(2, dtype=torch.bfloat16)}, "here")
    with pytest.raises(CheckpointError, match="here: a: expected a dense float tensor"):
        check_plain({"a": tensor}, "here")


def test_what_is_no_number_is_refused():
    check_finite({"a": torch.full((4,), 3e38)}, "here")
    for value in (float("nan"), float("inf")):
        with pytest.raises(CheckpointError, match="here: a: expected finite numbers"):
            check_finite({"a": torch.tensor([0.0, value])}, "here")


def test_files_are_for_those_who_may_read_others(tmp_path):
    (tmp_path / "other").touch()
    write_safetensors({"a": torch.ones(2)}, tmp_path / "a.safetensors", {"about": "b"})
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert torch.equal(read_safetensors(tmp_path / "a.safetensors")["a"], torch.ones(2))
    with pytest.raises(OSError, match="No such file"):
        write_safetensors({}, tmp_path / "none" / "a.safetensors")
