"""Predictions on disk: what is kept, what is dropped."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.run.store import PredictionStore
from peftsp.records import Prediction, Region

REGIONS = (Region("n", 1, 5), Region("h", 6, 15), Region("c", 16, 22))


def prediction(header="P1 first", **extra):
    probabilities = (0.0, 0.75, 0.25, 0.0, 0.0, 0.0)
    return Prediction(header, "SP", probabilities, 22, 0.5, REGIONS, "MKL" * 9, **extra)


def interrupted(folder, fingerprint, rows):
    """A store whose run ended after some predictions."""
    with closing(PredictionStore(folder, fingerprint)) as store:
        store.write(prediction(f"P{index}") for index in range(rows))
    return store


@pytest.mark.parametrize(
    "written",
    [
        prediction(),
        replace(prediction(), probabilities=(0.00336850109, 0.9, 0.1, 0.0, 0.0, 0.0)),
        prediction("P2 ü\u2028 'x'", motifs=(Region("twin_arginine", 2, 3),)),
        prediction(region_probabilities=((0.25, 0.75), (1.0, 0.0))),
        Prediction("P3", "NO_SP", (1.0, 0.0, 0.0, 0.0, 0.0, 0.0), None, None, (), "M"),
    ],
    ids=["plain", "digits", "motif", "regions", "none"],
)
def test_what_is_written_is_read(tmp_path, written):
    with closing(PredictionStore(tmp_path, {})) as store:
        store.write([written])
        store.write([written])
        assert list(store.read()) == [written] * 2
        store.remove()
    assert list(tmp_path.iterdir()) == []


def test_nothing_written_is_nothing_read(tmp_path):
    with closing(PredictionStore(tmp_path, {})) as store:
        assert list(store.read()) == []


@pytest.mark.parametrize(("window", "kept"), [(1, 7), (3, 6), (7, 7), (8, 0)])
def test_whole_windows_are_kept(tmp_path, window, kept):
    store = interrupted(tmp_path, {"peftsp": "0", "run": 1}, rows=7)
    whole = store.path.read_bytes()
    with closing(PredictionStore(tmp_path, {"peftsp": "0", "run": 1})) as store:
        assert store.resume(window).types == ({"SP": kept} if kept else {})
        store.write(prediction(f"P{index}") for index in range(kept, 7))
        assert len(list(store.read())) == 7
    assert store.path.read_bytes() == whole


@pytest.mark.parametrize(
    "tail",
    [b"P7,SP,0.0", b"P7,SP\n", b"\x00" * 40, b'P7,"', "P7é".encode()[:-1]],
    ids=["cut", "short", "zeros", "quote", "letter"],
)
def test_torn_row_is_dropped(tmp_path, tail):
    store = interrupted(tmp_path, {}, rows=7)
    whole = store.path.read_bytes()
    store.path.write_bytes(whole + tail)
    with closing(PredictionStore(tmp_path, {})) as store:
        assert store.resume(1).proteins == 7
        assert len(list(store.read())) == 7
    assert store.path.read_bytes() == whole


def set_head(store, head):
    """Put another first line before the rows."""
    rows = store.path.read_bytes().partition(b"\n")[2]
    store.path.write_bytes(f"{head}\n".encode() + rows)


@pytest.mark.parametrize("head", ["", '{"run": ', '{"tool": 1}', "[]"])
def test_rows_that_no_run_left_are_not_touched(tmp_path, capsys, head):
    set_head(interrupted(tmp_path, {"peftsp": "0", "run": 1}, rows=7), head)
    store = PredictionStore(tmp_path, {"peftsp": "0", "run": 1})
    before = store.path.read_bytes()
    for use in (lambda: store.resume(1), lambda: store.write([prediction("new")])):
        with pytest.raises(ConfigError, match=r"predictions\.partial: expected nothing there"):
            use()
    assert store.path.read_bytes() == before
    assert not capsys.readouterr().err, "nothing of it is said to be dropped"


@pytest.mark.parametrize("head", ['{"peftsp": "0", "run": 2}', '{"peftsp": "0"}', '{"peftsp": "0'])
def test_rows_of_another_run_are_not_kept(tmp_path, head):
    set_head(interrupted(tmp_path, {"peftsp": "0", "run": 1}, rows=7), head)
    with closing(PredictionStore(tmp_path, {"peftsp": "0", "run": 1})) as store:
        assert not store.resume(1).proteins
        store.write([prediction("new")])
    head, row = store.path.read_text().splitlines()
    assert json.loads(head) == {"peftsp": "0", "run": 1}
    assert json.loads(row)[0] == "new"


def test_rows_of_a_run_that_cannot_resume_are_never_kept(tmp_path):
    interrupted(tmp_path, {"peftsp": "0", "run": 1}, rows=3)
    interrupted(tmp_path, None, rows=7)
    assert not PredictionStore(tmp_path, {"peftsp": "0", "run": 1}).resume(1).proteins


def test_files_beside_it_are_not_touched(tmp_path):
    own = [tmp_path / f"predictions.partial.{ending}" for ending in ("json", "new")]
    for path in own:
        path.write_text("mine")
    with closing(PredictionStore(tmp_path, {"run": 1})) as store:
        store.write([prediction()])
        store.remove()
    assert [path.read_text() for path in own] == ["mine"] * 2
