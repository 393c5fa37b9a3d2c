"""Names that are almost right: used only where nothing else comes near, and suggested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from geo_engine.places import names
from geo_engine.places.choice import Context, read_context
from geo_engine.places.codes import Outcome, place_shares
from geo_engine.places.gazetteer import Resolver
from geo_engine.places.looks import surroundings

ALLOWED = ((7, 1), (12, 2))
"""From how many letters on how many of them may differ."""
MARGIN = 2
"""By how many letters more every other municipality must differ."""
FUZZY_CONFIDENCE = 0.75


def almost(resolver: Resolver, name: str, context: Context) -> Outcome | None:
    """Find the one municipality of the declared province whose name is almost the written one.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name : str
        As written; no municipality of any date has that name.
    context : Context
        What is declared beside it; without province or region nothing is found.

    Returns
    -------
    Outcome or None
        With ``FUZZY``, its similarity as ``score`` and a confidence of at most 0.75.
    """
    letters = names.key(name)
    allowed = max((edits for least, edits in ALLOWED if len(letters) >= least), default=0)
    if not allowed or not (context.province or context.region):
        return None
    near = _nearest(resolver, letters, context, allowed + MARGIN)
    ranked = sorted(near.values())
    if not ranked or ranked[0][0] > allowed:
        return None
    if len(ranked) > 1 and ranked[1][0] < ranked[0][0] + MARGIN:
        return None
    edits, number = ranked[0]
    unit = resolver.units[number]
    if not unit.shares or not _is_slip(letters, unit.writings):
        return None
    score = round(1 - edits / len(letters), 3)
    confidence = round(FUZZY_CONFIDENCE * score, 2)
    return replace(place_shares(unit.shares, confidence, (*context.flags, "FUZZY")), score=score)


def _nearest(
    resolver: Resolver, letters: str, context: Context, limit: int
) -> dict[int, tuple[int, int]]:
    """Count the letters that differ by municipality, with its unit."""
    near: dict[int, tuple[int, int]] = {}
    for around in surroundings(resolver, context):
        found = process.extract(
            letters, around.keys, scorer=OSA.distance, score_cutoff=limit, limit=None
        )
        for _, edits, i in found:
            number = around.key_units[i]
            unit = resolver.units[number]
            home = unit.home if unit.shares else -1 - number
            pair = (int(edits), number)
            near[home] = min(pair, near.get(home, pair))
    return near


def _is_slip(letters: str, writings: Sequence[str]) -> bool:
    """Tell a slip of the pen from another name: it seldom changes how a name begins."""
    begins = {letters[:1], letters[1:2]}
    return any(begins & {names.key(each)[:1], names.key(each)[1:2]} for each in writings)


def suggest(
    resolver: Resolver, name: str, province: str = "", region: str = "", n: int = 3
) -> tuple[str, ...]:
    """Name the municipalities that a name may have meant.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name : str
        As written.
    province, region : str
        As written, "" for none.
    n : int
        How many at most.

    Returns
    -------
    tuple of str
        Labels (code, name and sigla), the nearest first; those of the province come first.
    """
    written_as = names.fold(names.clean(name))
    if not written_as:
        return ()
    context = read_context(resolver, names.clean(province), names.clean(region))
    pools: list[tuple[Iterable[tuple[str, int]], float]] = [
        (zip(near.folded, near.folded_units, strict=True), 0.75)
        for near in surroundings(resolver, context)
    ]
    everywhere = resolver.around.values()
    pools.append(
        (
            (
                pair
                for near in everywhere
                for pair in zip(near.folded, near.folded_units, strict=True)
            ),
            0.85,
        )
    )
    found: dict[int, None] = {}
    for pool, least in pools:
        pairs = [pair for pair in pool if resolver.units[pair[1]].shares]
        near = process.extract(
            written_as,
            [word for word, _ in pairs],
            scorer=JaroWinkler.normalized_similarity,
            limit=4 * n,
            score_cutoff=least,
        )
        for _, _, i in sorted(near, key=lambda each: (-each[1], each[2])):
            found.setdefault(resolver.units[pairs[i][1]].home)
    return tuple(resolver.labels[position] for position in list(found)[:n])
