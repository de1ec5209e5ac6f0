"""What a search must not do is found out from its settings."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from peftsp.errors import ConfigError
from peftsp.search.checks import check_devices, check_folds, check_metric
from peftsp.settings_folder import CONF


@pytest.fixture(scope="module")
def settings():
    """Those of a search on 60 generated proteins in three partitions."""
    given = ["data=synthetic", "data.count=60", "backbone=esm2_tiny", "trainer=cpu"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("search", given)


@pytest.fixture
def changed(settings):
    """Function of dotted settings that gives all of them, with these."""

    def change(values):
        cfg = settings.copy()
        for name, value in values.items():
            OmegaConf.update(cfg, name, value, force_add=True)
        return cfg

    return change


@pytest.mark.parametrize("folds", [[0], [0, 1], [3, 2], [4, 5]])
def test_folds_of_one_test_partition_may_be_searched(changed, folds):
    check_folds(changed({"search.folds": folds}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"search.folds": [0, 2]},
            "search.folds: expected folds with the same test partition, as "
            "[0, 1] or [2, 3], found [0, 2]",
        ),
        (
            {"search.folds": [1, 2], "data.protocol": "plain"},
            "search.folds: expected folds with the same test partition, as [1] or [2], "
            "found [1, 2]",
        ),
        ({"search.folds": []}, "search.folds: expected some of 0 to 5, found []"),
        ({"search.folds": [0, 6]}, "search.folds: expected some of 0 to 5, found [0, 6]"),
        ({"search.folds": [-1]}, "search.folds: expected some of 0 to 5, found [-1]"),
        ({"search.folds": ["0"]}, "search.folds: expected some of 0 to 5, found ['0']"),
        (
            {"optimized_metric": "test/score"},
            "optimized_metric: expected val/… in a search, found test/score",
        ),
        (
            {"data.train_splits": ["train", "test"]},
            "data.train_splits: expected no test in a search, found test",
        ),
    ],
)
def test_a_search_that_would_see_a_test_partition_is_refused(changed, values, message):
    with pytest.raises(ConfigError) as caught:
        check_folds(changed(values))
    assert str(caught.value) == message


@pytest.mark.parametrize("best", [None, {}, {"monitor": None}])
def test_a_score_that_no_run_keeps_the_best_of_is_refused(changed, best):
    with pytest.raises(ConfigError) as caught:
        check_metric(changed({"callbacks": {"best": None}, "callbacks.best": best}))
    message = "callbacks.best.monitor: expected val/score in a search for it, found null"
    assert str(caught.value) == message


def test_the_best_is_of_what_is_searched_for(changed):
    check_metric(changed({}))
    check_metric(changed({"optimized_metric": "val/nll", "callbacks.best.monitor": "val/nll"}))
    with pytest.raises(ConfigError, match=r"expected val/nll in a search for it, found val/score"):
        check_metric(changed({"optimized_metric": "val/nll"}))


@pytest.mark.parametrize("devices", [1, "1", [3]])
def test_one_device_may_train(changed, devices):
    check_devices(changed({"trainer.devices": devices}))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"trainer.devices": 2}, "2"),
        ({"trainer.devices": "auto"}, "auto"),
        ({"trainer.devices": -1}, "-1"),
        ({"trainer.devices": [0, 1]}, "[0, 1]"),
        ({"trainer.num_nodes": 2}, "1"),
    ],
)
def test_several_processes_a_trial_are_refused(changed, values, found):
    with pytest.raises(ConfigError) as caught:
        check_devices(changed(values))
    assert str(caught.value) == (
        f"trainer.devices: expected 1 in a search, whose workers train side by side, found {found}"
    )
