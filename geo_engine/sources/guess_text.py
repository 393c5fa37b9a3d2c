"""The text of a guessed study: TOML with Italian comments."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_engine.sources.guess import Inspection

CHECK = "# DA VERIFICARE"

_ROLE_COMMENTS = {
    "firm_id": "identificativo della riga (unità o impresa)",
    "tax_code": "codice fiscale: distingue le imprese",
    "name": "denominazione (mai pubblicata)",
    "istat_code": "codice ISTAT del comune",
    "cadastral_code": "codice catastale del comune",
    "municipality": "nome del comune",
    "province": "sigla o nome della provincia",
    "postal_code": "CAP: distingue i comuni omonimi",
    "region": "regione",
    "lon": "longitudine, o coordinata est",
    "lat": "latitudine, o coordinata nord",
    "ateco": "codice ATECO",
    "ateco_version": "edizione ATECO della riga",
    "year": "anno di riferimento della riga",
    "unit_type": "tipo di unità (sede, unità locale)",
    "firm_status": "stato dell'impresa",
    "employees": "addetti",
    "firms": "numero di imprese della riga",
    "known": "imprese con segnale noto",
    "digital": "imprese digitali",
}
_WAYS = {
    "coordinates": ("lon", "lat"),
    "istat_code": ("istat_code",),
    "cadastral_code": ("cadastral_code",),
    "name": ("municipality",),
}


def study_text(seen: Inspection) -> str:
    """Write a study for what was seen in an extract.

    Parameters
    ----------
    seen : Inspection
        Of :func:`geo_engine.sources.guess.inspect_extract`.

    Returns
    -------
    str
        TOML that :func:`geo_engine.study.read_study` accepts.
    """
    parts = [_head(seen), _source(seen), _columns(seen), _place(seen), _coverage(seen)]
    parts += [_signals(seen), _rest()]
    return "\n".join(line for part in parts for line in part) + "\n"


def quoted(text: str) -> str:
    """Write a text as a TOML string.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        In double quotes, control characters escaped.
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _head(seen: Inspection) -> list[str]:
    title = re.sub(r"[_\W]+", " ", seen.path.stem).strip().capitalize() or "Studio"
    date = seen.data_date or dt.date(2025, 1, 1)
    why = "" if seen.data_date else ": nessuna data trovata nel file"
    return [
        f"# Studio scritto da geo-engine init guardando {_one_line(seen.path.name)}.",
        f"# Righe lette: {seen.dialect.records}. Controllare ogni riga con DA VERIFICARE.",
        "",
        f"title = {quoted(title)}",
        f"data_date = {date.isoformat()} {CHECK}: data di riferimento dei dati{why}",
        "boundary_date = 2025-01-01 # confini comunali a questa data",
        f"unit = {quoted(seen.unit)} {CHECK}: impresa, sede oppure unita_locale",
        f"status = {quoted(seen.status)} {CHECK}: registrata oppure attiva",
        'language = "it"',
        'audience = "public" # internal: aggiunge le imprese localizzate e gli scarti',
        "",
    ]


def _source(seen: Inspection) -> list[str]:
    source, dialect = seen.source, seen.dialect
    lines = [f"# {_one_line(note)}" for note in seen.notes]
    lines += [
        "[[firms]]",
        f"path = {quoted(seen.path.name)} # sotto la cartella dello studio, o --data-root",
        f'kind = "{seen.kind}"' + (" # una riga, più imprese" if seen.kind == "counts" else ""),
        f'format = "{dialect.format}"',
    ]
    if dialect.format == "csv":
        lines += [
            f'encoding = "{dialect.encoding}"',
            f"separator = {quoted(dialect.separator)}",
        ]
    if dialect.format in {"csv", "xlsx"}:
        lines.append(f"header = {_header(source.header)}")
    if source.sheet:
        lines.append(f"sheet = {quoted(source.sheet)} {CHECK}: il foglio con le imprese")
    if seen.totals:
        lines.append(f"total_rows = {_list(seen.totals)} # righe di totale, lasciate fuori")
    if "lon" in seen.roles:
        lines.append(f'decimal = "{seen.decimal}"')
        doubt = "" if seen.crs == "EPSG:4326" else f" {CHECK}: sistema di riferimento"
        lines.append(f'crs = "{seen.crs}"{doubt}')
    lines.append(_edition(seen))
    if "year" not in seen.roles:
        lines += _year(seen)
    lines += [f'licence = "" {CHECK}: fonte e licenza, stampate su ogni elaborato', ""]
    return lines


