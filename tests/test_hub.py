"""Models go to and come from a Hub on the loopback, as safetensors and by commit."""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import write_esm_folder
from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import ConfigError, DownloadError
from peftsp.hub import fetch_model, pin
from peftsp.inference.commands.predict import main as predict
from peftsp.interop.huggingface_peft import main as exchange
from peftsp.model.bundle import Bundle, read_bundle, save_bundle
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA

constants = pytest.importorskip("huggingface_hub.constants")

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
HEAD = HeadSettings(dropout=0.0, kingdom_embedding=0, kingdom_dropout=0.0, trainable=True)
CRF = CRFSettings("hard", "peftsp", "of_type")


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as one repository for each name needs."""

    commits: dict  # of a name: its commits, the newest last, each a hash and its files

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
        is_api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if is_api else parts[:2])
        commits = self.commits.get(name)
        if not commits:
            return self.answer({"error": "Repository not found"}, 404, code="RepoNotFound")
        revision = parts[5] if is_api and len(parts) > 5 else "main" if is_api else parts[3]
        sha, files = next((c for c in commits if c[0] == revision), commits[-1])
        if is_api and parts[4:5] == ["tree"]:
            return self.answer(
                [
                    {"type": "file", "path": path, "size": len(content), "oid": etag(content)}
                    for path, content in files.items()
                ]
            )
        if is_api:
            return self.answer({"id": name, "sha": sha, "siblings": []})
        return self.answer(files["/".join(parts[4:])], sha=sha)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.commits.setdefault(name, [])
            return self.answer({"url": f"https://huggingface.co/{name}", "name": name})
        name = "/".join(self.path.strip("/").split("/")[2:4])
        if "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self.answer({"files": files})
        if "/commit/" not in self.path:
            return self.answer({})  # whether the card is well made
        files = {}
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        sha = hashlib.sha1(body).hexdigest()
        self.commits[name].append((sha, files))
        return self.answer(
            {"commitUrl": f"https://huggingface.co/{name}/commit/{sha}", "commitOid": sha}
        )

    def answer(self, content, status=200, sha=None, code=None):
        is_file = isinstance(content, bytes)
        body = content if is_file else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if not is_file:
            self.send_header("Content-Type", "application/json")
        if sha:
            self.send_header("X-Repo-Commit", sha)
            self.send_header("ETag", f'"{etag(body)}"')
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def etag(content):
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The commits of each repository of a Hub to which all commands go."""
    handler = type("OwnHub", (Hub,), {"commits": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: "hf_test", raising=False)
    yield handler.commits
    server.shutdown()
    server.server_close()


@pytest.fixture
def bundle(tmp_path):
    """A bundle whose backbone is beside it, with a file that must stay at home."""
    method = LoRA(2, 2, 0.0, ("q_proj",), last_k=None)
    tagger = build_tagger(load_backbone(SPEC, "random"), method, HEAD, CRF)
    weights = load_backbone(SPEC, "random").state_dict()
    made = Bundle.from_tagger(tagger, HEAD, CRF, {})
    save_bundle(made, tmp_path / "bundle", weights, {"README.md": "# A model\n"})
    (tmp_path / "bundle" / "pytorch_model.bin").write_bytes(b"a pickle")
    return tmp_path / "bundle"


def test_bundle_is_pushed_and_predicts_by_its_name(hub, bundle, tmp_path, capsys):
    assert exchange(["push", str(bundle), "lab/model"]) == 0, capsys.readouterr().err
    name = capsys.readouterr().out.split()[-1]
    [(sha, files)] = hub["lab/model"]
    assert name == f"hf://lab/model@{sha}"
    assert set(files) == {
        "README.md",
        "config.json",
        "weights.safetensors",
        "backbone/config.json",
        "backbone/model.safetensors",
    }
    (tmp_path / "in.fasta").write_text(">a\nMKKTAIAIAVALAGFATVAQA\n")
    command = [str(tmp_path / "in.fasta"), "-o", str(tmp_path / "out"), "--bundle"]
    assert predict([*command, "hf://lab/model"]) == 0
    assert (tmp_path / "out" / "predictions.csv").read_text().count("\n") == 2
    assert read_bundle(fetch_model(name)).weights.keys() == read_bundle(bundle).weights.keys()


def test_backbone_is_read_by_its_name_and_pinned(hub, tmp_path):
    plain = load_backbone(SPEC, "random")
    write_esm_folder(tmp_path / "esm", SPEC, plain.state_dict())
    files = {path.name: path.read_bytes() for path in (tmp_path / "esm").iterdir()}
    sha = "a" * 40
    hub["facebook/esm2_small"] = [(sha, files)]
    backbone = load_backbone(SPEC, pin("hf://facebook/esm2_small"))
    assert backbone.source.checkpoint == f"hf://facebook/esm2_small@{sha}"
    assert backbone.content_hash == plain.content_hash
    hub["facebook/esm2_small"].append(("b" * 40, {"model.safetensors": b"another"}))
    assert load_backbone(SPEC, backbone.source.checkpoint).content_hash == plain.content_hash
    torch.testing.assert_close(backbone.state_dict(), plain.state_dict())


def test_what_is_wrong_is_said_in_one_line(hub, bundle, capsys):
    with pytest.raises(ConfigError, match=r"expected hf://owner/name .*, found hf://model"):
        fetch_model("hf://model")
    with pytest.raises(DownloadError, match=r"hf://lab/none: expected a model of the Hub: .*"):
        fetch_model("hf://lab/none")
    hub["lab/pickle"] = [("c" * 40, {"pytorch_model.bin": b"a pickle"})]
    with pytest.raises(DownloadError, match="expected weights as safetensors, found none"):
        fetch_model("hf://lab/pickle")
    capsys.readouterr()
    assert exchange(["push", str(bundle.parent), "lab/model"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert "lab/model" not in hub
