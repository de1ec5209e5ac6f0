"""The command writes one file, or serves the page to this machine."""

import shutil
import socket
import sys
import threading
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import open_tab

from peftsp.app.cli import main, read_graph
from peftsp.app.page import build_page
from peftsp.data.fasta import EXAMPLES
from peftsp.model.shipped import SHIPPED

GRAPH = Path(__file__).parents[1] / "data" / "tiny.onnx"


def test_command_writes_one_file_and_takes_no_other_names(tmp_path, runtime, monkeypatch, capsys):
    monkeypatch.setattr("peftsp.app.page._RUNTIME", runtime)
    page = tmp_path / "page.html"
    assert main([str(GRAPH), "-o", str(page)]) == 0
    assert page.stat().st_size > 1_000_000
    assert main([str(GRAPH), "-o", str(page)]) == 2
    assert main([str(GRAPH), "-o", str(tmp_path / "page.txt")]) == 2
    assert main([str(GRAPH), str(GRAPH), "-o", str(tmp_path / "two.html")]) == 2
    monkeypatch.setattr("peftsp.app.page._RUNTIME", tmp_path)
    assert main([str(GRAPH), "-o", str(tmp_path / "other.html")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    assert "npm ci --prefix" in errors[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_graph_that_is_none_or_of_another_precision_is_refused(tmp_path, capsys):
    (tmp_path / "junk.onnx").write_text("junk")
    given = ["-o", str(tmp_path / "page.html")]
    assert main([str(tmp_path / "junk.onnx"), *given]) == 2
    assert "junk.onnx: expected a graph of peftsp-export" in capsys.readouterr().err
    assert main([str(GRAPH), "--precision", "int8", *given]) == 2
    assert "--precision int8: expected none or that of" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_graph_of_another_model_beside_a_bundle_is_refused(tmp_path, capsys):
    stale = tmp_path / "stale"
    shutil.copytree(SHIPPED["fast"].folder, stale)
    config = stale / "config.json"
    config.write_text(config.read_text().replace('"temperature"', ' "temperature"'))
    assert main([str(stale), "-o", str(tmp_path / "page.html")]) == 2
    assert "graph.onnx: expected the graph of this bundle, found" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_port_that_is_none_is_refused(runtime, monkeypatch, capsys):
    monkeypatch.setattr("peftsp.app.page._RUNTIME", runtime)
    assert main([str(GRAPH), "--port", "70000"]) == 2
    assert "--port 70000: expected a free port" in capsys.readouterr().err


@pytest.mark.slow
def test_page_of_a_model_that_ships_holds_its_files(tmp_path, runtime):
    graph, weights = read_graph(["fast"], "int8")
    assert graph == (SHIPPED["fast"].folder / "graph_int8.onnx").read_bytes()
    assert weights.keys() == {"weights.safetensors"}
    (tmp_path / "page.html").write_text(build_page(graph, "fast", "", weights, runtime))
    with open_tab(tmp_path) as tab:
        tab.open((tmp_path / "page.html").as_uri())
        tab.wait_for("!byId('predict').disabled")
        tab.run(
            "box.value = '>OMPA\\nMKKTAIAIAVALAGFATVAQAAPKDNTWYTGAKLGWSQYHDTGFINNNGPTHENQLGAGAF'"
        )
        tab.run("form.requestSubmit()")
        tab.wait_for("!byId('results').hidden")
        assert tab.run("[records[0].type, records[0].site]") == ["SP", 21]
        assert tab.complaints == []


def test_page_is_served_to_this_machine_alone(runtime, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("peftsp.app.page._RUNTIME", runtime)
        assert main([str(GRAPH), "--port", str(port)]) == 2
        assert f"--port {port}: expected a free port" in capsys.readouterr().err
    served = []

    def serve_twice(server):
        served.append(server.server_address)
        for _ in range(2):
            server.handle_request()

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", serve_twice)
    command = threading.Thread(target=main, args=([str(GRAPH), "--port", str(port)],))
    command.start()
    found = [ask(port, path) for path in ("/", "/../secrets")]
    command.join()
    assert served == [("127.0.0.1", port)]
    assert [status for status, _ in found] == [200, 404]
    assert found[0][1].startswith(b"<!doctype html>")


def ask(port, path):
    """Status and content, as soon as the server is there."""
    while True:
        connection = HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", path)
        except ConnectionRefusedError:
            continue
        response = connection.getresponse()
        return response.status, response.read()


def test_examples_are_those_of_the_repository():
    ours = (Path(__file__).parents[2] / "examples" / "proteins.fasta").read_text()
    assert EXAMPLES.read_text() == ours
