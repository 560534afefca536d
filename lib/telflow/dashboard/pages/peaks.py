"""Peak times: which hours are busy, how busy, and how the days differ."""

from collections.abc import Mapping, Sequence
from datetime import date

import dash_mantine_components as dmc
import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import busy, components, units
from telflow.dashboard.figures.peaks import WEEKDAYS, clock, curve_figure, days_figure, heat_figure
from telflow.dashboard.filters import Filters, Period, format_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import customers, peaks
from telflow.dashboard.relations import CUSTOMER_CATEGORIES, CUSTOMERS_BY_DAY, SCOPE_LOAD, SCORES
from telflow.dashboard.style import Look

OTHER_ZONE = "Busy hours are those of the provider's own days."
OTHER_KIND = "Load is kept for one of category, plan, region and tier at a time: clear the other one first."


def limits(filters: Filters) -> Mapping[str, str]:
    """Load is kept by one dimension at a time; the first that is chosen counts."""
    reasons = {"zone": OTHER_ZONE, "segment": "Load is kept by customer tier, not by segment: choose a tier below."}
    scope = peaks.scope_of(filters)
    if scope.kind != "network":
        reasons |= {kind: OTHER_KIND for kind in peaks.KINDS if kind != scope.kind}
    return reasons


def render(view: View) -> list[Component]:
    """The four numbers, the week by hours, the day's curve, and the days' own busy hours."""
    scope = peaks.scope_of(view.filters)
    compared = [period for period in (view.period, view.previous) if period is not None]
    tiers, *earlier = [peaks.tiers(view.reader, period, view.minimum) for period in compared]
    choice = tier_choice(view, tiers)
    if scope.kind == "tier" and any(scope.names[0] not in names for names in (tiers, *earlier)):
        told = f"No tier {scope.names[0]} with at least {view.minimum} customers on every day is there: choose another."
        return [choice, components.words("This tier cannot be shown", told, "hidden")]
    if any(customers.is_too_small(view.reader, view.filters, period, view.minimum) for period in compared):
        return [choice, components.too_small(view.minimum)]
    load = load_of(view, scope, view.period)
    found = busy.peaks_of(load)
    if found is None:
        return [choice, components.nothing_found()]
    before = busy.peaks_of(load_of(view, scope, view.previous)) if view.previous else None
    odd = busy.odd_days(load.get_column("day").unique().to_list(), view.settings.network.zone)
    return [
        choice,
        components.tiles(*headline(found, before, compared=view.previous is not None)),
        *clock_changes(odd),
        heat_card(load, scope, view.look),
        curve_card(load, found, scope, view.look),
        days_card(load, odd, found, scope, view.look),
    ]


def load_of(view: View, scope: peaks.Scope, period: Period) -> pl.DataFrame:
    """Every sample of ``scope`` in the whole days of ``period``."""
    samples = peaks.read_samples(view.reader, scope, period)
    return busy.on_whole_days(samples, peaks.carried_days(view.reader, period), view.settings.network.zone)


def tier_choice(view: View, names: Sequence[str]) -> Component:
    """Links that choose a customer tier: each is an address of its own."""
    chosen = view.filters.parameter("tier")
    links = []
    for name in (None, *names):
        filters = view.filters.with_parameters(tier=name)
        for kind in peaks.KINDS if name else ():
            filters = filters.without(kind)
        links.append((name or "all customers", f"{PAGE.path}{format_query(filters)}", name == chosen))
    return components.chips("Customer tier", links)


