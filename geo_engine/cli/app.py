"""The command line of geo-engine."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from geo_engine.errors import GeoEngineError

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

app = typer.Typer(
    name="geo-engine",
    help="From a firm extract to a map of local digitalization hotspots.\n\n"
    "Begin with `geo-engine demo`; for your own data: `geo-engine init EXTRACT`, "
    "`geo-engine check STUDY`, `geo-engine run STUDY --out DIR`.\n\n"
    "Exit status: 0 done, 1 data refused, 2 usage, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
chains_app = typer.Typer(
    help="Supply chains (filiere) and their ATECO codes.", no_args_is_help=True
)
boundaries_app = typer.Typer(
    help="Municipal boundaries: the layer that ships, and ISTAT's own of other years.",
    no_args_is_help=True,
)
codes_app = typer.Typer(
    help="Official lists of municipal codes, for extracts with codes and names of other years.",
    no_args_is_help=True,
)
app.add_typer(chains_app, name="chains")
app.add_typer(boundaries_app, name="boundaries")
app.add_typer(codes_app, name="codes")

AtecoEdition = Literal["2007", "2025"]
ChainPerimeter = Literal["wide", "strict"]
StudyPath = Annotated[Path, typer.Argument(metavar="STUDY", help="Study file (TOML).")]
OutFolder = Annotated[Path, typer.Option("--out", help="Folder of the results.")]
DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", help="Folder of the data, when it is not the study's own."),
]


@app.command()
def demo(out: OutFolder = Path("maps/demo")) -> None:
    """Run the main job on an embedded, simulated register of Italian firms."""
    from geo_engine.cli.demo import run_demo

    run_demo(out)


@app.command()
def run(study: StudyPath, out: OutFolder, data_root: DataRoot = None) -> None:
    """Carry out a study: atlas, GeoPackage, tables and manifest.

    Example: `geo-engine run studies/startup.toml --data-root data --out results/startup`
    """
    from geo_engine.cli.run import run_study

    run_study(study, out, data_root)


@app.command()
def check(
    study: StudyPath,
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.")] = Path("quality"),
    data_root: DataRoot = None,
) -> None:
    """Read and place the firms of a study, and report on the quality of the data.

    Writes quality.html (to read), quality.csv and quality_examples.csv (masked examples).
    """
    from geo_engine.cli.check import check_study

    check_study(study, out, data_root)


@app.command()
def init(
    extract: Annotated[Path, typer.Argument(metavar="EXTRACT", help="CSV, XLSX, Parquet or GPKG.")],
    out: Annotated[Path | None, typer.Option("--out", help="Study file to write.")] = None,
) -> None:
    """Write a commented study by looking at the columns of an extract."""
    from geo_engine.cli.init import init_study

    init_study(extract, out)


@app.command()
def report(  # noqa: PLR0913  (the options of a command are its arguments)
    run: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")],
    territory: Annotated[
        str,
        typer.Option(
            help="Municipality, province, region or zone: a name, sigla or code "
            "(`Prato`, `PO`, `comune:Prato`, `Castro (LE)`)."
        ),
    ] = "",
    territories: Annotated[
        Path | None,
        typer.Option(help="List of municipalities (CSV or text): one sheet of all together."),
    ] = None,
    each: Annotated[
        str, typer.Option(help="One sheet for each `province`, `region` or zone of a geography.")
    ] = "",
    chain: Annotated[str, typer.Option(help="Report of a chain, such as `moda`.")] = "",
    name: Annotated[str, typer.Option(help="Name of the territory of --territories.")] = "",
    form: Annotated[str, typer.Option("--format", help="Of html, pdf, docx.")] = "html,pdf",
    sections: Annotated[str, typer.Option(help="Some sections only: summary,trend.")] = "",
    lang: Annotated[str, typer.Option(help="it or en.")] = "it",
    classes: Annotated[str, typer.Option(help="Classes of maps: national or local.")] = "national",
    template: Annotated[
        Path | None, typer.Option(help="DOCX whose styles and headers are kept.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the reports; DIR/report by default.")
    ] = None,
) -> None:
    """Write sheets of territories, or the report of a chain, from a finished run.

    Sections of a sheet: summary, municipalities, chains, areas, trend, similar, strengths, notes;
    of a chain: universe, phases, territories, areas, trend, drivers, notes. Every figure also
    comes as PNG and SVG, every table as CSV.

    Example: `geo-engine report maps/demo --territory Prato --format pdf,docx,html`
    """
    from geo_engine.cli.report import Asked, split, write_reports

    asked = Asked(
        run=run,
        out=out or run / "report",
        territory=territory,
        territories=territories,
        each=each,
        chain=chain,
        name=name,
        formats=split(form),
        sections=split(sections),
        language=lang,
        classes=classes,
        template=template,
    )
    write_reports(asked)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="geoparquet, flatgeobuf, geojson, csv, neighbors (GAL, GWT), metadata (ISO 19139, "
            "DCAT-AP_IT), sld, shapefile; several with commas. All but shapefile by default.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the new files; DIR/export by default.")
    ] = None,
) -> None:
    """Give a finished run in other formats, made of its own files.

    Example: `geo-engine export risultati --format geoparquet,geojson`
    """
    from geo_engine.cli.export import export_folder

    export_folder(folder, formats or [], out)


OfStudy = Annotated[Path | None, typer.Option("--study", help="The chains of a study instead.")]


@chains_app.command("list")
def chains_list(study: OfStudy = None) -> None:
    """List the supply chains that ship, or those of a study."""
    from geo_engine.cli.chains import list_chains, list_study_chains

    if study is None:
        list_chains()
    else:
        list_study_chains(study)


@chains_app.command("show")
def chains_show(
    chain: Annotated[str, typer.Argument(help="Key of a chain, such as moda.")],
    study: OfStudy = None,
) -> None:
    """Show the ATECO prefixes of a chain, by phase and edition."""
    from geo_engine.cli.chains import show_chain

    show_chain(chain, study)


@chains_app.command("overlaps")
def chains_overlaps(
    edition: Annotated[AtecoEdition, typer.Option(help="Edition of ATECO.")] = "2025",
    perimeter: Annotated[
        ChainPerimeter, typer.Option(help="Wide or strict definition of the chains.")
    ] = "wide",
    study: OfStudy = None,
) -> None:
    """List the codes that two or more chains share."""
    from geo_engine.cli.chains import show_overlaps

    show_overlaps(edition, perimeter, study)


@chains_app.command("code")
def chains_code(
    code: Annotated[str, typer.Argument(help="An ATECO code, such as 47.91.10.")],
) -> None:
    """Say what a code means in each edition, what it became, and its chains."""
    from geo_engine.cli.chains import show_code

    show_code(code)


@boundaries_app.command("list")
def boundaries_list() -> None:
    """List the dates on which the municipalities changed."""
    from geo_engine.cli.boundaries import list_dates

    list_dates()


Edition = Annotated[int, typer.Argument(metavar="YEAR", help="Year of ISTAT's edition.")]
Detail = Annotated[str, typer.Option("--version", help="generalized or detailed.")]
Layer = Annotated[str, typer.Option("--version", help="shipped, generalized or detailed.")]


@boundaries_app.command("info")
def boundaries_info(
    date: Annotated[str, typer.Argument(help="ISO date, such as 2025-01-01.")] = "2025-01-01",
    version: Layer = "shipped",
) -> None:
    """Tell what the layer of a date holds, its source and its licence."""
    from geo_engine.cli.boundaries import describe_layer

    describe_layer(date, version)


@boundaries_app.command("fetch")
def boundaries_fetch(
    year: Edition,
    version: Detail = "generalized",
    url: Annotated[
        str | None, typer.Option("--url", help="A mirror's folder, or the archive itself.")
    ] = None,
) -> None:
    """Download ISTAT's boundaries of a year, check them, and keep them for later studies.

    Example: `geo-engine boundaries fetch 2019`, then `boundary_date = 2019-01-01` and
    `boundary_layer = "generalized"` in the study.
    """
    from geo_engine.cli.boundaries import fetch

    fetch(year, version, url)


@boundaries_app.command("import")
def boundaries_import(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="ISTAT's zip, as downloaded.")],
    year: Edition,
    version: Detail = "generalized",
) -> None:
    """Check and keep an archive of ISTAT's boundaries that was downloaded by hand."""
    from geo_engine.cli.boundaries import import_archive

    import_archive(archive, year, version)


