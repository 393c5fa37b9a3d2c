"""Lint the script of the atlas and its tests with oxlint: undeclared and unused names, and more.

``python scripts/lint_js.py``. The parts of the script know each other by name (``format``,
``page``, ...), as the page joins them: those names are read from the files, so that a name which no
part declares is an error.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "geo_engine" / "outputs" / "atlas" / "src"
TESTS = ROOT / "tests" / "js"
CONFIG = ROOT / ".oxlintrc.json"


def main() -> int:
    """Run the linter; its exit code is ours.

    Returns
    -------
    int
        0 where nothing is wrong.
    """
    config = json.loads(CONFIG.read_text(encoding="utf-8"))
    names = part_names()
    config["globals"] |= dict.fromkeys(names, "readonly")
    used_elsewhere = {"varsIgnorePattern": f"^({'|'.join(names)})$"}
    config["rules"]["no-unused-vars"] = ["error", used_elsewhere]
    ours = lint(config, SOURCES)
    config["env"]["node"] = True
    return lint(config, TESTS) or ours


def lint(config: dict[str, Any], folder: Path) -> int:
    """Run oxlint on a folder with a configuration.

    Parameters
    ----------
    config : dict
        As ``.oxlintrc.json`` has it.
    folder : Path
        Of scripts.

    Returns
    -------
    int
        Exit code.
    """
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "oxlintrc.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        linter = Path(sys.executable).with_name("oxlint")
        command = [linter, "--config", path, "--deny-warnings", folder]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def part_names() -> list[str]:
    """Name the parts of the script.

    Returns
    -------
    list of str
        What each file declares for the others.
    """
    texts = (path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.js")))
    return [name for text in texts for name in re.findall(r"^const (\w+) = ", text, re.MULTILINE)]


if __name__ == "__main__":
    sys.exit(main())
