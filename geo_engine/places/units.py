"""What a code or a name can mean: the municipalities of a layer, and those of other dates."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from geo_engine.places import names
from geo_engine.places.areas import Areas

Shares = tuple[tuple[int, float], ...]
"""Positions in the layer, ascending, with weights that sum to 1."""
FIRST_REGISTER_DATE = dt.date(1991, 1, 1)
"""Since when registers are read; names that ended before count only where certain."""
OPEN_END = dt.date(9999, 12, 31)
SAME_MUNICIPALITY = frozenset(("same", "renamed", "renumbered", "border"))
HYPHENATED = frozenset(("031", "032"))
"""Provinces (Gorizia, Trieste) that join the names in two languages by a hyphen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One municipality as it was between two dates."""

    label: str
    """Code, name and sigla, for messages."""
    shares: Shares
    """What it is in the layer; empty when that is not known or not meant."""
    provinces: frozenset[str]
    """cod_prov that a register may have beside its name."""
    once: frozenset[str] = frozenset()
    """cod_prov that it may have been in, by the shipped tables."""
    spellings: frozenset[str]
    """Keys that tell apart names with one key (Paternò and Paterno)."""
    writings: tuple[str, ...]
    """The ways in which it is written."""
    is_layer: bool = False
    """It is a municipality of the layer itself."""
    is_same: bool = True
    """It is still the same municipality: renamed or renumbered at most."""
    valid_from: dt.date = dt.date.min
    valid_to: dt.date = OPEN_END
    refusal: str = ""
    """Why it cannot be placed, where ``shares`` is empty."""

    @property
    def home(self) -> int:
        """Position with the largest share, -1 without any."""
        return max(self.shares, key=lambda share: (share[1], -share[0]))[0] if self.shares else -1

    @property
    def is_recent(self) -> bool:
        """Whether registers of today may still hold it."""
        return self.valid_to >= FIRST_REGISTER_DATE


def layer_units(places: pd.DataFrame, areas: Areas) -> list[Unit]:
    """Make a unit of each municipality of the layer.

    Parameters
    ----------
    places : DataFrame
        name, name_other, sigla, cod_prov; indexed by ``pro_com_t``.
    areas : Areas
        Of the layer.

    Returns
    -------
    list of Unit
        In the order of the layer.
    """
    aliases: dict[str, list[str]] = defaultdict(list)
    for written, official in names.vocabulary()["aliases"].items():
        aliases[official].append(written)
    columns = [places[each] for each in ("name", "name_other", "sigla", "cod_prov")]
    units = []
    for position, (code, name, other, sigla, province) in enumerate(
        zip(places.index, *columns, strict=True)
    ):
        own = writings(name, str(other), hyphenated=province in HYPHENATED)
        own += [*aliases[name], *aliases[code]]
        units.append(
            Unit(
                label=f"{code} {name} ({sigla})",
                shares=((position, 1.0),),
                provinces=frozenset((province,)),
                once=_once(areas, province, name, str(code)),
                spellings=spelled(own),
                writings=tuple(dict.fromkeys(own)),
                is_layer=True,
            )
        )
    return units


def _once(areas: Areas, province: str, name: str, code: str) -> frozenset[str]:
    """Give the provinces in which a municipality may have been."""
    moved = areas.moved.get(name) or areas.moved.get(code, frozenset())
    return moved | areas.once.get(province, frozenset())


def writings(name: str, other: str, *, hyphenated: bool = False) -> list[str]:
    """List the ways in which a name in two languages is written.

    Parameters
    ----------
    name : str
        In Italian, or in both languages with a slash.
    other : str
        In the other language, "" for none.
    hyphenated : bool
        A hyphen joins two languages.

    Returns
    -------
    list of str
        Each language alone, and both in either order.
    """
    parts = [part.strip() for part in name.split("/")]
    others = [part.strip() for part in other.split("/") if part.strip()]
    own = [name, *parts, *others]
    if hyphenated and "-" in name:
        own.extend(part.strip() for part in name.split("-", 1))
    for each in others or parts[1:]:
        own.extend((f"{parts[0]}/{each}", f"{each}/{parts[0]}"))
    return own


def spelled(own: Sequence[str]) -> frozenset[str]:
    """Give the keys by which names with one first key differ.

    Parameters
    ----------
    own : sequence of str
        Ways of writing one municipality.

    Returns
    -------
    frozenset of str
        Folded words, and keys that keep accents.
    """
    return frozenset(form(each) for each in own for form in (names.fold, names.accented_key))


def dated_units(
    periods: Sequence[Any],
    layer: Sequence[Unit],
    position: Mapping[str, int],
    areas: Areas,
    alive: Mapping[str, Shares] | None,
) -> list[Unit]:
    """Make units of the periods that say more than the layer itself.

    Parameters
    ----------
    periods : sequence of named tuple
        Rows of heirs; see :func:`geo_engine.places.build_resolver`.
    layer : sequence of Unit
        From :func:`layer_units`.
    position : mapping
        Row of the layer by ``pro_com_t``.
    areas : Areas
        Of the layer.
    alive : mapping or None
        Shares by cadastral code of the municipalities valid on the date of the codes; None when
        any date is meant.

    Returns
    -------
    list of Unit
        One for each name, province and meaning, over all its periods.
    """
    known = [frozenset(names.key(each) for each in unit.writings) for unit in layer]
    found: dict[Any, Unit] = {}
    for row in periods:
        shares, refusal = meaning(row, position, alive)
        province = areas.provinces.get(names.key(row.sigla), "")
        if len(shares) == 1 and _says_no_more(row, layer, known, shares, province):
            continue
        found_key = (row.name, row.name_other, row.sigla, shares or row.cadastral_code)
        unit = found.get(found_key) or _unit(row, layer, shares, refusal, province)
        found[found_key] = replace(
            unit,
            valid_from=min(unit.valid_from, row.valid_from),
            valid_to=max(unit.valid_to, row.valid_to),
            is_same=unit.is_same or row.kind in SAME_MUNICIPALITY,
            refusal=refusal if row.valid_to > unit.valid_to else unit.refusal,
        )
    return list(found.values())


def _says_no_more(
    row: Any,
    layer: Sequence[Unit],
    known: Sequence[frozenset[str]],
    shares: Shares,
    province: str,
) -> bool:
    """Tell whether name and province of a period are those of its heir in the layer."""
    heir = shares[0][0]
    own = writings(row.name, row.name_other)
    return province in layer[heir].provinces and all(names.key(each) in known[heir] for each in own)


def _unit(row: Any, layer: Sequence[Unit], shares: Shares, refusal: str, province: str) -> Unit:
    """Make the unit of one period."""
    own = writings(row.name, row.name_other)
    return Unit(
        label=f"{row.name} ({row.sigla})",
        shares=shares,
        provinces=frozenset((province,)) - {""}
        | {each for place, _ in shares for each in layer[place].provinces},
        spellings=spelled(own),
        writings=tuple(dict.fromkeys(own)),
        is_same=row.kind in SAME_MUNICIPALITY,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        refusal=refusal,
    )


def meaning(
    row: Any, position: Mapping[str, int], alive: Mapping[str, Shares] | None
) -> tuple[Shares, str]:
    """Say what a period is in the layer, or why that cannot be said.

    Parameters
    ----------
    row : named tuple
        One row of heirs.
    position : mapping
        Row of the layer by ``pro_com_t``.
    alive : mapping or None
        As for :func:`dated_units`.

    Returns
    -------
    shares : tuple
        Empty when it cannot be said.
    refusal : str
        "" with shares.
    """
    if alive is not None and row.cadastral_code in alive:
        shares = alive[row.cadastral_code]
        return shares, "" if shares else _dismissed(row)
    if alive is not None and row.cadastral_code:
        return (), _not_then(row)
    shares = shares_of(row, position)
    return shares, "" if shares else _dismissed(row)


def shares_of(row: Any, position: Mapping[str, int]) -> Shares:
    """Give the shares of a period as stated.

    Parameters
    ----------
    row : named tuple
        One row of heirs.
    position : mapping
        Row of the layer by ``pro_com_t``.

    Returns
    -------
    tuple
        Empty when one of the heirs is not in the layer.
    """
    if not all(code in position for code in row.heirs):
        return ()
    pairs = zip(row.heirs, row.weights, strict=True)
    return tuple(sorted((position[code], float(weight)) for code, weight in pairs))


def alive_on(
    periods: Sequence[Any], position: Mapping[str, int], date: dt.date
) -> dict[str, Shares]:
    """Give what the municipalities of one date are in the layer.

    Parameters
    ----------
    periods : sequence of named tuple
        Rows of heirs.
    position : mapping
        Row of the layer by ``pro_com_t``.
    date : date
        Of the codes and names.

    Returns
    -------
    dict
        Shares by cadastral code.
    """
    return {
        row.cadastral_code: shares_of(row, position)
        for row in periods
        if row.cadastral_code and row.valid_from <= date <= row.valid_to
    }


def _dismissed(row: Any) -> str:
    """Tell of an abolished municipality whose heirs are not known."""
    if row.valid_to >= OPEN_END:
        return (
            f"{row.name} ({row.sigla}) exists since {row.valid_from}: choose a later boundary date."
        )
    return (
        f"{row.name} ({row.sigla}) was abolished on {row.valid_to + dt.timedelta(days=1)} and what "
        "it belongs to is not at hand: import the official archive with `geo-engine codes fetch` "
        "or `geo-engine codes import FILE`, or correct the row."
    )


def _not_then(row: Any) -> str:
    """Tell of a municipality that did not exist on the date of the codes."""
    until = "" if row.valid_to >= OPEN_END else f" to {row.valid_to}"
    return (
        f"{row.name} ({row.sigla}) existed from {row.valid_from}{until}, not on the date of these "
        "codes and names: correct the row or that date."
    )
