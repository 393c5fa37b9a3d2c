"""Measure reading, placing and counting of a whole register, as dirty as it comes.

``python benchmarks/intake.py [--quick] [--json] [--rows N]``. Writes a CSV of simulated firms
(about 180 bytes a row, one row in twenty damaged, years of one firm on rows of their own), then
takes it in with a study and counts its chains, in a process of its own whose memory is measured.
Rows in must be placed + quarantined, duplicates included; the run fails otherwise. The peer is
DuckDB, which reads the same file as text, joins it to the municipalities by code or name, and
groups it: no coordinates, no quarantine, no account.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

CHUNK = 250_000
YEARS = (2020, 2021, 2022, 2023, 2024)
DIRT = 0.05
HEADER = ";".join(
    [
        "codice_fiscale",
        "denominazione",
        "indirizzo",
        "comune",
        "prov",
        "cap",
        "cod_istat",
        "lon",
        "lat",
        "ateco",
        "anno",
        "addetti",
        "sito",
    ]
)
STUDY = """
title = "Registro simulato"
data_date = 2024-12-31
unit = "unita_locale"
status = "attiva"
simulated = true
audience = "internal"

[[firms]]
path = "firms.csv"
ateco_version = "2007"

[firms.columns]
tax_code = "codice_fiscale"
name = "denominazione"
municipality = "comune"
province = "prov"
postal_code = "cap"
istat_code = "cod_istat"
lon = "lon"
lat = "lat"
ateco = "ateco"
year = "anno"
employees = "addetti"

[digital]
signals = [{ column = "sito", label = "imprese con sito web", rule = "website" }]
"""


def tax_codes(numbers: np.ndarray) -> np.ndarray:
    """Give each number of ten digits its check digit, as an Italian VAT number has it."""
    digits = (numbers[:, None] // 10 ** np.arange(9, -1, -1)) % 10
    doubled = digits[:, 1::2] * 2
    total = digits[:, 0::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    return numbers * 10 + (10 - total % 10) % 10


def draw_rows(rows: int) -> Iterator[pd.DataFrame]:
    """Draw simulated rows, chunk by chunk: clean ones, then the damage of one in twenty."""
    from geo_engine.chains.classification import titles
    from geo_engine.sources.boundaries import read_layer, read_population

    layer = read_layer(dt.date(2025, 1, 1))
    weight = read_population(dt.date(2025, 1, 1)).to_numpy()
    centers = layer.geometry.representative_point()
    lon, lat = centers.x.to_numpy(), centers.y.to_numpy()
    codes = sorted(code for code in titles("2007") if len(code) == len("62.01.00"))
    for start in range(0, rows, CHUNK):
        rng = np.random.default_rng(20250101 + start)
        size = min(CHUNK, rows - start)
        row = np.arange(start, start + size)
        firm = row // len(YEARS)
        home = np.random.default_rng(7).permutation(len(layer))
        spread = (firm * 0.6180339887) % 1.0
        place = home[np.searchsorted(np.cumsum(weight[home]) / weight.sum(), spread)]
        near = rng.normal(scale=0.002, size=(size, 2))
        number = tax_codes((firm.astype(np.int64) + 10_000) * 1000 + 16)  # a known office
        yield damaged(
            pd.DataFrame(
                {
                    "codice_fiscale": [f"{n:011d}" for n in number],
                    "denominazione": [
                        f"SOCIETA SIMULATA NUMERO {n} DI ROSSI E BIANCHI SRL" for n in firm
                    ],
                    "indirizzo": [
                        f"VIA GIUSEPPE GARIBALDI DA NIZZA {n % 400}, INTERNO {n % 17}" for n in firm
                    ],
                    "comune": layer["name"].to_numpy(object)[place],
                    "prov": layer["sigla"].to_numpy(object)[place],
                    "cap": "",
                    "cod_istat": layer.index.to_numpy(object)[place],
                    "lon": [f"{x:.6f}" for x in lon[place] + near[:, 0]],
                    "lat": [f"{y:.6f}" for y in lat[place] + near[:, 1]],
                    "ateco": np.array(codes, object)[firm % len(codes)],
                    "anno": np.array(YEARS)[row % len(YEARS)].astype(str),
                    "addetti": rng.integers(0, 60, size).astype(str),
                    "sito": np.where(firm % 3 == 0, "www.impresa-simulata.it", "assente"),
                }
            ),
            rng,
        )


def damaged(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Leave one in three without coordinates, one in six without code too, and damage some."""
    table = {name: column.to_numpy(object, copy=True) for name, column in rows.items()}
    luck = rng.random(len(rows))
    for name in ("lon", "lat"):
        table[name][luck < 1 / 3] = ""
    table["cod_istat"][luck < 1 / 6] = ""
    hit = np.flatnonzero(rng.random(len(rows)) < DIRT)
    kind = rng.integers(0, 9, len(hit))
    for number, (column, write) in enumerate(
        (
            ("cod_istat", lambda text: text.lstrip("0")),
            ("ateco", lambda _: "1.00E+05"),
            ("codice_fiscale", lambda text: text.lstrip("0")),
            ("codice_fiscale", lambda text: text[:-1] + str((int(text[-1]) + 1) % 10)),
            ("comune", lambda text: text.upper().replace("à", "a'") + " "),
            ("prov", lambda _: ""),
            ("addetti", lambda _: "-5"),
            ("anno", lambda _: "20O4"),
        )
    ):
        at = hit[kind == number]
        table[column][at] = [write(text) for text in table[column][at]]
    swapped = hit[kind == 8]
    east = table["lon"][swapped].copy()
    table["lon"][swapped], table["lat"][swapped] = table["lat"][swapped], east
    again = np.flatnonzero(rng.random(len(rows)) < 0.002)
    kept = len(rows) - len(again)
    order = np.sort(np.concatenate([np.arange(kept), again[again < kept]]))
    return pd.DataFrame({name: column[order] for name, column in table.items()})


