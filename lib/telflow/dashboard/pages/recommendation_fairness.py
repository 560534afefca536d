"""Whether every group gets its part of the recommendations."""

from collections.abc import Mapping

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.components import column
from telflow.dashboard.queries import recommendations
from telflow.dashboard.queries.everybody import MEMBERS, OTHERS, Everybody
from telflow.dashboard.queries.recommendations import KINDS
from telflow.privacy.suppression import Cube, blank

PARTS = {"plan": "Plan", "region": "Region", "segment": "Segment"}


def fairness_cards(everybody: Everybody, base: pl.DataFrame, of_date: pl.DataFrame) -> list[Component]:
    """How often each plan, region and segment is recommended what.

    Args:
        everybody: and whom of them is looked at.
        base: those looked at.
        of_date: recommendations to everybody.
    """
    found = of_date.join(base, on="customer", how="semi")
    kinds = [kind for kind in KINDS if (found.get_column("kind") == kind).any()]
    cubes = {kind: everybody.members(of_date.filter(pl.col("kind") == kind)) for kind in kinds}
    cards = []
    for part, title in PARTS.items():
        if base.get_column(part).n_unique() > 1:
            counts = recommendations.fairness(base, found, part, kinds)
            cards.append(fairness_card(fairness_shares(counts, everybody, part, cubes), kinds, part, title))
    return cards


def fairness_shares(counts: pl.DataFrame, everybody: Everybody, part: str, cubes: Mapping[str, Cube]) -> pl.DataFrame:
    """Customers of each group and the part of them by kind, what tells of few hidden.

    Args:
        counts: ``group``, ``customers`` and a count for each kind.
        everybody: and whom of them is looked at.
        part: what a group is one of.
        cubes: customers with and without each kind.
    """
    groups = [everybody.of_group(part, group) for group in counts.get_column("group").to_list()]
    people = everybody.members(everybody.base)
    told = blank(counts, [group.tells_of_few(people) for group in groups], ["customers", *cubes])
    for kind, cube in cubes.items():
        share = pl.col(kind) / pl.col("customers")
        few = [group.tells_of_few(cube, MEMBERS) or group.tells_of_few(cube, OTHERS) for group in groups]
        told = told.with_columns(pl.when(~pl.Series(few, dtype=pl.Boolean)).then(share).alias(kind))
    return told


def fairness_card(told: pl.DataFrame, kinds: list[str], part: str, title: str) -> Component:
    """Shares of one part."""
    columns = [column("group", title, minWidth=130), column("customers", "Customers", "count", minWidth=100)]
    columns += [column(kind, kind.capitalize(), "share", minWidth=95) for kind in kinds]
    label = f"Fairness by {part}"
    note = "Part of each group's customers with at least one of the kind; what tells of few is hidden"
    table = components.grid(told.to_dicts(), columns, f"fairness-{part}", label=label, csv=f"fairness-{part}.csv")
    return components.card(label, table, note=note)
