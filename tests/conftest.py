"""Fixtures shared by all tests, and the rule for what may be skipped where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("GEO_ENGINE_SHARED", ROOT.parent / "shared"))
IN_CI = os.environ.get("CI", "").lower() == "true"
LONG = (
    "test_demo.py",
    "test_inference.py",
    "test_territory.py",
    "test_pipeline.py",
    "test_chain_runs.py",
    "test_models.py",
    "test_universes.py",
    "test_signal_sources.py",
    "test_package.py",
)
"""Files that take longest, in the order in which they begin: a long one that began last would leave
the other workers idle. ``make test`` keeps this order (``--no-loadscope-reorder``)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    order = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONG)))


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
