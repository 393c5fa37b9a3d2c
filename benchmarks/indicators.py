"""Measure how fast indicators are made of placed firms: ours, polars, pandas, in the same run.

``python benchmarks/indicators.py [--quick] [--json]``. Made rows of firms fall on 7,900 places, 15
chains and 10 years as firms do: few places have most. Rounds go A B C A B C, so that a slow minute
of the machine falls on all; medians are printed. The peers count firms, known and digital ones by
place, chain and year, and no more; ours are also timed for every variable of the registry with
zones, composite, similar places, benchmarks and priorities. Peers that are not installed are left
out and named. Rank intervals (100 draws), leave-one-out and sensitivity repeat the index of a year
many times: they are in "all indicators, ranks included", and not in "all indicators".
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.chains.membership import PHASE_NAMES, PHASES
from geo_engine.chains.weights import Memberships
from geo_engine.change.difference import first_last_change
from geo_engine.geographies.coast import coastal_places
from geo_engine.indicators.counting import count_firms
from geo_engine.plan import Plan
from geo_engine.plan_indicators import StudyFiles
from geo_engine.sources.boundaries import read_layer, read_population
from geo_engine.study import parse_study
from geo_engine.territory import describe_territory
from geo_engine.territory_panels import Panels, build_panels

DATE, CHAINS, CODES = dt.date(2025, 1, 1), 15, 600
STUDY = {
    "title": "Misura",
    "data_date": "2024-12-31",
    "unit": "unita_locale",
    "status": "attiva",
    "firms": [{"path": "-", "year": 2024, "columns": {"employees": "e", "istat_code": "c"}}],
    "digital": {"signals": [{"column": "s", "label": "sito"}]},
    "indicator": [
        {
            "key": "web_density",
            "numerator": "1000 * digital",
            "denominator": "population",
            "unit": "per 1.000",
            "label": "siti",
            "polarity": 1,
        }
    ],
    "composite": {
        "indicators": ["share", "firms_per_1000", "location_quotient", "web_density"],
        "polarity": {"firms_per_1000": 1, "location_quotient": 1},
        "draws": 0,
        "leave_one_out": False,
    },
}


def made_firms(rows: int, places: int, years: int, seed: int = 0) -> pd.DataFrame:
    """Invent placed firms: year, place, code, key, signal and persons of each."""
    rng = np.random.default_rng(seed)
    part = rng.pareto(1.1, places) + 0.05
    known = (rng.random(rows) < 0.8).astype(np.int32)
    return pd.DataFrame(
        {
            "place": rng.choice(places, rows, p=part / part.sum()).astype(np.int32),
            "year": rng.integers(years, size=rows).astype(np.int16),
            "code": rng.integers(CODES, size=rows).astype(np.int32),
            "firm": rng.permutation(rows).astype(np.uint64),
            "firms": np.ones(rows, np.int32),
            "known": known,
            "digital": known * (rng.random(rows) < 0.4).astype(np.int32),
            "employees": np.ceil(rng.lognormal(1, 1, rows)).astype(np.float32),
        }
    )


def made_memberships(chains: list[str]) -> Memberships:
    """Give each code one chain, and every seventh a second one."""
    phase = np.zeros((CODES, len(chains)), np.int8)
    for code in range(CODES):
        phase[code, code % len(chains)] = PHASE_NAMES.index(PHASES[code % 4])
        if code % 7 == 0:
            phase[code, (code + 3) % len(chains)] = PHASE_NAMES.index(PHASES[(code + 1) % 4])
    units = (phase > 0).astype(np.int32)
    made = SimpleNamespace(chains=tuple(chains), phase=phase, units=units, members=units > 0)
    return cast(Memberships, made)


def made_plan(chains: list[str]) -> Plan:
    """Give what the stages ask of a plan: places, chains, keys."""
    layer = read_layer(DATE, "shipped")
    places = layer.assign(population=read_population(DATE, 2023, "shipped"), covered=True)
    study = parse_study(STUDY)
    plan = SimpleNamespace(
        study=study,
        places=places,
        chains=dict.fromkeys(chains),
        index=None,
        coastal=coastal_places(places),
        rule=SimpleNamespace(is_whole=True),
        files=StudyFiles(),
        reference=pd.DataFrame(columns=["level", "area", "chain", "year"]),
    )
    return cast(Plan, plan)


def counters(
    firms: pd.DataFrame, members: np.ndarray, shape: tuple[int, int]
) -> dict[str, Callable[[], float]]:
    """Give each peer's call; every one returns the firms of all cells together."""
    code, chain = np.nonzero(members)
    links = pd.DataFrame({"code": code.astype(np.int32), "chain": chain.astype(np.int16)})
    keys, amounts = ["place", "chain", "year"], ["firms", "known", "digital"]

    def ours() -> float:
        areas = np.arange(shape[0])
        counts = count_firms(firms, members, areas=areas, shape=shape, distinct=False)
        return float(counts.firms[:, :-1].sum())

    def with_pandas() -> float:
        by_code = firms.groupby(["place", "year", "code"], sort=False)[amounts].sum()
        joined = by_code.reset_index().merge(links, on="code")
        return float(joined.groupby(keys, sort=False)[amounts].sum()["firms"].sum())

    calls: dict[str, Callable[[], float]] = {"ours": ours, "pandas": with_pandas}
    if importlib.util.find_spec("polars") is not None:
        import polars as pl

        table = pl.from_pandas(firms[["place", "year", "code", *amounts]])
        linked = pl.from_pandas(links)

        def with_polars() -> float:
            by_code = table.group_by("place", "year", "code").agg(pl.col(amounts).sum())
            joined = by_code.join(linked, on="code").group_by(keys)
            return float(joined.agg(pl.col(amounts).sum())["firms"].sum())

        calls["polars"] = with_polars
    return calls


