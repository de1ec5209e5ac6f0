"""The memory command as a user gives it."""

import runpy
import sys

import pytest

from peftsp.memory.cli import main


def test_command_tells_what_takes_how_much_and_what_fits(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["backbone=esm2_8m", "peft=prompt", "data.batch_size=2", "trainer.devices=3"])
    out = capsys.readouterr().out
    for row in ("weights, frozen, float32", "optimizer state", "emission head and CRF", "total"):
        assert f"\n{row} " in f"\n{out}", row
    assert "3 devices with trainer=fsdp" in out
    assert "80 GB" in out
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_trained_model_that_is_begun_from_decides_the_backbone(capsys):
    main(["init_from=fast"])
    [total] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("total")]
    assert float(total.split()[1]) < 0.5, "1.8 million parameters, not the 150 million by default"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["peft.rank=0"], "peft.rank: expected a number above 0, found 0"),
        (["peft=full", "backbone.quantization=nf4"], "peft=full: expected backbone.quantization"),
        (["no.such=1"], "no.such"),
        (["backbone=esm2_9m"], "esm2_9m"),
        (["init_from=nowhere"], "nowhere: expected a bundle folder"),
        (["data.batch_size=0"], "data.batch_size: expected 1 or more, found 0"),
        (["optimizer.lr=x"], "optimizer.lr: expected float or Tensor, found 'x'"),
        (["trainer.devices=0"], "trainer.devices: expected auto or 1 or more, found 0"),
        (["trainer.devices=x"], "trainer.devices: expected auto or 1 or more, found 'x'"),
        (["peft=null"], "peft: expected one of adapter"),
        (["-m", "peft=lora,full"], "-m: expected settings of one run"),
    ],
)
def test_wrong_settings_end_with_one_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(["backbone=esm2_tiny", *arguments])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1


def test_module_runs_as_a_command(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["peftsp-memory", "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("peftsp.memory", run_name="__main__")
    assert end.value.code == 0
    assert "experiment=qlora_15b" in capsys.readouterr().out
