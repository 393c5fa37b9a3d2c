"""Sections of a sheet: areas of high and low digitalization, each in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from geo_engine import tables
from geo_engine.outputs.fields import clean_text, level_percent
from geo_engine.outputs.report.basis import Basis
from geo_engine.outputs.report.content import Block, Card, Cell, Column, Paragraph, Section, Table
from geo_engine.outputs.report.territory_maps import cluster_map
from geo_engine.words import word
from geo_engine.words.sentences import empty_sentence, hotspot_sentence, probes_sentence

CARDS = 6
"""Most cards of a sheet; the others are in the table beside it."""


def areas_section(basis: Basis) -> Section:
    """Write what the local tests found here, and what they did not.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Section
    """
    speech, facts = basis.speech, basis.run.facts
    title = speech.say("sections.areas")
    if not basis.surveyed:
        text = word(speech.language, "sentences", "not_surveyed")
        return Section(key="areas", title=title, blocks=(Paragraph(text=text),))
    chain = str(basis.hotspots["chain"].iloc[0]) if len(basis.hotspots) else basis.focus
    percent = level_percent(facts.alpha)
    alpha = speech.number(facts.alpha, 2)
    blocks: list[Block] = [
        Paragraph(text=speech.say("areas.text", alpha=alpha, alpha_percent=percent)),
        Paragraph(text=_count(basis), role="lead"),
        *(card(basis, row) for row in basis.hotspots.head(CARDS).to_dict("records")),
    ]
    left = len(basis.hotspots) - CARDS
    if left > 0:
        blocks.append(Paragraph(text=speech.say("areas.more_cards", n=left), role="note"))
    blocks += [cluster_map(basis, chain), Paragraph(text=expected(basis, chain), role="note")]
    if len(basis.hotspots):
        blocks.append(hotspots_table(basis))
    blocks.append(_counts_table(basis))
    return Section(key="areas", title=title, blocks=tuple(blocks))


def _count(basis: Basis) -> str:
    """Say how many areas touch the territory."""
    count = len(basis.hotspots)
    key = {0: "count_none", 1: "count_one"}.get(count, "count")
    return basis.speech.say(f"areas.{key}", year=basis.year, n=count)


def card(basis: Basis, hotspot: Mapping[str, object]) -> Card:
    """Describe a hotspot in plain words, with what of it lies here.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    hotspot : mapping
        A row of ``basis.hotspots``.

    Returns
    -------
    Card
    """
    speech = basis.speech
    title = speech.say(
        "areas.card",
        rank=hotspot["rank"],
        name=hotspot["name"],
        chain=speech.chain(str(hotspot["chain"])),
    )
    lines = [
        hotspot_sentence(hotspot, speech.signal, speech.language),
        probes_sentence(hotspot, speech.language),
    ]
    inside = hotspot.get("inside", ())
    if isinstance(inside, tuple) and inside and basis.territory.kind != "country":
        names = [str(basis.run.places.loc[code, "name"]) for code in inside]
        lines.append(speech.say("areas.card_inside", names=speech.names(names)))
    return Card(title=title, lines=tuple(line for line in lines if line))


def expected(basis: Basis, chain: str) -> str:
    """Say how many places of the whole map were tested, significant, and expected by chance.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chain : str
        A chain.

    Returns
    -------
    str
        One sentence; without any significant place the one of empty maps.
    """
    speech = basis.speech
    found = [
        each
        for each in basis.run.manifest.get("maps", [])
        if (each["variable"], each["chain"], each["year"]) == ("share", chain, basis.year)
    ]
    if not found:
        return ""
    one = found[0]
    tested, chance = int(one["tested"]), float(one["expected_below_005"])
    if tested == 0 or not one["significant"]:
        from geo_engine.space.autocorrelation import REASONS  # compiled code loads slowly

        reason = REASONS[int(one.get("reason", 0))]
        return empty_sentence(tested, chance, speech.language, reason)
    return speech.say(
        "areas.expected",
        chain=speech.chain(chain),
        tested=speech.number(tested),
        significant=speech.number(float(one["significant"])),
        expected=speech.number(chance),
    )


def hotspots_table(basis: Basis) -> Table:
    """List the hotspots.

    Parameters
    ----------
    basis : Basis
        Of the sheet.

    Returns
    -------
    Table
    """
    speech = basis.speech
    rows = []
    for row in basis.hotspots.to_dict("records"):
        shares = [
            speech.percent(float("nan") if row[name] is None else float(row[name]))
            for name in ("share", "share_outside")
        ]
        rows.append(
            (
                Cell(text=clean_text(row["name"])),
                Cell(text=speech.chain(str(row["chain"]))),
                Cell(text=speech.number(float(row["places"]))),
                Cell(text=speech.count(float(row["firms"]))),
                *(Cell(text=text) for text in shares),
            )
        )
    heads = ("area", "chain", "places", "firms", "share_plain", "outside")
    columns = tuple(
        Column(
            label=speech.say(f"columns.{head}"),
            numeric=head not in ("area", "chain"),
            width=2.0 if head in ("area", "chain") else 1.0,
        )
        for head in heads
    )
    data = basis.hotspots.drop(columns=["order"]).assign(
        members=[" ".join(each) for each in basis.hotspots["members"]],
        inside=[" ".join(each) for each in basis.hotspots["inside"]],
    )
    return Table(
        key="areas",
        caption=speech.say("areas.list", year=basis.year),
        columns=columns,
        rows=tuple(rows[: 2 * CARDS]),
        data=data,
    )


def significant(basis: Basis, chain: str) -> dict[str, str]:
    """Give the quadrant of each significant place of the territory, ``ns`` for the other tested.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chain : str
        A chain.

    Returns
    -------
    dict of str to str
        By ``pro_com_t``; places without a test are absent.
    """
    q_name = f"share_{tables.q_column(basis.run.facts.family)}"
    if q_name not in basis.run.panel:
        return {}
    members = list(basis.territory.members)
    at = basis.run.panel[[q_name, "share_quadrant"]].sel(
        place=members, chain=chain, year=basis.year
    )
    q, quadrant = at[q_name].to_numpy(), at["share_quadrant"].to_numpy()
    alpha = basis.run.facts.alpha
    return {
        code: (str(kind) if value < alpha else "ns")
        for code, value, kind in zip(members, q, quadrant, strict=True)
        if value == value
    }


def _counts_table(basis: Basis) -> Table:
    """Count significant places by chain."""
    speech = basis.speech
    rows, data = [], []
    for chain in basis.run.facts.chains:
        counts = Counter(significant(basis, chain.key).values())
        tested = sum(counts.values())
        high, low, odd = counts["HH"], counts["LL"], counts["HL"] + counts["LH"]
        figures = (tested, high, low, odd)
        cells = (Cell(text=speech.number(value)) for value in figures)
        rows.append((Cell(text=speech.chain(chain.key)), *cells))
        names = ("tested", "high", "low", "outlier")
        data.append({"chain": chain.key, **dict(zip(names, figures, strict=True))})
    heads = ("chain", "tested", "high", "low", "outlier")
    columns = tuple(
        Column(
            label=speech.say(f"columns.{head}"),
            numeric=head != "chain",
            width=2.0 if head == "chain" else 1.0,
        )
        for head in heads
    )
    return Table(
        key="significant",
        caption=speech.say("areas.table", year=basis.year),
        columns=columns,
        rows=tuple(rows),
        data=pd.DataFrame(data),
        note=speech.say("areas.table_note"),
    )
