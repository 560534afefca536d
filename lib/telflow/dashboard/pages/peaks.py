"""Peak times: which hours are busy, how busy, and how the days differ."""

from collections.abc import Mapping, Sequence
from datetime import date

import dash_mantine_components as dmc
import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import busy, components, units
from telflow.dashboard.figures.peaks import WEEKDAYS, clock, curve_figure, days_figure, heat_figure
from telflow.dashboard.filters import Filters, Period, format_query
from telflow.dashboard.page import OWN_DAYS, Page, View, segment_limits
from telflow.dashboard.pages.refusals import refusal, whose_traffic
from telflow.dashboard.queries import peaks
from telflow.dashboard.relations import (
    CUSTOMER_CATEGORIES,
    CUSTOMER_HOURS,
    CUSTOMERS_BY_DAY,
    SCOPE_LOAD,
    SCORES,
    SEGMENTS,
    TRAFFIC_BY_DAY,
)
from telflow.dashboard.style import Look

OTHER_KIND = "Load is kept for one of category, plan, region and tier at a time: clear the other one first."
NO_CATEGORY = "Hours of customers are not kept by category: clear the segments first."


def limits(filters: Filters) -> Mapping[str, str]:
    """Load is kept by one dimension at a time, and by customer for segments with plans and regions."""
    kind = peaks.scope_of(filters).kind
    if kind == "segment":
        return {**segment_limits(filters), "category": NO_CATEGORY}
    others = {other: OTHER_KIND for other in peaks.KINDS if kind not in ("network", other)}
    return {**others, "segment": OTHER_KIND, "zone": OWN_DAYS} if kind == "tier" else others


def render(view: View) -> list[Component]:
    """The four numbers, the week by hours, the day's curve, and the days' own busy hours."""
    scope = peaks.scope_of(view.filters)
    tiers, *earlier = [peaks.tiers(view.reader, period, view.minimum) for period in view.periods]
    choice = tier_choice(view, tiers)
    if scope.kind == "tier" and any(scope.names[0] not in names for names in (tiers, *earlier)):
        told = f"No tier {scope.names[0]} with at least {view.minimum} customers on every day is there: choose another."
        return [choice, components.words("This tier cannot be shown", told, "hidden")]
    refused = refusal(view, view.filters)
    if refused:
        return [choice, *refused]
    load = load_of(view, view.period)
    found = busy.peaks_of(load)
    if found is None:
        return [choice, components.nothing_found()]
    before = busy.peaks_of(load_of(view, view.previous)) if view.previous else None
    odd = busy.odd_days(load.get_column("day").unique().to_list(), view.zone)
    whose = f"{peaks.label_of(view.filters)}, in {view.zone}"
    minutes = int(load.item(0, "seconds")) // 60
    return [
        choice,
        *whose_traffic(view),
        components.tiles(*headline(found, before, minutes, compared=view.previous is not None)),
        *clock_changes(odd),
        heat_card(load, whose, view.look),
        curve_card(load, found, whose, view.look),
        days_card(load, odd, found, f"{busy_words(minutes)} of greatest load of {whose}", view.look),
    ]


def load_of(view: View, period: Period) -> pl.DataFrame:
    """Every sample of what the filters choose in the whole days of ``period``."""
    return peaks.load_of(view.reader, view.filters, period, view.zone, view.settings.network.zone)


def tier_choice(view: View, names: Sequence[str]) -> Component:
    """Links that choose a customer tier: each is an address of its own."""
    chosen = view.filters.parameter("tier")
    links = []
    for name in (None, *names):
        filters = view.filters.with_parameters(tier=name)
        for kind in (*peaks.KINDS, "segment", "zone") if name else ():
            filters = filters.without(kind)
        links.append((name or "all customers", f"{PAGE.path}{format_query(filters)}", name == chosen))
    return components.chips("Customer tier", links)


def busy_words(minutes: int) -> str:
    """What a busy hour is of samples of so many ``minutes``."""
    return "Clock hour" if minutes == 60 else "60 minutes"


def headline(found: busy.Peaks, before: busy.Peaks | None, minutes: int, *, compared: bool) -> list[Component]:
    """Busy hour, ADPH, TCBH and the billed sample; samples are of so many ``minutes``."""

    def change(of: str) -> float | None:
        return units.change(getattr(found, of), getattr(before, of)) if before else None

    start = found.busy_start
    return [
        components.tile(
            peaks.CLOCK_HOUR if minutes == 60 else peaks.BUSY_HOUR,
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
            "p95",
            units.rate(found.p95_bits),
            f"top 5 % of {minutes}-minute samples dropped",
            change("p95_bits"),
            compared=compared,
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


def heat_card(load: pl.DataFrame, whose: str, look: Look) -> Component:
    """The week by hours; ``whose`` load it is, and in which zone."""
    cells = busy.weekday_hours(load)
    most = cells.sort("bytes", descending=True).row(0, named=True)
    least = cells.sort("bytes").row(0, named=True)
    text = (
        f"Busiest is {WEEKDAYS[most['weekday'] - 1]} from {most['hour']:02d}:00 ({units.volume(most['bytes'])}); "
        f"quietest is {WEEKDAYS[least['weekday'] - 1]} from {least['hour']:02d}:00 ({units.volume(least['bytes'])})."
    )
    note = f"Mean bytes in each clock hour of {whose}"
    return components.chart("Hour by weekday", heat_figure(cells, look), text, "peaks-heat", note=note)


def curve_card(load: pl.DataFrame, found: busy.Peaks, whose: str, look: Look) -> Component:
    """The mean day."""
    curve = busy.daily_curve(load)
    top = curve.sort("bits", descending=True).row(0, named=True)
    text = (
        f"The mean day peaks at {clock(top['minute'])} with {units.rate(top['bits'])}. The time-consistent busy hour "
        f"is {clock(found.tcbh_minute)} to {clock(found.tcbh_minute + 60)}; 95 % of the samples are at or below "
        f"{units.rate(found.p95_bits)}."
    )
    figure = curve_figure(curve, found, look)
    return components.chart("The mean day", figure, text, "peaks-curve", note=f"Mean load of {whose}", span=6)


def days_card(load: pl.DataFrame, odd: Mapping[date, int], found: busy.Peaks, note: str, look: Look) -> Component:
    """Each day's own busy hour, which the ``note`` tells of."""
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
    return components.chart("Each day's busy hour", figure, text, "peaks-days", note=note, span=6)


PAGE = Page(
    path="/peaks",
    name="Peak times",
    question="When is the network busiest, and how busy is it then?",
    relations=(SCOPE_LOAD, TRAFFIC_BY_DAY, CUSTOMERS_BY_DAY),
    render=render,
    more_relations=(CUSTOMER_CATEGORIES, CUSTOMER_HOURS, SCORES, SEGMENTS),
    parameters=("tier",),
    limits=limits,
)
