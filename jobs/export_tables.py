"""Job: export tables and views to Parquet, CSV or Tableau's Hyper, for tools that read files.

Without names: the tables that analysts ask, those of them that are there. Restricted tables are never exported. An
export takes its place whole, or not at all.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from telflow.analysts.exports import FORMATS, SYNTHETIC, Exported, choose_sources, export
from telflow.analysts.hyper import hyper_library
from telflow.analysts.views import is_synthetic
from telflow.cli import add_days, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    if arguments.format == "hyper":
        hyper_library()  # first: where it is missing, nothing is begun
    job = open_job(arguments)
    sources = choose_sources(job.lake, arguments.names, job.settings.network.zone)
    if not sources:
        print(f"{job.lake.root} holds no table for analysts yet: nothing to export")
    synthetic = is_synthetic(job.lake)
    written = export(
        sources,
        arguments.output,
        arguments.format,
        days=arguments.days,
        gzip=arguments.gzip,
        overwrite=arguments.overwrite,
        synthetic=synthetic,
    )
    for exported in written:
        print(line(exported), flush=True)
    if synthetic and sources:
        print(SYNTHETIC)
    return 0


def parser() -> argparse.ArgumentParser:
    made = job_parser(__doc__)
    made.add_argument("names", nargs="*", help="tables, or views for BI such as bi_customer_days")
    made.add_argument("--output", type=Path, default=Path("export"), help="folder to write into (default: ./export)")
    made.add_argument("--format", choices=FORMATS, default="parquet", help="format of the files (default: parquet)")
    add_days(made, "days to write, of what tells of days (default: all)")
    made.add_argument("--gzip", action="store_true", help="compress CSV")
    made.add_argument("--overwrite", action="store_true", help="put the new export in the place of an old one")
    return made


def line(exported: Exported) -> str:
    """``exported`` for a reader."""
    told = f"{exported.name}: {exported.rows:,} rows in {exported.path}"
    if exported.left_out:
        told += f", without {', '.join(exported.left_out)} (binary)"
    return f"{told}, all of it: it tells of no days" if exported.whole else told


if __name__ == "__main__":
    run_script(main)
