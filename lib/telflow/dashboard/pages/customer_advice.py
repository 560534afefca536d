"""What one customer is advised: the fit of the plan, and what to come with."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from dash import html
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.page import View
from telflow.dashboard.pages.recommendation_list import association_words, short_of
from telflow.dashboard.queries import profile
from telflow.dashboard.queries.recommendations import NO_CHANGE


def until(view: View) -> date:
    """The last date that is looked at: the newest, or where days were chosen the one they end with."""
    return date.max if view.filters.period is None else view.period.last + timedelta(days=1)


def fit_card(view: View, customer: str) -> Component:
    """Plan. Whether it is the right size, and which one would be."""
    found = profile.fit_of(view.reader, customer, until(view))
    if found is None:
        return components.card("Plan", html.P("Not looked at up to these days.", className="card-note"), span=6)
    note = f"As of {found['as_of']}, from {found['weeks_counted']} whole weeks"
    return components.card("Plan", html.P(fit_words(found)), note=note, span=6)


def fit_words(row: Mapping[str, Any]) -> str:
    """The fit of a plan in sentences."""
    plan = row["plan"]
    if row["advice"] is None:
        return f"Nothing is told of the plan {plan}: {row['untold_reason']}."
    used = units.share(row["utilisation"]) if row["utilisation"] is not None else None
    going = f" As use goes now, {used} of its volume is used." if used else ""
    sure = sureness(row)
    short = short_of(row["upsize_causes"])
    if row["advice"] == "stay" and short:
        return f"The plan {plan} is too small in {short}, but no plan with more is sold.{going}"
    if row["advice"] == "stay":
        return f"The plan {plan} is the right size{sure}.{going}"
    cost = "" if row["price_difference"] is None else f" ({price(row)})"
    better = f"{row['suggested_plan']}{cost} would do.{going}"
    if row["advice"] == "down":
        return f"The plan {plan} is larger than needed{sure}: {better}"
    return f"The plan {plan} is too small{f' in {short}' if short else ''}{sure}: {better}"


def sureness(row: Mapping[str, Any]) -> str:
    """How sure an advice is, as the end of a sentence; nothing where it has no probability."""
    return "" if row["confidence"] is None else f", sure to {units.share(row['confidence'])}"


def price(row: Mapping[str, Any]) -> str:
    """Change of the monthly price."""
    return f"{row['price_difference']:+.2f} a month".replace("-", units.MINUS)


def recommendations_card(view: View, customer: str) -> Component:
    """Recommendations. What to come with, and why."""
    rows = profile.recommendations_of(view.reader, customer, until(view))
    if not rows.height:
        text = "None up to these days: too little is known of the customer."
        return components.card("Recommendations", html.P(text, className="card-note"))
    items = [html.Li(recommendation(row)) for row in rows.iter_rows(named=True)]
    note = f"As of {rows.get_column('as_of')[0]}"
    return components.card("Recommendations", html.Ol(items, className="offers"), note=note)


def recommendation(row: Mapping[str, Any]) -> list[Component]:
    """One recommendation: what, why, what it changes, what stands beside it, and whether one may come with it."""
    facts = [row["kind"]]
    if row["price_difference"] is not None:
        facts.append(f"price {price(row)}")
    is_sure = row["confidence"] is not None
    facts.append(f"sure to {units.share(row['confidence'])}" if is_sure else "by a count or a lack, not a probability")
    if row["churn_probability"] is not None:
        facts.append(f"{units.share(row['churn_probability'])} to leave, as scored on {row['churn_as_of']}")
    if row["ufm_level"] is not None:
        facts.append(f"UFM level {row['ufm_level']}")
    if row["association"] is not None:
        facts.append(f"often follows from {association_words(row)}")
    if row["kind"] != NO_CHANGE:
        facts.append("may be approached" if row["may_approach"] else "must not be approached")
    return [html.B(row["service"]), html.Span(f" · {' · '.join(facts)}", className="facts"), html.P(row["reason"])]
