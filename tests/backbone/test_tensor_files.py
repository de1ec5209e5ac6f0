"""Tensors that cannot be computed with are refused."""

import pytest
import torch

from peftsp.backbone.tensor_files import check_finite, check_plain
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
