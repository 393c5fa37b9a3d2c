"""Fixtures shared by all tests, and the rule for what may be skipped where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("GEO_ENGINE_SHARED", ROOT.parent / "shared"))
IN_CI = os.environ.get("CI", "").lower() == "true"


def skip_or_fail(reason: str) -> None:
    """Skip on a developer's machine, fail in CI: a missing tool there is a broken CI."""
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real data; a user's clone has none."""
    if not (SHARED / "data").is_dir():
        skip_or_fail(f"no real data at {SHARED}: set GEO_ENGINE_SHARED to its folder")
    return SHARED / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's cache out of the tests."""
    os.environ.setdefault("GEO_ENGINE_CACHE", str(tmp_path_factory.mktemp("cache")))
