"""Downloads the official lists of municipalities from ANPR and ISTAT."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geo_engine.errors import SourceError
from geo_engine.sources.codes import CodeEntry, codes_folder, import_codes
from geo_engine.sources.codes_lists import registry
from geo_engine.sources.download import Patience, Progress, download

MAX_BYTES = 64 << 20
"""Largest of the lists: about 7 MB."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What became of one source."""

    title: str
    """What was asked for, in Italian."""
    entry: CodeEntry | None
    """The imported list, None when it failed."""
    error: SourceError | None
    """Why it failed."""


def fetch_codes(
    *,
    sources: Sequence[Mapping[str, Any]] | None = None,
    today: dt.date | None = None,
    began: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> list[Fetched]:
    """Download and import every official list that can be had.

    Parameters
    ----------
    sources : sequence of mapping, optional
        kind, title, url, page; those of codes.toml by default.
    today : date, optional
        Date of the list of municipalities; today by default.
    began : callable, optional
        Called with the title of each list as its download begins.
    progress : callable, optional
        Called with the bytes received and the total where known.
    patience : Patience, optional
        Attempts and pauses.

    Returns
    -------
    list of Fetched
        In the order of the sources; at least one succeeded.

    Raises
    ------
    SourceError
        ``CODES_NOT_FETCHED`` when none could be had, with what to do by hand.
    """
    wanted = registry()["source"] if sources is None else sources
    day = today or dt.date.today()
    results = []
    for source in wanted:
        if began is not None:
            began(source["title"])
        results.append(_fetched(source, day, progress, patience))
    if not any(each.entry for each in results):
        raise SourceError("CODES_NOT_FETCHED", _by_hand(wanted, results))
    return results


def _fetched(
    source: Mapping[str, Any],
    day: dt.date,
    progress: Progress | None,
    patience: Patience | None,
) -> Fetched:
    """Download and import one list; a failure is told, and the others go on."""
    url = source["url"].format(today=day)
    target = codes_folder() / "download" / _file_name(url, day)
    try:
        download(url, target, max_bytes=MAX_BYTES, progress=progress, patience=patience)
        date = day if "{today" in source["url"] else None
        entry = import_codes(target, date)
        if entry.kind != source["kind"]:
            raise SourceError(
                "CODES_UNKNOWN_LIST", f"{url} gave {entry.title}, not {source['title']}."
            )
    except SourceError as error:
        return Fetched(title=source["title"], entry=None, error=error)
    finally:
        target.unlink(missing_ok=True)
    return Fetched(title=source["title"], entry=entry, error=None)


def _file_name(url: str, day: dt.date) -> str:
    """Name a download; an answer of a service is JSON of a day."""
    name = Path(urlsplit(url).path).name
    return name if "." in name else f"{name}_{day}.json"


def _by_hand(sources: Sequence[Mapping[str, Any]], results: Sequence[Fetched]) -> str:
    """Say what failed, and how to do without the network."""
    why = results[0].error.message if results and results[0].error else "no source"
    lines = [
        f"None of the {len(sources)} official lists could be downloaded ({why})",
        "Without network: download these files in a browser, on any computer, and import each "
        "with `geo-engine codes import FILE`:",
        *(f"  {source['title']}: {source.get('page', source['url'])}" for source in sources),
        "Until then municipalities since 2022 are placed by what ships with geo-engine.",
    ]
    return "\n".join(lines)