def seconds_of_ranks(plan: Plan, panels: Panels, change: xr.Dataset) -> float:
    """Time what rank intervals, leave-one-out and sensitivity add to the index, in full."""
    keys = plan.study.composite
    assert keys is not None
    with_ranks = keys.model_copy(update={"draws": 100, "leave_one_out": True})
    spent = []
    for wanted in (with_ranks, keys, with_ranks):  # the first compiles
        study = plan.study.model_copy(update={"composite": wanted})
        start = time.perf_counter()
        describe_territory(
            cast(Plan, SimpleNamespace(**vars(plan) | {"study": study})), panels, change
        )
        spent.append(time.perf_counter() - start)
    return spent[2] - spent[1]


def measure(rows: int, years: int, rounds: int) -> dict[str, Any]:
    """Time counting by all peers in turn, then every indicator by ours."""
    chains = [f"chain_{i:02d}" for i in range(CHAINS)]
    plan = made_plan(chains)
    firms, memberships = made_firms(rows, len(plan.places), years), made_memberships(chains)
    members = memberships.members
    calls = counters(firms, members, (len(plan.places), years))
    calls["ours"]()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    busy_by: dict[str, list[float]] = {name: [] for name in calls}
    found: dict[str, float] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            start, busy = time.perf_counter(), time.process_time()
            found[name] = call()
            seconds[name].append(time.perf_counter() - start)
            busy_by[name].append(time.process_time() - busy)
    if len(set(found.values())) > 1:
        raise SystemExit(f"The peers do not agree: {found}")
    counting = {name: statistics.median(each) for name, each in seconds.items()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent: list[float] = []
    worked: list[float] = []
    calendar = tuple(range(2025 - years, 2025))
    build_panels(plan, firms.head(1000), memberships, calendar)  # compiles
    for _ in range(max(1, rounds // 2)):
        start, busy = time.perf_counter(), time.process_time()
        panels = build_panels(plan, firms, memberships, calendar)
        middle = time.perf_counter()
        change = first_last_change(panels.levels["place"])
        changed = time.perf_counter()
        territory, _ = describe_territory(plan, panels, change)
        spent.append(time.perf_counter() - start - (changed - middle))
        worked.append(time.process_time() - busy)
    ranks = seconds_of_ranks(plan, panels, change)
    peers = {name: round(each, 3) for name, each in counting.items() if name != "ours"}
    return {
        "name": "indicators",
        "rows": rows,
        "seconds": {
            "counting": round(counting["ours"], 3),
            "all indicators": round(statistics.median(spent), 2),
            "all indicators, ranks included": round(statistics.median(spent) + ranks, 2),
        },
        "peers": peers,
        "ratios": {name: round(each / counting["ours"], 2) for name, each in peers.items()},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "rounds": rounds,
        "cells": int(panels.levels["place"]["firms"].size),
        "variables": len(territory.panel.data_vars),
        "processor_seconds": {
            **{name: round(statistics.median(each), 3) for name, each in busy_by.items()},
            "all indicators": round(statistics.median(worked), 2),
        },
        "peak_mb_counting": round(before),
        "absent": [name for name in ("polars",) if name not in calls],
    }


def main() -> None:
    """Print what was measured; with ``--json`` the last line is the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600,000 rows, 3 years, 3 rounds")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = measure(600_000, 3, 3) if asked.quick else measure(6_000_000, 10, 5)
    for name, value in figures.items():
        sys.stdout.write(f"{name}: {value}\n")
    if asked.json:
        sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
