"""Job: two versions of the segment model, or two runs of a sweep, side by side."""

from collections.abc import Sequence

import pandas as pd

from telflow.cli import add_as_of, job_parser, open_job, run_script
from telflow.segments.compare import Comparison, compare_segments


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--left", metavar="VERSION|RUN", help="version or run of a sweep (default: the champion)")
    parser.add_argument(
        "--right", metavar="VERSION|RUN", help="likewise (default: the newest other version, else the runner-up)"
    )
    add_as_of(parser)
    parser.add_argument(
        "--months",
        type=int,
        default=2,
        help="windows of the model's own days (28, as settings stand) to look back for stability (default: 2)",
    )
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    found = compare_segments(
        job.lake, job.settings, arguments.left, arguments.right, as_of=arguments.as_of, months=arguments.months
    )
    print("\n".join(lines(found)))
    return 0


def lines(found: Comparison) -> list[str]:
    """``found`` for a reader."""
    return [
        f"{found.left} beside {found.right} as of {found.as_of}, {found.customers:,} {found.kind}, ARI {found.ari:.3f}",
        titled("sizes", found.sizes),
        titled("centres: means in natural units", found.centres.set_index(["model", "segment"]).T.reset_index()),
        titled(f"who moved: {found.left} in rows, {found.right} in columns", found.moves.reset_index()),
        titled("stability from window to window", found.stability)
        if len(found.stability)
        else "stability: customer_daily holds too few days for two windows",
    ]


def titled(title: str, table: pd.DataFrame) -> str:
    """A table under its title."""
    return f"\n{title}\n{table.to_string(index=False, float_format=lambda value: f'{value:,.3f}')}"


if __name__ == "__main__":
    run_script(main)
