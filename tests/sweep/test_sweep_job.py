"""A run of a sweep that is called in another process, or again."""

import os
from pathlib import Path

import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.singleton import Singleton
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import OmegaConf

from peftsp.sweep.job import ROOT, failed, import_path, jobs_of

SETTINGS = """
seed: 1
hydra:
  job:
    chdir: false
  sweep:
    dir: sweep
    subdir: run${hydra.job.num}
  output_subdir: null
defaults:
  - override hydra/job_logging: none
  - override hydra/hydra_logging: none
  - _self_
"""


def task(config):
    """What a run does: tells where it is and with what."""
    if config.seed == 0:
        raise ValueError("seed of nothing")
    return str(Path.cwd()), OmegaConf.to_container(config)


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """Function of lists of overrides that gives their jobs, numbered from 5."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "main.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    state = Singleton.get_state()
    loader = ConfigLoaderImpl(create_config_search_path(str(tmp_path / "conf")))
    config = loader.load_configuration("main", [], RunMode.MULTIRUN)
    context = HydraContext(loader, Callbacks())
    yield lambda *overrides: jobs_of(context, config, task, overrides, 5)
    Singleton.set_state(state)


def test_jobs_are_numbered_and_know_their_overrides(jobs, tmp_path):
    made = jobs(("seed=2",), ("seed=3", "+lr=1"))
    assert [(job.number, job.overrides) for job in made] == [
        (5, ["seed=2"]),
        (6, ["seed=3", "+lr=1"]),
    ]
    assert {job.folder for job in made} == {str(tmp_path)}


def test_run_has_its_settings_and_the_folder_of_the_sweep(jobs, tmp_path, monkeypatch):
    first, second = jobs(("seed=2",), ("seed=3",))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = second()
    assert result.return_value == (str(tmp_path), {"seed": 3})
    assert (result.status, result.overrides) == (JobStatus.COMPLETED, ["seed=3"])
    assert result.hydra_cfg.hydra.job.num == 6
    assert result.hydra_cfg.hydra.runtime.output_dir == str(tmp_path / "sweep" / "run6")
    # The jobs share one configuration, which a run must not change for the next.
    assert first().return_value[1] == {"seed": 2}


def test_error_of_a_run_is_in_what_it_returns(jobs):
    [job] = jobs(("seed=0",))
    result = job()
    assert result.status == JobStatus.FAILED
    with pytest.raises(ValueError, match="seed of nothing"):
        _ = result.return_value


def test_requeued_job_is_the_same(jobs):
    pytest.importorskip("submitit")
    [job] = jobs(("seed=2",))
    again = job.checkpoint().function
    assert again() == job()


def test_lost_process_is_told_as_a_failed_run(jobs):
    [job] = jobs(("seed=2",))
    result = failed(job, RuntimeError("out of memory"))
    assert (result.status, result.overrides) == (JobStatus.FAILED, ["seed=2"])
    with pytest.raises(RuntimeError, match="out of memory"):
        _ = result.return_value


@pytest.mark.parametrize("known", ["", "/a", f"/a{os.pathsep}{os.pathsep}/b"])
def test_own_code_goes_before_what_is_on_the_path(monkeypatch, known):
    monkeypatch.setenv("PYTHONPATH", known)
    assert (ROOT / "peftsp" / "sweep" / "job.py").is_file()
    assert import_path().split(os.pathsep) == [str(ROOT), *filter(None, known.split(os.pathsep))]
    monkeypatch.delenv("PYTHONPATH")
    assert import_path() == str(ROOT)