@codes_app.command("fetch")
def codes_fetch() -> None:
    """Download the official lists of codes, check them, and keep them for later studies."""
    from geo_engine.cli.codes import fetch_lists

    fetch_lists()


@codes_app.command("import")
def codes_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A list, as downloaded.")],
    date: Annotated[
        str | None, typer.Option("--date", help="ISO date of a list that does not tell it.")
    ] = None,
) -> None:
    """Check and keep an official list of codes that was downloaded by hand.

    It recognizes ANPR's archive of municipalities, and ISTAT's lists of municipalities, of
    changes since 1991 and of suppressed municipalities.
    """
    from geo_engine.cli.codes import import_list

    import_list(file, date)


@codes_app.command("list")
def codes_list() -> None:
    """List what is known of codes: imported lists, and municipalities by date."""
    from geo_engine.cli.codes import list_lists

    list_lists()


@codes_app.command("trace")
def codes_trace(
    word: Annotated[
        str, typer.Argument(metavar="CODE|NAME", help="ISTAT or cadastral code, name.")
    ],
    date: Annotated[
        str, typer.Option("--date", help="ISO date whose heirs are told.")
    ] = "2025-01-01",
) -> None:
    """Tell the history of a municipality, and who holds its territory on a date."""
    from geo_engine.cli.codes import trace_municipality

    trace_municipality(word, date)


@app.command()
def version() -> None:
    """Print the version."""
    from geo_engine import __version__
    from geo_engine.cli.console import out as console

    console.print(f"geo-engine {__version__}")


def main() -> None:
    """Run the command line, and turn an error into its message and exit status."""
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        """Leave in good order: temporary files go."""
        stopped.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        app()
    except GeoEngineError as error:
        from geo_engine.cli.console import fail

        sys.exit(fail(error))
    except SystemExit as left:
        sys.exit(128 + stopped[0] if stopped else left.code)
    except (KeyboardInterrupt, Exception) as error:
        sys.exit(_status(error, stopped))


def _status(error: BaseException, stopped: list[int]) -> int:
    """Give the exit status of what is no error of ours; tell it when nobody foresaw it."""
    if stopped:  # compiled code turns an interruption into an error of its own
        return 128 + stopped[0]
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if os.environ.get("GEO_ENGINE_DEBUG"):
        raise error
    from geo_engine.cli.console import fail_unexpectedly

    return fail_unexpectedly(error)


if __name__ == "__main__":
    main()
