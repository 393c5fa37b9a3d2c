"""Right, wrong and quarantined by spelling family, over all municipalities."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from geo_engine.places import Resolver, resolve_names
from geo_engine.places.names import key
from tests.places import spellings


def families(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Write every municipality in every family: name, province, region, truth (its position)."""
    empty = pd.Series("", index=rows.index)
    made: dict[str, pd.DataFrame] = {}
    for family, write in spellings.ITALIAN.items():
        name = rows["name"].map(write)
        made[family] = pd.DataFrame({"name": name, "province": rows["sigla"], "region": empty})
    made |= spellings.with_context(rows)
    for frame in made.values():
        frame["truth"] = rows["position"]
    both = rows[rows["other"] != ""]
    written = [
        spellings.in_two_languages(*pair) for pair in zip(both["name"], both["other"], strict=True)
    ]
    for family in written[0] if written else ():
        name = pd.Series([each[family] for each in written], index=both.index)
        made[family] = pd.DataFrame(
            {"name": name, "province": both["sigla"], "region": "", "truth": both["position"]}
        )
    return made


def judge(resolver: Resolver, frame: pd.DataFrame) -> pd.DataFrame:
    """Resolve labelled rows; add found, reason and outcome (right, wrong or quarantined)."""
    found = resolve_names(resolver, frame["name"], frame["province"], frame["region"])
    position = found.positions
    outcome = np.where(position < 0, "quarantined", "wrong")
    shares = [{place for place, _ in each.shares} for each in found.outcomes]
    inside = np.array([t in shares[w] for t, w in zip(frame["truth"], found.which, strict=True)])
    outcome[(position == frame["truth"].to_numpy()) | inside] = "right"
    return frame.assign(found=position, reason=found.reasons, outcome=outcome)


def of_layer(layer: pd.DataFrame) -> pd.DataFrame:
    """Take the names of a layer as labelled rows."""
    other = layer["name_other"].where(layer["name"].str.contains("/"), "")
    return pd.DataFrame(
        {
            "name": layer["name"].str.split("/").str[0],
            "other": other,
            "sigla": layer["sigla"],
            "province": layer["province"].str.split("/").str[0],
            "region": layer["region"].str.split("/").str[0],
            "cod_prov": layer["cod_prov"],
            "cod_reg": layer["cod_reg"],
            "position": np.arange(len(layer)),
        }
    )


def of_archive(archive: pd.DataFrame, layer: pd.DataFrame, heirs: pd.DataFrame) -> pd.DataFrame:
    """Take the names of the archive in force, with what the layer says of their heir."""
    position = {code: i for i, code in enumerate(layer.index)}
    current = heirs[(archive["valid_to"] == dt.date(9999, 12, 31)).to_numpy()]
    current = current[current["heirs"].map(len) == 1]
    places = np.array([position[each[0]] for each in current["heirs"]])
    rows = of_layer(layer).iloc[places].reset_index(drop=True)
    other = current["name_other"].reset_index(drop=True)
    doubled = rows["sigla"].isin(["GO", "TS", "TN"])
    return rows.assign(name=current["name"].reset_index(drop=True), other=other.where(~doubled, ""))


def of_past(
    heirs: pd.DataFrame, layer: pd.DataFrame, since: dt.date, until: dt.date
) -> pd.DataFrame:
    """Take the names of periods that ended between two dates, with the sigla of then."""
    position = {code: i for i, code in enumerate(layer.index)}
    ended = heirs["valid_to"].map(lambda each: since <= each < until)
    past = heirs[ended & (heirs["heirs"].map(len) == 1)]
    return pd.DataFrame(
        {
            "name": past["name"],
            "province": past["sigla"],
            "region": "",
            "truth": [position[each[0]] for each in past["heirs"]],
        }
    )


def table(judged: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Count outcomes by family."""
    counts = {family: frame["outcome"].value_counts() for family, frame in judged.items()}
    columns = ["right", "wrong", "quarantined"]
    return pd.DataFrame(counts).T.reindex(columns=columns).fillna(0).astype(int)


def same_key(one: str, other: str) -> bool:
    """Tell whether two names are one without signs and accents."""
    return key(one) == key(other)
