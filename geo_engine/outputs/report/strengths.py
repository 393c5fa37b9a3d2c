"""Sections of a sheet: strengths and weaknesses, each by a fixed rule and with its figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.report.areas import significant
from geo_engine.outputs.report.basis import LEAST, Basis
from geo_engine.outputs.report.content import Block, Cell, Column, Paragraph, Section, Table
from geo_engine.outputs.report.numbers import share_change
from geo_engine.outputs.report.speech import tone_of


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the table."""

    strength: bool
    chain: str
    what: str
    figure: str
    against: str
    rule: str
    """Stable name of the rule."""


def strengths_section(basis: Basis) -> Section:
    """Write the table for a SWOT.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    speech = basis.speech
    where = basis.reference.name if basis.reference is not None else speech.say("columns.country")
    found = sorted(findings(basis), key=lambda each: not each.strength)
    blocks: list[Block] = [Paragraph(text=speech.say("strengths.text"))]
    if found:
        blocks.append(_table(basis, found))
    else:
        blocks.append(Paragraph(text=speech.say("strengths.none"), role="lead"))
    key = "strengths.rule" if basis.surveyed else "strengths.rule_no_signal"
    rule = speech.say(key, least=LEAST, where=where)
    blocks.append(Paragraph(text=rule, role="note"))
    title = speech.say("sections.strengths")
    return Section(key="strengths", title=title, blocks=tuple(blocks))


def findings(basis: Basis) -> list[Finding]:
    """Apply all rules to all chains.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    list of Finding
        In the order of the chains, then of the rules.
    """
    found: list[Finding] = []
    for chain in basis.run.facts.chains:
        for rule in (_specialized, _share, _change, _hotspots, _cold, _growth, _act):
            found += rule(basis, chain.key)
    return found


def _finding(
    basis: Basis, rule: str, chain: str, figure: str, against: str, *, strength: bool
) -> Finding:
    """Make a line of a rule whose words are ``strengths.<rule>``."""
    return Finding(
        strength=strength,
        chain=chain,
        what=basis.speech.say(f"strengths.{rule}"),
        figure=figure,
        against=against,
        rule=rule,
    )


def _specialized(basis: Basis, chain: str) -> Iterator[Finding]:
    """Say that the chain weighs surely more here."""
    row, speech = basis.last.loc[chain], basis.speech
    if not (row["location_quotient_low"] > 1 and row["firms"] >= LEAST):
        return
    figure = speech.say(
        "strengths.figure_quotient",
        value=speech.number(row["location_quotient"], 2),
        low=speech.number(row["location_quotient_low"], 2),
        high=speech.number(row["location_quotient_high"], 2),
        firms=speech.count(row["firms"]),
    )
    against = speech.say("strengths.against_one")
    yield _finding(basis, "specialized", chain, figure, against, strength=True)


def _share(basis: Basis, chain: str) -> Iterator[Finding]:
    """Say that the share is surely above or below the reference's."""
    row, speech = basis.last.loc[chain], basis.speech
    other = basis.reference_share(chain)
    tone = tone_of(float(row["share_low"]), float(row["share_high"]), other)
    if basis.reference is None or not tone or not row["known"] >= LEAST:
        return
    figure = speech.say(
        "strengths.figure_share",
        value=speech.percent(row["share"]),
        low=speech.bare(row["share_low"]),
        high=speech.bare(row["share_high"]),
        known=speech.count(row["known"]),
    )
    words = {"where": basis.reference.name, "value": speech.percent(other)}
    against = speech.say("strengths.against_share", **words)
    high = tone == "high"
    rule = "share_above" if high else "share_below"
    yield _finding(basis, rule, chain, figure, against, strength=high)


def _change(basis: Basis, chain: str) -> Iterator[Finding]:
    """Say that the share moved surely more or less than the reference's."""
    speech = basis.speech
    if basis.reference is None or not basis.last.loc[chain, "known"] >= LEAST:
        return
    own = share_change(basis.run, basis.figures, chain)
    other = share_change(basis.run, basis.reference.figures, chain)["change"]
    tone = tone_of(own["low"], own["high"], other)
    if not tone:
        return
    figure = speech.say(
        "strengths.figure_change",
        value=speech.points(own["change"]),
        low=speech.points(own["low"]),
        high=speech.points(own["high"]),
    )
    words = {"where": basis.reference.name, "value": speech.points(other)}
    against = speech.say("strengths.against_change", **words)
    fast = tone == "high"
    rule = "faster" if fast else "slower"
    yield _finding(basis, rule, chain, figure, against, strength=fast)


