"""The report of a chain: its territories, hotspots, years, and what goes with digitalization."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import pandas as pd

from geo_engine.outputs.report.areas import CARDS, card, expected, hotspots_table
from geo_engine.outputs.report.basis import LEAST, Basis
from geo_engine.outputs.report.charts import Line, Small, draw_trend
from geo_engine.outputs.report.content import (
    Block,
    Bullets,
    Cell,
    Column,
    Figure,
    Paragraph,
    Section,
    Table,
)
from geo_engine.outputs.report.drawing import WIDTH_CM
from geo_engine.outputs.report.numbers import level_figures
from geo_engine.outputs.report.territory_maps import cluster_map
from geo_engine.outputs.report.trend import breaks_of
from geo_engine.words import word

PROVINCES = 20
"""Provinces of the table."""
REGIONS = 8
"""Regions of the small charts, those with most firms."""


@dataclass(frozen=True, kw_only=True)
class ChainBasis:
    """A chain, and the whole territory that it is looked at in."""

    chain: str
    basis: Basis

    @property
    def row(self) -> pd.Series:
        """Give the figures of the latest year."""
        return self.basis.last.loc[self.chain]


def territories_section(subject: ChainBasis) -> Section:
    """Write the chain in the regions and in the provinces that it weighs most in.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    Section
    """
    basis, speech = subject.basis, subject.basis.speech
    regions = _levels(subject, "region").sort_values("firms", ascending=False, kind="stable")
    provinces = _levels(subject, "province")
    enough = provinces[provinces["firms"] >= LEAST].sort_values(
        "location_quotient", ascending=False, kind="stable"
    )
    note = speech.say("chain.provinces_note", least=LEAST)
    some = enough.head(PROVINCES)
    blocks: list[Block] = [
        _levels_table(basis, key, shown, data, said)
        for key, shown, data, said in (
            ("regions", regions, regions, ""),
            ("provinces", some, provinces, note),
        )
        if len(shown)
    ]
    if not blocks:
        blocks.append(Paragraph(text=speech.say("chain.territories_none"), role="note"))
    title = speech.say("sections.territories")
    return Section(key="territories", title=title, blocks=tuple(blocks))


def _levels(subject: ChainBasis, geography: str) -> pd.DataFrame:
    """Give the figures of all territories of a geography in the latest year."""
    levels = subject.basis.run.levels
    rows = levels[
        (levels["geography"] == geography)
        & (levels["chain"] == subject.chain)
        & (levels["year"] == subject.basis.year)
        & levels["firms"].notna()
    ]
    return rows.astype({"code": str, "name": str, "share_status": str}).reset_index(drop=True)


def _levels_table(
    basis: Basis, key: str, shown: pd.DataFrame, data: pd.DataFrame, note: str
) -> Table:
    """Write firms, quotient and share of each territory."""
    speech = basis.speech
    rows = []
    for row in shown.to_dict("records"):
        ends = float(row["location_quotient_low"]), float(row["location_quotient_high"])
        cells = [
            Cell(text=str(row["name"])),
            Cell(text=speech.count(float(row["firms"]))),
            speech.ratio_cell(float(row["location_quotient"]), ends),
        ]
        if basis.surveyed:
            share = float(row["share_low"]), float(row["share_high"])
            known = float(row["known"]) if math.isfinite(row["known"]) else 0.0
            cells.append(
                speech.share_cell(float(row["share"]), share, known, str(row["share_status"]))
            )
        rows.append(tuple(cells))
    heads = ["region" if key == "regions" else "province", "firms", "quotient"]
    heads += ["share"] if basis.surveyed else []
    columns = tuple(
        Column(label=speech.say(f"columns.{head}"), numeric=at > 0, width=1.0 if at else 2.0)
        for at, head in enumerate(heads)
    )
    caption = speech.say(f"chain.{key}", year=basis.year, n=len(shown))
    return Table(key=key, caption=caption, columns=columns, rows=tuple(rows), data=data, note=note)


def hotspots_of(subject: ChainBasis) -> pd.DataFrame:
    """Give the hotspots of the chain in the latest year.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    DataFrame
        As ``Basis.hotspots``.
    """
    found = subject.basis.hotspots
    return found[found["chain"] == subject.chain].reset_index(drop=True)


def areas_section(subject: ChainBasis) -> Section:
    """Write the hotspots of the chain.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    Section
    """
    basis, speech = subject.basis, subject.basis.speech
    title = speech.say("sections.areas")
    if not basis.surveyed:
        text = word(speech.language, "sentences", "not_surveyed")
        return Section(key="areas", title=title, blocks=(Paragraph(text=text),))
    found = hotspots_of(subject)
    blocks: list[Block] = [
        cluster_map(basis, subject.chain),
        Paragraph(text=expected(basis, subject.chain), role="note"),
    ]
    if len(found):
        only = dataclasses.replace(basis)
        only.__dict__["hotspots"] = found
        blocks += [*(card(basis, row) for row in found.head(CARDS).to_dict("records"))]
        blocks.append(hotspots_table(only))
    else:
        text = speech.say("chain.areas_none", year=basis.year)
        blocks.insert(0, Paragraph(text=text, role="lead"))
    return Section(key="areas", title=title, blocks=tuple(blocks))


def trend_section(subject: ChainBasis) -> Section:
    """Draw the chain over the years, in the whole and in its larger regions.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    Section
    """
    basis, speech = subject.basis, subject.basis.speech
    title, years = speech.say("sections.trend"), sorted(basis.run.facts.years)
    if len(years) < 2:
        text = speech.say("trend.one_year")
        return Section(key="trend", title=title, blocks=(Paragraph(text=text),))
    measure = "share" if basis.surveyed else "firms"
    breaks = tuple(
        (int(str(each["before"])), int(str(each["year"])))
        for each in breaks_of(basis, [subject.chain])
    )
    regions = _levels(subject, "region").sort_values("firms", ascending=False, kind="stable")
    whole = basis.figures.loc[subject.chain]
    charts = [_small(basis, basis.speech.coverage, whole, measure, breaks, None)]
    for row in regions.head(REGIONS).to_dict("records"):
        own = level_figures(basis.run, "region", str(row["code"])).loc[subject.chain]
        beside = whole if basis.surveyed else None
        charts.append(_small(basis, str(row["name"]), own, measure, breaks, beside))
    png, svg = draw_trend(charts, years, speech, share=basis.surveyed)
    figure = Figure(
        key="trend",
        caption=speech.say("chain.trend"),
        source=basis.source,
        alt=speech.say("trend.alt", list="; ".join(each.label for each in charts)),
        png=png,
        svg=svg,
        width_cm=WIDTH_CM,
        height_cm=1.0 + 3.9 * math.ceil(len(charts) / 3),
    )
    blocks: list[Block] = [figure]
    noted = breaks_of(basis, [subject.chain])
    if noted:
        notes = [
            str(each.get("note_en" if speech.language == "en" else "note") or "") for each in noted
        ]
        blocks += [Paragraph(text=speech.say("trend.text_break")), Bullets(items=tuple(notes))]
    return Section(key="trend", title=title, blocks=tuple(blocks))


def _small(
    basis: Basis,
    name: str,
    own: pd.DataFrame,
    measure: str,
    breaks: tuple[tuple[int, int], ...],
    whole: pd.DataFrame | None,
) -> Small:
    """Make the small chart of one territory."""
    ends = [tuple(own[f"share_{end}"].astype(float)) for end in ("low", "high")]
    speech = basis.speech
    lines = [
        Line(
            label=speech.say("columns.territory"),
            values=tuple(own[measure].astype(float)),
            low=ends[0] if basis.surveyed else (),
            high=ends[1] if basis.surveyed else (),
        )
    ]
    if whole is not None:
        lines.append(Line(label=basis.speech.coverage, values=tuple(whole[measure].astype(float))))
    return Small(label=name, lines=tuple(lines), breaks=breaks)


def drivers_section(subject: ChainBasis) -> Section:
    """Write what goes with digitalization in the chain: associations, never causes.

    Parameters
    ----------
    subject : ChainBasis
        The chain.

    Returns
    -------
    Section
    """
    basis, speech = subject.basis, subject.basis.speech
    manifest = basis.run.manifest
    mine = [each for each in manifest.get("drivers", []) if each["chain"] == subject.chain]
    said = tuple(
        str(each[speech.language])
        for each in manifest.get("readings", [])
        if each["chain"] in ("", subject.chain)
    )
    blocks: list[Block] = []
    if mine:
        blocks.append(_drivers_table(basis, mine))
    if said:
        blocks.append(Bullets(items=said))
    if not blocks:
        blocks.append(Paragraph(text=speech.say("chain.drivers_none")))
    return Section(key="drivers", title=speech.say("sections.drivers"), blocks=tuple(blocks))


def _drivers_table(basis: Basis, mine: list[dict[str, object]]) -> Table:
    """Write the associations of the run."""
    speech = basis.speech
    rows = []
    for each in mine:
        effect, error = float(str(each["coefficient"])), float(str(each["standard_error"]))
        low, high = effect - 1.96 * error, effect + 1.96 * error
        rows.append(
            (
                Cell(text=speech.say(f"terms.{each['term']}")),
                speech.points_cell(effect / 100, low / 100, high / 100),
                Cell(text=speech.number(float(str(each["p_value"])), 3)),
                Cell(text=speech.number(float(str(each["places"])))),
            )
        )
    heads = ("term", "points", "p", "places")
    columns = tuple(
        Column(label=speech.say(f"columns.{head}"), numeric=at > 0, width=1.0 if at else 2.0)
        for at, head in enumerate(heads)
    )
    return Table(
        key="drivers",
        caption=speech.say("chain.drivers", year=basis.year),
        columns=columns,
        rows=tuple(rows),
        data=pd.DataFrame(mine),
        note=speech.say("chain.drivers_note"),
    )
