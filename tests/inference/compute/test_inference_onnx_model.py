"""Graphs where memory is short."""

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.shipped import find_model

NO_MEMORY = "bfc_arena.cc:360 AllocateRawInternal Failed to allocate memory for requested buffer"


class SmallMemory:
    """A session that fails on more than some sequences."""

    def __init__(self, session, limit, message):
        self.session, self.limit, self.message = session, limit, message

    def run(self, outputs, feed):
        if len(feed["tokens"]) > self.limit:
            raise RuntimeError(self.message)
        return self.session.run(outputs, feed)


@pytest.fixture
def model():
    return OnnxModel(find_model("fast") / "graph.onnx", 1)


def test_batch_too_large_for_the_memory_is_halved(model, short_records):
    expected = [p.sp_type for p in predict_records(short_records[:10], model, 2)]
    model._session = SmallMemory(model._session, 2, NO_MEMORY)
    assert [p.sp_type for p in predict_records(short_records[:10], model, 8)] == expected


def test_too_little_memory_for_one_protein_is_an_error(model, short_records):
    model._session = SmallMemory(model._session, 0, NO_MEMORY)
    with pytest.raises(ConfigError, match="expected memory for one protein, found too little"):
        list(predict_records(short_records[:10], model, 8))


def test_other_failures_are_not_taken_for_lack_of_memory(model, short_records):
    model._session = SmallMemory(model._session, 0, "shapes differ")
    with pytest.raises(RuntimeError, match="shapes differ"):
        list(predict_records(short_records[:10], model, 8))
