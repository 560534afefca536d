"""Sizes of segments and of levels beside those of an earlier date."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.page import View
from telflow.dashboard.pages.earlier import Earlier, earlier_customers
from telflow.dashboard.pages.level_list import everybody_scored
from telflow.dashboard.queries import segments
from telflow.dashboard.queries.everybody import Everybody, with_groups
from telflow.dashboard.relations import SCORES, SEGMENTS, Relation
from telflow.privacy.suppression import SUPPRESSED


@dataclass(frozen=True)
class Grouping:
    """Customers in groups, by date.

    Attributes:
        title: of the groups.
        label: column of a customer's group.
        relation: with the dates.
        read: customers of a date, those that the filters choose among them.
    """

    title: str
    label: str
    relation: Relation
    read: Callable[[View, date], Everybody]


def everybody_segmented(view: View, as_of: date) -> Everybody:
    """Customers with segments: the chosen segment is shown among the others."""
    base = with_groups(view.reader, segments.segmented(view.reader, as_of), as_of)
    plans, regions, _ = view.groups
    return Everybody(base, [plans, regions, ()], view.minimum)


NARROW: Final = {"minWidth": 80, "maxWidth": 100}  # names need the room
IN_SEGMENTS: Final = Grouping("Segments", "name", SEGMENTS, everybody_segmented)
AT_LEVELS: Final = Grouping("UFM levels", "level", SCORES, everybody_scored)


def change_cards(view: View, grouping: Grouping, now: Everybody, as_of: date) -> list[Component]:
    """A table of the groups' sizes ``now`` and on the earlier date, where that is asked for."""
    if not view.filters.compare:
        return []
    title = f"{grouping.title}, then and now"
    earlier = earlier_customers(view, grouping.relation, as_of, grouping.read)
    if isinstance(earlier, str):
        return [components.card(title, note=earlier, span=6)]
    rows = size_changes(now.told(grouping.label), earlier.everybody.told(grouping.label), grouping.label)
    dated = {"then": earlier.as_of, "now": as_of}
    columns = [
        column("name", grouping.title, minWidth=200, tooltipField="name"),
        *(
            column(side, side.capitalize(), "count", headerTooltip=f"Customers as of {units.day(day)}", **NARROW)
            for side, day in dated.items()
        ),
        column("change", "Change", "told_change", headerTooltip="Where both dates may be told", **NARROW),
    ]
    file = f"{grouping.label}-changes"
    table = components.grid(rows.to_dicts(), columns, file, label=title, csv=f"{file}.csv")
    return [components.card(title, table, note=totals_words(now, as_of, earlier), span=6)]


def size_changes(now: pl.DataFrame, then: pl.DataFrame, label: str) -> pl.DataFrame:
    """Groups of two dates that at least one of them shows.

    Args:
        now: ``label``, ``customers`` and ``is_suppressed`` of the date that is shown.
        then: the same of the earlier date.
        label: column with a group's name.

    Returns:
        ``name``, customers ``then`` and ``now`` (null of what tells of few, 0 of nobody), and ``change``, a part of
        those of then; the largest now first.
    """
    sides = [
        found.select(pl.col(label).alias("name"), pl.col("customers").alias(side), pl.col(SUPPRESSED).alias(f"{side}_"))
        for side, found in (("then", then), ("now", now))
    ]
    joined = sides[0].join(sides[1], on="name", how="full", coalesce=True)
    told = joined.with_columns(
        pl.when(pl.col(f"{side}_").is_null()).then(0).otherwise(pl.col(side)).alias(side) for side in ("then", "now")
    ).filter((pl.col("then") > 0) | (pl.col("now") > 0))
    change = pl.when(pl.col("then") > 0).then(pl.col("now") / pl.col("then") - 1)
    ordered = told.sort(["now", "name"], descending=[True, False], nulls_last=True)
    return ordered.select("name", "then", "now", change.alias("change"))


def totals_words(now: Everybody, as_of: date, earlier: Earlier) -> str:
    """How many customers there are on either date, and whether one model told both."""
    customers, before = now.total(), earlier.everybody.total()
    change = units.change(customers, before)
    text = f"{units.count(before)} customers as of {units.day(earlier.as_of)}, {units.count(customers)} as of "
    text += f"{units.day(as_of)}{'' if change is None else f' ({units.signed_share(change)})'}"
    if versions(now.base) != versions(earlier.everybody.base):
        text += ". Another version of the model told the segments then: the same name need not mean the same"
    return text


def versions(base: pl.DataFrame) -> set[tuple[str, ...]]:
    """Models, by version, that the groups are told by; none where no model tells them."""
    return set(base.select(pl.col("^model(_version)?$")).rows())
