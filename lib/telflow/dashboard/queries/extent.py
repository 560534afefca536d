"""What the lake holds: its days, and what there is to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Period
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import SEGMENTS, TRAFFIC_BY_DAY, TRAFFIC_BY_HOUR, Relation
from telflow.errors import TableMissingError

NO_CUSTOMER = "none"


@dataclass(frozen=True)
class Extent:
    """Local days with traffic; ``last_whole`` is the last that was seen to its end, or ``last`` where none was."""

    first: date
    last: date
    last_whole: date


def read_extent(reader: Reader) -> Extent:
    """The days of the lake.

    Raises:
        TableMissingError: there is no traffic in the lake yet.
    """
    days = reader.query(
        "SELECT local_date, COUNT(DISTINCT hour_start) AS hours FROM traffic_by_hour GROUP BY local_date ORDER BY 1",
        [],
        [TRAFFIC_BY_HOUR.name],
    ).rows()
    if not days:
        raise TableMissingError(f"There is no traffic in the lake yet: run {TRAFFIC_BY_HOUR.writer}.")
    last, hours = days[-1]
    is_whole = hours >= 23 or len(days) == 1
    return Extent(days[0][0], last, last if is_whole else days[-2][0])


def uncounted_days(reader: Reader, shown: Relation, counting: Relation, day: str, period: Period) -> list[date]:
    """Days of ``period`` that ``shown`` has and ``counting``, which tells of how many customers they are, has not yet.

    Raises:
        TableMissingError: nobody was ever counted.
    """
    where = Where().within(day, period)
    found = [
        set(reader.query(f"SELECT DISTINCT {day} FROM {name} {where.sql}", where.parameters, [name]).to_series())
        for name in (shown.name, counting.name)
    ]
    return sorted(found[0] - found[1])


def options(reader: Reader) -> Mapping[str, Sequence[str]]:
    """Values to choose from in each filter, in order."""
    found = {name: traffic_values(reader, name) for name in ("category", "plan", "region")}
    try:
        segments = reader.query("SELECT DISTINCT segment FROM customer_segments ORDER BY 1", [], [SEGMENTS.name])
    except TableMissingError:
        return {**found, "segment": []}
    return {**found, "segment": segments.get_column("segment").to_list()}


def traffic_values(reader: Reader, column: str) -> list[str]:
    """Values of a column of traffic, those with most bytes first; customers without one come last."""
    rows = reader.query(
        f"SELECT {column} AS name FROM traffic_by_day GROUP BY {column} ORDER BY SUM(bytes) DESC",
        [],
        [TRAFFIC_BY_DAY.name],
    )
    names = rows.get_column("name").to_list()
    return sorted(names, key=lambda name: name == NO_CUSTOMER)
