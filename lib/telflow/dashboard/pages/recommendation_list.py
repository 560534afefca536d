"""The ranked list of recommendations, each with its reason and whether one may come with it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.components import column
from telflow.dashboard.filters import Filters, format_query
from telflow.dashboard.page import View
from telflow.dashboard.queries.recommendations import PLAN_UP

ROWS_SHOWN: Final = 300
CAUSES: Final = {"volume": "volume", "rate-down": "rate to the customer", "rate-up": "rate from the customer"}
WRAPPED: Final[dict[str, Any]] = {"wrapText": True, "cellClass": "reason"}
COLUMNS: Final = (
    column("rank", "Rank", minWidth=74, maxWidth=80),
    column("customer", "Customer", minWidth=118, cellRenderer="TelflowLink"),
    column("kind", "Kind", minWidth=84, **WRAPPED),
    column("service", "What", minWidth=84, **WRAPPED),
    column("reason", "Reason", minWidth=220, autoHeight=True, **WRAPPED),
    column("short_of", "Too small", minWidth=92, headerTooltip="What of the plan is too small", **WRAPPED),
    column(
        "evidence",
        "Follows from",
        minWidth=104,
        headerTooltip="Categories it is often used beside",
        **WRAPPED,
    ),
    column("price_difference", "Price", "money", minWidth=78, headerTooltip="Change of the monthly price"),
    column(
        "confidence", "Sure", "likely", minWidth=88, headerTooltip="A count or a lack has no probability", **WRAPPED
    ),
    column("effect", "Effect", "money", minWidth=84, headerTooltip="Price difference by confidence, a month"),
    column(
        "churn_probability", "To leave", "scored", minWidth=86, headerTooltip="Newest churn score by then", **WRAPPED
    ),
    column("churn_as_of", "Scored on", hide=True),
    column("ufm_level", "UFM level", minWidth=100, **WRAPPED),
    column("approach", "Approach", minWidth=90, headerTooltip="May be approached with it: consent, or none needed"),
)


def with_effect(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` and ``effect``: the price difference times the confidence, null where either is not known."""
    return rows.with_columns((pl.col("price_difference") * pl.col("confidence")).alias("effect"))


def list_card(shown: pl.DataFrame, view: View) -> Component:
    """The list, ranked, each with its reason."""
    if not shown.height:
        return components.card("Ranked list", note="Nothing of this kind, or nobody who may be approached with it.")
    rows = [listed(row, view.filters) for row in with_effect(shown).head(ROWS_SHOWN).iter_rows(named=True)]
    label = "Ranked list"
    table = components.grid(rows, COLUMNS, "recommendations", label=label, csv="recommendations.csv")
    more = f"The first {ROWS_SHOWN} of {shown.height:,}: " if shown.height > ROWS_SHOWN else ""
    note = f"{more}first rank first, the surest first within a rank; click a customer to see all of it"
    note += ". Single customers are listed: who may see them can count them"
    return components.card(label, table, note=f"{note[0].upper()}{note[1:]}{scored_on(shown)}")


def scored_on(shown: pl.DataFrame) -> str:
    """When the churn scores beside the list are of."""
    days = shown.get_column("churn_as_of").drop_nulls().unique().sort().to_list()
    if not days:
        return ""
    return f". Probabilities to leave are of {days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}"


def listed(row: Mapping[str, Any], filters: Filters) -> dict[str, Any]:
    """A row of the list."""
    return {
        **row,
        "link": profile_link(row["customer"], filters),
        "approach": "yes" if row["may_approach"] else "no",
        "evidence": association_words(row),
        "short_of": short_of(row["upsize_causes"]) if row["kind"] == PLAN_UP else "",
        "churn_as_of": f"{row['churn_as_of']}" if row["churn_as_of"] else "",
    }


def association_words(row: Mapping[str, Any]) -> str:
    """The association that supports a recommendation, with its lift; nothing where none does."""
    return "" if row["association"] is None else f"{row['association']} (lift {row['association_lift']:.1f})"


def short_of(causes: Sequence[str] | None) -> str:
    """What of a plan is too small, in words."""
    return ", ".join(CAUSES.get(cause, cause) for cause in causes or ())


def profile_link(customer: str, filters: Filters) -> str:
    """Address of the customer's own page; days stay chosen."""
    kept = format_query(Filters(period=filters.period)).removeprefix("?")
    query = "&".join(part for part in (kept, urlencode({"customer": customer})) if part)
    return f"/customers?{query}"
