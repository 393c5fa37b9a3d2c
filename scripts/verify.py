"""Measure again what the statistics promise, and write it to docs/trust.md.

``python scripts/verify.py [--only NAME ...] [--quick] [--out FILE]``: without names, all checks;
``--quick`` takes smaller sizes, which every section states. A section is
written as soon as its check is done, with its duration; all of them take about half an hour on two
idle cores. A check that is not run keeps its section of the earlier report, with the day of that
run. The exit code is 1 when a check of this run fails.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "trust.md"
LIBRARIES = ("numpy", "scipy", "numba", "libpysal", "esda")
HEAD = """# What was measured, and what it said

Written by `make verify` (`python scripts/verify.py`); nothing here is written by hand. Each section
says what was run, on what, what is allowed, and whether it held. The method is described in
[methods/exact-local-inference.md](methods/exact-local-inference.md); small sizes of the same checks
run with the tests (`tests/verify`, `tests/space`).
"""


def earlier_sections(path: Path) -> dict[str, str]:
    """Read the sections of the last report.

    Parameters
    ----------
    path : Path
        The report; it may not exist.

    Returns
    -------
    dict of str
        Text of each section by name.
    """
    if not path.exists():
        return {}
    parts = re.split(r"^<!-- check: ([\w-]+) -->\n", path.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def machine() -> str:
    """Describe where this ran, without its name."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    python = f"Python {platform.python_version()}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {python}; {versions}"


def run_check(name: str, *, quick: bool = False) -> tuple[str, bool]:
    """Run one check and write its section.

    Parameters
    ----------
    name : str
        Of the check.
    quick : bool
        Whether to take smaller sizes.

    Returns
    -------
    text, passed : str, bool
        The section, and whether all of it held.
    """
    from tests.verify.sections import CHECKS, QUICK

    title, check = CHECKS[name]
    print(f"{name}: {title}", flush=True)
    begin, used = time.monotonic(), time.process_time()
    section = check(
        lambda line: print(f"  {time.monotonic() - begin:6.0f} s  {line}", flush=True),
        **(QUICK.get(name, {}) if quick else {}),
    )
    verdict = "holds" if section.passed else "FAILS"
    facts = (
        f"**{verdict}** · {dt.date.today().isoformat()} · "
        f"`python scripts/verify.py --only {name}{' --quick' if quick else ''}` · "
        f"{time.monotonic() - begin:.0f} s, {time.process_time() - used:.0f} s of processor time · "
        f"{machine()}"
    )
    print(f"{name}: {verdict}, {time.monotonic() - begin:.0f} s", flush=True)
    return "\n".join([f"## {title}", "", facts, "", *section.lines]), section.passed


def main() -> int:
    """Run the checks that are asked for."""
    sys.path.insert(0, str(ROOT))
    from tests.verify.sections import CHECKS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), default=list(CHECKS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=REPORT)
    asked = parser.parse_args()
    sections, failed, begin = earlier_sections(asked.out), [], time.monotonic()
    for name in asked.only:
        sections[name], passed = run_check(name, quick=asked.quick)
        failed += [] if passed else [name]
        known = [
            f"<!-- check: {each} -->\n{sections[each]}\n" for each in CHECKS if each in sections
        ]
        asked.out.write_text("\n".join([HEAD, *known]), encoding="utf-8")
    held, minutes = len(asked.only) - len(failed), (time.monotonic() - begin) / 60
    print(f"{held} of {len(asked.only)} checks hold, {minutes:.0f} minutes; report: {asked.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
