"""Run the benchmarks in ``benchmarks/`` and write what they found to docs/benchmarks.md.

``python scripts/run_benchmarks.py [NAME ...] [--quick]``: without names, all of them. A benchmark
that is not run keeps its row of the earlier table, with the options and the day of that run.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "benchmarks.md"
LIBRARIES = (
    "numpy",
    "numba",
    "geopandas",
    "shapely",
    "libpysal",
    "esda",
    "pyarrow",
    "sedonadb",
    "polars-st",
    "duckdb",
    "pygeoda",
    "rapidfuzz",
)
COLUMNS = ("benchmark", "rows", "ours, s", "peers, s", "ratios", "peak MB", "further", "run")
KNOWN = ("name", "rows", "seconds", "peers", "ratios", "peak_mb")


def run_one(script: Path, options: list[str]) -> dict[str, Any]:
    """Run one benchmark and read the object on its last line."""
    command = [sys.executable, str(script), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    print(done.stdout)
    if done.returncode:
        raise SystemExit(f"{script.name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def cells(value: object) -> str:
    """Write figures by name in one cell, nested ones in brackets."""
    if isinstance(value, dict):
        return ", ".join(
            f"{name} ({cells(each)})" if isinstance(each, dict) else f"{name} {cells(each)}"
            for name, each in value.items()
        )
    if isinstance(value, list):
        return ", ".join(cells(each) for each in value)
    return (
        f"{value:,.3g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def row_of(found: dict[str, Any], options: list[str]) -> str:
    """Write the row of one benchmark."""
    further = {name: value for name, value in found.items() if name not in KNOWN}
    when = f"{dt.date.today().isoformat()} {' '.join(options) or 'full size'}"
    cols = [
        found["name"],
        f"{found['rows']:,}",
        *(cells(found[name]) for name in ("seconds", "peers", "ratios")),
        f"{found['peak_mb']:,.0f}",
        cells(further),
        when,
    ]
    return f"| {' | '.join(str(each).replace('|', '/') for each in cols)} |"


def earlier_rows() -> dict[str, str]:
    """Read the rows of the table as it is."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.is_file() else []
    rows = [
        line for line in lines if line.startswith("| ") and line.count(" | ") == len(COLUMNS) - 1
    ]
    return {line.split(" | ")[0][2:]: line for line in rows if not line.startswith("| benchmark")}


def main() -> None:
    """Run, and write the table."""
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    scripts = sorted((ROOT / "benchmarks").glob("*.py"))
    unknown = set(names) - {script.stem for script in scripts}
    if unknown:
        raise SystemExit(f"No benchmark {', '.join(sorted(unknown))} in benchmarks/.")
    rows = earlier_rows()
    for script in scripts:
        if not names or script.stem in names:
            found = run_one(script, options)
            rows[found["name"]] = row_of(found, options)
            write(rows)
    print(f"wrote {TABLE.relative_to(ROOT)}")


def write(rows: dict[str, str]) -> None:
    """Write the table with what is known so far."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`: ours and the peers in the same run (A B A B, medians). Ratios",
        "are the peer's time over ours; absolute times move with the machine.",
        "",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; {versions}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(rows[name] for name in sorted(rows)),
        "",
    ]
    TABLE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
