"""Sections of a sheet: municipalities by chain, and how each stands among the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geo_engine.outputs.report.basis import Basis
from geo_engine.outputs.report.content import Block, Cell, Column, Paragraph, Section, Table
from geo_engine.outputs.report.numbers import level_figures, rank_intervals
from geo_engine.outputs.report.speech import MARKS

ROWS, CHAINS, DETAILS = 20, 6, 12
"""Most municipalities and chains of the matrix, and rows of the comparisons."""
LEAST_KNOWN = 5
CELL = (
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "known",
    "share_status",
    "firms",
    "location_quotient",
)
BENCHMARKS = ("province", "region", "country", "similar")
SIDES = {1: "high", -1: "low", 0: ""}
DATA = (
    "firms",
    "known",
    "digital",
    "share",
    "share_low",
    "share_high",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "location_quotient",
    "location_quotient_low",
    "location_quotient_high",
    "share_status",
)


def municipalities_section(basis: Basis) -> Section:
    """Write the table of municipalities and chains.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    wide = basis.territory.kind in ("country", "region")
    chains = _chains(basis)
    blocks: list[Block] = [territories_matrix(basis, chains)] if wide else _matrix(basis, chains)
    if basis.surveyed:
        blocks += _detail(basis)
    key = "territories" if wide else "municipalities"
    return Section(key=key, title=basis.speech.say(f"sections.{key}"), blocks=tuple(blocks))


def _chains(basis: Basis) -> list[str]:
    """Choose the chains of the matrix: those with most firms here."""
    firms = basis.last["firms"].fillna(0)
    chosen = set(firms.sort_values(ascending=False, kind="stable").index[:CHAINS])
    return [str(chain) for chain in firms.index if chain in chosen]


def _places(basis: Basis, chains: Sequence[str]) -> list[str]:
    """Choose the municipalities of the matrix, those with most firms, by name."""
    members = list(basis.territory.members)
    firms = basis.run.panel["firms"].sel(place=members, chain=list(chains), year=basis.year)
    total = firms.sum("chain").to_series()
    chosen = total.sort_values(ascending=False, kind="stable").index[:ROWS]
    names = basis.run.places["name"]
    return sorted(chosen, key=lambda code: (str(names[code]).casefold(), code))


def _matrix(basis: Basis, chains: Sequence[str]) -> list[Block]:
    """Write municipalities by chain, and below them the territory and its comparators."""
    speech, chosen = basis.speech, _places(basis, chains)
    columns = [Column(label=speech.say("columns.place"), numeric=False, width=1.7)]
    columns += [Column(label=speech.chain(chain)) for chain in chains]
    names = basis.run.places["name"]
    own = [
        (Cell(text=str(names[code])), *(_place_cell(basis, code, chain) for chain in chains))
        for code in chosen
    ]
    whole = speech.say("municipalities.total")
    last = [_level_row(basis, whole, basis.figures, chains)] if len(own) > 1 else []
    last += [
        _level_row(basis, each.name, each.figures, chains)
        for each in basis.comparators
        if each.key != "similar" or basis.surveyed
    ]
    key = "matrix" if basis.surveyed else "matrix_no_signal"
    table = Table(
        key="municipalities",
        caption=speech.say(f"municipalities.{key}", year=basis.year),
        columns=tuple(columns),
        rows=(*own, *last),
        data=municipalities_data(basis),
        note=speech.say("municipalities.matrix_note") if basis.surveyed else "",
        strong_rows=frozenset(range(len(own), len(own) + len(last))),
    )
    return [Paragraph(text=_intro(basis, chains, chosen)), table]


def _intro(basis: Basis, chains: Sequence[str], chosen: Sequence[str]) -> str:
    """Say what the matrix holds, and what of it is in the file only."""
    speech = basis.speech
    key = "intro_all" if basis.surveyed else "intro_no_signal"
    said = speech.say(f"municipalities.{key}")
    total = len(basis.run.facts.chains)
    if len(chosen) == len(basis.territory.members) and len(chains) == total:
        return said
    some = {
        "chains": speech.say("units.chains", n=len(chains), all=total),
        "places": speech.say(
            "units.places", n=len(chosen), all=speech.number(len(basis.territory.members))
        ),
    }
    return f"{said} {speech.say('municipalities.intro_some', **some)}"


