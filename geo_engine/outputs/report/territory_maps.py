"""The maps of a sheet: values in the atlas's classes, and significant places."""

from __future__ import annotations

import itertools

import numpy as np

from geo_engine import tables
from geo_engine.outputs.atlas.classes import STEPS, breaks
from geo_engine.outputs.report.basis import Basis
from geo_engine.outputs.report.content import Figure
from geo_engine.outputs.report.drawing import WIDTH_CM
from geo_engine.outputs.report.maps import (
    MANY,
    MISSING_FILL,
    Layer,
    MapPlan,
    cluster_color,
    draw_map,
    value_layers,
)
from geo_engine.words import word

HEIGHT_CM, WHOLE_CM = 8.4, 12.5
PLAIN = {"////": "#cdd3d8", "....": "#f3f3f3", "\\\\\\\\": "#b5b5b5"}
"""Instead of hatching where places are too small for it."""
OUTLINES = ("HH", "LL", "HL", "LH")


def value_map(basis: Basis, chain: str) -> Figure:
    """Draw the corrected share of a chain, or its density where no signal was surveyed.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chain : str
        A chain.

    Returns
    -------
    Figure
        Its caption says whose classes it has.
    """
    speech = basis.speech
    measure = "share_eb" if basis.surveyed else "firms_per_1000"
    words = {"chain": speech.chain(chain), "year": basis.year}
    title = speech.say("maps.share" if basis.surveyed else "maps.firms", **words)
    layers = _value_layers(basis, chain, measure)
    classes = speech.say(f"maps.classes_{basis.classes}")
    plan = MapPlan(
        layers=layers,
        title=title,
        notes=(classes[:1].upper() + classes[1:] + ".",),
        labels=_labels(basis),
        outlines=_own_outline(basis),
        borders=_borders(basis),
        outside=speech.say("maps.outside") if basis.territory.kind != "country" else "",
        kilometers=speech.say("maps.km"),
    )
    if plan.outlines:
        plan = _with_note(plan, basis.territory.name)
    return _figure(basis, f"map-{measure.replace('_', '-')}", f"{title}; {classes}", plan)


def cluster_map(basis: Basis, chain: str) -> Figure:
    """Draw the places that are significant after correction, and the areas that they form.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chain : str
        A chain.

    Returns
    -------
    Figure
        In the colors of the atlas.
    """
    speech = basis.speech
    kinds = clusters_of(basis, chain)
    names = "clusters" if basis.surveyed else "concentration"
    layers = [
        Layer(
            places=tuple(code for code, kind in kinds.items() if kind == quadrant),
            color=cluster_color(quadrant),
            label=word(speech.language, names, quadrant),
        )
        for quadrant in OUTLINES
    ]
    none = tuple(code for code, kind in kinds.items() if kind == "ns")
    gone = tuple(code for code, kind in kinds.items() if kind == "")
    layers += [
        Layer(places=none, color=cluster_color("ns"), label=word(speech.language, names, "none")),
        Layer(places=gone, color=MISSING_FILL, label=speech.say("maps.tested_none"), hatch="////"),
    ]
    title = speech.say("areas.map", chain=speech.chain(chain), year=basis.year)
    areas = basis.run.hotspots
    areas = areas[(areas["year"] == basis.year) & (areas["chain"] == chain)]
    drawn = set(_drawn(basis))
    outlines = tuple(members for members in areas["members"] if drawn & set(members))
    plan = MapPlan(
        layers=_counted(layers),
        title=title,
        notes=(speech.say("maps.hotspot"),) if outlines else (),
        labels=_labels(basis),
        outlines=outlines,
        borders=_borders(basis),
        outside=speech.say("maps.outside") if basis.territory.kind != "country" else "",
        kilometers=speech.say("maps.km"),
    )
    return _figure(basis, "map-clusters", title, plan)


def clusters_of(basis: Basis, chain: str) -> dict[str, str]:
    """Class the places of the map: a quadrant where the test decides, ``ns``, or "" untested.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    chain : str
        A chain.

    Returns
    -------
    dict of str to str
        By ``pro_com_t``.
    """
    variable = "share" if basis.surveyed else "firms"
    facts = basis.run.facts
    names = (f"{variable}_{tables.q_column(facts.family)}", f"{variable}_quadrant")
    codes = list(_drawn(basis))
    if names[0] not in basis.run.panel:
        return dict.fromkeys(codes, "")
    at = basis.run.panel[list(names)].sel(place=codes, chain=chain, year=basis.year)
    q, quadrant = (at[name].to_numpy() for name in names)
    kinds = np.where(np.isnan(q), "", np.where(q < facts.alpha, quadrant, "ns"))
    return dict(zip(codes, kinds.astype(str).tolist(), strict=True))


