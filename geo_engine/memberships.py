"""The chains of every firm of a study, and what can be said of them: weights, phases, breaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.chains.breaks import editions_by_year, series_breaks
from geo_engine.chains.classification import EDITIONS
from geo_engine.chains.correspondence import APPORTIONED, RECODED, UNLINKED, updated_leaves
from geo_engine.chains.kinds import FirmCodes, classes_of
from geo_engine.chains.membership import ALL_FIRMS, PHASE_NAMES, PHASES
from geo_engine.chains.weights import UNITS, MembershipRule, Memberships, firm_memberships
from geo_engine.indicators.counting import FirmWeights, count_firms
from geo_engine.intake import Intake
from geo_engine.plan import Plan
from geo_engine.plan_chains import COUNT_INDICATORS, SHARE_INDICATORS, coded_signals

SIGNAL_COUNTS = ("known", "digital")
"""Variables of a panel that tests of shares read as numbers of firms."""


def read_memberships(plan: Plan, intake: Intake) -> Memberships:
    """Give every placed firm its chains.

    Parameters
    ----------
    plan : Plan
        Chains, rule and territories.
    intake : Intake
        Codes, secondary codes and places of the firms.

    Returns
    -------
    Memberships
        ``kinds.which`` is aligned with ``intake.firms``.
    """
    return firm_memberships(
        firm_codes(plan, intake.firms),
        intake.ateco,
        plan.chains,
        rule=plan.rule,
        secondary=intake.lists,
        classes=plan.place_classes,
    )


def firm_codes(plan: Plan, firms: pd.DataFrame) -> FirmCodes:
    """Give what the chains of firms depend on.

    Parameters
    ----------
    plan : Plan
        Rule and territories.
    firms : DataFrame
        code, place and, where secondary codes count, secondary: positions.

    Returns
    -------
    FirmCodes
        Aligned with the firms.
    """
    return FirmCodes(
        code=firms["code"].to_numpy(),
        secondary=firms["secondary"].to_numpy() if plan.rule.secondary_weight > 0 else None,
        place_class=classes_of(firms["place"].to_numpy(), plan.place_classes),
    )


def counted_members(
    memberships: Memberships, rule: MembershipRule, *, phase: str = ""
) -> npt.NDArray[np.bool_] | FirmWeights:
    """Give the members of chains as ``count_firms`` takes them.

    Parameters
    ----------
    memberships : Memberships
        Of the firms.
    rule : MembershipRule
        Of the study.
    phase : str
        Only those of this phase; all without.

    Returns
    -------
    array of bool, or FirmWeights
        Whole firms where the rule counts them whole.
    """
    units = memberships.units
    if phase:
        units = np.where(memberships.phase == PHASE_NAMES.index(phase), units, 0)
    if rule.is_whole:
        return np.asarray(units > 0)
    of_chains = np.array([key != ALL_FIRMS.key for key in memberships.chains], dtype=np.bool_)
    divides = of_chains & (rule.weights != "whole")
    return FirmWeights(units=units, whole=UNITS, divides=divides)


def phase_table(
    plan: Plan, firms: pd.DataFrame, memberships: Memberships, years: tuple[int, ...]
) -> pd.DataFrame:
    """Count the firms of each phase over the covered territory.

    Parameters
    ----------
    plan : Plan
        Places, chains and rule.
    firms : DataFrame
        ``counting.FIRM_COLUMNS``; kinds for codes, positions for years.
    memberships : Memberships
        Chains of the kinds.
    years : tuple of int
        Of the positions.

    Returns
    -------
    DataFrame
        ``Results.phases``.
    """
    covered = plan.places["covered"].to_numpy()
    areas = np.where(covered, 0, 1)
    distinct = plan.study.unit == "impresa"
    rows: list[tuple[str, int, str, float]] = []
    for phase in PHASES:
        members = counted_members(memberships, plan.rule, phase=phase)
        counts = count_firms(firms, members, areas=areas, shape=(2, len(years)), distinct=distinct)
        for position, chain in enumerate(plan.chains):
            rows.extend(
                (chain, year, phase, float(counts.firms[0, position, column]))
                for column, year in enumerate(years)
            )
    return pd.DataFrame(rows, columns=["chain", "year", "phase", "firms"])


def tested_panels(
    panels: dict[str, xr.Dataset], whole: dict[str, xr.Dataset]
) -> dict[str, xr.Dataset]:
    """Give the panels that tests of shares read: their firms are whole ones.

    A test that exchanges labels between firms is exact for firms, not for parts of them; so it asks
    whether the digital ones among a chain's firms lie together, each counted 1. Numbers of firms
    keep their weights.

    Parameters
    ----------
    panels : dict of str to Dataset
        With weights.
    whole : dict of str to Dataset
        The same, each firm counted 1 in every chain that it belongs to.

    Returns
    -------
    dict of str to Dataset
        ``known`` and ``digital`` whole, all else as weighted.
    """
    return {
        level: panel.assign({name: whole[level][name] for name in SIGNAL_COUNTS})
        for level, panel in panels.items()
    }


def study_breaks(plan: Plan, intake: Intake) -> pd.DataFrame:
    """Tell which indicators of which chains have a break of series, when and why.

    Parameters
    ----------
    plan : Plan
        Chains, rule, signals and index.
    intake : Intake
        Codes and years of the firms.

    Returns
    -------
    DataFrame
        ``chains.breaks.COLUMNS``; none where a chain's firms hardly use the codes that changed.
    """
    firms, ateco = intake.firms, intake.ateco
    return series_breaks(
        plan.chains,
        editions_by_year(firms["year"].to_numpy(), firms["code"].to_numpy(), ateco),
        indicators=(*COUNT_INDICATORS, *SHARE_INDICATORS),
        signals=coded_signals(plan.signals, plan.index),
        firms=_firms_by_leaf(intake),
        recoded=plan.rule.edition == "2025",
    )


def _firms_by_leaf(intake: Intake) -> dict[tuple[str, str], float]:
    """Count rows of ATECO 2007 by six-digit code; a shorter one is shared by those below it."""
    rows = np.bincount(intake.firms["code"].to_numpy(), minlength=len(intake.ateco))
    old = (intake.ateco["edition"] == EDITIONS[0]).to_numpy() & (rows > 0)
    found: dict[tuple[str, str], float] = {}
    for code, number in zip(intake.ateco["code"][old], rows[old], strict=True):
        leaves = updated_leaves(code)
        for leaf in leaves:
            key = EDITIONS[0], leaf
            found[key] = found.get(key, 0.0) + float(number) / len(leaves)
    return found


def code_flags(memberships: Memberships, intake: Intake) -> dict[str, int]:
    """Count the placed rows whose code was turned into another edition's, by flag.

    Parameters
    ----------
    memberships : Memberships
        With ``code_flags``.
    intake : Intake
        Its rows.

    Returns
    -------
    dict of str to int
        ``ATECO_RECODED``, ``ATECO_APPORTIONED``, ``ATECO_UNLINKED``; none where nothing was turned.
    """
    rows = np.bincount(intake.firms["code"].to_numpy(), minlength=len(intake.ateco))
    flags = memberships.code_flags
    found = {flag: int(rows[flags == flag].sum()) for flag in (RECODED, APPORTIONED, UNLINKED)}
    return {flag: number for flag, number in found.items() if number}


def membership_warnings(plan: Plan, intake: Intake, breaks: pd.DataFrame) -> tuple[str, ...]:
    """Say in Italian what a reader must know of editions, weights and breaks.

    Parameters
    ----------
    plan : Plan
        Chains and rule.
    intake : Intake
        Codes and years.
    breaks : DataFrame
        Of :func:`study_breaks`.

    Returns
    -------
    tuple of str
        Sentences.
    """
    return (
        *_said_of_editions(intake),
        *_said_of_weights(plan, intake),
        *_said_of_breaks(plan, breaks),
    )


def _said_of_editions(intake: Intake) -> Iterator[str]:
    """Say how many rows have codes of each edition, where there are both."""
    rows = np.bincount(intake.firms["code"].to_numpy(), minlength=len(intake.ateco))
    coded = (intake.ateco["code"] != "").to_numpy()
    edition = intake.ateco["edition"].to_numpy(dtype=object)
    counts = [int(rows[coded & (edition == own)].sum()) for own in (*EDITIONS, "")]
    if all(counts[: len(EDITIONS)]):
        old, new, undecided = map(_number, counts)
        yield (
            f"Codici ATECO di due edizioni: {old} righe del 2007, {new} del 2025, {undecided} che "
            "valgono nell'una e nell'altra con significati diversi."
        )


def _said_of_weights(plan: Plan, intake: Intake) -> Iterator[str]:
    """Say how firms are divided, and which secondary codes could not be read."""
    if not plan.rule.is_whole:
        yield (
            "I conteggi per filiera hanno decimali: un'impresa può contare in parte. Gli "
            "intervalli delle quote sono prudenti; le verifiche statistiche delle quote contano "
            "per intero ogni impresa della filiera."
        )
    if intake.lists is not None and intake.lists.unusable_rows:
        yield (
            f"{_number(intake.lists.unusable_rows)} codici secondari non sono leggibili: non "
            "contano; le imprese restano con gli altri codici."
        )


def _said_of_breaks(plan: Plan, breaks: pd.DataFrame) -> Iterator[str]:
    """Say once for each cause where series break."""
    keys = ["year", "before", "cause", "note"]
    for (year, before, _, note), own in breaks.groupby(keys, sort=True):
        labels = [chain.label for key, chain in plan.chains.items() if key in set(own["chain"])]
        when = f"nel {year}" if year == before else f"tra il {before} e il {year}"
        named = "tutte le filiere" if len(labels) == len(plan.chains) else ", ".join(labels)
        yield f"Interruzione di serie {when} ({named}): {note}"


def _number(value: int) -> str:
    """Write a number in Italian."""
    return f"{value:,}".replace(",", ".")
