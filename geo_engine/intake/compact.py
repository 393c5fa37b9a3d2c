"""What is kept of the rows of a batch: numbers of the usable ones, records of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from geo_engine.intake.sizes import chosen_sizes
from geo_engine.intake.steps import Part
from geo_engine.places.apportionment import largest_remainder
from geo_engine.sources.batches import quarantine_rows


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The placed rows of one batch, as handed to whoever keeps them (``firms_placed``)."""

    file: str
    rows: pa.Table
    row: np.ndarray
    place: np.ndarray
    year: np.ndarray
    code: np.ndarray
    secondary: np.ndarray
    """List of secondary codes, -1 without any."""
    digital: np.ndarray
    method: np.ndarray
    confidence: np.ndarray
    flags: np.ndarray
    point: np.ndarray


def set_aside(name: str, part: Part, mask: np.ndarray) -> pd.DataFrame:
    """Turn the unusable rows of a batch into rows of the quarantine."""
    return quarantine_rows(
        name,
        part.row_numbers[mask],
        (part.reason[mask], part.detail[mask]),
        part.rows.filter(pa.array(mask)),
    )


def compact(part: Part, codes: np.ndarray, usable: np.ndarray) -> pd.DataFrame:
    """Keep the numbers of the usable rows; ``of`` says which of these a row belongs to."""
    rows = np.flatnonzero(usable)
    of, place, counts = np.arange(len(rows)), part.place[rows], part.counts[rows]
    divided = [at for at in np.flatnonzero(part.counts[rows, 0] > 1) if rows[at] in part.shares]
    if divided:
        of, place, counts = _divide(part, rows, divided)
    rows = rows[of]
    return pd.DataFrame(
        {
            "place": place.astype(np.int32),
            "year": part.year[rows].astype(np.int16),
            "code": codes[rows],
            "firm": part.firm[rows],
            "firms": counts[:, 0],
            "known": counts[:, 1],
            "digital": counts[:, 2],
            "row": part.row_numbers[rows],
            "has_tax_code": part.has_tax_code[rows],
            "point": part.point[rows],
            "of": of,
            "legal_form": part.legal_form[rows],
            "level": part.signs.level[rows],
            "registered": part.dates.registered[rows],
            "ceased": part.dates.ceased[rows],
        }
        | ({} if part.signs.score is None else {"score": part.signs.score[rows]})
        | chosen_sizes(part.sizes[0], rows).columns
        | {f"signal {key}": signal[rows] for key, signal in part.signs.signals.items()}
        | {f"match {name}": match.by[rows] for name, match in part.signs.matches.items()}
    )


def other_sizes(part: Part, usable: np.ndarray, of: np.ndarray) -> pd.DataFrame | None:
    """Give the columns of sizes as they are if the comma is the decimal mark, where they differ."""
    if part.sizes[1] is part.sizes[0]:
        return None
    rows = np.flatnonzero(usable)[of]
    return pd.DataFrame(chosen_sizes(part.sizes[1], rows).columns)


def _divide(
    part: Part, rows: np.ndarray, divided: list[np.intp]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Divide counts of a former municipality among its heirs; no firm is lost or made."""
    whole = np.setdiff1d(np.arange(len(rows)), divided)
    of, places, counts = [whole], [part.place[rows[whole]]], [part.counts[rows[whole]]]
    for at in divided:
        heirs = part.shares[int(rows[at])]
        firms, known, digital = part.counts[rows[at]].tolist()
        # Digital, known but not digital, and unknown each on its own: no part has more than whole.
        kinds = np.array(
            [largest_remainder(n, heirs) for n in (digital, known - digital, firms - known)]
        )
        of.append(np.full(len(heirs), at))
        places.append(np.array([place for place, _ in heirs]))
        counts.append(np.cumsum(kinds, axis=0)[::-1].T.astype(np.int32))
    order = np.argsort(np.concatenate(of), kind="stable")
    return np.concatenate(of)[order], np.concatenate(places)[order], np.concatenate(counts)[order]


def placed_rows(
    name: str, part: Part, codes: tuple[np.ndarray, np.ndarray], usable: np.ndarray
) -> Placed:
    """Give the usable rows of a batch with everything known of them."""
    value = np.where(part.counts[:, 1] > 0, part.counts[:, 2], -1)
    return Placed(
        file=name,
        rows=part.rows.filter(pa.array(usable)),
        row=part.row_numbers[usable],
        place=part.place[usable],
        year=part.year[usable],
        code=codes[0][usable],
        secondary=codes[1][usable],
        digital=value[usable],
        method=part.method[usable],
        confidence=part.confidence[usable],
        flags=part.flags[usable],
        point=part.point[usable],
    )
