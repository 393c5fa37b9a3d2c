"""How a CSV is written: separator, quoting and header, decided by evidence over the whole file."""

from __future__ import annotations

import csv
import functools
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geo_engine.errors import SourceError
from geo_engine.sources import csv_scan
from geo_engine.sources.batches import SourceDialect, unique_names
from geo_engine.sources.csv_blocks import CsvShape, record_blocks
from geo_engine.sources.csv_census import Census, choose_encoding, refuse_wide_text, take_census
from geo_engine.sources.csv_records import bad_records
from geo_engine.study import FirmSource

HEAD_BYTES = 1 << 20
"""Bytes from which separator and width are guessed; all else is decided by the whole file."""

_BOM = b"\xef\xbb\xbf"
_SEPARATORS = (";", "\t", ",", "|")
_SPELLED = {"\\t": "\t", "tab": "\t"}
_MIN_SHARE = 0.5
_SURVEY_BYTES = 1 << 21
"""Read at once by a survey, which keeps nothing: small enough for the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class _Guess:
    """What one separator makes of the head of a file."""

    separator: str
    width: int
    share: float
    """Records of that width."""
    first: int
    """Fields of the first record."""

    @property
    def score(self) -> float:
        """How well the separator explains the head; a header of another width counts against."""
        return round(self.share, 2) - (0.0 if self.first == self.width else _MIN_SHARE)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What one way of reading quotes makes of a whole file."""

    records: int = 0
    blank: int = 0
    bad: int = 0
    ragged: int = 0
    """Records with another number of fields, whatever the quotes do."""
    ragged_fields: int = 0
    """The most common number of fields among those."""
    ragged_line: int = 0
    """Line of the first of those."""
    longer: int = 0
    """Records with more fields than the header."""
    stray: int = 0
    """Lines cut from a swallowing quote, and records with text after a closing quote."""
    quoted: int = 0
    """Whole records with a properly quoted field."""
    unclosed: int = 0
    """Line of the first quote that is never closed; 0 where there is none."""
    unclosed_swallows: bool = False
    """Whether that quote swallowed further lines."""
    short_end: bool = False
    """Whether the last record is short and the file stops without a line end."""
    last_line: int = 0


