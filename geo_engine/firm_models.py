"""Regressions of a signal among single firms, where a study asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.membership import ALL_FIRMS, PHASE_NAMES
from geo_engine.chains.weights import Memberships
from geo_engine.drivers import FirmModel, FirmRegression, collapse_firms, firm_logit
from geo_engine.errors import StatisticsError
from geo_engine.indicators.legal_forms import legal_forms
from geo_engine.indicators.universe import size_labels
from geo_engine.intake import Intake
from geo_engine.plan import Plan
from geo_engine.plan_facts import chain_infos
from geo_engine.plan_signals import signal_name
from geo_engine.single_firms import SingleFirms, single_firms
from geo_engine.study_drivers import FirmModels
from geo_engine.words import LANGUAGES
from geo_engine.words.firm_sentences import firm_notes, firm_sentence, firm_unused
from geo_engine.words.firm_terms import AGES, firm_labels
from geo_engine.words.place_sentences import model_refusal

AGE_BOUNDS = (3, 6, 11, 21)
"""Years since registration at which a class begins; the first begins with 0."""
KNOWN_PART = 0.5
"""A characteristic known of a smaller part of the firms is left out, and said to be."""


@dataclass(frozen=True, kw_only=True)
class FittedFirms:
    """What the regressions found."""

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    """chain ("" for all of them) and ``drivers.firm_logit.FIRM_TERM_COLUMNS``."""
    sentences: pd.DataFrame = field(default_factory=pd.DataFrame)
    """chain, it, en, in order; also why there is no regression."""


class _Firms(NamedTuple):
    """The firms of the last year in the studied chains, arrays over them."""

    rows: pd.DataFrame
    """pro_com_t, outcome and the characteristics of firms, NA where unknown."""
    phases: npt.NDArray[np.int8]
    """Firm x chain -> position in ``PHASE_NAMES``, 0 outside."""

    def reference(self, name: str, rows: pd.DataFrame) -> str:
        """Choose what levels are compared with: the same in every chain that has it."""
        if name not in self.rows:
            return ""
        common = str(self.rows[name].value_counts().index[0])
        return common if (rows[name] == common).any() else ""


def firm_models(
    plan: Plan, asked: FirmModels, intake: Intake, memberships: Memberships, *, universe: int
) -> FittedFirms:
    """Fit the regressions of a study: all chains together, and each alone.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    asked : FirmModels
        Signal and terms.
    intake : Intake
        Its firms.
    memberships : Memberships
        Chains of its firms.
    universe : int
        Position of the universe whose firms count.

    Returns
    -------
    FittedFirms
        Empty where none are asked for. A public study fits the main universe only, without
        characteristics of fewer firms than the threshold of disclosure, and gives no counts: their
        difference would tell the share of a few firms.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING``. What a chain's data do not allow is a sentence, not an error.
    """
    if not asked.enabled or (universe and plan.study.audience == "public"):
        return FittedFirms()
    firms = _last_firms(plan, asked, (intake, memberships), universe)
    chains = list(plan.chains)
    parts = []
    if len([name for name in chains if name != ALL_FIRMS.key]) > 1:
        parts.append(_fitted(plan, asked, "", firms, _pooled(firms, chains)))
    for position, chain in enumerate(chains):
        own = firms.phases[:, position]
        phase = pd.Categorical.from_codes(own[own > 0], [f"phase:{name}" for name in PHASE_NAMES])
        rows = firms.rows[own > 0].assign(phase=phase)
        parts.append(_fitted(plan, asked, chain, firms, rows))
    return FittedFirms(
        table=pd.concat([part.table for part in parts], ignore_index=True),
        sentences=pd.concat([part.sentences for part in parts], ignore_index=True),
    )


def _last_firms(
    plan: Plan, asked: FirmModels, given: tuple[Intake, Memberships], universe: int
) -> _Firms:
    """Lay out the firms of the last year that are in a studied chain."""
    intake, memberships = given
    table = intake.firms
    last = table["year"].to_numpy() == table["year"].max()
    own = (table["inside"].to_numpy() >> universe & 1).astype(bool)
    single = ~intake.is_counts[table["file"].to_numpy()] & last & own
    kind, phases = memberships.kinds.which, memberships.phase
    single &= np.greater(phases.max(axis=1, initial=0), 0)[kind]
    firms = single_firms(table, single, distinct=plan.study.unit == "impresa")
    return _Firms(
        rows=pd.DataFrame(
            {
                "pro_com_t": plan.places.index.to_numpy()[table["place"].to_numpy()[firms.first]],
                "outcome": _outcome(firms, asked.signal),
                "size": _named(firms.largest("size"), "size", range(len(size_labels()))),
                "legal_form": _named(firms.largest("legal_form"), "form", legal_forms()),
                "age": _named(_age_class(firms), "age", range(AGES)),
            }
        ),
        phases=phases[kind[firms.first]],
    )


def _outcome(firms: SingleFirms, signal: str) -> pd.Series:
    """Give the signal of each firm, missing where unknown."""
    if signal:
        value = firms.largest(f"signal {signal}")
    else:
        value = np.where(firms.largest("known") > 0, firms.largest("digital"), -1)
    return pd.Series(value > 0, dtype="boolean").mask(value < 0)


def _age_class(firms: SingleFirms) -> npt.NDArray[np.int64]:
    """Give the class of age of each firm, -1 unknown."""
    born = firms.largest("registered")
    age = np.digitize(firms.years - born, AGE_BOUNDS)
    return np.where(born > 0, age, -1)


def _named(position: npt.NDArray[np.int64], kind: str, names: Iterable[object]) -> pd.Categorical:
    """Turn positions into levels whose text tells the kind."""
    levels = [f"{kind}:{name}" for name in names]
    return pd.Categorical.from_codes(position, categories=levels)


def _pooled(firms: _Firms, chains: list[str]) -> pd.DataFrame:
    """Give each firm a row for each of its chains, with weights adding up to one."""
    inside = np.asarray(firms.phases > 0)
    inside[:, [name == ALL_FIRMS.key for name in chains]] = False  # no chain among others
    row, chain = np.nonzero(inside)
    weight = 1 / np.maximum(inside.sum(axis=1), 1)
    labels = np.array([f"chain:{name}" for name in chains], dtype=object)
    return firms.rows.iloc[row].assign(chain=labels[chain], weight=weight[row])


def _fitted(
    plan: Plan, asked: FirmModels, chain: str, firms: _Firms, rows: pd.DataFrame
) -> FittedFirms:
    """Fit one regression; what its data do not allow is a sentence."""
    signal = _signal_names(plan, asked)
    rows, factors, left = _usable(plan, asked, rows)
    model = FirmModel(
        outcome="outcome",
        factors={name: firms.reference(name, rows) for name in factors},
        context=asked.context,
        weight="weight" if "weight" in rows else "",
        alpha=plan.study.statistics.alpha,
    )
    try:
        cells = collapse_firms(rows, model)
        found = firm_logit(cells, model, places=_context(plan))
    except StatisticsError as error:
        if error.code == "EXTRA_MISSING":
            raise
        why = {lang: [model_refusal(error.code, lang)] for lang in LANGUAGES}
        return FittedFirms(sentences=pd.DataFrame({"chain": chain, **why}))
    said = {lang: _said(plan, (found, left), signal[lang], lang) for lang in LANGUAGES}
    terms = found.terms.assign(chain=chain)
    if plan.study.audience == "public":
        terms = terms.assign(firms=np.nan, positive=np.nan)
    return FittedFirms(table=terms, sentences=pd.DataFrame({"chain": chain, **said}))


def _usable(
    plan: Plan, asked: FirmModels, rows: pd.DataFrame
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Choose the factors that most firms have and that differ; in public, of enough firms."""
    least = plan.study.disclosure.threshold if plan.study.audience == "public" else 1
    factors: list[str] = []
    left: list[str] = []
    for name in asked.terms:
        if name not in rows:
            continue
        if rows[name].notna().mean() < KNOWN_PART:
            left.append(name)
            continue
        rows = rows[rows[name].notna() & rows["outcome"].notna()]
        counted = rows[name].value_counts()
        rows = rows[rows[name].isin(counted.index[counted >= least])]
        if len(rows) and (rows[name] != rows[name].iloc[0]).any():
            factors.append(name)
    return rows, factors, left


