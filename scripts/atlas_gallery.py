"""Make the gallery in maps/: two regions of a simulated register, each small enough for git.

``python scripts/atlas_gallery.py [NAME ...]``. Every figure is simulated and the pages say so.
"""

from __future__ import annotations

import importlib.resources
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from geo_engine.delivery import carry_out
from geo_engine.sources.boundaries import read_layer, read_population
from geo_engine.study import parse_study
from geo_engine.synthetic.register import RegisterParameters, generate_register, write_extract

ROOT = Path(__file__).resolve().parent.parent
EXTRACT = "registro_simulato.csv"
GALLERY = {
    "toscana": ("09", "Toscana", ("moda", "agroalimentare", "turismo", "ict_digitale")),
    "marche": ("11", "Marche", ("moda", "arredo_design", "agroalimentare")),
}
"""File: code and name of the region, and chains."""
UNITS = 300_000
"""Local units of the whole country over all years; a region keeps its own."""


def make_map(name: str, folder: Path) -> Path:
    """Simulate a region, carry out its study, and put the page into maps/.

    Parameters
    ----------
    name : str
        A key of ``GALLERY``.
    folder : Path
        For what is written on the way.

    Returns
    -------
    Path
        The page.
    """
    region, label, chains = GALLERY[name]
    text = (
        importlib.resources.files("geo_engine.synthetic").joinpath("study.toml").read_text("utf-8")
    )
    keys = tomllib.loads(text)
    keys |= {
        "title": f"Imprese con sito web, {label} (registro simulato)",
        "title_en": f"Firms with a website, {label} (simulated register)",
        "coverage": {"regions": [label]},
        "chains": {"use": list(chains)},
        "outputs": {"formats": ["atlas"]},
    }
    keys.pop("statistics")  # its further tests are not shown by the atlas
    study = parse_study(keys)
    places = read_layer(study.boundary_date)
    register = generate_register(
        places,
        read_population(study.boundary_date),
        seed=study.seed,
        parameters=RegisterParameters(units=UNITS),
    )
    own = set(places.index[places["cod_reg"] == region])
    rows = register.truth["true_pro_com_t"].isin(own)
    write_extract(register.extract[rows], folder / EXTRACT)
    delivered = carry_out(study, folder, folder / "out")
    page = ROOT / "maps" / f"{name}.html"
    shutil.copyfile(delivered.files["atlas.html"], page)
    return page


def main() -> None:
    """Make the maps that are asked for, or all."""
    for name in sys.argv[1:] or GALLERY:
        with tempfile.TemporaryDirectory() as folder:
            page = make_map(name, Path(folder))
        print(f"{page.relative_to(ROOT)}: {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
