"""Job: test the advice on simulated months: freeze at a date, recommend, compare with the planted truth."""

from collections.abc import Sequence

from telflow.advice.backtest import backtest
from telflow.advice.judging import BacktestReport, Hits
from telflow.cli import add_as_of, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser, "the freeze: nothing from this local day on is looked at (default: the day after the last one)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    print("\n".join(lines(backtest(job.lake, job.settings, arguments.as_of))))
    return 0


def lines(report: BacktestReport) -> list[str]:
    """``report`` for a reader."""
    told = [
        f"synthetic customers as of {report.as_of}: {report.customers:,} with enough history, {report.untold:,} "
        f"without, {report.needing:,} need a larger plan; run {report.run_id}",
        f"{line('advised to go up', report.upsize)} (95 %: {between(report.precision)}, {between(report.recall)})",
        *[
            f"{line(f'{name}, as many', found)}; precision of the advice less this: {between(report.leads[name])}"
            for name, found in report.same_size.items()
        ],
        line("among the recommendations", report.offered),
        line("of those who consent, may be approached", report.approached),
        line("advised, against the need at the end", report.at_end),
        f"of {report.flat_customers:,} flat customers {percent(report.flat_advised)} get a recommendation",
        "services, against the rises planted in categories of the rules:",
        line("recommended", report.services),
        line("of the categories that most hold, as many", report.most_held),
    ]
    shown = report.fairness.to_string(index=False, na_rep="-", float_format="{:.3f}".format)
    return [*told, shown]


def line(name: str, found: Hits) -> str:
    """A line on one choice of customers."""
    return f"  {name}: {found.chosen:,}, precision {percent(found.precision)}, recall {percent(found.recall)}"


def percent(value: float | None) -> str:
    """``value`` as percent, a dash for none."""
    return "-" if value is None else f"{value:.1%}"


def between(limits: tuple[float, float] | None) -> str:
    """An interval as percent, a dash for none."""
    return "-" if limits is None else f"{limits[0]:.1%} to {limits[1]:.1%}"


if __name__ == "__main__":
    run_script(main)
