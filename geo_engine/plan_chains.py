"""Resolves the chains of a study: which, by which rule, and where; and says so in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo_engine.chains.breaks import CodedSignal
from geo_engine.chains.correspondence import learned_weights
from geo_engine.chains.kinds import PlaceClasses, place_classes
from geo_engine.chains.membership import ALL_FIRMS, Chain, load_perimeter, select_chains
from geo_engine.chains.weights import MembershipRule
from geo_engine.errors import ChainError, StudyError
from geo_engine.geographies.coast import COASTAL
from geo_engine.indicators.signals import SignalDefinition
from geo_engine.sources.chain_tables import read_recodes, read_territory
from geo_engine.study import Study
from geo_engine.study_signals import Index

SHARE_INDICATORS = ("digital", "share", "share_eb")
"""Indicators that a signal told from codes decides."""
COUNT_INDICATORS = (
    "firms",
    "known",
    "location_quotient",
    "firms_per_1000",
    "firms_per_km2",
    "growth",
    "births",
    "birth_rate",
    "deaths",
    "death_rate",
    "employees",
    "employment_quotient",
    "phase_balance",
    "mean_score",
)
"""Indicators that the firms of a chain decide, beside ``SHARE_INDICATORS``."""
PERIMETER_WORDS = {"wide": ("largo", "wide"), "strict": ("stretto", "strict")}
WEIGHT_WORDS = {
    "whole": ("", ""),
    "equal": (
        "un'impresa di più filiere è divisa tra queste in parti uguali",
        "a firm of several chains is divided among them in equal parts",
    ),
    "given": (
        "un'impresa di più filiere è divisa tra queste secondo i pesi dati",
        "a firm of several chains is divided among them by the given weights",
    ),
}


@dataclass(frozen=True, kw_only=True)
class ChainPlan:
    """The chains of a study with all that decides who belongs to them."""

    chains: dict[str, Chain]
    rule: MembershipRule
    classes: PlaceClasses
    """Municipalities by the territories that the chains refer to."""


def chain_plan(
    study: Study,
    root: Path,
    places: Sequence[str],
    derived: Mapping[str, Collection[str]],
) -> ChainPlan:
    """Resolve the chains of a study.

    Parameters
    ----------
    study : Study
        Checked keys.
    root : Path
        Folder under which the paths of the study lie.
    places : sequence of str
        ``pro_com_t`` of every municipality, in the order of the study's places.
    derived : mapping of str to collection of str
        Municipalities of the territories that every study has; one that the study lists under
        the same name takes its place.

    Returns
    -------
    ChainPlan
        Chains in the asked order.

    Raises
    ------
    StudyError
        Whatever ``select_chains`` and ``place_classes`` raise; ``TERRITORY_TABLE``,
        ``RECODE_TABLE``; ``SECONDARY_CODES`` where secondary codes are to count and no source has
        any.
    """
    keys = study.chains
    _check_secondary(study)
    try:
        chains = study_chains(study)
        listed = {
            name: read_territory(given, root, name) if isinstance(given, str) else given
            for name, given in keys.territories.items()
        }
        classes = place_classes(places, chains, {**derived, **listed})
        rule = MembershipRule(
            weights=keys.weights,
            secondary_weight=keys.secondary_weight,
            edition=keys.edition,
            recode_weights=_recode_weights(keys.recode, root) if keys.recode else None,
        )
    except ChainError as error:
        raise StudyError(error.code, error.message) from error
    return ChainPlan(chains=chains, rule=rule, classes=classes)


def study_chains(study: Study) -> dict[str, Chain]:
    """Choose the chains of a study; one without ATECO codes is studied as a whole.

    Parameters
    ----------
    study : Study
        Checked keys.

    Returns
    -------
    dict of str to Chain
        By key, in the asked order.

    Raises
    ------
    ChainError
        Whatever ``select_chains`` raises.
    """
    keys = study.chains
    coded = any(source.ateco or source.columns.ateco is not None for source in study.firms)
    if keys.use == "all" and not coded:
        return {ALL_FIRMS.key: ALL_FIRMS}
    custom = {key: chain.model_dump() for key, chain in keys.custom.items()}
    return select_chains(keys.use, custom, perimeter=keys.perimeter)


def _check_secondary(study: Study) -> None:
    """Raise when secondary codes are to count, and no source of single firms has them."""
    if study.chains.secondary_weight == 0:
        return
    if not any(source.columns.secondary_ateco is not None for source in study.firms):
        raise StudyError(
            "SECONDARY_CODES",
            f"chains.secondary_weight is {study.chains.secondary_weight:g}, and no source has "
            "secondary codes. Map columns.secondary_ateco, or set it to 0.",
        )


def _recode_weights(path: str, root: Path) -> dict[tuple[str, str], float]:
    """Read the shares of recodes from firms whose two codes are known."""
    table = read_recodes(path, root)
    found = learned_weights(
        table["ateco_2007"].tolist(), table["ateco_2025"].tolist(), table["firms"].tolist()
    )
    if not found:
        raise StudyError(
            "RECODE_TABLE",
            f"{path}: none of {len(table)} rows is a pair of six-digit codes that ISTAT links. "
            "Write them with points: 62.01.00;62.10.00;12.",
        )
    return found


def uses_derived_coast(study: Study, chains: Mapping[str, Chain]) -> bool:
    """Tell whether a chain holds on a coast that the study does not list itself.

    Parameters
    ----------
    study : Study
        Checked keys.
    chains : mapping of str to Chain
        Of the study.

    Returns
    -------
    bool
    """
    named = {name for chain in chains.values() for name in chain.territories}
    return COASTAL in named and COASTAL not in study.chains.territories


def perimeter_label(chains: dict[str, Chain], language: str = "it") -> str:
    """Name the perimeter of the studied chains.

    Parameters
    ----------
    chains : dict of str to Chain
        Of the study.
    language : {"it", "en"}
        Of the label.

    Returns
    -------
    str
        Version of the definitions, then wide or strict, and which chains are the study's own.
    """
    version, at = load_perimeter().version, ("it", "en").index(language)
    coded = {key: chain for key, chain in chains.items() if chain is not ALL_FIRMS}
    if not coded:
        return version
    kinds = {chain.perimeter for chain in coded.values()}
    if len(kinds) == 1:
        named = PERIMETER_WORDS[kinds.pop()][at]
    else:
        strict = [chain.label for chain in coded.values() if chain.perimeter == "strict"]
        named = f"{PERIMETER_WORDS['strict'][at]}: {', '.join(strict)}"
    own = [key for key, chain in coded.items() if chain.origin != "built_in"]
    words = ("dello studio", "of the study")[at]
    return f"{version}, {named}" + (f"; {words}: {', '.join(own)}" if own else "")


def membership_words(rule: MembershipRule, language: str = "it") -> str:
    """Say how much of a firm each of its chains has.

    Parameters
    ----------
    rule : MembershipRule
        Of the study.
    language : {"it", "en"}
        Of the words.

    Returns
    -------
    str
        "" where a firm counts 1 in each chain of its primary code, by the list of its edition.
    """
    at = ("it", "en").index(language)
    said = [WEIGHT_WORDS[rule.weights][at]]
    if rule.secondary_weight:
        share = f"{100 * rule.secondary_weight:g}%"
        said.append(
            (
                f"una filiera data solo da codici secondari conta {share.replace('.', ',')}",
                f"a chain that only secondary codes give counts {share}",
            )[at]
        )
    if rule.edition == "2025":
        said.append(
            (
                "i codici di ATECO 2007 sono tradotti in ATECO 2025 e, dove diventano più d'uno, "
                "ripartiti",
                "codes of ATECO 2007 are turned into ATECO 2025, in shares where they become "
                "several",
            )[at]
        )
    return "; ".join(filter(None, said))


def coded_signals(
    signals: Sequence[SignalDefinition], index: Index | None
) -> dict[str, CodedSignal]:
    """List the signals told from ATECO codes that decide who is digital.

    Parameters
    ----------
    signals : sequence of SignalDefinition
        Of the study.
    index : Index or None
        How they make a firm digital.

    Returns
    -------
    dict of str to CodedSignal
        By key.
    """
    if index is None or index.kind == "selfi":
        return {}
    by_key = {signal.key: signal for signal in signals}
    used = {*index.of, *index.items.values(), *index.weights} or set(by_key)
    while True:  # and what these are made of
        parts = {part for key in used for part in by_key[key].of} - used
        if not parts:
            break
        used |= parts
    return {
        key: CodedSignal(prefixes=signal.prefixes, indicators=SHARE_INDICATORS)
        for key, signal in by_key.items()
        if key in used and signal.kind == "ateco_prefix"
    }
