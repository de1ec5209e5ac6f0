"""Bytes of tensors that are alive, counted by hand."""

import torch

from peftsp.memory.live_bytes import LiveBytes


def test_bytes_go_with_their_tensors_and_the_peak_stays():
    with LiveBytes() as live:
        first = torch.zeros(100, dtype=torch.float32)
        second = torch.zeros(7, dtype=torch.float64)
        assert live.now == 400 + 56
        del first
        assert (live.now, live.peak) == (56, 456)
        third = torch.zeros(10, dtype=torch.uint8)
        assert (live.now, live.peak) == (66, 456)
    assert third.nbytes + second.nbytes == 66


def test_block_counts_once_until_its_last_view_is_gone():
    with LiveBytes() as live:
        whole = torch.zeros(4, 25)
        view = whole.t()[3:]
        assert live.now == 400
        del whole
        assert live.now == 400
        del view
        assert live.now == 0


def test_known_tensors_do_not_count_nor_do_changes_in_place():
    known = torch.zeros(50)
    with LiveBytes([known]) as live:
        known.add_(1)
        known.view(5, 10).mul_(2)
        assert live.now == live.peak == 0
        other = known + 1
        assert live.now == other.nbytes


def test_tensors_of_the_meta_device_count_as_on_another():
    for device in ("meta", "cpu"):
        with LiveBytes() as live:
            x = torch.empty(3, 20, device=device)
            y = x @ torch.empty(20, 5, device=device)
            assert live.peak == 4 * (3 * 20 + 20 * 5 + 3 * 5)
            assert live.now == x.nbytes + y.nbytes


def test_what_the_backward_pass_keeps_and_makes_counts():
    weight = torch.ones(30, requires_grad=True)
    with LiveBytes([weight]) as live:
        out = (weight.exp() * 2).sum()
        kept = live.now
        out.backward()
    # The exponential, which is its own derivative, and the sum; then the gradient.
    assert kept == 4 * (30 + 1)
    assert weight.grad.nbytes == 120
    assert live.peak >= kept + 120


def test_each_of_several_results_counts():
    with LiveBytes() as live:
        values, places = torch.arange(6, dtype=torch.float32).sort()
        del places
    assert live.now == values.nbytes
    assert live.peak >= 24 + 24 + 48
