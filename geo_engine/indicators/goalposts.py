"""Frozen goalposts as text: what a file of them holds, and how it is read again."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping

from geo_engine.errors import StatisticsError

VERSION = 1
_NUMBERS = ("minimum", "maximum", "reference", "held_low", "held_high")
_NEEDED = ("minimum", "maximum", "reference", "polarity")


def format_goalposts(goalposts: Mapping[str, object]) -> str:
    """Write goalposts as TOML.

    Parameters
    ----------
    goalposts : mapping
        Of :func:`geo_engine.indicators.normalization.make_goalposts`.

    Returns
    -------
    str
        The same for the same goalposts; numbers with all their digits.

    Raises
    ------
    StatisticsError
        ``GOALPOSTS_INVALID`` as :func:`parse_goalposts`.
    """
    posts = _checked(goalposts)
    lines = [
        "# Goalposts of an adjusted Mazziotta-Pareto index: keep this file, and use it for every",
        "# later year. Made anew, they would move the whole series.",
        f"version = {VERSION}",
        f"reference = {_text(str(goalposts.get('reference', '')))}",
    ]
    for key, post in posts.items():
        lines += ["", f"[indicator.{_text(key)}]", f"polarity = {int(post['polarity'])}"]
        lines += [f"{name} = {float(post[name])!r}" for name in _NUMBERS if name in post]
    return "\n".join(lines) + "\n"


def parse_goalposts(text: str) -> dict[str, object]:
    """Read goalposts from TOML.

    Parameters
    ----------
    text : str
        Of :func:`format_goalposts`.

    Returns
    -------
    dict
        As :func:`geo_engine.indicators.normalization.make_goalposts` gives them.

    Raises
    ------
    StatisticsError
        ``GOALPOSTS_INVALID`` when it is no TOML, of another version, without indicators, or when
        one lacks a finite number, a width or a polarity of 1 or -1.
    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StatisticsError(
            "GOALPOSTS_INVALID", f"The goalposts are no TOML: {error}."
        ) from error
    posts = _checked(read)
    return {
        "version": VERSION,
        "reference": str(read.get("reference", "")),
        "indicator": {key: dict(post) for key, post in posts.items()},
    }


def _checked(goalposts: Mapping[str, object]) -> dict[str, Mapping[str, float]]:
    """Give the posts of every indicator, or say which are damaged."""
    if goalposts.get("version") != VERSION:
        raise StatisticsError(
            "GOALPOSTS_INVALID",
            f"Goalposts of version {goalposts.get('version')!r}; this program reads {VERSION}.",
        )
    posts = goalposts.get("indicator")
    if not isinstance(posts, Mapping) or not posts:
        raise StatisticsError("GOALPOSTS_INVALID", "There is no table [indicator] of goalposts.")
    wrong = [str(key) for key, post in posts.items() if not _is_whole(post)]
    if wrong:
        raise StatisticsError(
            "GOALPOSTS_INVALID",
            f"{len(wrong)} of {len(posts)} indicators ({', '.join(wrong)}) lack a finite "
            f"{', '.join(_NEEDED)}, or have no width. Restore the file; do not guess.",
        )
    return {str(key): post for key, post in posts.items()}


def _is_whole(post: object) -> bool:
    """Say whether the posts of one indicator can be used."""
    if not isinstance(post, Mapping) or any(name not in post for name in _NEEDED):
        return False
    numbers = [post[name] for name in (*_NUMBERS, "polarity") if name in post]
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return False
    width = post["maximum"] - post["minimum"]
    return all(map(math.isfinite, numbers)) and width > 0 and post["polarity"] in (1, -1)


def _text(value: str) -> str:
    """Quote a text for TOML, whose basic strings are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
