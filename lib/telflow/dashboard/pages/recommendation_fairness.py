"""Whether every group gets its part of the recommendations."""

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.components import column
from telflow.dashboard.page import View
from telflow.dashboard.queries import recommendations
from telflow.dashboard.queries.recommendations import KINDS
from telflow.privacy.suppression import guard, suppress

PARTS = {"plan": "Plan", "region": "Region", "segment": "Segment"}


def fairness_cards(base: pl.DataFrame, found: pl.DataFrame, view: View) -> list[Component]:
    """How often each plan, region and segment is recommended what."""
    kinds = [kind for kind in KINDS if (found.get_column("kind") == kind).any()]
    cards = []
    for part, title in PARTS.items():
        if base.get_column(part).n_unique() > 1:
            told = fairness_shares(recommendations.fairness(base, found, part, kinds), kinds, view.minimum)
            cards.append(fairness_card(told, kinds, part, title))
    return cards


def fairness_shares(counts: pl.DataFrame, kinds: list[str], minimum: int) -> pl.DataFrame:
    """Customers of each group and the part of them by kind, what tells of few hidden.

    Args:
        counts: ``group``, ``customers`` and a count for each of ``kinds``.
        kinds: columns to divide by ``customers``.
        minimum: customers of the smallest cell that is shown.
    """
    told = suppress(counts, "customers", minimum, kinds)
    for kind in kinds:
        share = pl.col(kind) / pl.col("customers")
        hidden = pl.Series(tells_of_few(counts, kind, minimum), dtype=pl.Boolean)
        told = told.with_columns(pl.when(hidden).then(None).otherwise(share).alias(kind))
    return told


def tells_of_few(counts: pl.DataFrame, kind: str, minimum: int) -> list[bool]:
    """For each group whether those of the ``kind``, or all but those, are few, or the totals would tell that."""
    of_kind = counts.get_column(kind).to_list()
    rest = (counts.get_column("customers") - counts.get_column(kind)).to_list()
    pairs = zip(guard(of_kind, minimum).hidden, guard(rest, minimum).hidden, strict=True)
    return [any(pair) for pair in pairs]


def fairness_card(told: pl.DataFrame, kinds: list[str], part: str, title: str) -> Component:
    """Shares of one part."""
    columns = [column("group", title, minWidth=130), column("customers", "Customers", "count", minWidth=100)]
    columns += [column(kind, kind.capitalize(), "share", minWidth=95) for kind in kinds]
    label = f"Fairness by {part}"
    note = "Part of each group's customers with at least one of the kind; what tells of few is hidden"
    table = components.grid(told.to_dicts(), columns, f"fairness-{part}", label=label, csv=f"fairness-{part}.csv")
    return components.card(label, table, note=note)
