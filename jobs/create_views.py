"""Job: make the views for BI tools in the lake's schema of the catalogue, or make them anew.

They are flat: no nested columns, counts of customers estimated from sketches, local times of network.zone. A lake in a
folder has no catalogue to keep views in: jobs/export_tables.py exports them, jobs/ask_question.py asks them.
"""

from collections.abc import Sequence

from telflow.analysts.views import ViewReport, create_views, with_writers
from telflow.cli import job_parser, open_job, run_script
from telflow.tables import Table


def main(argv: Sequence[str] | None = None) -> int:
    job = open_job(job_parser(__doc__).parse_args(argv))
    print("\n".join(lines(create_views(job.lake, job.settings.network.zone))))
    return 0


def lines(report: ViewReport) -> list[str]:
    """``report`` for a reader."""
    told = [f"{name}: made{without(report.lacking.get(name, []))}" for name in report.created]
    return [*told, *(f"{name}: waits for {with_writers(missing)}" for name, missing in report.waiting.items())]


def without(lacking: Sequence[Table]) -> str:
    """What a view was made without, for a reader; empty where it has all."""
    return f" without {with_writers(lacking)}: make it anew when they are there" if lacking else ""


if __name__ == "__main__":
    run_script(main)
