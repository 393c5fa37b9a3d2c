"""The data dictionary: what each column means, in words a reader of the tables understands."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from geo_engine import tables
from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.results import Facts
from geo_engine.words import load_words

SEPARATOR = "__"
"""Between the chain and the variable in a wide column: ``moda__share_eb``."""

DISTINCT = (
    "Le imprese sono contate una volta per ogni livello territoriale: la somma dei comuni può "
    "superare il totale della provincia, e quella delle province il totale della regione."
)
"""Why levels need not add up, where enterprises are counted."""

ALTERNATIVES = {
    "two-sided": "a due code",
    "greater": "a una coda: vicinati alti",
    "less": "a una coda: vicinati bassi",
}
CORRECTIONS = {"bh": "Benjamini-Hochberg", "by": "Benjamini-Yekutieli"}

INDICATOR_KEYS = (
    "key",
    "formula",
    "unit",
    "polarity",
    "decimals",
    "confidential",
    "source",
    "kind",
)
"""What the dictionary repeats of an indicator as it is."""

_SHARED_WORDS = {
    "status": "statuses",
    "local_status": "local_statuses",
    "quadrant": "quadrants",
    "method": "methods",
    "units": "units",
    "firm_status": "unit_status",
}
"""Lists that the atlas uses too, by their section in the words."""

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column as the data dictionary tells it."""

    name: str
    label: str
    """Short Italian name: alias in QGIS, header in the workbook."""
    description: str
    kind: str
    """code, text, wide (text on several lines), count, number, share, points, p, year or flag."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Italian word of each value, for columns with a closed list."""
    domain: str = ""
    """Name of the closed list, "" where there is none."""


@functools.cache
def _dictionary() -> dict[str, Any]:
    """Read the dictionary that ships with the package."""
    text = resources.files("geo_engine.outputs").joinpath("fields.toml").read_text("utf-8")
    return tomllib.loads(text)


def clean_text(value: object) -> str:
    """Give text without the characters that XML, and so workbooks and styles, cannot hold.

    Parameters
    ----------
    value : object
        Anything with a text form.

    Returns
    -------
    str
        The text without control characters and lone surrogates.

    Examples
    --------
    >>> clean_text("Prato" + chr(11))
    'Prato'
    """
    return _UNREADABLE.sub("", str(value))


def words(domain: str) -> dict[str, str]:
    """Give the Italian words of a closed list of values.

    Parameters
    ----------
    domain : str
        ``status``, ``local_status``, ``quadrant``, ``cluster``, ``method``, ``units``,
        ``firm_status``, or one of ``[words]`` in fields.toml.

    Returns
    -------
    dict of str to str
        Words by value.
    """
    own = _dictionary()["words"]
    if domain in own:
        return dict(own[domain])
    shared = load_words("it")
    if domain == "cluster":
        return {**shared["quadrants"], "ns": shared["clusters"]["none"]}
    return dict(shared[_SHARED_WORDS[domain]])


def units_word(facts: Facts) -> str:
    """Name in Italian what is counted: imprese, sedi or unità locali.

    Parameters
    ----------
    facts : Facts
        Says what is counted.

    Returns
    -------
    str
        In Italian, plural.
    """
    return words("units").get(facts.unit, facts.unit)


def distinct_note(facts: Facts) -> str:
    """Say why municipalities need not add up to their province; "" where they do.

    Parameters
    ----------
    facts : Facts
        Says what is counted.

    Returns
    -------
    str
        One sentence in Italian, or "".
    """
    return DISTINCT if facts.unit == "impresa" else ""


def column_prefixes(facts: Facts) -> dict[str, str]:
    """Give each chain a prefix that is a sane column name everywhere.

    Parameters
    ----------
    facts : Facts
        Names the chains.

    Returns
    -------
    dict of str to str
        Prefix by chain key: letters, digits and underscores, unique without regard to case
        (SQLite and shapefiles have no other kind of column).
    """
    prefixes: dict[str, str] = {}
    for chain in facts.chains:
        base = re.sub(r"[^0-9A-Za-z]+", "_", chain.key).strip("_") or "filiera"
        name, number = base, 1
        while name.lower() in {used.lower() for used in prefixes.values()}:
            number += 1
            name = f"{base}_{number}"
        prefixes[chain.key] = name
    return prefixes


def describe_fields(
    names: Iterable[str], facts: Facts, registry: Mapping[str, Indicator] | None = None
) -> tuple[Field, ...]:
    """Look columns up in the data dictionary.

    Parameters
    ----------
    names : iterable of str
        Columns: plain (``share_eb``), of a local test (``share_q_value``), or of one chain
        (``moda__share_eb``).
    facts : Facts
        Names the signal, the units and the chains.
    registry : mapping of str to Indicator, optional
        ``Results.registry``: what the study's own indicators mean.

    Returns
    -------
    tuple of Field
        One for each name, in order; a column that the dictionary lacks is its own label.
    """
    chains = {prefix: key for key, prefix in column_prefixes(facts).items()}
    labels = {chain.key: chain.label for chain in facts.chains}
    found = []
    for name in names:
        prefix, separator, rest = name.partition(SEPARATOR)
        if separator and prefix in chains:
            owner = clean_text(labels[chains[prefix]])
            found.append(_describe(name, rest, facts, owner, registry or {}))
        else:
            found.append(_describe(name, name, facts, "", registry or {}))
    return tuple(found)