def _edition(seen: Inspection) -> str:
    """Take the ATECO edition from the column's name, or leave it to the codes."""
    named = re.search(r"2007|2025", seen.roles.get("ateco", ""))
    if named:
        return f'ateco_version = "{named[0]}" {CHECK}: dal nome della colonna'
    return 'ateco_version = "auto" # 2007, 2025; auto: riconosciuta dai codici, una sola per file'


def _year(seen: Inspection) -> list[str]:
    year = (seen.data_date or dt.date(2025, 1, 1)).year
    lines = []
    if seen.registration_year:
        lines.append(
            f"# {_one_line(seen.registration_year)} ripete una data di iscrizione: non è l'anno "
            "dei dati, e gli anni passati"
        )
        lines.append("# non si ricostruiscono dalle imprese sopravvissute.")
    return [*lines, f"year = {year} {CHECK}: i dati sono una fotografia di questo anno"]


def _columns(seen: Inspection) -> list[str]:
    lines = ["[firms.columns]"]
    for role, comment in _ROLE_COMMENTS.items():
        if role in seen.roles:
            lines.append(f"{role} = {_column(seen, seen.roles[role])} # {comment}")
    if not seen.roles:
        lines.append(f"{CHECK}: nessuna colonna riconosciuta; indicare almeno il comune.")
    if "ateco" not in seen.roles:
        lines.append("# Nessun codice ATECO trovato: si studiano tutte le imprese insieme.")
    others = [name for name in seen.dialect.columns if name not in seen.roles.values()]
    if others:
        lines.append(f"# Altre colonne: {_one_line(', '.join(others))}")
    return [*lines, ""]


def _place(seen: Inspection) -> list[str]:
    ways = [way for way, roles in _WAYS.items() if set(roles) <= set(seen.roles)]
    lines = ["[place]"]
    if ways:
        return [*lines, f"order = {_list(tuple(ways))} # come si trova il comune, in ordine", ""]
    return [*lines, f"{CHECK}: servono coordinate, un codice o il nome del comune.", ""]


def _coverage(seen: Inspection) -> list[str]:
    lines = ["# Territorio coperto dai dati: fuori di qui un valore è «non coperto», mai zero."]
    lines.append("[coverage]")
    if seen.provinces:
        lines.append(f"provinces = {_list(seen.provinces)} {CHECK}")
    elif 1 <= len(seen.regions) <= 3:
        lines.append(f"regions = {_list(seen.regions)} {CHECK}")
    else:
        lines.append('# regions = ["Toscana"] # senza: tutta l\'Italia')
    return [*lines, ""]


def _signals(seen: Inspection) -> list[str]:
    if seen.kind == "counts":
        return []
    if not seen.signals:
        return [
            "# Nessun segnale digitale trovato: gli indicatori digitali saranno «non rilevato».",
            "# [[digital.signals]]",
            '# column = "Sito web"',
            '# label = "imprese con sito web"',
            '# rule = "website"',
            "",
        ]
    lines = ["[digital]", 'combine = "any" # any, all, o quanti segnali bastano']
    if len(seen.signals) > 1:
        lines.append(f'label = "imprese digitali" {CHECK}')
    for name, rule, empty in seen.signals:
        label = "imprese con sito web" if rule == "website" else f"imprese con {name.lower()}"
        lines += [
            "",
            "[[digital.signals]]",
            f"column = {_column(seen, name)}",
            f"label = {quoted(label)} {CHECK}",
            f'rule = "{rule}"',
            f'empty = "{empty}" {CHECK}: che cosa significa un campo vuoto (unknown, no)',
        ]
    return [*lines, ""]


def _rest() -> list[str]:
    return [
        "[chains]",
        'use = "all" # oppure un elenco: geo-engine chains list',
        "",
        "[statistics]",
        'neighbors = "queen"',
        "alpha = 0.05",
        'family = "map"',
    ]


def _column(seen: Inspection, name: str) -> str:
    """Write a column as its name, or as its number where the file has no header."""
    named = seen.source.header is not False
    return quoted(name) if named else str(seen.dialect.columns.index(name) + 1)


def _header(header: bool | int) -> str:
    if isinstance(header, bool):
        return "true" if header else "false # le colonne sono indicate per numero"
    return f"{header} # riga dell'intestazione"


def _list(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def _one_line(text: str) -> str:
    """Keep a text of the file inside one comment."""
    return "".join(character if character.isprintable() else " " for character in text)
