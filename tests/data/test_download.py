import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from peftsp.data import download
from peftsp.data.download import PUBLIC_FILES, SignalP6File
from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError, DownloadError

RECORDS = SyntheticProteins(60, seed=0).load()
NAME = "train_set"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        """Say nothing."""


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(pooch, "os_cache", lambda project: folder / project)
    monkeypatch.delenv("PEFTSP_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder / "peftsp"


@pytest.fixture
def published(tmp_path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    write_labelled(RECORDS, folder / f"{NAME}.fasta")
    return folder


@pytest.fixture
def server(published, cache, monkeypatch):
    """A local stand-in for the public address."""
    handler = functools.partial(QuietHandler, directory=str(published))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{NAME}.fasta"
        digest = hashlib.sha256((published / f"{NAME}.fasta").read_bytes()).hexdigest()
        monkeypatch.setitem(PUBLIC_FILES, NAME, download._PublicFile(url, digest))
        yield server
        server.shutdown()


def test_downloads_once(server, cache, published):
    assert SignalP6File(NAME).load() == RECORDS
    assert (cache / f"{NAME}.fasta").is_file()
    (published / f"{NAME}.fasta").unlink()
    assert SignalP6File(NAME).load() == RECORDS


def test_file_that_is_not_in_the_folder_is_downloaded(server, cache, tmp_path):
    assert SignalP6File(NAME, dir=tmp_path).load() == RECORDS


@pytest.mark.parametrize("where", ["dir", "variable"])
def test_file_at_hand_is_not_downloaded(server, cache, published, monkeypatch, where):
    if where == "variable":
        monkeypatch.setenv("PEFTSP_DATA_DIR", str(published))
    source = SignalP6File(NAME, dir=str(published) if where == "dir" else None)
    assert source.locate() == published / f"{NAME}.fasta"
    assert source.load() == RECORDS
    assert not cache.exists()


def test_the_folder_of_the_setting_goes_before_that_of_the_variable(server, published, monkeypatch):
    monkeypatch.setenv("PEFTSP_DATA_DIR", "nowhere")
    assert SignalP6File(NAME, dir=published).locate().parent == published


def test_other_content_at_hand_is_refused(server, published):
    path = published / f"{NAME}.fasta"
    expected = PUBLIC_FILES[NAME].sha256
    path.write_text(">P1|EUKARYA|NO_SP|0\nMKL\nIII\n")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DownloadError) as caught:
        SignalP6File(NAME, dir=published).load()
    assert str(caught.value) == f"{path}: expected the sha256 {expected}, found {found}"


def test_other_content_from_the_address_is_refused(server, published, cache):
    (published / f"{NAME}.fasta").write_text("<html>sign in</html>")
    found = hashlib.sha256(b"<html>sign in</html>").hexdigest()
    with pytest.raises(DownloadError) as caught:
        SignalP6File(NAME).load()
    message = str(caught.value)
    assert "\n" not in message
    assert all(hash in message for hash in (PUBLIC_FILES[NAME].sha256, found))
    assert not (cache / f"{NAME}.fasta").exists()


@pytest.mark.parametrize("dir", [None, "data"])
def test_dead_network_is_told_in_one_line(cache, monkeypatch, dir):
    url = "http://127.0.0.1:9/train_set.fasta"
    monkeypatch.setitem(PUBLIC_FILES, NAME, download._PublicFile(url, "0" * 64))
    with pytest.raises(DownloadError) as caught:
        SignalP6File(NAME, dir).load()
    target = (Path(dir) if dir else cache) / f"{NAME}.fasta"
    assert str(caught.value) == (
        f"{url}: cannot download (ConnectionError); put the file at {target} by hand"
    )


def test_unknown_name_is_refused(cache):
    with pytest.raises(ConfigError) as caught:
        SignalP6File("train").load()
    assert str(caught.value) == (
        "data set: expected one of train_set, small_dataset_10, small_dataset_20, "
        "small_dataset_30, found 'train'"
    )


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("train_set", 20290),
        ("small_dataset_10", 443),
        ("small_dataset_20", 787),
        ("small_dataset_30", 1085),
    ],
)
def test_real_files_have_the_known_content(shared, name, count):
    assert len(SignalP6File(name, dir=shared / "data" / "signalp6").load()) == count