def csv_dialect(source: FirmSource, path: Path) -> SourceDialect:
    """Understand a CSV.

    Parameters
    ----------
    source : FirmSource
        What the study says of it.
    path : Path
        The file.

    Returns
    -------
    SourceDialect
        Enough to read it.

    Raises
    ------
    SourceError
        ``EMPTY_INPUT``, ``NO_ROWS``, ``ENCODING``, ``ENCODING_SUSPECT``, ``SEPARATOR``,
        ``DUPLICATE_COLUMN``, ``RAGGED_ROW``, ``UNCLOSED_QUOTE``, ``TRUNCATED_INPUT`` or
        ``HEADER_MISSING``.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.removeprefix(_BOM).strip():
        raise SourceError("EMPTY_INPUT", f"{path.name} is empty. Export it again.")
    refuse_wide_text(path, head)
    census = take_census(path)
    encoding = choose_encoding(path, source.encoding, census)
    start, line = _first_byte(source, path, head)
    sample = head[start:]
    whole = len(head) < HEAD_BYTES
    separator = _separator(source, path, sample, whole=whole)
    dialect = SourceDialect(
        format="csv",
        columns=(),
        records=0,
        encoding=encoding,
        separator=separator,
        quoting="none" if source.quote == "none" else '"',
        data_offset=start,
        data_line=line,
    )
    named = _with_columns(source, path, dialect, sample, whole=whole)
    return _decided(source, path, named, census, _Sample(sample, whole, start, line))


@dataclass(frozen=True)
class _Sample:
    """The head of a file from its first record on."""

    data: bytes
    whole: bool
    start: int
    line: int


def survey(path: Path, shape: CsvShape) -> Totals:
    """Read a whole file in one way and say what comes of it.

    Parameters
    ----------
    path : Path
        The file.
    shape : CsvShape
        How records are found.

    Returns
    -------
    Totals
        Counts over the whole file.
    """
    totals = Totals()
    widths: Counter[int] = Counter()
    for block in record_blocks(path, shape, block_bytes=_SURVEY_BYTES):
        records, lines = block.records, block.lines
        filled = records.fields > 0
        bad = bad_records(block, shape.width)
        cut = (records.flags & csv_scan.CUT) != 0
        after = (records.flags & csv_scan.AFTER_QUOTE) != 0
        quoted = (records.flags & csv_scan.QUOTED) != 0
        ragged = filled & ~cut & (records.fields != shape.width)
        open_at = np.flatnonzero((records.flags & csv_scan.UNCLOSED) != 0)
        widths.update(records.fields[ragged].tolist())
        first_open = int(lines[open_at[0]]) if len(open_at) else 0
        totals = replace(
            totals,
            records=totals.records + int(filled.sum()),
            blank=totals.blank + int((~filled).sum()),
            bad=totals.bad + int(bad.sum()),
            ragged=totals.ragged + int(ragged.sum()),
            ragged_fields=widths.most_common(1)[0][0] if widths else 0,
            ragged_line=totals.ragged_line or (int(lines[ragged][0]) if ragged.any() else 0),
            longer=totals.longer + int((ragged & (records.fields > shape.width)).sum()),
            stray=totals.stray + int((filled & (cut | after)).sum()),
            quoted=totals.quoted + int((quoted & filled & ~bad & ~after).sum()),
            unclosed=totals.unclosed or first_open,
            unclosed_swallows=totals.unclosed_swallows
            or (first_open > 0 and bool(cut[open_at[0]])),
            short_end=bool(
                records.flags[-1] & csv_scan.NO_END and records.fields[-1] < shape.width
            ),
            last_line=int(lines[-1]),
        )
    return totals


def _first_byte(source: FirmSource, path: Path, head: bytes) -> tuple[int, int]:
    """Find where the header, or the first record, begins: byte and line."""
    start = len(_BOM) if head.startswith(_BOM) else 0
    title_lines = 0 if isinstance(source.header, bool) else source.header - 1
    for i in range(title_lines):
        size = _line_size(head[start:])
        if not size or start + size >= len(head):
            raise SourceError(
                "HEADER_MISSING",
                f"{path.name} has {i + 1} lines, and the study puts the header at line "
                f"{title_lines + 1}. Correct the source's header.",
            )
        start += size
    return start, title_lines + 1


def _line_size(data: bytes) -> int:
    """Give the size of the first line with its end; 0 where no line end follows."""
    ends = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
    if not ends:
        return 0
    size = min(ends) + 1
    return size + (data[size - 1 : size + 1] == b"\r\n")


def _separator(source: FirmSource, path: Path, sample: bytes, *, whole: bool) -> str:
    """Decide the separator, or refuse one that the head contradicts."""
    guesses = [
        _guess(sample, separator, quoting=quoting, whole=whole)
        for separator in _SEPARATORS
        for quoting in _quotings(source)
    ]
    likely = [guess for guess in guesses if guess.width > 1 and guess.share >= _MIN_SHARE]
    best = max(likely, key=lambda guess: guess.score) if likely else None
    if source.separator == "auto":
        return best.separator if best else ","
    given = _SPELLED.get(source.separator, source.separator)
    if len(given) != 1 or not given.isascii() or given in '"\r\n\0':
        raise SourceError(
            "SEPARATOR", f"{source.separator!r} cannot separate fields: give one ASCII character."
        )
    own = _guess(sample, given, quoting=source.quote != "none", whole=whole)
    if own.width == 1 and best is not None and best.separator != given:
        raise SourceError(
            "SEPARATOR",
            f"{path.name} is not separated by {given!r}: its lines have one field. "
            f"{best.separator!r} gives {best.width} fields; set separator to it, or to auto.",
        )
    return given


def _quotings(source: FirmSource) -> tuple[bool, ...]:
    """Give the ways of reading quotes that a study allows."""
    return {"auto": (True, False), "none": (False,)}.get(source.quote, (True,))


def _guess(sample: bytes, separator: str, *, quoting: bool, whole: bool) -> _Guess:
    """Say what a separator makes of the head of a file."""
    classes = csv_scan.byte_classes(separator, quoting=quoting)
    records = csv_scan.find_records(sample, classes, 0, final=whole, suspect=False)
    fields = records.fields[records.fields > 0]
    if not len(fields):
        return _Guess(separator=separator, width=1, share=0.0, first=1)
    widths, counts = np.unique(fields, return_counts=True)
    width = int(widths[counts.argmax()])
    return _Guess(
        separator=separator,
        width=width,
        share=float(counts.max() / counts.sum()),
        first=int(fields[0]),
    )


def _with_columns(
    source: FirmSource, path: Path, dialect: SourceDialect, sample: bytes, *, whole: bool
) -> SourceDialect:
    """Name the columns, from the header or by number, and step over the header."""
    classes = csv_scan.byte_classes(dialect.separator, quoting=dialect.quoting == '"')
    records = csv_scan.find_records(sample, classes, 0, final=whole, suspect=False)
    filled = np.flatnonzero(records.fields > 0)
    if not len(filled):
        raise SourceError(
            "EMPTY_INPUT", f"{path.name} holds no record in its first {len(sample):,} bytes."
        )
    if source.header is False:
        widths, counts = np.unique(records.fields[filled], return_counts=True)
        numbers = range(1, int(widths[counts.argmax()]) + 1)
        return replace(dialect, columns=tuple(map(str, numbers)))
    first = int(filled[0])
    text = sample[records.starts[first] : records.ends[first]].decode(
        dialect.encoding, errors="replace"
    )
    names = _fields(text, dialect)
    names = _fit_trailing(names, records.fields[filled[1:]], records.flags[filled[1:]])
    return replace(
        dialect,
        columns=unique_names(names, path),
        header_line=dialect.data_line + int(records.lines[:first].sum()),
        data_offset=dialect.data_offset + int(records.nexts[first]),
        data_line=dialect.data_line + int(records.lines[: first + 1].sum()),
    )


def _fields(text: str, dialect: SourceDialect) -> list[str]:
    """Split a header into its names."""
    if dialect.quoting == "none":
        return text.split(dialect.separator)
    lines = io.StringIO(text, newline="")
    return next(csv.reader(lines, delimiter=dialect.separator), [""])


def _fit_trailing(names: list[str], fields: np.ndarray, flags: np.ndarray) -> list[str]:
    """Allow for a separator at the end of every record, or of the header, only."""
    if not len(fields):
        return names
    trailing = (flags & csv_scan.TRAILING) != 0
    if (fields == len(names) + 1).all() and trailing.all():
        return [*names, ""]
    if names[-1] == "" and (fields == len(names) - 1).all():
        return names[:-1]
    return names


def _decided(
    source: FirmSource, path: Path, dialect: SourceDialect, census: Census, sample: _Sample
) -> SourceDialect:
    """Decide the quoting by the whole file, and refuse what cannot be read."""
    shape = CsvShape(
        separator=dialect.separator,
        quoting=dialect.quoting == '"',
        width=len(dialect.columns),
        suspect=source.quote == "auto",
        offset=dialect.data_offset,
        line=dialect.data_line,
    )
    both = source.quote == "auto" and census.quotes > 0
    ways = [shape, replace(shape, quoting=False)] if both else [shape]
    with ThreadPoolExecutor(len(ways)) as pool:
        totals, *others = pool.map(functools.partial(survey, path), ways)
    for plain in others:
        if _quotes_are_text(totals, plain):
            start = replace(
                dialect, quoting="none", data_offset=sample.start, data_line=sample.line
            )
            dialect = _with_columns(source, path, start, sample.data, whole=sample.whole)
            totals = plain
    if not census.quotes:
        dialect = replace(dialect, quoting="none")
    _refuse(path, dialect, totals)
    return replace(
        dialect,
        records=totals.records,
        blank_lines=totals.blank,
        notes=_notes(dialect, totals, census),
    )


def _quotes_are_text(quoted: Totals, plain: Totals) -> bool:
    """Decide whether the quotes of a file are text rather than quoting."""
    if plain.bad == 0:
        # Every line is whole without quoting: quotes quote only where most of them behave so. An
        # open quote on the last line swallows nothing and proves nothing: that one is refused.
        swallowing = quoted.stray > 0 or quoted.unclosed_swallows
        return swallowing and quoted.stray > quoted.quoted
    return plain.bad < quoted.bad


def _refuse(path: Path, dialect: SourceDialect, totals: Totals) -> None:
    """Raise for a file that cannot be read whole."""
    width = len(dialect.columns)
    if totals.records == 0:
        raise SourceError("NO_ROWS", f"{path.name} has a header and no record. Export it again.")
    if totals.unclosed and dialect.quoting == '"':
        raise SourceError(
            "UNCLOSED_QUOTE",
            f"{path.name}: the quote opened at line {totals.unclosed} is never closed. Correct the "
            'line; if quotes are part of the text in this file, set quote = "none".',
        )
    if totals.ragged * 2 > totals.records and (totals.records > 1 or totals.longer):
        raise SourceError(
            "RAGGED_ROW",
            f"{path.name}: {totals.ragged:,} of {totals.records:,} records do not have the "
            f"{width} fields of the header; most have {totals.ragged_fields} (first at line "
            f"{totals.ragged_line}). Correct the export; if title lines stand above the header, "
            "set header to its line number.",
        )
    if totals.short_end:
        raise SourceError(
            "TRUNCATED_INPUT",
            f"{path.name} stops in the middle of line {totals.last_line}: the record is short and "
            "has no line end. Export or download it again.",
        )


def _notes(dialect: SourceDialect, totals: Totals, census: Census) -> tuple[str, ...]:
    """Say what a reader of the manifest should know."""
    notes = []
    if dialect.quoting == "none" and census.quotes:
        notes.append(f"{census.quotes} double quotes are kept as text")
    if census.invalid and dialect.encoding == "utf-8":
        notes.append(f"{census.invalid} bytes are no UTF-8")
    if census.mojibake and dialect.encoding == "utf-8":
        notes.append(f"{census.mojibake} characters look like UTF-8 read as cp1252")
    if totals.blank:
        notes.append(f"{totals.blank} blank lines were skipped")
    return tuple(notes)
