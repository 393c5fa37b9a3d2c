"""The official ATECO codes by edition: the only module that touches the package ``ateco``."""

from __future__ import annotations

import bisect
import functools
import sys

from geo_engine.errors import ChainError

EDITIONS = ("2007", "2025")
"""Editions of a study. "2007" accepts the first list and its update of 2022; chains are defined
on the update."""

_PUBLISHED = {"2007": ("2007", "2022"), "2025": ("2025",)}
_CURRENT = {"2007": "2022", "2025": "2025"}
_LEAF_LENGTH = len("01.11.10")

HOMONYM_CLASSES = frozenset(
    [
        "20.51",
        "25.30",
        "25.40",
        "25.61",
        "25.62",
        "35.12",
        "35.13",
        "35.14",
        "38.22",
        "38.31",
        "38.32",
        "43.91",
        "46.71",
        "46.72",
        "46.73",
        "47.63",
        "47.64",
        "47.81",
        "47.82",
        "47.91",
        "49.32",
        "58.12",
        "58.13",
        "61.20",
        "63.91",
        "70.10",
    ]
)
"""Classes (and all below) whose string means another activity in the other edition. Three of them
(38.22, 47.91, 70.10) overlap in a part, so that the official correspondence links them."""


def titles(edition: str) -> dict[str, str]:
    """Give all codes of an edition with their title.

    Parameters
    ----------
    edition : str
        "2007" (with its update of 2022) or "2025".

    Returns
    -------
    dict of str to str
        Title by dotted code of two to six digits; sections are left out.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN`` for any other edition.
    """
    return dict(_titles(edition))


@functools.cache
def _titles(edition: str) -> dict[str, str]:
    """Collect the codes once; the caller must not change them."""
    check_edition(edition)
    found: dict[str, str] = {}
    for published in _PUBLISHED[edition]:
        found.update(_published_titles(published))
    return found


def check_edition(edition: str) -> None:
    """Raise when an edition is not one of ``EDITIONS``.

    Parameters
    ----------
    edition : str
        Name of an edition.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN``.
    """
    if edition not in EDITIONS:
        raise ChainError(
            "ATECO_EDITION_UNKNOWN",
            f"{edition!r} is not an edition of ATECO. Write one of: {', '.join(EDITIONS)}.",
        )


@functools.cache
def _published_titles(published: str) -> dict[str, str]:
    """List one published edition: every class below division holds a point, so search finds it."""
    import ateco

    nodes = ateco.search(".", edition=published, limit=sys.maxsize)
    found = {node.code: node.title for node in nodes if node.code[0].isdigit()}
    for division in sorted({code[:2] for code in found}):
        node = ateco.lookup(division, edition=published)
        if node is not None:
            found[division] = node.title
    return found


def exists(code: str, edition: str) -> bool:
    """Tell whether a dotted code stands in an edition.

    Parameters
    ----------
    code : str
        Dotted code.
    edition : str
        "2007" (either list) or "2025".

    Returns
    -------
    bool
        True when the edition has it.
    """
    return code in _titles(edition)


def editions_of(code: str) -> tuple[str, ...]:
    """Name the editions in which a dotted code stands.

    Parameters
    ----------
    code : str
        Dotted code.

    Returns
    -------
    tuple of str
        None, one or both of ``EDITIONS``, in their order.
    """
    return tuple(edition for edition in EDITIONS if exists(code, edition))


@functools.cache
def leaves_under(code: str, edition: str) -> tuple[str, ...]:
    """List the six-digit codes at or below a code, in the list in force.

    Parameters
    ----------
    code : str
        Dotted code.
    edition : str
        "2007" (here its update of 2022 alone) or "2025".

    Returns
    -------
    tuple of str
        Dotted six-digit codes, sorted.
    """
    leaves, digits = _leaves(edition)
    stem = digits_of(code)
    begin = bisect.bisect_left(digits, stem)
    return leaves[begin : bisect.bisect_right(digits, stem + "~", lo=begin)]


@functools.cache
def _leaves(edition: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the six-digit codes in force, sorted, with and without points."""
    check_edition(edition)
    listed = _published_titles(_CURRENT[edition])
    leaves = tuple(sorted(code for code in listed if len(code) == _LEAF_LENGTH))
    return leaves, tuple(map(digits_of, leaves))


@functools.cache
def links() -> dict[str, tuple[str, ...]]:
    """Give the codes of 2025 to which each six-digit code of the update of 2022 is linked.

    Returns
    -------
    dict of str to tuple of str
        By dotted code, as ISTAT's table of correspondence has them; the caller must not change it.
    """
    import ateco

    return {
        code: ateco.map_code(code, _CURRENT["2007"], "2025").targets
        for code in _published_titles(_CURRENT["2007"])
        if len(code) == _LEAF_LENGTH
    }


def successors(code: str) -> tuple[str, ...]:
    """List the codes of the update of 2022 that took the place of one of the first list.

    Parameters
    ----------
    code : str
        Dotted code that only the first list of ATECO 2007 has, such as 01.13.20.

    Returns
    -------
    tuple of str
        Six-digit codes of its category (five digits) that the first list lacks; none for any other
        code.
    """
    first, update = (_published_titles(published) for published in _PUBLISHED["2007"])
    if code not in first or code in update:
        return ()
    category = code[:7]
    return tuple(
        leaf
        for leaf in sorted(update)
        if len(leaf) == _LEAF_LENGTH and leaf.startswith(category) and leaf not in first
    )


@functools.cache
def is_homonym(code: str) -> bool:
    """Tell whether a code means different activities in the two editions.

    Parameters
    ----------
    code : str
        Dotted code.

    Returns
    -------
    bool
        True when both editions have the code and either its class is in ``HOMONYM_CLASSES`` or the
        official correspondence does not link it to itself.
    """
    if len(editions_of(code)) != len(EDITIONS):
        return False
    if code[:5] in HOMONYM_CLASSES:
        return True
    import ateco

    updated = ateco.lookup(code, edition=_CURRENT["2007"]) is not None
    return updated and code not in ateco.map_code(code, _CURRENT["2007"], "2025").targets


@functools.cache
def is_same_activity(wider: str, narrower: str, edition: str) -> bool:
    """Tell whether a code holds nothing but a narrower one, as 01.5 holds 01.50 alone.

    Parameters
    ----------
    wider, narrower : str
        Dotted codes of the edition.
    edition : str
        "2007" or "2025".

    Returns
    -------
    bool
        True when every code inside the wider one lies on the way to the narrower one, or in it.
    """
    outer, inner = digits_of(wider), digits_of(narrower)
    return inner.startswith(outer) and all(
        digits.startswith(inner) or inner.startswith(digits)
        for digits in map(digits_of, _titles(edition))
        if digits.startswith(outer)
    )


def divisions(edition: str) -> list[str]:
    """List the divisions of an edition.

    Parameters
    ----------
    edition : str
        "2007" or "2025".

    Returns
    -------
    list of str
        Two digits each, sorted.
    """
    return sorted({code[:2] for code in titles(edition)})


def digits_of(code: str) -> str:
    """Drop the points of a code.

    Parameters
    ----------
    code : str
        Dotted code.

    Returns
    -------
    str
        Its digits.
    """
    return code.replace(".", "")


def dotted(digits: str) -> str:
    """Write two to six digits as a dotted code.

    Parameters
    ----------
    digits : str
        "620100".

    Returns
    -------
    str
        "62.01.00".
    """
    parts = [digits[:2], digits[2:4], digits[4:6]]
    return ".".join(part for part in parts if part)
