"""Which municipalities a sheet is about: found by name, sigla or code, or given as a list."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo_engine.errors import StudyError
from geo_engine.places.names import fold, key
from geo_engine.run_folder import RunFolder

KINDS = ("country", "region", "province", "place", "zone", "union")
PREFIXES = {
    "comune": "place",
    "municipality": "place",
    "provincia": "province",
    "province": "province",
    "regione": "region",
    "region": "region",
    "zona": "zone",
    "zone": "zone",
}
"""Words before a colon that say which kind of territory a name means."""
SHOWN = 6
"""Names of a message that lists several."""


@dataclass(frozen=True, kw_only=True)
class Territory:
    """The municipalities of a sheet and what they are called together."""

    kind: str
    """One of ``KINDS``; ``union`` is a list of municipalities."""
    name: str
    code: str = ""
    """In its geography; "" for a union."""
    geography: str = ""
    """In ``levels``: country, region, province or a key of the study's; "" where none has it."""
    members: tuple[str, ...]
    """Covered municipalities, sorted ``pro_com_t``."""
    cod_prov: str = ""
    cod_reg: str = ""
    """Of the province and region that hold all of it, "" where none does."""

    @property
    def slug(self) -> str:
        """Name a folder: ``provincia-prato``."""
        kind = {
            "place": "comune",
            "province": "provincia",
            "region": "regione",
            "zone": "zona",
            "union": "unione",
            "country": "",
        }[self.kind]
        name = "-".join(fold(self.name).lower().split())[:60] or "territorio"
        return f"{kind}-{name}" if kind else name


def whole_territory(run: RunFolder) -> Territory:
    """Give all that the run covers.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    Territory
        Italy, or the covered part.
    """
    if run.facts.is_national:
        members = tuple(run.places.index[run.places["covered"]])
        return Territory(
            kind="country", name="Italia", code="IT", geography="country", members=members
        )
    return _made(run, "union", run.facts.coverage, run.places.index)


def find_territory(run: RunFolder, text: str) -> Territory:
    """Find a municipality, province, region or zone by name, sigla or code.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    text : str
        ``Prato``, ``PO``, ``100``, ``100005``, ``comune:Prato``, ``Castro (LE)``. Where a province
        and a municipality share a name the province is meant.

    Returns
    -------
    Territory

    Raises
    ------
    StudyError
        ``UNKNOWN_TERRITORY`` or ``AMBIGUOUS_TERRITORY``, saying what could be meant.
    """
    head, colon, tail = text.partition(":")
    wanted = PREFIXES.get(head.strip().lower(), "") if colon else ""
    name = (tail if wanted else text).strip()
    finders = {
        "zone": _zones,
        "region": _regions,
        "province": _provinces,
        "place": _municipalities,
    }
    order = (wanted,) if wanted else ("province", "region", "zone", "place")
    for kind in order:
        found = finders[kind](run, name)
        if len(found) == 1:
            return found[0]
        if found:
            raise StudyError(
                "AMBIGUOUS_TERRITORY",
                f"{len(found)} territories are called «{name}»: "
                f"{', '.join(f'{_said(run, each)}' for each in found[:SHOWN])}. Give the code.",
            )
    raise StudyError("UNKNOWN_TERRITORY", _unknown(run, name))


def read_union(run: RunFolder, path: Path, name: str = "") -> Territory:
    """Read a list of municipalities: names, ``Castro (LE)`` or codes, one a line or in a column.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    path : Path
        CSV or text; of several columns the one of codes (``pro_com_t``, ``codice_istat``) or names
        (``comune``) is read, otherwise the first.
    name : str
        What the list is called; the name of the file otherwise.

    Returns
    -------
    Territory
        Of kind ``union``.

    Raises
    ------
    StudyError
        ``TERRITORIES_FILE`` when it cannot be read; ``UNKNOWN_TERRITORY`` naming all entries that
        are no covered municipality.
    """
    entries = _entries(path)
    members: list[str] = []
    wrong: list[str] = []
    for entry in entries:
        found = _municipalities(run, entry)
        if len(found) == 1:
            members += found[0].members
        else:
            wrong.append(f"«{entry}»" + (" (several: add the sigla)" if found else ""))
    if wrong or not members:
        raise StudyError(
            "UNKNOWN_TERRITORY",
            f"{path.name}: {len(wrong)} of {len(entries)} entries are no single covered "
            f"municipality: {', '.join(wrong[:SHOWN])}. Write ISTAT codes, or «Castro (LE)».",
        )
    return _made(run, "union", name or path.stem.replace("_", " "), sorted(set(members)))


