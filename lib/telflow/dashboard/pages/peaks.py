"""Peak times: which hours are busy, how busy, and how the days differ."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import busy, components, units
from telflow.dashboard.filters import Filters, Period, format_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import customers, peaks
from telflow.dashboard.relations import CUSTOMER_CATEGORIES, CUSTOMERS_BY_DAY, SCOPE_LOAD, SCORES
from telflow.dashboard.style import Figure, Look, axis, bytes_axis, layout

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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


def clock(minute: int) -> str:
    """A time of the local clock."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


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


def heat_figure(cells: pl.DataFrame, look: Look) -> Figure:
    """Heat map of the week, Monday on top.

    Args:
        cells: ``weekday`` (1 Monday to 7), ``hour`` and ``bytes``; what is missing stays empty.
        look: colours.
    """
    found = {(weekday, hour): volume for weekday, hour, volume in cells.select("weekday", "hour", "bytes").iter_rows()}
    rows = [[found.get((weekday, hour)) for hour in range(24)] for weekday in range(1, 8)]
    heat = {
        "type": "heatmap",
        "x": [f"{hour:02d}" for hour in range(24)],
        "y": list(WEEKDAYS),
        "z": rows,
        "colorscale": look.sequential,
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"tickformat": "~s", "ticksuffix": "B", "thickness": 12, "outlinewidth": 0, "title": {"text": ""}},
        "hovertemplate": "%{y}, %{x}:00<br>%{z:.3s}B<extra></extra>",
        "hoverongaps": False,
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Hour of the local clock", showgrid=False, type="category", dtick=1),
        "yaxis": axis(look, showgrid=False, autorange="reversed", ticksuffix=" "),
    }
    return {"data": [heat], "layout": layout(look, 320, **axes)}


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


def curve_figure(curve: pl.DataFrame, found: busy.Peaks, look: Look) -> Figure:
    """Mean load over the local clock, with the TCBH, the greatest busy hour and the p95 as lines.

    Args:
        curve: ``minute`` and ``bits`` a second.
        found: busy hours of the same samples.
        look: colours.
    """
    minutes = curve.get_column("minute").to_list()
    busy_minute = found.busy_start.hour * 60 + found.busy_start.minute
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "Mean load",
        "x": [minute / 60 for minute in minutes],
        "y": curve.get_column("bits").to_list(),
        "customdata": [clock(minute) for minute in minutes],
        "line": {"color": look.accent, "width": 2.5},
        "fill": "tozeroy",
        "fillcolor": look.accent + "22",
        "hovertemplate": "%{customdata}<br>%{y:.3s}bit/s<extra></extra>",
    }
    top = max([*curve.get_column("bits").to_list(), found.p95_bits]) * 1.12
    marks = [
        upright("TCBH", found.tcbh_minute, top, look.colours[1], "dash"),
        upright("Busy hour of all days", busy_minute, top, look.colours[3], "dot"),
        {
            "type": "scatter",
            "mode": "lines",
            "name": "p95 of samples",
            "x": [0, 24],
            "y": [found.p95_bits] * 2,
            "line": {"color": look.colours[2], "width": 2, "dash": "dashdot"},
            "hovertemplate": "p95 %{y:.3s}bit/s<extra></extra>",
        },
    ]
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Local clock", range=[0, 24], tickvals=list(range(0, 25, 3)), ticksuffix=":00"),
        "yaxis": axis(look, "Load", tickformat="~s", ticksuffix="bit/s", range=[0, top]),
    }
    return {"data": [line, *marks], "layout": layout(look, 360, **axes)}


def upright(name: str, minute: int, top: float, colour: str, dash: str) -> Figure:
    """A line that stands at the start of an hour."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name} ({clock(minute)})",
        "x": [minute / 60] * 2,
        "y": [0, top],
        "line": {"color": colour, "width": 2, "dash": dash},
        "hovertemplate": f"{name} from {clock(minute)}<extra></extra>",
    }


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


def days_figure(days: pl.DataFrame, odd: Mapping[date, int], adph_bytes: float, look: Look) -> Figure:
    """Bars of the days' busy hours with their mean, days of 23 or 25 hours marked.

    Args:
        days: ``day``, ``bytes`` and ``local`` start of the busy hour.
        odd: hours of the days on which the clocks change.
        adph_bytes: mean of the busy hours.
        look: colours.
    """
    shown = days.get_column("day").to_list()
    starts = [f"{units.day(start.date())}, from {start:%H:%M}" for start in days.get_column("local").to_list()]
    bars = {
        "type": "bar",
        "name": "Busy hour of the day",
        "x": shown,
        "y": days.get_column("bytes").to_list(),
        "customdata": starts,
        "marker": {"color": [look.colours[5] if day in odd else look.accent for day in shown]},
        "hovertemplate": "%{customdata}<br>%{y:.3s}B<extra></extra>",
    }
    mean = {
        "type": "scatter",
        "mode": "lines",
        "name": "ADPH",
        "x": [shown[0], shown[-1]] if shown else [],
        "y": [adph_bytes] * 2 if shown else [],
        "line": {"color": look.colours[1], "width": 2, "dash": "dash"},
        "hovertemplate": "ADPH %{y:.3s}B<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes in the busy hour"),
    }
    notes: dict[str, Any] = {"annotations": clock_notes(days, odd, look)}
    return {"data": [bars, mean], "layout": layout(look, 360, bargap=0.25, **axes, **notes)}


def clock_notes(days: pl.DataFrame, odd: Mapping[date, int], look: Look) -> Sequence[Figure]:
    """Marks over the bars of days on which the clocks change."""
    heights = dict(days.select("day", "bytes").iter_rows())
    return [
        {
            "x": day,
            "y": heights.get(day, 0),
            "text": f"{hours} h",
            "showarrow": True,
            "arrowhead": 0,
            "ay": -24,
            "ax": 0,
            "font": {"color": look.ink, "size": 12},
        }
        for day, hours in odd.items()
    ]


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
