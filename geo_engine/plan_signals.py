"""Resolves what a study says of universes, signals and indexes, and refuses what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from geo_engine.errors import StudyError, TableError
from geo_engine.indicators.digital_intensity_editions import Edition, dii_edition, edition_note
from geo_engine.indicators.selfi import at_least_profile, selfi_profiles
from geo_engine.indicators.signals import SignalDefinition, check_signals, signal_notes
from geo_engine.indicators.universe_definitions import Universe, select_universes
from geo_engine.study import Signal, Study
from geo_engine.study_signals import Index

OLD_KEY = "segnale_{}"
"""Key of a signal of ``[digital]``, by its number from 1."""
_KINDS = {
    "flag": "boolean",
    "website": "website",
    "filled": "filled",
    "at_least": "count",
    "one_of": "category",
}
_NO_WORD = ("\0",)
"""In place of no words at all, for which the usual ones would stand."""
LEAST_SCORE, LEAST_PROFILE = 50.0, "specialista"
"""Digital from here where the index does not say."""


def study_universes(study: Study) -> tuple[Universe, ...]:
    """Give the universes of a study, the main one first.

    Parameters
    ----------
    study : Study
        Checked keys.

    Returns
    -------
    tuple of Universe
        In the order of the study.

    Raises
    ------
    StudyError
        ``UNIVERSE_UNKNOWN`` or ``UNIVERSE``.
    """
    own = {key: universe.model_dump() for key, universe in study.universe.custom.items()}
    try:
        return select_universes(study.universe.use, own)
    except TableError as error:
        raise StudyError(error.code, error.message) from error


def study_signals(study: Study) -> tuple[SignalDefinition, ...]:
    """Give the signals of a study, those of ``[digital]`` and those of ``[[signal]]``.

    Parameters
    ----------
    study : Study
        Checked keys.

    Returns
    -------
    tuple of SignalDefinition
        Every signal after those that it is made of.

    Raises
    ------
    StudyError
        Whatever ``check_signals`` raises, such as ``SIGNAL_MANDATORY``; ``SIGNAL_SOURCE`` for a
        source that is not defined, defined twice or of the wrong kind; ``INDEX`` for an index of
        signals or editions that do not exist.
    """
    old = [_converted(signal, number) for number, signal in enumerate(study.digital.signals, 1)]
    new = [SignalDefinition(**signal.model_dump()) for signal in study.signal]
    try:
        signals = check_signals([*old, *new])
        _check_sources(study, signals)
        _check_index(study, signals)
        _check_modelled(study, signals)
    except TableError as error:
        raise StudyError(error.code, error.message) from error
    return signals


def digital_index(study: Study) -> Index | None:
    """Tell how the signals make a firm digital.

    Parameters
    ----------
    study : Study
        Checked keys.

    Returns
    -------
    Index or None
        The study's own; that of ``[digital]``; any signal that is no part of another; None without
        signals.
    """
    if study.index is not None:
        return study.index
    if study.digital.signals:
        of = tuple(OLD_KEY.format(number) for number in range(1, len(study.digital.signals) + 1))
        return Index(of=of, combine=study.digital.combine)
    parts = {key for signal in study.signal for key in signal.of}
    whole = tuple(signal.key for signal in study.signal if signal.key not in parts)
    return Index(of=whole) if whole else None


def surveys_digital(study: Study) -> bool:
    """Tell whether any source says of firms whether they are digital.

    Parameters
    ----------
    study : Study
        Checked keys.

    Returns
    -------
    bool
        False where all shares are not surveyed.
    """
    counted = any(source.columns.digital is not None for source in study.firms)
    return bool(study.digital.signals or study.signal or study.index) or counted


def edition_of(index: Index, year: int) -> Edition:
    """Give the edition of the Digital Intensity Index by which a year is read.

    Parameters
    ----------
    index : Index
        Of kind dii.
    year : int
        Of the data.

    Returns
    -------
    Edition
        The one edition of the study, or that of the year.

    Raises
    ------
    TableError
        ``DII_EDITION`` for a year that the study does not name, or an edition that does not exist.
    """
    if index.version is not None and index.survey_year is not None:
        return dii_edition(index.version, index.survey_year)
    if year not in index.by_year:
        raise TableError(
            "DII_EDITION",
            f"The data hold the year {year}, and [index] by_year names only "
            f"{', '.join(map(str, sorted(index.by_year)))}. Add it, or leave the year out (years).",
        )
    return dii_edition(*index.by_year[year])


def editions_of(index: Index) -> dict[int, Edition]:
    """Give all editions that an index reads.

    Parameters
    ----------
    index : Index
        Of kind dii.

    Returns
    -------
    dict of int to Edition
        By year of the data; the one edition of all years under 0.

    Raises
    ------
    TableError
        ``DII_EDITION`` for one that does not exist.
    """
    years = sorted(index.by_year) or [0]
    return {year: edition_of(index, year) for year in years}


def index_versions(index: Index | None, years: Sequence[int]) -> tuple[int, ...]:
    """Give the version of the Digital Intensity Index of each year: versions are not compared.

    Parameters
    ----------
    index : Index or None
        Of the study.
    years : sequence of int
        Of the data.

    Returns
    -------
    tuple of int
        () where one measure serves all years.
    """
    if index is None or index.kind != "dii" or not index.by_year:
        return ()
    return tuple(edition_of(index, year).version for year in years)


def signal_name(study: Study) -> tuple[str, str]:
    """Name the digital signal in Italian and English; "" when none was surveyed.

    Parameters
    ----------
    study : Study
        Checked keys.

    Returns
    -------
    tuple of (str, str)
        As titles and legends show it.
    """
    if not surveys_digital(study):
        return "", ""
    index = digital_index(study)
    label, label_en = study.digital.label, study.digital.label_en
    if study.index is not None:
        label, label_en = study.index.label, study.index.label_en
    if label:
        return label, label_en or label
    if index is None:
        return "imprese digitali", "digital firms"
    if index.kind != "signals":
        return _index_name(index)
    old = enumerate(study.digital.signals, 1)
    named = {OLD_KEY.format(number): (each.label, each.label_en) for number, each in old}
    named |= {each.key: (each.label, each.label_en) for each in study.signal}
    chosen = [named[key] for key in index.of or tuple(named)]
    joint = (" o ", " or ") if index.combine == "any" else (" e ", " and ")
    italian = joint[0].join(label for label, _ in chosen)
    return italian, joint[1].join(english or label for label, english in chosen)


def signal_remarks(study: Study, signals: tuple[SignalDefinition, ...]) -> tuple[str, ...]:
    """Say in Italian what a reader of the signals and of the index must know.

    Parameters
    ----------
    study : Study
        Checked keys.
    signals : tuple of SignalDefinition
        Of :func:`study_signals`.

    Returns
    -------
    tuple of str
        Sentences, each once.
    """
    said = [f"{signal.label}: {note}" for signal in signals for note, _ in signal_notes(signal)]
    index = study.index
    if index is not None and index.kind == "dii":
        said += [edition_note(edition)[0] for edition in editions_of(index).values()]
    return tuple(dict.fromkeys(said))


def _index_name(index: Index) -> tuple[str, str]:
    """Name what an index takes for digital."""
    if index.kind == "dii":
        versions = [index.version] if index.version else [v for v, _ in index.by_year.values()]
        said = " e ".join(f"v{version}" for version in sorted(set(versions)))
        return (
            f"imprese con intensità digitale almeno di base (DII {said})",
            f"firms of at least basic digital intensity (DII {said.replace(' e ', ' and ')})",
        )
    if index.kind == "selfi":
        profile = str(index.at_least or LEAST_PROFILE)
        return f"imprese almeno {profile} (SELFI4.0)", f"firms of profile {profile} or above"
    limit = f"{float(index.at_least or LEAST_SCORE):g}"
    return (
        f"imprese con punteggio digitale di almeno {limit} su 100",
        f"firms with a digital score of at least {limit} of 100",
    )


def _converted(signal: Signal, number: int) -> SignalDefinition:
    """Turn a signal of ``[digital]`` into one of the new grammar, of the same meaning."""
    return SignalDefinition(
        key=OLD_KEY.format(number),
        label=signal.label,
        label_en=signal.label_en,
        kind=_KINDS[signal.rule],  # type: ignore[arg-type]
        column=signal.column,
        words=signal.yes or _NO_WORD,
        no=signal.no or _NO_WORD,
        threshold=signal.threshold,
        empty=signal.empty,
        force=signal.force,
    )


def _check_sources(study: Study, signals: tuple[SignalDefinition, ...]) -> None:
    """Raise when a signal names a source that is not there, or not of its kind."""
    names = [source.name for source in study.signal_source]
    of_places = {source.name: source.istat_code is not None for source in study.signal_source}
    if len(of_places) < len(names):
        raise TableError("SIGNAL_SOURCE", "Two signal sources have one name. Rename one.")
    for signal in signals:
        wanted = bool(signal.source) or signal.kind == "place"
        if wanted and of_places.get(signal.source) != (signal.kind == "place"):
            what = "a table of municipalities" if signal.kind == "place" else "a table of firms"
            raise TableError(
                "SIGNAL_SOURCE",
                f"Signal {signal.key} needs as source {what}, and {signal.source!r} is none. "
                f"Defined: {', '.join(names) or 'no [[signal_source]]'}.",
            )


def _check_index(study: Study, signals: tuple[SignalDefinition, ...]) -> None:
    """Raise when an index is made of signals, items, editions or profiles that do not exist."""
    index = study.index
    if index is None:
        return
    known = {signal.key for signal in signals}
    absent = sorted({*index.of, *index.weights, *index.items.values()} - known)
    if absent or (index.kind == "signals" and not known):
        raise TableError(
            "INDEX",
            f"[index] names {', '.join(absent) or 'no signal'}, and the study defines "
            f"{', '.join(sorted(known)) or 'none'}. Define them as [[signal]].",
        )
    if index.kind == "dii":
        counted = {item for edition in editions_of(index).values() for item in edition.items}
        foreign = sorted(set(index.items) - counted)
        if foreign:
            raise TableError(
                "DII_ITEM",
                f"{', '.join(foreign)}: no edition of the study counts it. Counted: "
                f"{', '.join(sorted(counted))}.",
            )
    if index.kind == "selfi":
        import numpy as np

        selfi_profiles(np.zeros(1), thresholds=index.thresholds)
        at_least_profile(np.zeros(1, np.int8), str(index.at_least or LEAST_PROFILE))


def _check_modelled(study: Study, signals: tuple[SignalDefinition, ...]) -> None:
    """Raise when the regression of firms asks for a signal that there is not."""
    asked = study.drivers.firms
    known = [signal.key for signal in signals]
    if asked.enabled and asked.signal and asked.signal not in known:
        raise TableError(
            "UNKNOWN_SIGNAL",
            f"drivers.firms.signal: {asked.signal} is no signal of the study. Signals: "
            f"{', '.join(known) or 'none'}.",
        )
