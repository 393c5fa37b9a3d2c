"""What the firms of each place add up to beyond their number: phases, persons employed, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.sparse import csr_array

from geo_engine.indicators.amounts import label_amounts, sum_amounts
from geo_engine.indicators.counting import FIRM_COLUMNS, FirmWeights, count_firms

FloatArray = npt.NDArray[np.float64]
SUMS = ("number", "total", "squares")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What rows of firms are counted into."""

    places: pd.Index
    """``pro_com_t``, in the order of the positions."""
    covered: npt.NDArray[np.bool_]
    chains: tuple[str, ...]
    years: tuple[int, ...]
    distinct: bool
    """Whether an enterprise counts once in a place."""
    shared_persons: bool
    """Whether persons stand on a row for the whole enterprise, and not for its unit."""


@dataclass(frozen=True, kw_only=True)
class PlaceSums:
    """Sums over the firms of each territory; NaN where not covered. None: the study has none."""

    phases: xr.DataArray
    """(territory, chain, phase, year): firms."""
    employees: xr.Dataset | None = None
    """(territory, chain, year): ``number`` of firms with known persons, ``total`` of these and
    ``squares``."""
    all_employees: xr.Dataset | None = None
    """(territory, year): the same of all firms."""
    fourths: xr.DataArray | None = None
    """(chain, year): sum over the firms of the covered places of their persons to the fourth."""
    scores: xr.Dataset | None = None
    """(territory, chain, year): as ``employees``, of scores."""
    flows: xr.Dataset | None = None
    """(territory, chain, year): ``dated`` firms whose year of registration is known, ``births`` of
    the year among these, and ``deaths``, firms that ceased in the year (NaN in a year of which the
    extract lists none: it holds the living only)."""


Members = npt.NDArray[np.bool_] | FirmWeights
Parts = npt.NDArray[np.bool_] | FloatArray


def place_sums(
    firms: pd.DataFrame, members: Members, by_phase: Mapping[str, Members], frame: Frame
) -> PlaceSums:
    """Add up the firms of each place.

    Parameters
    ----------
    firms : DataFrame
        ``counting.FIRM_COLUMNS``, and where the study has them ``employees`` (persons) and
        ``score``, NaN where not known.
    members : array of bool or FirmWeights, shape (codes, chains)
        How much of a firm each chain has.
    by_phase : mapping of str to the same
        Of each phase of the chains.
    frame : Frame
        Places, chains and years.

    Returns
    -------
    PlaceSums
        Persons that stand for the whole enterprise are divided equally among its rows of the year,
        so that they add up to its own over all places. A firm of several units in a place has one
        score there, the highest.
    """
    persons = _persons(firms, frame) if "employees" in firms else None
    found: dict[str, xr.Dataset | xr.DataArray] = {"phases": _phases(firms, by_phase, frame)}
    parts = _parts(members)
    if persons is not None:
        rows = _rows(firms, persons)
        found["employees"], found["all_employees"] = _sums(rows, parts, frame)
        found["fourths"] = _fourths(rows, parts, frame)
    if "score" in firms:
        score = firms["score"].to_numpy(np.float64)
        rows = _rows(firms, score)[np.isfinite(score)]
        if frame.distinct:
            rows = _once(rows.assign(firm=firms["firm"].to_numpy()[np.isfinite(score)]))
        found["scores"], _ = _sums(rows, parts, frame)
    if "registered" in firms and (firms["registered"].to_numpy() > 0).any():
        found["flows"] = _flows(firms, members, frame)
    return PlaceSums(**found)  # type: ignore[arg-type] # by name


def _flows(firms: pd.DataFrame, members: Members, frame: Frame) -> xr.Dataset:
    """Count the firms of each year that are dated, new, and gone."""
    year = np.asarray(frame.years)[firms["year"].to_numpy()]
    born, ended = (firms[name].to_numpy() for name in ("registered", "ceased"))
    size, years = len(frame.places), len(frame.years)
    dims = ("place", "chain", "year")
    coords = {
        "place": frame.places.to_numpy(dtype=object).astype(str),
        "chain": list(frame.chains),
        "year": list(frame.years),
    }

    def count(rows: npt.NDArray[np.bool_]) -> xr.DataArray:
        found = count_firms(
            firms.loc[rows, list(FIRM_COLUMNS)],
            members,
            areas=np.arange(size),
            shape=(size, years),
            distinct=frame.distinct,
        )
        values = np.where(frame.covered[:, None, None], found.firms[:, :-1], np.nan)
        return xr.DataArray(values, dims=dims, coords=coords)

    gone = ended == year
    listed = np.isin(np.arange(years), firms["year"].to_numpy()[gone])
    return xr.Dataset(
        {
            "dated": count(born > 0),
            "births": count((born > 0) & (born == year)),
            "deaths": count(gone).where(xr.DataArray(listed, dims="year")),
        }
    )


def _parts(members: Members) -> Parts:
    """Give weights as parts of a firm."""
    if isinstance(members, FirmWeights):
        return np.asarray(members.units / members.whole, dtype=np.float64)
    return members


