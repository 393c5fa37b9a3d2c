"""A territorial sheet from its sections, whole or those that a reader chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from geo_engine import __version__
from geo_engine.errors import StudyError
from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.report.areas import areas_section
from geo_engine.outputs.report.basis import Basis, prepare
from geo_engine.outputs.report.content import Report, Section, numbered
from geo_engine.outputs.report.municipalities import municipalities_section
from geo_engine.outputs.report.notes import notes_section, notice
from geo_engine.outputs.report.similar import similar_section
from geo_engine.outputs.report.specialties import chains_section
from geo_engine.outputs.report.strengths import strengths_section
from geo_engine.outputs.report.summary import summary_section
from geo_engine.outputs.report.territory import Territory
from geo_engine.outputs.report.trend import trend_section
from geo_engine.run_folder import RunFolder
from geo_engine.words import word

SECTIONS: Mapping[str, Callable[[Basis], Section]] = {
    "summary": summary_section,
    "municipalities": municipalities_section,
    "chains": chains_section,
    "areas": areas_section,
    "trend": trend_section,
    "similar": similar_section,
    "strengths": strengths_section,
    "notes": notes_section,
}
"""Sections of a sheet in order; the names are those of ``--sections``."""
NOT_OF_COUNTRY = ("similar", "strengths")
"""Sections that need something to compare with."""


def build_sheet(
    run: RunFolder,
    territory: Territory,
    *,
    language: str = "it",
    sections: Sequence[str] = (),
    classes: str = "national",
) -> Report:
    """Build the sheet of a territory.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    territory : Territory
        Its subject.
    language : str
        ``it`` or ``en``.
    sections : sequence of str
        Names of ``SECTIONS``, in any order; all where empty.
    classes : str
        ``national`` or ``local``: of the maps.

    Returns
    -------
    Report
        Numbered.

    Raises
    ------
    StudyError
        ``UNKNOWN_SECTION``.
    """
    check_sections(sections, SECTIONS)
    basis = prepare(run, territory, language, classes)
    speech = basis.speech
    wanted = [name for name in SECTIONS if not sections or name in sections]
    if not basis.comparators:
        wanted = [name for name in wanted if name not in NOT_OF_COUNTRY]
    if not basis.surveyed:
        wanted = [name for name in wanted if name != "similar"]  # it compares shares
    key = "titles.country" if territory.kind == "country" else "titles.sheet"
    name = speech.say("columns.country") if territory.kind == "country" else territory.name
    report = frame_report(
        basis,
        slug=territory.slug if territory.kind != "country" else "report",
        title=speech.say(key, name=name),
        kind=_kind(basis),
    )
    return numbered(_with(report, [SECTIONS[name](basis) for name in wanted]))


def check_sections(sections: Sequence[str], known: Mapping[str, object]) -> None:
    """Raise when a section does not exist.

    Parameters
    ----------
    sections : sequence of str
        Names.
    known : mapping
        What there is.

    Raises
    ------
    StudyError
        ``UNKNOWN_SECTION``.
    """
    wrong = [name for name in sections if name not in known]
    if wrong:
        raise StudyError(
            "UNKNOWN_SECTION",
            f"No section is called {', '.join(wrong)}; there are {', '.join(known)}.",
        )


def frame_report(basis: Basis, *, slug: str, title: str, kind: str) -> Report:
    """Give a report without its sections: titles, notices, what stands on each page.

    Parameters
    ----------
    basis : Basis
        Of the sheet.
    slug : str
        Name of its folder.
    title : str
        Title.
    kind : str
        What it is about, before the title of the study.

    Returns
    -------
    Report
    """
    speech, facts = basis.speech, basis.run.facts
    language = speech.language
    status = word(language, "unit_status", facts.status)
    study = clean_text(facts.titled(language) or facts.titled())
    subtitle = speech.say(
        "titles.subtitle", title=study, date=speech.date(facts.data_date), status=status
    )
    simulated = speech.say("titles.simulated") if facts.simulated else ""
    return Report(
        slug=slug,
        language=language,
        title=title,
        subtitle=f"{kind}. {subtitle}",
        notices=tuple(text for text in (simulated, notice(basis)) if text),
        stamp=speech.say(
            "titles.stamp",
            title=title,
            date=speech.date(facts.data_date),
            boundaries=speech.date(facts.boundary_date),
            version=__version__,
        ),
        date=facts.data_date,
        page=speech.say("titles.page"),
        simulated=simulated,
    )


def _with(report: Report, sections: list[Section]) -> Report:
    """Put sections into a report."""
    import dataclasses

    return dataclasses.replace(report, sections=tuple(sections))


def _kind(basis: Basis) -> str:
    """Say what kind of territory it is, and where."""
    territory, speech = basis.territory, basis.speech
    places = basis.run.places
    first = places.loc[territory.members[0]]
    return speech.say(
        f"titles.kind_{territory.kind}",
        region=first["region"],
        province=first["province"],
        sigla=first["sigla"],
        n=speech.places(len(territory.members)),
    )
