"""One worker of a search: the study that it opens, what it refuses, and when it ends."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from omegaconf import OmegaConf

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

from optuna.distributions import (  # noqa: E402
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial  # noqa: E402

from peftsp.errors import ConfigError  # noqa: E402
from peftsp.search.objective import ERROR, Interruption, TrialError  # noqa: E402
from peftsp.search.study import (  # noqa: E402
    check_same,
    check_space,
    count_ended,
    open_study,
    work,
)

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage")
LR = {"lr": FloatDistribution(1e-4, 1e-2, log=True)}


@pytest.fixture
def settings(tmp_path):
    """Function of changes that gives what a study is opened by, in a folder that is not yet."""

    def of(mode="max", seed=1, worker=0, url=f"sqlite:///{tmp_path}/new/study.db"):
        search = {
            **{"storage": url, "heartbeat": 60, "worker": worker},
            "sampler": {"_target_": "optuna.samplers.RandomSampler"},
            "pruner": {"_target_": "optuna.pruners.ThresholdPruner", "lower": 0.5},
        }
        best = {"callbacks": {"best": {"mode": mode}}}
        return OmegaConf.create({"search": search, "experiment_name": "s", "seed": seed, **best})

    return of


@pytest.fixture
def drawn(settings):
    """Function of changes that gives the first number a worker would try."""

    def of(**given):
        study = open_study(settings(**given))
        return study.sampler.sample_independent(study, None, "lr", LR["lr"])

    return of


def test_a_study_is_made_and_gone_on_with(settings):
    study = open_study(settings("min"))
    study.tell(study.ask(), 2.0)
    assert [trial.value for trial in open_study(settings("min")).get_trials()] == [2.0]
    assert study.direction.name == "MINIMIZE"
    assert isinstance(study.pruner, optuna.pruners.ThresholdPruner)


def test_workers_and_later_starts_try_other_values(settings, drawn):
    first = drawn()
    assert drawn() == first
    assert len({first, drawn(seed=2), drawn(worker=1)}) == 3
    open_study(settings()).ask()
    assert drawn() != first


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("sqlite:////dev/null/x", "found sqlite:////dev/null/x (FileExistsError: "),
        ("postgresql+typo://me:PW@host/db", "found postgresql+typo://***@host/db (NoSuchModule"),
        ("no database", "found no database (ArgumentError: "),
    ],
)
def test_a_storage_that_is_none_is_refused_without_credentials(settings, url, found):
    with pytest.raises(ConfigError) as caught:
        open_study(settings(url=url))
    [line] = str(caught.value).splitlines()
    assert line.startswith("search.storage: expected a database that Optuna can use, ")
    assert found in line
    assert "PW" not in line


def add(study, value=1.0, space=LR, **params):
    trial = create_trial(value=value, params=params or {"lr": 1e-3}, distributions=space)
    study.add_trial(trial)


@pytest.mark.parametrize(
    "space",
    [
        LR,
        {"lr": FloatDistribution(1e-9, 1.0, log=True)},
        {"other": IntDistribution(1, 4)},
        {},
    ],
)
def test_other_bounds_and_other_settings_may_be_searched_on(study, space):
    add(study)
    check_space(study, space)


@pytest.mark.parametrize(
    "other",
    [
        FloatDistribution(1e-4, 1e-2),
        CategoricalDistribution([1e-3, 1e-2]),
        IntDistribution(1, 4),
    ],
)
def test_a_setting_of_another_kind_is_refused(study, other):
    add(study)
    with pytest.raises(ConfigError) as caught:
        check_space(study, {"lr": other})
    assert str(caught.value) == (
        f"search.space.lr: expected {LR['lr']} as the search made_up began with, found {other}; "
        "another experiment_name begins another search"
    )


def test_a_search_goes_on_with_its_own_settings(study):
    check_same(study, {"epochs": 2, "lr": 0.1, "layers": None}, {"lr"})
    check_same(study, {"epochs": 2, "lr": 0.5, "layers": None}, {"lr"})
    with pytest.raises(ConfigError) as caught:
        check_same(study, {"epochs": 3, "lr": 0.1, "layers": None}, {"lr"})
    assert str(caught.value) == (
        "made_up: expected the settings of the search found there, epochs=2, found epochs=3; "
        "another experiment_name begins another search"
    )
    with pytest.raises(ConfigError, match="there, layers=null, found layers=nothing; another"):
        check_same(study, {"epochs": 2}, {"lr"})


def test_what_was_tried_before_may_differ(study):
    check_same(study, {"lr": 0.1}, set())
    with pytest.raises(ConfigError, match=r"lr=0\.1, found lr=0\.5"):
        check_same(study, {"lr": 0.5}, set())
    add(study)
    check_same(study, {"lr": 0.5}, set())


def test_trials_without_an_end_of_their_own_do_not_count(study):
    study.add_trial(create_trial(value=1.0))
    study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={0: 1.0}))
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={ERROR: "broken"}))
    for state in (TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING):
        study.add_trial(create_trial(state=state))
    assert count_ended(study) == 3


def outcomes(*values):
    """An objective that gives values, or fails with the errors among them."""
    left = iter(values)

    def objective(trial):
        value = next(left)
        if isinstance(value, TrialError):
            trial.set_user_attr(ERROR, str(value))
        if isinstance(value, BaseException):
            raise value
        return value

    return objective


def test_a_worker_goes_on_until_enough_trials_have_ended(study, capsys):
    add(study)
    study.add_trial(create_trial(state=TrialState.RUNNING))  # of another worker
    work(study, outcomes(0.5, TrialError("broken"), optuna.TrialPruned(), 9.0), 4)
    states = [trial.state.name for trial in study.get_trials()]
    assert states == ["COMPLETE", "RUNNING", "COMPLETE", "FAIL", "PRUNED"]
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{n} of 4 trials have ended" for n in (2, 3, 4)]
    work(study, outcomes(), 4)


def test_a_wrong_configuration_ends_a_search(study):
    with pytest.raises(ConfigError, match="data: wrong"):
        work(study, outcomes(ConfigError("data: wrong")), 3)


def test_an_interrupted_trial_is_left_as_running(study):
    with pytest.raises(KeyboardInterrupt):
        work(study, outcomes(0.5, Interruption()), 3)
    assert [trial.state.name for trial in study.get_trials()] == ["COMPLETE", "RUNNING"]


def test_workers_that_begin_together_share_a_study(settings):
    with ThreadPoolExecutor(6) as pool:
        studies = list(pool.map(lambda worker: open_study(settings(worker=worker)), range(6)))
    assert {study.study_name for study in studies} == {"s"}
