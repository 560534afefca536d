"""Words in the place of what must not be shown: groups too small, and groups that nobody has counted yet."""

from collections.abc import Sequence
from datetime import date

from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.filters import LISTS, Filters
from telflow.dashboard.page import View
from telflow.dashboard.queries import customers, segments
from telflow.dashboard.relations import CUSTOMERS_BY_DAY, SEGMENTS, Relation


def refusal(view: View, filters: Filters, *, by_category: bool = False) -> list[Component]:
    """Words in the place of what ``filters`` choose in the days shown; none where it may be shown.

    Args:
        view: whose periods are looked at.
        filters: the choice.
        by_category: whether single categories are shown, also where none is chosen.
    """
    if not by_category and not any(filters.values(name) for name in LISTS):
        return []
    for period in view.periods:
        guard = customers.guard_of(view.reader, filters, view.touched(period), view.minimum)
        if guard.uncounted:
            return [not_counted(guard.uncounted, CUSTOMERS_BY_DAY)]
        if guard.forbids(filters):
            return [components.too_small(view.minimum)]
    return []


def whose_traffic(view: View) -> list[Component]:
    """Whose traffic is shown where segments choose it; nothing where it is the network's."""
    if not view.filters.segments:
        return []
    newest = segments.dates(view.reader, SEGMENTS.name)[-1]
    told = (
        f"This is what the customers of these segments used: {', '.join(view.filters.segments)}, by the assignment of "
        f"{units.day(newest)}. A flow between two customers counts for both; in the network's traffic it counts once."
    )
    return [components.words("Traffic of customers", told)]


def not_counted(days: Sequence[date], counting: Relation) -> Component:
    """What stands in the place of groups on ``days`` that ``counting`` lacks."""
    told = f"{units.day(days[0])}{f' and {len(days) - 1} more days' if days[1:] else ''}"
    return components.words(
        "Not counted yet",
        f"Traffic of {told} is there, but {counting.table.name} does not tell yet how many customers stand behind it, "
        f"and small groups could not be hidden: run {counting.writer}, or choose other days.",
        "missing",
    )