def _value_layers(basis: Basis, chain: str, measure: str) -> tuple[Layer, ...]:
    """Class the places by a value, and hatch those without one by why they have none."""
    speech, panel = basis.speech, basis.run.panel
    codes = np.array(_drawn(basis))
    every = panel[measure].sel(chain=chain)
    status = panel["share_status" if basis.surveyed else "status"]
    values = every.sel(place=codes, year=basis.year).to_numpy()
    reasons = status.sel(place=codes, chain=chain, year=basis.year).to_numpy()
    steps = STEPS[measure]
    ground = every if basis.classes == "national" else every.sel(place=codes)
    cuts = [cut / steps for cut in breaks(ground.to_numpy().ravel(), steps)]
    rounded = np.floor(values * steps + 0.5) / steps  # the atlas knows values in whole steps
    found = np.isfinite(rounded)
    if basis.surveyed:
        ends = [speech.percent(cut) for cut in cuts]
    else:
        ends = [speech.number(cut, 2) for cut in cuts]
    layers = value_layers(rounded[found], codes[found].tolist(), cuts, _class_labels(ends, basis))
    gone = {
        "suppressed": (codes[~found & (reasons == "suppressed")], "////"),
        "no_firms": (codes[~found & (reasons == "no_firms")], "...."),
    }
    told = np.isin(reasons, list(gone))
    gone["missing"] = (codes[~found & ~told], "\\\\\\\\")
    missing = [
        Layer(
            places=tuple(where.tolist()),
            color=MISSING_FILL,
            label=speech.say(f"maps.{key}"),
            hatch=hatch,
        )
        for key, (where, hatch) in gone.items()
    ]
    return _counted([*layers, *(each for each in missing if each.places)])


def _class_labels(ends: list[str], basis: Basis) -> list[str]:
    """Write the classes between their ends."""
    speech = basis.speech
    if not ends:
        return [word(speech.language, "atlas", "class_any")]
    between = [
        speech.say("maps.between", low=low, high=high) for low, high in itertools.pairwise(ends)
    ]
    first, last = speech.say("maps.below", high=ends[0]), speech.say("maps.above", low=ends[-1])
    return [first, *between, last]


def _counted(layers: list[Layer]) -> tuple[Layer, ...]:
    """Write in the legend how many places each entry has."""
    many = sum(len(each.places) for each in layers) > MANY
    return tuple(
        Layer(
            places=each.places,
            color=PLAIN.get(each.hatch, each.color) if many else each.color,
            hatch="" if many else each.hatch,
            label=f"{each.label} ({len(each.places)})",
        )
        for each in layers
    )


def _drawn(basis: Basis) -> tuple[str, ...]:
    """Give the places that a map classes: of a municipality's sheet those of its province."""
    territory = basis.territory
    if territory.kind != "place":
        return territory.members
    places = basis.run.places
    inside = places[(places["cod_prov"] == territory.cod_prov) & places["covered"]]
    return tuple(inside.index)


def _own_outline(basis: Basis) -> tuple[tuple[str, ...], ...]:
    """Outline the municipality that its sheet is about."""
    return (basis.territory.members,) if basis.territory.kind == "place" else ()


def _with_note(plan: MapPlan, name: str) -> MapPlan:
    """Say in the legend what the outline is."""
    import dataclasses

    return dataclasses.replace(plan, notes=(name, *plan.notes))


def _labels(basis: Basis) -> tuple[tuple[str, str], ...]:
    """Give the names of the municipalities, the most populous first."""
    places = basis.run.places.reindex(list(_drawn(basis)))
    order = places["population"].fillna(0).sort_values(ascending=False, kind="stable").index
    first = [code for code in basis.territory.members if basis.territory.kind == "place"]
    ordered = [*first, *(code for code in order if code not in first)]
    return tuple((code, str(places.loc[code, "name"]).split("/")[0]) for code in ordered[:120])


def _borders(basis: Basis) -> tuple[tuple[str, ...], ...]:
    """Give the borders that a reader looks for: provinces of a region, regions of a country."""
    places = basis.run.places.reindex(list(_drawn(basis)))
    column = "cod_reg" if places["cod_reg"].nunique() > 3 else "cod_prov"
    return tuple(tuple(index) for index in places.groupby(column).groups.values())


def _figure(basis: Basis, key: str, caption: str, plan: MapPlan) -> Figure:
    """Draw a plan and describe it."""
    whole = basis.territory.kind == "country"
    height = WHOLE_CM if whole else HEIGHT_CM
    png, svg = draw_map(basis.shapes(_drawn(basis)), plan, height)
    listed = "; ".join(each.label for each in plan.layers if each.places)
    return Figure(
        key=key,
        caption=caption,
        source=basis.source,
        alt=f"{plan.title}. {basis.territory.name}. {listed}.",
        png=png,
        svg=svg,
        width_cm=WIDTH_CM,
        height_cm=height,
    )