def _place_cell(basis: Basis, code: str, chain: str) -> Cell:
    """Write the corrected share of a municipality."""
    names = CELL if basis.surveyed else CELL[-2:]
    at = basis.cell(code, chain)
    panel = basis.run.panel
    found = {name: panel[name].to_numpy()[at] for name in names}
    if not basis.surveyed:
        return _count_cell(basis, float(found["firms"]), float(found["location_quotient"]))
    ends = float(found["share_eb_low"]), float(found["share_eb_high"])
    share, known = float(found["share_eb"]), float(found["known"])
    return basis.speech.share_cell(share, ends, known, str(found["share_status"]))


def _count_cell(basis: Basis, firms: float, quotient: float) -> Cell:
    """Write a number of firms and its quotient."""
    speech = basis.speech
    small = speech.number(quotient, 2) if math.isfinite(quotient) else ""
    return Cell(text=speech.count(firms), small=small)


def _level_row(
    basis: Basis, name: str, figures: pd.DataFrame, chains: Sequence[str]
) -> tuple[Cell, ...]:
    """Write the observed shares of a territory."""
    cells = [Cell(text=name)]
    for chain in chains:
        row = figures.loc[(chain, basis.year)]
        if basis.surveyed:
            ends = float(row["share_low"]), float(row["share_high"])
            known, status = float(row["known"]), str(row["share_status"])
            cells.append(basis.speech.share_cell(float(row["share"]), ends, known, status))
        else:
            quotient = float(row["location_quotient"])
            cells.append(_count_cell(basis, float(row["firms"]), quotient))
    return tuple(cells)


def territories_matrix(basis: Basis, chains: Sequence[str]) -> Table:
    """Write the provinces of a region, or the regions of a country, by chain.

    Parameters
    ----------
    basis : Basis
        Of a region or a country.
    chains : sequence of str
        Its columns.

    Returns
    -------
    Table
    """
    speech = basis.speech
    country = basis.territory.kind == "country"
    geography, code, name = (
        ("region", "cod_reg", "region") if country else ("province", "cod_prov", "province")
    )
    places = basis.run.places.reindex(list(basis.territory.members))
    named = places.groupby(code)[name].first()
    parts = {str(key): level_figures(basis.run, geography, str(key)) for key in named.index}
    rows = [_level_row(basis, str(named[key]), part, chains) for key, part in parts.items()]
    rows.append(_level_row(basis, basis.territory.name, basis.figures, chains))
    rows += [
        _level_row(basis, each.name, each.figures, chains)
        for each in basis.comparators
        if each.key == "country"
    ]
    label = speech.say(f"columns.{geography}")
    columns = [Column(label=label, numeric=False, width=1.7)]
    columns += [Column(label=speech.chain(chain)) for chain in chains]
    key = "matrix" if basis.surveyed else "matrix_no_signal"
    data = pd.concat(
        [part.reset_index().assign(code=key, name=named[key]) for key, part in parts.items()]
    )
    return Table(
        key="territories",
        caption=speech.say(f"territories.{key}", year=basis.year),
        columns=tuple(columns),
        rows=tuple(rows),
        data=data,
        note=speech.say("territories.intro") if basis.surveyed else "",
        strong_rows=frozenset(range(len(parts), len(rows))),
    )


def _detail(basis: Basis) -> list[Block]:
    """Write how the municipalities with most firms differ from their terms of comparison."""
    speech = basis.speech
    chosen = _detailed(basis)
    if not chosen:
        return [Paragraph(text=speech.say("municipalities.none"), role="note")]
    shown = tuple(key for key in BENCHMARKS if key in set(basis.run.benchmarks["benchmark"]))
    columns = [
        Column(label=speech.say("columns.place"), numeric=False, width=1.7),
        Column(label=speech.say("columns.chain"), numeric=False, width=1.7),
        Column(label=speech.say("columns.share_eb"), width=1.4),
        Column(label=speech.say("columns.rank"), width=1.1),
        *(Column(label=speech.say(f"columns.{key}"), width=0.9) for key in shown),
    ]
    ranks = {chain: rank_intervals(basis.run, chain, basis.year) for _, chain in chosen}
    differences = _differences(basis)
    rows = tuple(
        _detail_row(basis, code, chain, ranks[chain], differences, shown) for code, chain in chosen
    )
    most = max((len(each) for each in ranks.values()), default=0)
    table = Table(
        key="comparisons",
        caption=speech.say("municipalities.detail", year=basis.year),
        columns=tuple(columns),
        rows=rows,
        data=_detail_data(basis, ranks),
        note=speech.say("municipalities.detail_note", n=speech.number(most)),
    )
    return [table]