def _context(plan: Plan) -> pd.DataFrame:
    """Give population and density of municipalities in logarithms of base 2."""
    places = plan.places
    persons = places["population"].to_numpy(np.float64)
    with np.errstate(divide="ignore"):
        context = pd.DataFrame(
            {
                "population": np.log2(persons),
                "density": np.log2(persons / places["area_km2"].to_numpy(np.float64)),
            },
            index=places.index,
        )
    return context.replace([np.inf, -np.inf], np.nan)


def _signal_names(plan: Plan, asked: FirmModels) -> dict[str, str]:
    """Name the signal in both languages."""
    own = next((signal for signal in plan.signals if signal.key == asked.signal), None)
    if own is None:
        return dict(zip(LANGUAGES, signal_name(plan.study), strict=True))
    return {"it": own.label, "en": own.label_en or own.label}


def _said(
    plan: Plan, fitted: tuple[FirmRegression, list[str]], signal: str, language: str
) -> list[str]:
    """Say what a regression found, and which terms it does without."""
    found, left = fitted
    labels = firm_labels(chain_infos(plan), language)
    rows = found.terms.to_dict("records")
    told = [
        firm_sentence(row, found, signal, labels, language)
        for row in rows
        if row["kind"] != "intercept"
    ]
    return [*told, *firm_notes(found, language), *firm_unused(left, labels, language)]
