"""Overview: how much, how many, how well understood, when busiest, and how that changed."""

from zoneinfo import ZoneInfo

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import busy, components, units
from telflow.dashboard.figures.overview import category_figure, volume_figure
from telflow.dashboard.filters import Period
from telflow.dashboard.page import Page, View, segment_limits
from telflow.dashboard.pages.refusals import not_counted, refusal, whose_traffic
from telflow.dashboard.queries import customers, peaks, traffic
from telflow.dashboard.relations import (
    CUSTOMER_CATEGORIES,
    CUSTOMER_HOURS,
    CUSTOMERS_BY_DAY,
    SCOPE_LOAD,
    SEGMENTS,
    TRAFFIC_BY_DAY,
    TRAFFIC_BY_HOUR,
)
from telflow.privacy.suppression import is_small


def render(view: View) -> list[Component]:
    """Tiles, the volume over the days, and the categories."""
    refused = refusal(view, view.filters)
    if refused:
        return refused
    now = traffic.totals(view.reader, view.filters, view.period, view.day)
    if not now.bytes and not now.flows:
        return [components.nothing_found()]
    guard = guard_of(view, view.period)
    return [
        *whose_traffic(view),
        components.tiles(*headline(view, now, guard)),
        volume_card(view),
        category_card(view, guard),
    ]


def guard_of(view: View, period: Period) -> customers.Guard:
    """What may be shown of single categories in ``period``."""
    return customers.guard_of(view.reader, view.filters, view.touched(period), view.minimum, by_category=True)


def headline(view: View, now: traffic.Totals, guard: customers.Guard) -> list[Component]:
    """Five numbers, against the previous period where it is asked for and in the lake."""
    before = traffic.totals(view.reader, view.filters, view.previous, view.day) if view.previous else None
    seen = [customers.seen(view.reader, view.filters, period) for period in view.periods]
    compared = before is not None

    def change(of: str) -> float | None:
        return units.change(getattr(now, of), getattr(before, of)) if before else None

    share = unclassified(view, now, guard)
    share_note = "no registered service"
    if share is not None and before and view.previous:
        earlier = unclassified(view, before, guard_of(view, view.previous))
        share_note = share_note if earlier is None else units.points(share, earlier)
    return [
        components.tile("Volume", units.volume(now.bytes), "both ways", change("bytes"), compared=compared),
        flows_tile(now.flows, change("flows"), compared=compared),
        customers_tile(seen[0], seen[1] if compared else None, view.minimum),
        components.tile("Unclassified share", units.share(share), f"of bytes, {share_note}"),
        busy_tile(view),
    ]


def flows_tile(flows: int | None, change: float | None, *, compared: bool) -> Component:
    """Flows, or that they are not kept."""
    if flows is None:
        return not_kept_tile("Flows")
    return components.tile("Flows", units.count(flows), "begun in these days", change, compared=compared)


def not_kept_tile(label: str) -> Component:
    """In the place of what customers' days do not hold of each category."""
    return components.tile(label, "not kept", "by segment and category together")


def unclassified(view: View, of: traffic.Totals, guard: customers.Guard) -> float | None:
    """Part of the bytes without a registered service; None where it would tell of a category that is hidden."""
    looked_at = view.filters.categories or traffic.UNCLASSIFIED
    without = view.filters.choosing("category", [name for name in traffic.UNCLASSIFIED if name in looked_at])
    return None if without.categories and guard.forbids(without) else of.unclassified_share


def customers_tile(now: customers.Seen, before: customers.Seen | None, minimum: int) -> Component:
    """Subscribers with traffic, and beside them the addresses that no lease tells the subscriber of; few are hidden."""

    def told(seen: customers.Seen, of: str) -> int | None:
        number: int = getattr(seen, of)
        return None if is_small(number, minimum) else number

    label, of, note = "Customers", "subscribers", "with traffic, by local days"
    if now.addresses and not now.subscribers:
        label, of, note = "Addresses", "addresses", "with traffic; no lease tells whose they are"
    elif now.addresses:
        addresses = told(now, "addresses")
        note += f", and {'few' if addresses is None else units.count(addresses)} addresses without a lease"
    number = told(now, of)
    change = units.change(number, told(before, of)) if before else None
    return components.tile(label, units.count(number), note, change, compared=before is not None)


def busy_tile(view: View) -> Component:
    """The busiest 60 minutes, or in segments and in a combination of filters the busiest clock hour."""
    filters = view.filters
    if filters.segments and filters.categories:
        return not_kept_tile(peaks.CLOCK_HOUR)
    if not filters.segments and sum(bool(filters.values(kind)) for kind in peaks.KINDS) > 1:
        return clock_hour_tile(view)
    found = [busiest(view, period) for period in view.periods]
    label = peaks.CLOCK_HOUR if filters.segments else peaks.BUSY_HOUR
    if found[0] is None:
        return components.tile(label, "none", "nothing was carried")
    change = units.change(found[0].busy_bytes, found[1].busy_bytes) if len(found) > 1 and found[1] else None
    start = found[0].busy_start
    note = f"{units.day(start.date())}, {units.volume(found[0].busy_bytes)}"
    return components.tile(label, f"{start:%H:%M}", note, change, compared=view.previous is not None)


def busiest(view: View, period: Period) -> busy.Peaks | None:
    """Busy hour of ``period``."""
    return busy.peaks_of(peaks.load_of(view.reader, view.filters, period, view.zone, view.settings.network.zone))


def clock_hour_tile(view: View) -> Component:
    """The busiest hour of the clock: load by five minutes is not kept for combinations of filters."""
    hours = traffic.busiest_hour(view.reader, view.filters, view.period, view.day)
    if hours is None:
        return components.tile(peaks.CLOCK_HOUR, "none", "nothing was carried")
    start, volume = hours
    local = start.astimezone(ZoneInfo(view.zone))
    return components.tile(peaks.CLOCK_HOUR, f"{local:%H:%M}", f"{units.day(local.date())}, {units.volume(volume)}")


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


def category_card(view: View, guard: customers.Guard) -> Component:
    """The largest categories; a click leads the filters to one."""
    parts = traffic.by_part(view.reader, view.filters, view.period, view.day, "category")
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
    more_relations=(CUSTOMER_HOURS, SEGMENTS),
    limits=segment_limits,
)