def _detailed(basis: Basis) -> list[tuple[str, str]]:
    """Choose the rows: published shares on most firms, chain by chain."""
    members = list(basis.territory.members)
    at = basis.run.panel[["share", "known"]].sel(place=members, year=basis.year)
    known = at["known"].where(np.isfinite(at["share"]))
    flat = known.to_series().dropna()
    flat = flat[flat >= LEAST_KNOWN].sort_values(ascending=False, kind="stable")[:DETAILS]
    order = {chain.key: n for n, chain in enumerate(basis.run.facts.chains)}
    rows = [(order[chain], -value, code, chain) for (code, chain), value in flat.items()]
    return [(code, chain) for _, _, code, chain in sorted(rows)]


Differences = Mapping[tuple[str, str, str], tuple[float, int]]


def _differences(basis: Basis) -> Differences:
    """Give difference and side by municipality, chain and benchmark."""
    table = basis.run.benchmarks
    mine = table[table["pro_com_t"].isin(list(basis.territory.members))]
    return {
        (str(row.pro_com_t), str(row.chain), str(row.benchmark)): (
            float(row.difference),
            int(row.side),
        )
        for row in mine.itertuples()
    }


def _detail_row(
    basis: Basis,
    code: str,
    chain: str,
    ranks: pd.DataFrame,
    differences: Differences,
    shown: Sequence[str],
) -> tuple[Cell, ...]:
    """Write one municipality and chain."""
    speech = basis.speech
    cells = [Cell(text=str(basis.run.places.loc[code, "name"])), Cell(text=speech.chain(chain))]
    cells.append(_place_cell(basis, code, chain))
    rank = ranks.loc[code]
    first, last = speech.number(rank["first"]), speech.number(rank["last"])
    key = "detail_rank_one" if first == last else "detail_rank"
    cells.append(Cell(text=speech.say(f"municipalities.{key}", first=first, last=last)))
    for benchmark in shown:
        value, side = differences.get((code, chain, benchmark), (math.nan, 0))
        if not math.isfinite(value):
            cells.append(Cell(text=speech.say("marks.missing"), tone="muted"))
            continue
        tone = SIDES[side]
        mark = f" {MARKS[tone]}" if tone else ""
        cells.append(Cell(text=f"{speech.points(value)}{mark}", tone=tone))
    return tuple(cells)


def _detail_data(basis: Basis, ranks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Give all comparisons of the territory as numbers, with ranks."""
    table = basis.run.benchmarks
    mine = table[table["pro_com_t"].isin(list(basis.territory.members))].reset_index(drop=True)
    mine.insert(1, "name", mine["pro_com_t"].map(basis.run.places["name"]))
    every = dict(ranks)
    for chain in mine["chain"].unique():
        if chain not in every:
            every[chain] = rank_intervals(basis.run, str(chain), basis.year)
    if every:
        parts = [part.assign(chain=chain) for chain, part in every.items()]
        stacked = pd.concat(parts).rename(
            columns={"first": "rank_first", "last": "rank_last", "all": "rank_of"}
        )
        keys = pd.MultiIndex.from_frame(mine[["pro_com_t", "chain"]].astype(str))
        found = stacked.set_index("chain", append=True).reindex(keys)
        for name in ("rank_first", "rank_last", "rank_of"):
            mine[name] = found[name].to_numpy()
    return mine


def municipalities_data(basis: Basis) -> pd.DataFrame:
    """Give all municipalities, chains and years of the territory as numbers.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    DataFrame
        One row per municipality, chain and year.
    """
    names = [name for name in DATA if name in basis.run.panel]
    cube = basis.run.panel[names].sel(place=list(basis.territory.members))
    table = cube.to_dataframe(dim_order=["place", "chain", "year"]).reset_index()
    table = table.rename(columns={"place": "pro_com_t"})
    table.insert(1, "name", table["pro_com_t"].map(basis.run.places["name"]))
    labels = {chain.key: basis.speech.chain(chain.key) for chain in basis.run.facts.chains}
    table.insert(3, "chain_label", table["chain"].map(labels))
    return table.replace({np.inf: np.nan})
