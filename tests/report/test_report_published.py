"""Which figures are published, and for which data set."""

from peftsp.report.published import SIGNALP6_SHA256, published_for
from peftsp.runs.record import DatasetIdentity


def test_published_numbers_are_for_their_data_set():
    assert published_for(DatasetIdentity(6, 20290, "0" * 64)) is None
    assert len(published_for(DatasetIdentity(6, 20290, SIGNALP6_SHA256))) == 16


def test_known_data_set_is_that_of_signalp6(shared):
    from peftsp.data.download import SignalP6File
    from peftsp.data.identity import dataset_digest

    records = SignalP6File("train_set", shared / "data" / "signalp6").load()
    assert dataset_digest(records) == SIGNALP6_SHA256