def _hotspots(basis: Basis, chain: str) -> Iterator[Finding]:
    """Name the areas of high digitalization that touch the territory."""
    speech, found = basis.speech, basis.hotspots
    for row in found[found["chain"] == chain].to_dict("records"):
        share = math.nan if row["share"] is None else float(row["share"])
        hidden = not math.isfinite(share)
        figure = speech.say(
            f"strengths.figure_hotspot{'_hidden' if hidden else ''}",
            inside=speech.places(len(row["inside"])),
            places=row["places"],
            share=speech.percent(share),
        )
        outside = math.nan if row["share_outside"] is None else float(row["share_outside"])
        yield Finding(
            strength=True,
            chain=chain,
            what=speech.say("strengths.hotspot", name=clean_text(row["name"])),
            figure=figure,
            against=speech.say("strengths.against_elsewhere", value=speech.percent(outside)),
            rule="hotspot",
        )


def _cold(basis: Basis, chain: str) -> Iterator[Finding]:
    """Count the municipalities in areas of low digitalization."""
    speech = basis.speech
    kinds = significant(basis, chain) if basis.surveyed else {}
    low = [str(basis.run.places.loc[code, "name"]) for code, kind in kinds.items() if kind == "LL"]
    if low:
        figure = speech.say(
            "strengths.figure_cold", n=speech.places(len(low)), names=speech.names(low, 6)
        )
        alpha = speech.number(basis.run.facts.alpha, 2)
        against = speech.say("strengths.against_test", alpha=alpha)
        yield _finding(basis, "cold", chain, figure, against, strength=False)


def _growth(basis: Basis, chain: str) -> Iterator[Finding]:
    """Say that firms surely grew or fell in number."""
    row, speech = basis.last.loc[chain], basis.speech
    tone = tone_of(float(row["growth_low"]), float(row["growth_high"]), 0.0)
    if not tone or not row["firms"] >= LEAST:
        return
    figure = speech.say(
        "strengths.figure_growth",
        value=speech.percent(row["growth"]),
        low=speech.percent(row["growth_low"]),
        high=speech.percent(row["growth_high"]),
    )
    rule = "growing" if tone == "high" else "shrinking"
    against = speech.say("strengths.against_zero")
    yield _finding(basis, rule, chain, figure, against, strength=tone == "high")


def _act(basis: Basis, chain: str) -> Iterator[Finding]:
    """Name the municipalities where the rule of the study's priorities says to act."""
    speech, table = basis.speech, basis.run.priorities
    mine = table[
        (table["chain"] == chain)
        & (table["priority"] == "act")
        & table["pro_com_t"].isin(list(basis.territory.members))
    ].sort_values("order")
    if len(mine):
        names = [str(basis.run.places.loc[code, "name"]) for code in mine["pro_com_t"]]
        figure = speech.say(
            "strengths.figure_act", n=speech.places(len(names)), names=speech.names(names, 6)
        )
        against = speech.say("strengths.against_rule")
        yield _finding(basis, "act", chain, figure, against, strength=False)


def _table(basis: Basis, found: list[Finding]) -> Table:
    """Write the lines."""
    speech = basis.speech
    words = {True: speech.say("strengths.strength"), False: speech.say("strengths.weakness")}
    rows = tuple(
        (
            Cell(text=words[each.strength]),
            Cell(text=speech.chain(each.chain)),
            Cell(text=each.what),
            Cell(text=each.figure),
            Cell(text=each.against),
        )
        for each in found
    )
    widths = {"kind": 0.9, "chain": 1.4, "what": 1.7, "figure": 2.6, "against": 1.6}
    columns = tuple(
        Column(label=speech.say(f"columns.{name}"), numeric=False, width=width)
        for name, width in widths.items()
    )
    data = pd.DataFrame(
        [
            {
                "kind": words[each.strength],
                "rule": each.rule,
                "chain": each.chain,
                "what": each.what,
                "figure": each.figure,
                "against": each.against,
            }
            for each in found
        ]
    )
    return Table(
        key="swot",
        caption=speech.say("strengths.table", year=basis.year),
        columns=columns,
        rows=rows,
        data=data,
    )