def describe_indicators(registry: Mapping[str, Indicator], facts: Facts) -> list[dict[str, Any]]:
    """Give the data dictionary of the panel: what each variable is, in Italian and English.

    Parameters
    ----------
    registry : mapping of str to Indicator
        ``Results.registry``.
    facts : Facts
        Names the signal, the units and the year of the population.

    Returns
    -------
    list of dict
        key, label, label_en, definition, definition_en, formula, unit, polarity, decimals,
        confidential, source, kind; in the order of the registry.
    """
    english = load_words("en")["units"].get(facts.unit, facts.unit)
    fills = {
        "": _fill(facts),
        "_en": _fill(facts)
        | {"signal": facts.signal_en or f"digital {english}", "units": english, "distinct": ""},
    }
    rows = []
    for row in registry.values():
        entry = {name: getattr(row, name) for name in INDICATOR_KEYS}
        for name in ("label", "definition"):
            for ending, fill in fills.items():
                text = getattr(row, f"{name}{ending}")
                own = row.key not in load_registry()
                said = clean_text(text if own else text.format_map(fill))
                entry[f"{name}{ending}"] = said[:1].upper() + said[1:]
        rows.append(entry)
    return rows


def _describe(
    name: str, key: str, facts: Facts, owner: str, registry: Mapping[str, Indicator]
) -> Field:
    """Build one entry; ``owner`` is the label of the chain a wide column belongs to."""
    entry = _own_entry(registry[key]) if _is_own(key, registry) else _entry(key)
    fill = _fill(facts)
    label = clean_text(entry["label"].format_map(fill))
    label = label[:1].upper() + label[1:]
    description = clean_text(entry["description"].format_map(fill))
    domain = entry.get("words", "")
    return Field(
        name=name,
        label=f"{owner}: {label}" if owner else label,
        description=f"Filiera {owner}, {facts.years[-1]}. {description}" if owner else description,
        kind=entry["kind"],
        words=words(domain) if domain else {},
        domain=domain,
    )


def _is_own(key: str, registry: Mapping[str, Indicator]) -> bool:
    """Tell whether the study says what a column is: its own indicator, or its composite's name."""
    return key in registry and registry[key] != load_registry().get(key)


def _own_entry(row: Indicator) -> dict[str, str]:
    """Describe an indicator of the study; its words are shown as they are."""
    label, unit = (text.replace("{", "{{").replace("}", "}}") for text in (row.label, row.unit))
    note = row.definition.replace("{", "{{").replace("}", "}}")
    said = f"{note} Unità: {unit}. Formula: {row.formula}.".strip()
    if row.key in load_registry():  # the composite: its own label, the built-in definition
        said = row.definition
    return {"label": label, "description": said, "kind": row.kind}


def _entry(key: str) -> dict[str, str]:
    """Find a column among the fields or indicators, or compose it of variable and result."""
    dictionary = _dictionary()
    if key in dictionary["fields"]:
        return dict(dictionary["fields"][key])
    if key in load_registry():
        row = load_registry()[key]
        entry = {"label": row.label, "description": row.definition, "kind": row.kind}
        return entry | ({"words": row.words} if row.words else {})
    variable, _, result = key.partition("_")
    if variable in dictionary["variables"] and result in dictionary["results"]:
        entry = dict(dictionary["results"][result])
        entry["label"] = f"{dictionary['variables'][variable]}: {entry['label']}"
        return entry
    return {"label": key.replace("{", "").replace("}", ""), "description": "", "kind": "text"}


def _fill(facts: Facts) -> dict[str, str]:
    """Give the words that stand for the placeholders of the dictionary."""
    return {
        "signal": facts.signal or f"{units_word(facts)} digitali (segnale non rilevato)",
        "units": units_word(facts),
        "distinct": f" {distinct_note(facts)}".rstrip(),
        "alpha": level_percent(facts.alpha),
        "alternative": ALTERNATIVES[facts.alternative],
        "correction": CORRECTIONS[facts.correction],
        "population": str(facts.population_year),
    }


def level_percent(alpha: float) -> str:
    """Write the level of a test: ``5%``, ``0,5%``.

    Parameters
    ----------
    alpha : float
        From 0 to 1.

    Returns
    -------
    str
        In Italian, without idle zeros.

    Examples
    --------
    >>> level_percent(0.05), level_percent(0.005)
    ('5%', '0,5%')
    """
    return f"{100 * alpha:g}%".replace(".", ",")


def status_words(codes: Any, names: tuple[str, ...] = tables.STATUSES) -> Any:
    """Replace status codes by their stable names.

    Parameters
    ----------
    codes : array of int
        Codes of one of the lists of :mod:`geo_engine.tables`.
    names : tuple of str
        That list.

    Returns
    -------
    pandas.Categorical
        Names, in the order of the codes.
    """
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=list(names))
