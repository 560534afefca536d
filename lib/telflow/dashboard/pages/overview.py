"""Overview: how much, how many, how well understood, when busiest, and how that changed."""

from zoneinfo import ZoneInfo

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import busy, components, units
from telflow.dashboard.figures.overview import category_figure, volume_figure
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.page import NO_SEGMENT, Page, View
from telflow.dashboard.pages.refusals import not_counted, refusal
from telflow.dashboard.queries import customers, peaks, traffic
from telflow.dashboard.relations import (
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    SCOPE_LOAD,
    TRAFFIC_BY_DAY,
    TRAFFIC_BY_HOUR,
)


def limits(_: Filters) -> dict[str, str]:
    return {"segment": NO_SEGMENT}


def render(view: View) -> list[Component]:
    """Tiles, the volume over the days, and the categories."""
    refused = refusal(view, view.filters)
    if refused:
        return refused
    now = traffic.totals(view.reader, view.filters, view.period, view.day)
    if not now.bytes and not now.flows:
        return [components.nothing_found()]
    return [
        components.tiles(*headline(view, now)),
        volume_card(view),
        category_card(view),
    ]


def headline(view: View, now: traffic.Totals) -> list[Component]:
    """Five numbers, against the previous period where it is asked for and in the lake."""
    before = traffic.totals(view.reader, view.filters, view.previous, view.day) if view.previous else None
    counts = [
        customers.seen(view.reader, view.filters, period) if period else None for period in (view.period, view.previous)
    ]
    compared = before is not None

    def change(of: str) -> float | None:
        return units.change(getattr(now, of), getattr(before, of)) if before else None

    share = unclassified(view, now, view.period)
    earlier = unclassified(view, before, view.previous) if before and view.previous else None
    share_note = "no registered service" if share is None or earlier is None else units.points(share, earlier)
    return [
        components.tile("Volume", units.volume(now.bytes), "both ways", change("bytes"), compared=compared),
        components.tile("Flows", units.count(now.flows), "begun in these days", change("flows"), compared=compared),
        customers_tile(*counts, compared=compared),
        components.tile("Unclassified share", units.share(share), f"of bytes, {share_note}"),
        busy_tile(view),
    ]


def unclassified(view: View, of: traffic.Totals, period: Period) -> float | None:
    """Part of the bytes without a registered service; None where it would tell of a category that is hidden."""
    looked_at = view.filters.categories or traffic.UNCLASSIFIED
    without = view.filters.choosing("category", [name for name in traffic.UNCLASSIFIED if name in looked_at])
    guard = customers.guard_of(view.reader, without, view.touched(period), view.minimum)
    return None if without.categories and guard.forbids(without) else of.unclassified_share


def customers_tile(now: customers.Seen | None, before: customers.Seen | None, *, compared: bool) -> Component:
    """Subscribers with traffic, and beside them the addresses that no lease tells the subscriber of."""
    now, before = now or customers.Seen(0, 0), before or customers.Seen(0, 0)
    if not now.subscribers and now.addresses:
        change = units.change(now.addresses, before.addresses)
        note = "with traffic; no lease tells whose they are"
        return components.tile("Addresses", units.count(now.addresses), note, change, compared=compared)
    beside = f", and {units.count(now.addresses)} addresses without a lease" if now.addresses else ""
    change = units.change(now.subscribers, before.subscribers)
    note = f"with traffic, by local days{beside}"
    return components.tile("Customers", units.count(now.subscribers), note, change, compared=compared)


def busy_tile(view: View) -> Component:
    """The busiest 60 minutes, or in a combination of filters the busiest clock hour."""
    kinds = [kind for kind in peaks.KINDS if view.filters.values(kind)]
    if len(kinds) > 1:
        return clock_hour_tile(view)
    found = [busiest(view, period) for period in (view.period, view.previous) if period]
    if found[0] is None:
        return components.tile("Busy hour", "none", "nothing was carried")
    change = units.change(found[0].busy_bytes, found[1].busy_bytes) if len(found) > 1 and found[1] else None
    start = found[0].busy_start
    note = f"{units.day(start.date())}, {units.volume(found[0].busy_bytes)}"
    return components.tile("Busy hour", f"{start:%H:%M}", note, change, compared=view.previous is not None)


def busiest(view: View, period: Period) -> busy.Peaks | None:
    """Busy hour of ``period``, local."""
    samples = peaks.read_samples(view.reader, peaks.scope_of(view.filters), period)
    days = peaks.carried_days(view.reader, period)
    return busy.peaks_of(busy.on_whole_days(samples, days, view.settings.network.zone))


def clock_hour_tile(view: View) -> Component:
    """The busiest hour of the clock: load by five minutes is not kept for combinations of filters."""
    hours = traffic.busiest_hour(view.reader, view.filters, view.period, view.day)
    if hours is None:
        return components.tile("Busy hour", "none", "nothing was carried")
    start, volume = hours
    local = start.astimezone(ZoneInfo(view.zone))
    return components.tile("Busy clock hour", f"{local:%H:%M}", f"{units.day(local.date())}, {units.volume(volume)}")


def volume_card(view: View) -> Component:
    """Volume over the days."""
    now = traffic.by_day(view.reader, view.filters, view.period, view.day)
    before = traffic.by_day(view.reader, view.filters, view.previous, view.day) if view.previous else None
    mean = now.get_column("bytes").mean()
    most = now.sort("bytes", descending=True).row(0, named=True)
    text = (
        f"{units.volume(float(mean or 0))} a day on average; most on {units.day(most['day'])} "  # type: ignore[arg-type]
        f"({units.volume(most['bytes'])})."
    )
    figure = volume_figure(now, before, view.look)
    return components.chart("Volume by day", figure, text, "overview-volume", note=f"Days of {view.zone}", span=8)


def category_card(view: View) -> Component:
    """The largest categories; a click leads the filters to one."""
    parts = traffic.by_part(view.reader, view.filters, view.period, view.day, "category")
    guard = customers.guard_of(view.reader, view.filters, view.touched(view.period), view.minimum, by_category=True)
    if guard.uncounted:
        return not_counted(guard.uncounted, CUSTOMERS_BY_DAY)
    told = customers.told_categories(view.reader, parts, view.filters, view.period, guard)
    shown = told.filter(~pl.col("is_suppressed")).sort("bytes", descending=True).head(10)
    hidden = int(told.get_column("is_suppressed").sum())
    total = parts.get_column("bytes").sum()
    text = "; ".join(
        f"{row['name']} {units.share(row['bytes'] / total if total else 0)}" for row in shown.head(3).to_dicts()
    )
    more = f" {hidden} categories are hidden: too few customers use them." if hidden else ""
    return components.chart(
        "Largest categories",
        category_figure(shown, view.look),
        f"{text}.{more}",
        "overview-categories",
        note="Click a bar to see it alone",
        span=4,
        picks="category",
    )


PAGE = Page(
    path="/",
    name="Overview",
    question="How much traffic is there, of whom, and how does it change?",
    relations=(TRAFFIC_BY_HOUR, TRAFFIC_BY_DAY, CUSTOMERS_BY_DAY, CUSTOMER_CATEGORIES, SCOPE_LOAD),
    render=render,
    limits=limits,
)
