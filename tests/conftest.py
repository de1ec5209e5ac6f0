"""Fixtures that the whole test suite shares."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and recorded cases, which a plain checkout does not have."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "golden").is_dir():
        pytest.skip(f"real data and recorded cases are not at {folder}")
    return folder