def gather(
    sums: PlaceSums,
    matrix: csr_array,
    codes: Sequence[str],
    *,
    dim: str,
    covered: npt.NDArray[np.bool_],
) -> PlaceSums:
    """Add the sums of places up to those of wider territories.

    Parameters
    ----------
    sums : PlaceSums
        By place.
    matrix : csr_array, shape (territories, places)
        Part of each place in each territory.
    codes : sequence of str
        Of the territories.
    dim : str
        Name of their dim.
    covered : array of bool
        Territories that are wholly covered; others are NaN.

    Returns
    -------
    PlaceSums
        Firms with units in several places count once in each.
    """

    def added(values: xr.DataArray) -> xr.DataArray:
        table = values.transpose("place", ...).to_numpy()
        flat = table.reshape(len(table), -1)
        total = (matrix @ np.nan_to_num(flat)).reshape(len(codes), *table.shape[1:])
        total[:, np.isnan(flat).all(axis=0).reshape(table.shape[1:])] = np.nan
        total[~covered] = np.nan
        dims = (dim, *(str(name) for name in values.dims if name != "place"))
        coords = {str(n): c for n, c in values.coords.items() if n != "place"}
        return xr.DataArray(total, dims=dims, coords={dim: list(codes), **coords})

    def of(dataset: xr.Dataset | None) -> xr.Dataset | None:
        return None if dataset is None else dataset.map(added)

    return PlaceSums(
        phases=added(sums.phases),
        employees=of(sums.employees),
        all_employees=of(sums.all_employees),
        fourths=sums.fourths,
        scores=of(sums.scores),
        flows=of(sums.flows),
    )


def _phases(firms: pd.DataFrame, by_phase: Mapping[str, Members], frame: Frame) -> xr.DataArray:
    """Count firms by chain and phase, all in one reading of the rows where they are whole."""
    size, years = len(frame.places), len(frame.years)
    names = list(by_phase)

    def count(members: Members) -> FloatArray:
        found = count_firms(
            firms, members, areas=np.arange(size), shape=(size, years), distinct=frame.distinct
        )
        return found.firms[:, :-1]

    tables = list(by_phase.values())
    if any(isinstance(table, FirmWeights) for table in tables):
        counted = np.stack([count(table) for table in tables], axis=2)
    else:
        stacked = np.stack([np.asarray(table) for table in tables], axis=2)
        flat = count(stacked.reshape(len(stacked), -1))
        counted = flat.reshape(size, len(frame.chains), len(names), years)
    values = np.where(frame.covered[:, None, None, None], counted, np.nan)
    coords = {
        "place": frame.places.to_numpy(dtype=object).astype(str),
        "chain": list(frame.chains),
        "phase": names,
        "year": list(frame.years),
    }
    return xr.DataArray(values, dims=tuple(coords), coords=coords)


def _persons(firms: pd.DataFrame, frame: Frame) -> FloatArray:
    """Give the persons of each row, divided among the rows of an enterprise where need be."""
    persons = firms["employees"].to_numpy(np.float64)
    if not frame.shared_persons:
        return persons
    known = np.isfinite(persons)
    key = firms["firm"].to_numpy(np.uint64)[known]
    year = firms["year"].to_numpy()[known]
    firm, distinct = pd.factorize(key)
    if len(distinct) == len(key):
        return persons
    last = int(year.max(initial=0)) + 1
    cell = firm * last + np.maximum(year, 0)
    divided = persons.copy()
    divided[known] /= np.bincount(cell)[cell]
    return divided


def _rows(firms: pd.DataFrame, amount: FloatArray) -> pd.DataFrame:
    """Give the rows as ``sum_amounts`` takes them."""
    return firms[["place", "year", "code"]].assign(amount=amount)


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep one row of each firm, place, year and code: that of the highest score."""
    keys = ["place", "year", "firm", "code"]
    ordered = rows.sort_values([*keys, "amount"], ascending=[True] * 4 + [False])
    return ordered.drop_duplicates(keys)[["place", "year", "code", "amount"]]


def _sums(rows: pd.DataFrame, members: Parts, frame: Frame) -> tuple[xr.Dataset, xr.Dataset]:
    """Add an amount up by place, and label the sums."""
    size = len(frame.places)
    amounts = sum_amounts(rows, members, areas=np.arange(size), shape=(size, len(frame.years)))
    labels = frame.places.to_numpy(dtype=object).astype(str).tolist()
    by_chain, everyone = label_amounts(amounts, labels, frame.chains, frame.years)
    covered = xr.DataArray(frame.covered, dims="place", coords={"place": labels})
    kept = [part[list(SUMS)].where(covered) for part in (by_chain, everyone)]
    return (
        kept[0].transpose("place", "chain", "year"),
        kept[1].transpose("place", "year"),
    )


def _fourths(rows: pd.DataFrame, members: Parts, frame: Frame) -> xr.DataArray:
    """Add the fourth powers of persons over the covered places."""
    squared = rows.assign(amount=rows["amount"].to_numpy() ** 2)
    areas = np.where(frame.covered, 0, -1)
    amounts = sum_amounts(squared, members, areas=areas, shape=(1, len(frame.years)))
    coords = {"chain": list(frame.chains), "year": list(frame.years)}
    return xr.DataArray(amounts.squares[0, :-1], dims=("chain", "year"), coords=coords)
