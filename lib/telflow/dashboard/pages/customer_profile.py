"""All that is known of one customer: use over time, categories, trend, scores, segment, churn, recommendations."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from dash import html
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.page import View
from telflow.dashboard.queries import profile
from telflow.dashboard.style import REST, Figure, Look, axis, bytes_axis, layout
from telflow.errors import TableMissingError

ALL = "all"
SCHEMES = {"rfm": "RFM", "rfm_r": "RFM_R", "ufm": "UFM"}


def render(view: View, customer: str) -> list[Component]:
    """Every card; one whose table is missing says so in its place."""
    days = profile.days_of(view.reader, customer, view.period)
    before = profile.days_of(view.reader, customer, view.previous) if view.previous else None
    used = [components.words("No traffic in these days", f"{customer} has none in the days chosen.")]
    if days.height:
        used = [components.tiles(*headline(days, before)), use_card(days, view.look), *category_cards(view, customer)]
    makers = (scores_card, segment_card, churn_card, trend_cards, recommendations_card)
    return [*used, *[card for make in makers for card in or_missing(make, view, customer)]]


def or_missing(make: Callable[[View, str], Component | list[Component]], view: View, customer: str) -> list[Component]:
    """Cards, or what to run to have them."""
    try:
        made = make(view, customer)
    except TableMissingError as error:
        title = (make.__doc__ or "").partition(".")[0]
        return [components.card(title, html.P(str(error), className="card-note"), span=6)]
    return made if isinstance(made, list) else [made]


def until(view: View) -> date:
    """The last date that is looked at: the newest, or where days were chosen the one they end with."""
    return date.max if view.filters.period is None else view.period.last + timedelta(days=1)


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


def use_figure(days: pl.DataFrame, look: Look) -> Figure:
    """Bars of ``bytes_down`` and ``bytes_up`` over ``day``, and a line of ``flow_seconds`` in hours."""
    at = days.get_column("day").to_list()
    series = (("bytes_down", "Bytes in", look.accent), ("bytes_up", "Bytes out", look.colours[1]))
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": title,
            "x": at,
            "y": days.get_column(name).to_list(),
            "marker": {"color": colour},
            "hovertemplate": f"{title} %{{y:.3s}}B<extra></extra>",
        }
        for name, title, colour in series
    ]
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Hours of flows",
            "x": at,
            "y": [seconds / 3600 for seconds in days.get_column("flow_seconds").to_list()],
            "yaxis": "y2",
            "line": {"color": look.colours[2], "width": 2},
            "hovertemplate": "Flows lasted %{y:.1f} h<extra></extra>",
        }
    )
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes a day"),
        "yaxis2": axis(
            look,
            "Hours of flows",
            overlaying="y",
            side="right",
            showgrid=False,
            rangemode="tozero",
            tickmode="auto",
            nticks=6,
        ),
    }
    return {"data": data, "layout": layout(look, 340, barmode="stack", bargap=0.25, hovermode="x unified", **axes)}


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


def mix_figure(over: pl.DataFrame, largest: Sequence[str], look: Look) -> Figure:
    """Stacked bars of ``bytes`` over ``at`` by ``name``; all but the ``largest`` are one."""
    named = over.with_columns(
        pl.when(pl.col("name").is_in(list(largest))).then(pl.col("name")).otherwise(pl.lit(REST)).alias("name")
    )
    summed = named.group_by("at", "name").agg(pl.col("bytes").sum()).sort("at")
    colours = look.colour_by_name([*largest, REST])
    data = []
    for name in [*largest, REST]:
        rows = summed.filter(pl.col("name") == name)
        if rows.height:
            data.append(
                {
                    "type": "bar",
                    "name": name,
                    "x": rows.get_column("at").to_list(),
                    "y": rows.get_column("bytes").to_list(),
                    "customdata": [None if name == REST else name] * rows.height,
                    "marker": {"color": colours[name]},
                    "hovertemplate": f"{name} %{{y:.3s}}B<extra></extra>",
                }
            )
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes a day, both ways"),
    }
    return {"data": data, "layout": layout(look, 360, barmode="stack", bargap=0.2, **axes)}


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
    figure = reasons_figure(reasons, view.look)
    return components.chart("Churn risk", figure, text, "customer-churn", note=note, span=6)


def reasons_figure(reasons: Sequence[Mapping[str, Any]], look: Look) -> Figure:
    """Bars of ``contribution`` by ``reason``, the strongest on top: to the right where it makes leaving likelier."""
    rows = list(reversed(reasons))
    values = [row["contribution"] for row in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": [wrapped(row["reason"]) for row in rows],
        "marker": {"color": [look.colours[1] if value > 0 else look.accent for value in values]},
        "text": [f"{value * 100:+.1f}".replace("-", units.MINUS) for value in values],
        "textposition": "auto",
        "hovertemplate": "%{y}<br>%{text} points<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Moves the probability by", tickformat="+.1%", nticks=5, zeroline=True),
        "yaxis": axis(look, showgrid=False, ticksuffix=" "),
    }
    return {"data": [bars], "layout": layout(look, 120 + 56 * len(rows), bargap=0.35, showlegend=False, **axes)}


def wrapped(text: str, width: int = 34) -> str:
    """``text`` in lines of about ``width`` characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def trend_cards(view: View, customer: str) -> list[Component]:
    """Trend. How the use of each category goes, week by week."""
    rows = profile.trends_of(view.reader, customer, until(view))
    if not rows.height:
        return [components.card("Trend", html.P("No trend up to these days.", className="card-note"), span=6)]
    whole = next((row for row in rows.iter_rows(named=True) if row["category"] == ALL), None)
    parts = rows.filter(pl.col("category") != ALL)
    told = [{**row, "told": row["direction"] or row["untold_reason"]} for row in parts.iter_rows(named=True)]
    columns = [
        column("category", "Category", minWidth=140),
        column("told", "Trend", minWidth=100),
        column("growth_per_week", "A week", "change", minWidth=90, headerTooltip="Part by which use grows in a week"),
        column("confidence", "Sure", "share", minWidth=80, headerTooltip="1 less the p of no trend"),
        column("recent_share", "Share", "share", minWidth=80, sort="desc", headerTooltip="Of the recent weeks' bytes"),
        column("share_shift", "Shift", "change", minWidth=80, headerTooltip="Against the own past, in points"),
    ]
    table = components.grid(told, columns, "customer-trends", label="Trend by category", csv="trends.csv")
    note = f"As of {rows.get_column('as_of')[0]}, from {rows.get_column('weeks_counted')[0]} whole weeks"
    if whole is None or not whole["weekly_bytes"]:
        return [components.card("Trend", table, note=note)]
    chart = components.chart(
        "All categories by week", weeks_figure(whole, view.look), trend_words(whole), "customer-trend", span=6
    )
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