def write_csv(path: Path, rows: int) -> int:
    """Write the register; give how many records it has."""
    from pyarrow import csv

    written = 0
    options = csv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
    with path.open("wb") as file:
        file.write(f"{HEADER}\n".encode())
        for chunk in draw_rows(rows):
            csv.write_csv(pa.Table.from_pandas(chunk, preserve_index=False), file, options)
            written += len(chunk)
            for _ in range(len(chunk) // 5000):  # records of the wrong width
                file.write(b"RIGA SPEZZATA;senza gli altri campi\n")
                written += 1
    return written


def take(folder: Path) -> dict[str, Any]:
    """Take the register in and count it, in this process; give figures."""
    from geo_engine.chains.membership import membership
    from geo_engine.indicators.counting import count_firms
    from geo_engine.intake import take_in
    from geo_engine.plan import resolve
    from geo_engine.study import read_study

    study = read_study(folder / "study.toml")
    begin = time.perf_counter()
    plan = resolve(study, folder)
    planned = time.perf_counter()
    intake = take_in(plan, folder, report=lambda _: None, keep=lambda _: None)
    taken = time.perf_counter()
    ateco = intake.ateco
    phases = membership(ateco["code"].tolist(), ateco["edition"].tolist(), plan.chains)
    firms = intake.firms.assign(year=np.searchsorted(YEARS, intake.firms["year"]).astype(np.int16))
    counts = count_firms(
        firms,
        (phases != "").to_numpy(),
        areas=np.arange(len(plan.places)),
        shape=(len(plan.places), len(YEARS)),
        distinct=False,
    )
    account = intake.account
    return {
        "seconds": {
            "plan": round(planned - begin, 2),
            "intake": round(taken - planned, 2),
            "count": round(time.perf_counter() - taken, 2),
        },
        "rows": account.rows,
        "placed": account.placed,
        "quarantined": account.quarantined,
        "reasons": account.reasons,
        "in_chains": float(counts.firms.sum()),
        "peak_mb": round(_peak_mb()),
    }


def by_duckdb(folder: Path) -> float:
    """Read, join by code or name, and group with DuckDB; give seconds."""
    import duckdb

    from geo_engine.sources.boundaries import read_layer

    layer = read_layer(dt.date(2025, 1, 1))
    towns = pd.DataFrame(  # noqa: F841 - DuckDB finds it by name
        {
            "code": layer.index.to_numpy(object),
            "town": layer["name"].str.upper().to_numpy(object),
            "sigla": layer["sigla"].to_numpy(object),
        }
    )
    begin = time.perf_counter()
    duckdb.sql(
        f"""
        WITH rows AS (SELECT * FROM read_csv('{folder / "firms.csv"}', delim=';', all_varchar=true,
            header=true, ignore_errors=true, quote=''))
        SELECT coalesce(a.code, b.code) AS place, substr(ateco, 1, 2) AS division, anno,
            count(*) AS n
        FROM rows LEFT JOIN towns a ON a.code = lpad(rows.cod_istat, 6, '0')
        LEFT JOIN towns b ON b.town = upper(trim(rows.comune)) AND b.sigla = rows.prov
        GROUP BY ALL
        """
    ).fetchall()
    return time.perf_counter() - begin


def _peak_mb() -> float:
    """Give the largest memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def measure(rows: int, folder: Path) -> dict[str, Any]:
    """Write the register, take it in twice in processes of their own, and run the peer."""
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    begin = time.perf_counter()
    written = write_csv(folder / "firms.csv", rows)
    size = (folder / "firms.csv").stat().st_size
    print(f"{written:,} rows, {size / 1e6:,.0f} MB written in {time.perf_counter() - begin:.0f} s")
    runs, peers = [], []
    for _ in range(2):
        command = [sys.executable, __file__, "--take", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
        peers.append(by_duckdb(folder))
    for run in runs:
        if run["rows"] != written or run["rows"] != run["placed"] + run["quarantined"]:
            raise SystemExit(f"ROWS LOST: {written:,} written, {run}")
    best = runs[-1]
    work = best["seconds"]["intake"] + best["seconds"]["count"]
    peer = float(np.median(peers))
    return {
        "name": "intake",
        "rows": written,
        "seconds": best["seconds"],
        "peers": {"duckdb (read, join by code or name, group)": round(peer, 2)},
        "ratios": {"duckdb": round(peer / work, 2)},
        "peak_mb": best["peak_mb"],
        "rows_per_second": round(written / work),
        "csv_mb": round(size / 1e6),
        "placed": best["placed"],
        "quarantined": best["quarantined"],
        "reasons": best["reasons"],
    }


def main() -> None:
    """Read the options and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, under 50 s")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.take:
        print(json.dumps(take(options.take)))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(300_000 if options.quick else options.rows, Path(folder))
    print(
        f"{figures['rows']:,} rows in = {figures['placed']:,} placed + {figures['quarantined']:,} "
        f"quarantined; {figures['seconds']} s, {figures['rows_per_second']:,} rows/s, "
        f"peak {figures['peak_mb']:,} MB; DuckDB {figures['peers']}"
    )
    print(f"quarantined: {figures['reasons']}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
