"""Run every benchmark in ``benchmarks/`` and write what they found to docs/benchmarks.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("numpy", "numba", "geopandas", "shapely", "libpysal", "esda", "pyarrow")


def run_one(script: Path) -> dict[str, Any]:
    """Run one benchmark and read the object on its last line."""
    command = [sys.executable, str(script), "--json", *sys.argv[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    print(done.stdout)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def cells(values: dict[str, Any]) -> str:
    """Write figures by name in one cell, nested ones in brackets."""
    written = []
    for name, value in values.items():
        nested = isinstance(value, dict)
        written.append(f"{name} ({cells(value)})" if nested else f"{name} {value:,.3g}")
    return ", ".join(written)


def main() -> None:
    """Write the table."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`: ours and the peers in the same run (A B A B, medians). Ratios",
        "are the peer's time over ours; absolute times move with the machine.",
        f"Options: {' '.join(sys.argv[1:]) or 'none'}.",
        "",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; "
        + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
        + ".",
        "",
        "| benchmark | rows | ours, s | peers, s | ratios | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for script in sorted((ROOT / "benchmarks").glob("*.py")):
        found = run_one(script)
        seconds = found["seconds"]
        ours = cells(seconds) if isinstance(seconds, dict) else f"{seconds:,.3g}"
        lines.append(
            f"| {found['name']} | {found['rows']:,} | {ours} | {cells(found['peers'])} "
            f"| {cells(found['ratios'])} | {found['peak_mb']:,.0f} |"
        )
    path = ROOT / "docs" / "benchmarks.md"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
