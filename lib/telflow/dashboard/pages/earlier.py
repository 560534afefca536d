"""The date that the compare switch sets beside the one a page shows, and what may be told of it.

Whoever sees two dates sees their difference: 40 customers then and 41 now tell that one more came than went. The date
filter shows each date on its own too, so the difference is no secret. What has to hold is that nothing is told of the
earlier date that its own page hides: its numbers pass the same guard, and are cut the same way as there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from telflow.dashboard import units
from telflow.dashboard.page import View
from telflow.dashboard.queries import segments
from telflow.dashboard.queries.everybody import Everybody
from telflow.dashboard.relations import Relation


@dataclass(frozen=True)
class Earlier:
    """Customers of the date that is compared with: not nobody, and not too few to be told of."""

    as_of: date
    everybody: Everybody


def earlier_customers(
    view: View, relation: Relation, as_of: date, read: Callable[[View, date], Everybody]
) -> Earlier | str:
    """Whom to compare those of ``as_of`` with, or in words why that cannot be done.

    Args:
        view: whose filters choose them.
        relation: with a row of each customer by date, whose job takes ``--as-of``.
        as_of: the date that is shown.
        read: customers of a date.
    """
    found = segments.date_before(view.reader, relation.name, as_of, view.period)
    if found is None:
        return (
            f"{relation.table.name} holds no date before {units.day(as_of)} to compare with. "
            f"Run jobs/{relation.table.writer} with such a day as --as-of."
        )
    everybody = read(view, found)
    if not everybody.total():
        return f"{units.day(found)} is not set beside: of those chosen there were none then, or too few to tell."
    return Earlier(found, everybody)