def weeks_figure(row: Mapping[str, Any], look: Look) -> Figure:
    """Bars of ``weekly_bytes`` over ``week_starts``."""
    bars = {
        "type": "bar",
        "x": list(row["week_starts"]),
        "y": list(row["weekly_bytes"]),
        "marker": {"color": look.accent},
        "hovertemplate": "Week from %{x|%-d %b %Y}<br>%{y:.3s}B<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Weeks by their first day", showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes a week"),
    }
    return {"data": [bars], "layout": layout(look, 300, bargap=0.25, showlegend=False, **axes)}


def recommendations_card(view: View, customer: str) -> Component:
    """Recommendations. What to come with, and why."""
    rows = profile.recommendations_of(view.reader, customer, until(view))
    if not rows.height:
        text = "None up to these days: too little is known of the customer."
        return components.card("Recommendations", html.P(text, className="card-note"))
    items = [html.Li(recommendation(row)) for row in rows.iter_rows(named=True)]
    return components.card(
        "Recommendations", html.Ol(items, className="offers"), note=f"As of {rows.get_column('as_of')[0]}"
    )


def recommendation(row: Mapping[str, Any]) -> list[Component]:
    """One recommendation: what, why, what it changes, and whether one may come with it."""
    facts = [row["kind"]]
    if row["price_difference"] is not None:
        facts.append(f"price {row['price_difference']:+.2f} a month".replace("-", units.MINUS))
    if row["confidence"] is not None:
        facts.append(f"sure to {units.share(row['confidence'])}")
    if row["kind"] != "no change":
        facts.append("may be approached" if row["may_approach"] else "must not be approached")
    return [html.B(row["service"]), html.Span(f" · {' · '.join(facts)}", className="facts"), html.P(row["reason"])]
