"""Weights & Biases: what an offline run records, and that nobody is asked for an account."""

import json
import socket
import struct
import sys
from pathlib import Path

import pytest
import wandb
from hydra.core.hydra_config import HydraConfig
from wandb.proto.wandb_internal_pb2 import Record

from peftsp.errors import ConfigError
from peftsp.runs.folder import RunFolder
from peftsp.runs.identity import Contents
from peftsp.training import loggers
from peftsp.training.cli import main
from peftsp.training.loggers import wandb_logger

BLOCK, HEADER = 32768, 7
WHOLE, LAST = 1, 4


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """A user without an account, and a library that has not been asked yet."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_RUN_ID", "WANDB_SWEEP_ID", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.chdir(tmp_path)
    wandb.teardown()
    yield
    wandb.teardown()
    HydraConfig.instance().cfg = None


@pytest.fixture
def reachable(monkeypatch):
    """A server that answers."""
    monkeypatch.setattr(loggers, "_unreachable", lambda: None)


def mode(offline):
    return wandb_logger(offline, save_dir="run", project="peftsp")._wandb_init["mode"]


def test_without_an_account_runs_are_recorded_offline():
    assert mode(None) == "offline"


@pytest.mark.usefixtures("reachable")
def test_with_an_account_runs_are_recorded_online(monkeypatch):
    # The library would greet the account's owner, over the network.
    monkeypatch.setattr(wandb, "login", lambda prompt, verify: True)
    assert mode(None) == "online"


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(("offline", "expected"), [(True, "offline"), (False, "online")])
def test_setting_goes_before_the_account(monkeypatch, offline, expected):
    monkeypatch.setattr(wandb, "login", lambda prompt, verify: pytest.fail("asked"))
    assert mode(offline) == expected


def test_without_the_network_runs_are_recorded_offline_with_a_word(monkeypatch, capsys):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    assert mode(None) == mode(False) == "offline"
    first, _ = capsys.readouterr().out.splitlines()
    assert "127.0.0.1 cannot be reached" in first
    assert "recorded offline" in first


def test_server_is_reached_by_a_proxy(monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", "http://nowhere.invalid")
    monkeypatch.delenv("no_proxy", raising=False)
    wandb.teardown()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        monkeypatch.setenv("http_proxy", address)
        assert loggers._unreachable() is None
    message = loggers._unreachable()
    assert message.startswith("nowhere.invalid cannot be reached by 127.0.0.1 (")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:many")
    assert "Port could not be cast" in loggers._unreachable()


def test_run_that_cannot_be_begun_is_one_line(monkeypatch):
    def refuse(**_):
        raise wandb.Error("entity nobody not found\nduring upsertBucket")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(ConfigError, match=r"logger\.wandb: expected a run .* nobody not found"):
        _ = wandb_logger(True, save_dir="run", project="peftsp").experiment


def test_malformed_key_is_named_but_not_shown(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "no-key")
    with pytest.raises(ConfigError, match="WANDB_API_KEY: expected an API key") as refused:
        mode(None)
    assert "no-key" not in str(refused.value)


def test_environment_decides_where_nothing_is_set(monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode(None) is None


def run_id(folder, **settings):
    return wandb_logger(True, save_dir=str(folder), project="peftsp", **settings)._wandb_init["id"]


def test_id_stays_with_the_run_and_no_two_runs_share_one(tmp_path):
    first = run_id(tmp_path / "fold0")
    assert run_id(tmp_path / "fold0") == first
    assert run_id(tmp_path / "fold1") != first
    assert run_id(tmp_path / "fold0", id="mine") == "mine"


def test_run_that_starts_over_is_another_one(tmp_path):
    first = run_id(tmp_path)
    folder, contents = RunFolder(tmp_path), Contents("a", None, "b")
    folder.find_start("last", False, {}, contents)
    assert run_id(tmp_path) == first
    folder.find_start(None, True, {}, contents)
    assert run_id(tmp_path) != first


def test_agent_decides_the_id_but_the_shell_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_ID", "of-the-agent")
    assert run_id(tmp_path / "fold0") != run_id(tmp_path / "fold1") != "of-the-agent"
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    assert run_id(tmp_path) == "of-the-agent"


def test_failed_run_of_a_sweep_leaves_the_logger_to_the_next(tmp_path, monkeypatch, capfd):
    """Both folds fail behind the start of their run, the second in a run of its own."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    settings = ["experiment=quickstart", "logger=wandb", "data.count=60", "data.fold=0,1"]
    monkeypatch.setattr(sys, "argv", ["train.py", *settings, "optimizer.lr=-1", "-m"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert wandb.run is None
    # The library's own process may write later than a run ends, but not than it does itself.
    wandb.teardown()
    runs = [
        record.run
        for path in Path(tmp_path, "runs").rglob("*.wandb")
        for record in records_of(path)
        if record.WhichOneof("record_type") == "run"
    ]
    assert sorted(run.job_type for run in runs) == ["fold0", "fold1"]
    assert len({run.run_id for run in runs}) == 2


def records_of(path):
    """The records of an offline run's file, which is a LevelDB log behind seven bytes."""
    content, position, parts, records = path.read_bytes(), 7, b"", []
    assert content.startswith(b":W&B")
    while position < len(content):
        if BLOCK - position % BLOCK < HEADER:
            position += BLOCK - position % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        position += HEADER
        parts += content[position : position + length]
        position += length
        if kind in (WHOLE, LAST):
            records.append(Record.FromString(parts))
            parts = b""
    return records


@pytest.fixture
def offline_runs(tmp_path, monkeypatch, capfd):
    """Records of the two runs of a sweep, by fold; and what was printed."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    settings = ["experiment=quickstart", "logger=wandb", "data.count=60", "trainer.max_epochs=2"]
    steps = ["data.batch_size=10", "trainer.log_every_n_steps=1", "data.fold=0,1"]
    secret = "+search.storage=postgresql://me:PASSWORD@host/db"
    monkeypatch.setattr(sys, "argv", ["train.py", *settings, *steps, secret, "-m"])
    main()
    wandb.teardown()
    assert sys.argv[-2] == secret
    runs = {}
    for path in Path(tmp_path, "runs").rglob("*.wandb"):
        records = records_of(path)
        [run] = [record.run for record in records if record.WhichOneof("record_type") == "run"]
        runs[run.job_type] = (run, records)
    return runs


def values_of(items):
    """Values by name; those within another are called ``outer > inner``."""
    return {item.key or " > ".join(item.nested_key): json.loads(item.value_json) for item in items}


@pytest.mark.slow
def test_offline_runs_hold_settings_curves_table_picture_and_bundle(offline_runs, tmp_path, capfd):
    assert sorted(offline_runs) == ["fold0", "fold1"]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
    assert any(b"postgresql://***@host/db" in path.read_bytes() for path in written)
    assert not [path for path in written if b"PASSWORD" in path.read_bytes()]
    assert "PASSWORD" not in "".join(capfd.readouterr())
    for job_type, (run, records) in offline_runs.items():
        assert run.run_group == "quickstart"
        assert run.project == "peftsp"
        assert set(run.tags) == {"esm2_tiny", "lora", "synthetic"}
        assert run.display_name.endswith(f"{job_type}-seed1")

        config = values_of(run.config.update)
        for record in records:
            config |= values_of(record.config.update)
        assert config["choices"]["peft"] == "lora"
        groups = {"optimizer", "peft", "data", "head", "trainer", "seed", "parameters"}
        assert groups <= config.keys()
        assert config["data"]["fold"] == int(job_type[-1])
        assert config["parameters"]["trained"] > 1000
        assert len(config["sha256"]["data"]) == 64

        history = [values_of(record.history.item) for record in records]
        logged = {name: row[name] for row in history for name in row}
        curves = {"train/loss", "train/nll", "val/nll", "val/score", "learning rate"}
        assert curves | {"test/score", "test/mean_mcc2"} <= logged.keys()
        assert sum("train/loss" in row for row in history) == 4
        assert logged["test/table > _type"] == "table-file"
        assert logged["test/table > nrows"] == 16
        assert logged["test/confusion > _type"] == "image-file"

        [bundle] = [r.artifact for r in records if r.artifact.type == "bundle"]
        files = {entry.path for entry in bundle.manifest.contents}
        assert files == {"config.json", "weights.safetensors"}