def each_of(run: RunFolder, kind: str) -> list[Territory]:
    """Give all covered territories of a kind.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    kind : str
        ``province``, ``region`` or the key of a geography of the study.

    Returns
    -------
    list of Territory
        By code.

    Raises
    ------
    StudyError
        ``UNKNOWN_TERRITORY`` for another kind.
    """
    if kind in ("province", "region"):
        column, label = ("cod_prov", "province") if kind == "province" else ("cod_reg", "region")
        named = run.places[run.places["covered"]].groupby(column)[label].first()
        make = _province if kind == "province" else _region
        return [make(run, str(code)) for code in named.index]
    keys = run.members["geography"].astype(str).unique().tolist()
    if kind not in keys:
        raise StudyError(
            "UNKNOWN_TERRITORY",
            f"«{kind}» is no geography of this run; there are province, region"
            f"{''.join(f', {each}' for each in sorted(keys))}.",
        )
    zones = run.members[run.members["geography"] == kind]["zone"].astype(str).unique()
    return [_zone(run, kind, zone) for zone in sorted(zones)]


def _entries(path: Path) -> list[str]:
    """Read the entries of a list of municipalities."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            "TERRITORIES_FILE", f"{path} cannot be read ({error}). Save it as UTF-8 text or CSV."
        ) from error
    first = text.partition("\n")[0]
    separator = ";" if ";" in first else "\t" if "\t" in first else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(row)]
    if not rows:
        raise StudyError("TERRITORIES_FILE", f"{path} is empty. Write one municipality a line.")
    head = [key(cell) for cell in rows[0]]
    for wanted in ("PROCOMT", "CODICEISTAT", "PROCOM", "ISTAT", "CODICE", "COMUNE", "NOME"):
        if wanted in head:
            at = head.index(wanted)
            return [row[at].strip() for row in rows[1:] if len(row) > at and row[at].strip()]
    return [row[0].strip() for row in rows if row[0].strip()]


def _names(places: pd.DataFrame) -> pd.Series:
    """Give every name of a municipality by its folded key: both halves of «Bolzano/Bozen»."""
    parts = [
        (key(part), code)
        for code, name, other in zip(
            places.index, places["name"], places["name_other"], strict=True
        )
        for part in {name, *str(name).split("/"), other}
        if part
    ]
    frame = pd.DataFrame(parts, columns=["key", "code"]).drop_duplicates()
    return frame.set_index("key")["code"]


def _municipalities(run: RunFolder, text: str) -> list[Territory]:
    """Find municipalities by code, name, or name and sigla."""
    places = run.places[run.places["covered"]]
    code = text.strip().zfill(6) if text.strip().isdigit() else ""
    if code in places.index:
        return [_place(run, code)]
    name, _, rest = text.partition("(")
    sigla = rest.strip(" )").upper()
    names = _names(places)
    found = names[names.index == key(name)].tolist()
    if sigla:
        found = [each for each in found if places.loc[each, "sigla"] == sigla]
    return [_place(run, each) for each in sorted(found)]


def _provinces(run: RunFolder, text: str) -> list[Territory]:
    """Find provinces by code, sigla or name."""
    places = run.places[run.places["covered"]]
    heads = places.groupby("cod_prov")[["province", "sigla"]].first()
    wanted, code = key(text), text.strip()
    return [
        _province(run, str(row.Index))
        for row in heads.itertuples()
        if code == row.Index
        or text.strip().upper() == row.sigla
        or wanted in {key(part) for part in (row.province, *str(row.province).split("/"))}
    ]


def _regions(run: RunFolder, text: str) -> list[Territory]:
    """Find regions by code or name."""
    places = run.places[run.places["covered"]]
    heads = places.groupby("cod_reg")["region"].first()
    wanted = key(text)
    return [
        _region(run, str(code))
        for code, name in heads.items()
        if text.strip() == code or wanted in {key(part) for part in (name, *name.split("/"))}
    ]


def _zones(run: RunFolder, text: str) -> list[Territory]:
    """Find zones of the study, and macro-areas, by code or name."""
    own = ~run.levels["geography"].isin(["country", "region", "province"])
    heads = run.levels[own][["geography", "code", "name"]].astype(str).drop_duplicates()
    wanted = key(text)
    found = [
        (row.geography, row.code)
        for row in heads.itertuples()
        if text.strip() == row.code or wanted in (key(row.name), key(row.code))
    ]
    seen: dict[tuple[str, ...], Territory] = {}
    for geography, code in found:  # one territory may be in several geographies (NUTS and macro)
        zone = _zone(run, geography, code)
        seen.setdefault(zone.members, zone)
    return list(seen.values())


def _place(run: RunFolder, code: str) -> Territory:
    """Give a municipality."""
    return _made(run, "place", str(run.places.loc[code, "name"]), [code], code)


def _province(run: RunFolder, code: str) -> Territory:
    """Give a province."""
    inside = run.places[run.places["cod_prov"] == code]
    name = str(inside["province"].iloc[0])
    return _made(run, "province", name, inside.index, code, "province")


def _region(run: RunFolder, code: str) -> Territory:
    """Give a region."""
    inside = run.places[run.places["cod_reg"] == code]
    return _made(run, "region", str(inside["region"].iloc[0]), inside.index, code, "region")


def _zone(run: RunFolder, geography: str, code: str) -> Territory:
    """Give a zone."""
    same = (run.members["geography"] == geography) & (run.members["zone"].astype(str) == code)
    levels = run.levels
    named = levels[(levels["geography"] == geography) & (levels["code"].astype(str) == code)]
    name = str(named["name"].iloc[0]) if len(named) else code
    return _made(run, "zone", name, run.members[same]["pro_com_t"].astype(str), code, geography)


def _made(
    run: RunFolder,
    kind: str,
    name: str,
    members: Iterable[str],
    code: str = "",
    geography: str = "",
) -> Territory:
    """Give a territory with the province and region that hold it."""
    inside = run.places.reindex(sorted(set(members))).query("covered == True")
    provinces, regions = inside["cod_prov"].unique(), inside["cod_reg"].unique()
    return Territory(
        kind=kind,
        name=name,
        code=code,
        geography=geography,
        members=tuple(inside.index),
        cod_prov=str(provinces[0]) if len(provinces) == 1 else "",
        cod_reg=str(regions[0]) if len(regions) == 1 else "",
    )


def _said(run: RunFolder, territory: Territory) -> str:
    """Name a territory so that it cannot be taken for another."""
    if territory.kind == "place":
        return f"{territory.name} ({run.places.loc[territory.code, 'sigla']}, {territory.code})"
    return f"{territory.name} ({territory.geography} {territory.code})"


def _unknown(run: RunFolder, name: str) -> str:
    """Say that nothing is called so, and what is called nearly so."""
    places = run.places[run.places["covered"]]
    names = {
        key(each): each
        for column in ("name", "province", "region")
        for each in places[column].unique()
    }
    near = [names[each] for each in difflib.get_close_matches(key(name), names, n=3)]
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    return (
        f"No covered municipality, province, region or zone is called «{name}».{hint} "
        "Give a name, a sigla or an ISTAT code."
    )
