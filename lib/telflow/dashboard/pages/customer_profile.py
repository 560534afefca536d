"""All that is known of one customer: use over time, categories, trend, scores, segment, churn, recommendations."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
from dash import html
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.churn import reasons_figure
from telflow.dashboard.figures.profile import mix_figure, use_figure, weeks_figure
from telflow.dashboard.page import View
from telflow.dashboard.pages.customer_advice import fit_card, recommendations_card, until
from telflow.dashboard.queries import profile
from telflow.dashboard.style import Look
from telflow.errors import TableMissingError

ALL = "all"
OF_ALL = (
    "Tiles, bytes and durations by day, and what follows from scores to recommendations are of all categories: of one "
    "category the mix, the destinations and the traffic types are kept."
)
SCHEMES = {"rfm": "RFM", "rfm_r": "RFM_R", "ufm": "UFM"}


def render(view: View, customer: str) -> list[Component]:
    """Every card; one whose table is missing says so in its place."""
    days = profile.days_of(view.reader, customer, view.period)
    before = profile.days_of(view.reader, customer, view.previous) if view.previous else None
    used = [components.words("No traffic in these days", f"{customer} has none in the days chosen.")]
    if days.height:
        told = [components.words("Not all cards are of the category", OF_ALL)] if view.filters.categories else []
        tiles = components.tiles(*headline(days, before))
        used = [*told, tiles, use_card(days, view.look), *category_cards(view, customer)]
    makers = (scores_card, segment_card, churn_card, fit_card, trend_cards, recommendations_card)
    return [*used, *[card for make in makers for card in or_missing(make, view, customer)]]


def or_missing(make: Callable[[View, str], Component | list[Component]], view: View, customer: str) -> list[Component]:
    """Cards, or what to run to have them."""
    try:
        made = make(view, customer)
    except TableMissingError as error:
        title = (make.__doc__ or "").partition(".")[0]
        return [components.card(title, html.P(str(error), className="card-note"), span=6)]
    return made if isinstance(made, list) else [made]


def total(days: pl.DataFrame | None, *names: str) -> float:
    """Sum of the columns ``names``."""
    return 0.0 if days is None else sum(float(days.get_column(name).sum()) for name in names)


def ratio(over: float, under: float) -> str:
    """``over`` divided by ``under`` in words; none where that is nothing."""
    return f"{over / under:.2f}" if under else "none"


def headline(days: pl.DataFrame, before: pl.DataFrame | None) -> list[Component]:
    """Bytes in and out, delivery ratio, flows and their duration, hours of use."""
    compared = before is not None

    def change(*names: str) -> float | None:
        return units.change(total(days, *names), total(before, *names)) if compared else None

    down, up = total(days, "bytes_down"), total(days, "bytes_up")
    flows, seconds = total(days, "connections"), total(days, "flow_seconds")
    newest = days.row(-1, named=True)
    packets = ratio(total(days, "packets_down"), total(days, "packets_up"))
    return [
        components.tile("Plan", newest["plan"], f"region {newest['region']}"),
        components.tile("Bytes in", units.volume(down), "to the customer", change("bytes_down"), compared=compared),
        components.tile("Bytes out", units.volume(up), "from the customer", change("bytes_up"), compared=compared),
        components.tile("Delivery ratio", ratio(down, up), f"bytes in over out; packets {packets}"),
        components.tile(
            "Flows",
            units.count(flows),
            f"{seconds / flows:,.0f} s each on average" if flows else "none began in these days",
            change("connections"),
            compared=compared,
        ),
        components.tile(
            "Active hours", f"{total(days, 'active_hours') / days.height:.1f}", f"a day, on {days.height} days"
        ),
    ]


def use_card(days: pl.DataFrame, look: Look) -> Component:
    """Use over time."""
    volume = total(days, "bytes_down", "bytes_up")
    most = days.sort(pl.col("bytes_down") + pl.col("bytes_up"), descending=True).row(0, named=True)
    text = (
        f"{units.volume(volume / days.height)} a day on average over {days.height} days with traffic; most on "
        f"{units.day(most['day'])} ({units.volume(most['bytes_down'] + most['bytes_up'])}). Flows lasted "
        f"{total(days, 'flow_seconds') / 3600 / days.height:.1f} hours a day, added up."
    )
    note = "Bars are bytes in and out, the line is what flows lasted, added up"
    return components.chart("Bytes and durations by day", use_figure(days, look), text, "customer-use", note=note)


def category_cards(view: View, customer: str) -> list[Component]:
    """Category mix over time; a click on a bar chooses the category."""
    over = profile.categories_of(view.reader, customer, view.filters, view.period)
    if not over.height:
        return []
    sums = over.group_by("name").agg(pl.col("bytes").sum()).sort(["bytes", "name"], descending=[True, False])
    names = sums.get_column("name").to_list()
    total_bytes = sums.get_column("bytes").sum() or 1
    parts = "; ".join(
        f"{row['name']} {units.share(row['bytes'] / total_bytes)}" for row in sums.head(3).iter_rows(named=True)
    )
    figure = mix_figure(over, names[: len(view.look.colours)], view.look)
    note = "Bytes by day; click a bar to see its category alone"
    return [components.chart("Category mix", figure, f"{parts}.", "customer-categories", note=note, picks="category")]


def scores_card(view: View, customer: str) -> Component:
    """Scores. RFM, RFM_R and UFM with their level."""
    rows = profile.scores_of(view.reader, customer, until(view))
    if not rows.height:
        return components.card("Scores", html.P("No scores up to these days.", className="card-note"), span=8)
    names = ("recency_score", "frequency_score", "monetary_score", "connections_score", "score")
    told = [{**row, "scheme": SCHEMES.get(row["scheme"], row["scheme"])} for row in rows.iter_rows(named=True)]
    shown = [{**row, **{name: "–" if row[name] is None else str(row[name]) for name in names}} for row in told]
    columns = [
        column("scheme", "Scheme", minWidth=85),
        column("recency_score", "R", minWidth=50, headerTooltip="Recency, 1 to 5"),
        column("frequency_score", "F", minWidth=50, headerTooltip="Frequency, 1 to 5; in UFM 1 to 4"),
        column("monetary_score", "M or U", minWidth=70, headerTooltip="Bytes: Monetary 1 to 5, Usage in UFM 1 to 4"),
        column("connections_score", "C", minWidth=50, headerTooltip="Count in UFM, 1 to 4"),
        column("score", "Score", minWidth=70),
        column("level", "Level", minWidth=150),
        column("value_level", "Value", minWidth=90),
    ]
    first = told[0]
    note = f"As of {first['as_of']}, over {first['window_days']} days; {first['status']}"
    table = components.grid(shown, columns, "customer-scores", label="Scores")
    return components.card("Scores", table, note=note, span=8)


def segment_card(view: View, customer: str) -> Component:
    """Segment. Kind of user, by the newest assignment."""
    found = profile.segment_of(view.reader, customer, until(view))
    if found is None:
        text = "In no segment: too few active days, or no assignment up to these days."
        return components.card("Segment", html.P(text, className="card-note"), span=4)
    name = html.P(found["segment"], className="tile-value")
    return components.card("Segment", name, note=f"As of {found['as_of']}", span=4)


def churn_card(view: View, customer: str) -> Component:
    """Churn risk. Probability to leave, and what moves it most."""
    found = profile.churn_of(view.reader, customer, until(view))
    if found is None:
        return components.card("Churn risk", html.P("No score up to these days.", className="card-note"), span=6)
    told = "at risk" if found["is_at_risk"] else "not at risk"
    text = (
        f"{units.share(found['probability'])} to leave within {found['label_days']} days: {told} at the threshold of "
        f"{units.share(found['threshold'])}; {units.share(found['base_probability'])} where nothing is known."
    )
    reasons = found["reasons"] or []
    note = f"As of {found['as_of']}, version {found['model_version']} of {found['model']}"
    if not reasons:
        return components.card("Churn risk", html.P(text), note=note, span=6)
    figure = reasons_figure([(row["reason"], row["contribution"]) for row in reasons], view.look)
    return components.chart("Churn risk", figure, text, "customer-churn", note=note, span=6)


def trend_cards(view: View, customer: str) -> list[Component]:
    """Trend. How the use of each category goes, week by week."""
    rows = profile.trends_of(view.reader, customer, until(view))
    if not rows.height:
        return [components.card("Trend", html.P("No trend up to these days.", className="card-note"), span=6)]
    whole = next((row for row in rows.iter_rows(named=True) if row["category"] == ALL), None)
    parts = rows.filter(pl.col("category") != ALL)
    told = [{**row, "told": row["direction"] or row["untold_reason"]} for row in parts.iter_rows(named=True)]
    columns = [
        column("category", "Category", minWidth=126),
        column("told", "Trend", minWidth=96),
        column(
            "growth_per_week", "A week", "told_change", minWidth=84, headerTooltip="Part by which use grows in a week"
        ),
        column("confidence", "Sure", "told_share", minWidth=74, headerTooltip="1 less the p of no trend"),
        column(
            "recent_share", "Share", "told_share", minWidth=84, sort="desc", headerTooltip="Of the recent weeks' bytes"
        ),
        column("share_shift", "Shift", "told_points", minWidth=102, headerTooltip="Against the own past"),
    ]
    table = components.grid(told, columns, "customer-trends", label="Trend by category", csv="trends.csv")
    note = f"As of {rows.get_column('as_of')[0]}, from {rows.get_column('weeks_counted')[0]} whole weeks"
    if whole is None or not whole["weekly_bytes"]:
        return [components.card("Trend", table, note=note)]
    figure = weeks_figure(whole, view.look)
    chart = components.chart("All categories by week", figure, trend_words(whole), "customer-trend")
    return [chart, components.card("Trend by category", table, note=note)]


def trend_words(row: Mapping[str, Any]) -> str:
    """A trend in a sentence."""
    if row["direction"] is None:
        return f"No trend is told: {row['untold_reason']}."
    told = f"Use is {row['direction']}: {units.signed_share(row['growth_per_week'])} a week"
    if row["confidence"] is None:
        return f"{told}."
    sure = f"sure to {units.share(row['confidence'])}"
    return f"{told} does not count, {sure} alone." if row["direction"] == "flat" else f"{told}, {sure}."