def headline(found: busy.Peaks, before: busy.Peaks | None, *, compared: bool) -> list[Component]:
    """Busy hour, ADPH, TCBH and the billed sample."""

    def change(of: str) -> float | None:
        return units.change(getattr(found, of), getattr(before, of)) if before else None

    start = found.busy_start
    return [
        components.tile(
            "Busy hour",
            units.volume(found.busy_bytes),
            f"from {start:%H:%M}, {units.day(start.date())}",
            change("busy_bytes"),
            compared=compared,
        ),
        components.tile(
            "ADPH",
            units.volume(found.adph_bytes),
            "mean of the days' own busy hours",
            change("adph_bytes"),
            compared=compared,
        ),
        components.tile(
            "TCBH",
            units.volume(found.tcbh_bytes),
            f"mean of {clock(found.tcbh_minute)} to {clock(found.tcbh_minute + 60)} every day",
            change("tcbh_bytes"),
            compared=compared,
        ),
        components.tile(
            "p95", units.rate(found.p95_bits), "top 5 % of samples dropped", change("p95_bits"), compared=compared
        ),
        components.tile(
            "Mean", units.rate(found.mean_bits), "over all samples", change("mean_bits"), compared=compared
        ),
    ]


def clock_changes(odd: Mapping[date, int]) -> list[Component]:
    """What to say of days on which the clocks change."""
    if not odd:
        return []
    told = "; ".join(f"{units.day(day)} has {hours} hours" for day, hours in sorted(odd.items()))
    return [
        dmc.Alert(
            f"{told}. Such days are marked below; a repeated hour counts in its cell, a skipped one is empty that day.",
            title="Clocks change in these days",
            color="blue",
            variant="light",
            className="span-12",
        )
    ]


def heat_card(load: pl.DataFrame, scope: peaks.Scope, look: Look) -> Component:
    """The week by hours."""
    cells = busy.weekday_hours(load)
    most = cells.sort("bytes", descending=True).row(0, named=True)
    least = cells.sort("bytes").row(0, named=True)
    text = (
        f"Busiest is {WEEKDAYS[most['weekday'] - 1]} from {most['hour']:02d}:00 ({units.volume(most['bytes'])}); "
        f"quietest is {WEEKDAYS[least['weekday'] - 1]} from {least['hour']:02d}:00 ({units.volume(least['bytes'])})."
    )
    note = f"Mean bytes in each clock hour of {scope.label}"
    return components.chart("Hour by weekday", heat_figure(cells, look), text, "peaks-heat", note=note)


def curve_card(load: pl.DataFrame, found: busy.Peaks, scope: peaks.Scope, look: Look) -> Component:
    """The mean day."""
    curve = busy.daily_curve(load)
    top = curve.sort("bits", descending=True).row(0, named=True)
    text = (
        f"The mean day peaks at {clock(top['minute'])} with {units.rate(top['bits'])}. The time-consistent busy hour "
        f"is {clock(found.tcbh_minute)} to {clock(found.tcbh_minute + 60)}; 95 % of the samples are at or below "
        f"{units.rate(found.p95_bits)}."
    )
    figure = curve_figure(curve, found, look)
    return components.chart("The mean day", figure, text, "peaks-curve", note=f"Mean load of {scope.label}", span=6)


def days_card(
    load: pl.DataFrame, odd: Mapping[date, int], found: busy.Peaks, scope: peaks.Scope, look: Look
) -> Component:
    """Each day's own busy hour."""
    days = busy.daily_peaks(load)
    weekend = days.filter(pl.col("day").dt.weekday() > 5).get_column("bytes").mean()
    working = days.filter(pl.col("day").dt.weekday() <= 5).get_column("bytes").mean()
    means = [
        f"{units.volume(float(str(mean)))} on {name}"
        for mean, name in ((working, "working days"), (weekend, "weekends"))
        if mean
    ]
    text = f"The busy hour carries {' and '.join(means)} on average."
    figure = days_figure(days, odd, found.adph_bytes, look)
    return components.chart(
        "Each day's busy hour", figure, text, "peaks-days", note=f"60 minutes of greatest load of {scope.label}", span=6
    )


PAGE = Page(
    path="/peaks",
    name="Peak times",
    question="When is the network busiest, and how busy is it then?",
    relations=(SCOPE_LOAD, CUSTOMERS_BY_DAY),
    render=render,
    more_relations=(CUSTOMER_CATEGORIES, SCORES),
    parameters=("tier",),
    limits=limits,
)
