"""Studies that are kept in memory."""

import pytest


@pytest.fixture
def study():
    """An empty study that takes the highest value."""
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    return optuna.create_study(study_name="made_up", direction="maximize")
