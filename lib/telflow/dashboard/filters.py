"""What the reader of a page chose, and how it stands in the page's address: read, checked and written here alone."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

Zone = Literal["local", "utc"]
LISTS = {"category": "categories", "plan": "plans", "region": "regions", "segment": "segments"}
FILTERS = ("date", "zone", *LISTS, "compare")
LONGEST_VALUE, MOST_VALUES, MOST_PARTS = 200, 100, 500
LONGEST_PERIOD = timedelta(days=3660)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def previous(self) -> "Period":
        """As many days right before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


@dataclass(frozen=True)
class Filters:
    """A choice; nothing chosen means all.

    Attributes:
        period: days; None for the newest that the settings show.
        zone: whether days and hours are the provider's or UTC's.
        compare: whether the previous period is shown beside.
        parameters: what else a page was asked for, such as the category drilled into.
    """

    period: Period | None = None
    zone: Zone = "local"
    categories: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    compare: bool = False
    parameters: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """What is chosen in the filter ``name`` of ``LISTS``."""
        chosen: tuple[str, ...] = getattr(self, LISTS[name])
        return chosen

    def parameter(self, name: str) -> str | None:
        """A page's own parameter."""
        return dict(self.parameters).get(name)

    def with_parameters(self, **given: str | None) -> "Filters":
        """With parameters set; None takes one away."""
        merged = {name: value for name, value in (dict(self.parameters) | given).items() if value}
        return replace(self, parameters=tuple(sorted(merged.items())))

    def is_set(self, name: str) -> bool:
        """Whether the filter ``name`` of ``FILTERS`` narrows or changes anything."""
        if name in LISTS:
            return bool(self.values(name))
        return {"date": self.period is not None, "zone": self.zone == "utc", "compare": self.compare}[name]

    def choosing(self, name: str, values: Iterable[str]) -> "Filters":
        """With ``values`` in the filter ``name`` of ``LISTS``."""
        chosen: dict[str, Any] = {LISTS[name]: tuple(sorted(set(values)))}
        return replace(self, **chosen)

    def without(self, name: str) -> "Filters":
        """With the filter ``name`` of ``FILTERS`` as if it had not been touched."""
        if name in LISTS:
            return self.choosing(name, ())
        if name == "date":
            return replace(self, period=None)
        return replace(self, zone="local") if name == "zone" else replace(self, compare=False)


@dataclass(frozen=True)
class Parsed:
    """Filters of an address, and in words what in it could not be used."""

    filters: Filters
    problems: tuple[str, ...] = ()


@dataclass
class Reading:
    """An address while it is read."""

    dates: dict[str, date] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    single: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def parse_query(search: str | None, parameters: Sequence[str] = ()) -> Parsed:
    """Filters that the query string ``search`` stands for; whatever cannot be used is told and left out.

    Args:
        search: what follows the path, with or without its question mark.
        parameters: names that pages take beside the filters.
    """
    reading = Reading()
    try:
        parts = parse_qsl((search or "").removeprefix("?"), max_num_fields=MOST_PARTS)
    except ValueError:
        return Parsed(Filters(), ("The address holds more filters than any page has, so none was used.",))
    for name, value in parts:
        read_part(reading, name, value, parameters)
    period = read_period(reading)
    filters = Filters(
        period=period,
        zone="utc" if reading.single.pop("zone", "local") == "utc" else "local",
        compare=reading.single.pop("compare", "0") == "1",
        parameters=tuple(sorted(reading.single.items())),
    )
    for name, values in reading.lists.items():
        filters = filters.choosing(name, values)
    return Parsed(filters, tuple(dict.fromkeys(reading.problems)))


def read_part(reading: Reading, name: str, value: str, parameters: Sequence[str]) -> None:
    """Take one part of the address over into ``reading``."""
    if len(value) > LONGEST_VALUE:
        reading.problems.append(f"The value of {name[:40]} is longer than {LONGEST_VALUE} characters and was not used.")
    elif name in ("from", "to"):
        read_date(reading, name, value)
    elif name in LISTS:
        values = reading.lists.setdefault(name, [])
        if len(values) == MOST_VALUES:
            reading.problems.append(f"More than {MOST_VALUES} values of {name}: the rest was not used.")
        else:
            values.append(value)
    elif name in ("zone", "compare"):
        known = ("local", "utc") if name == "zone" else ("0", "1")
        if value in known:
            reading.single[name] = value
        else:
            reading.problems.append(f"{name}={value} is neither {known[0]} nor {known[1]}, and was not used.")
    elif name in parameters:
        reading.single[name] = value
    else:
        reading.problems.append(unknown_name(name, parameters))


def read_date(reading: Reading, name: str, value: str) -> None:
    """Take over one end of the period."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        reading.problems.append(f"{name}={value} is no day, and was not used: write it as 2024-01-31.")
        return
    if FIRST_DAY <= day <= LAST_DAY:
        reading.dates[name] = day
    else:
        reading.problems.append(f"{name}={value} is not between {FIRST_DAY} and {LAST_DAY}, and was not used.")


def read_period(reading: Reading) -> Period | None:
    """The period of ``reading``; None where it is incomplete, turned round or endless, which is told."""
    first, last = reading.dates.get("from"), reading.dates.get("to")
    if first is None and last is None:
        return None
    if first is None or last is None:
        reading.problems.append("A period needs both from and to, so the newest days are shown.")
    elif last < first:
        reading.problems.append(f"The period ends ({last}) before it begins ({first}), so the newest days are shown.")
    elif last - first > LONGEST_PERIOD:
        reading.problems.append("The period is longer than ten years, so the newest days are shown.")
    else:
        return Period(first, last)
    return None


def unknown_name(name: str, parameters: Sequence[str]) -> str:
    """What to say of a part of the address that no page knows."""
    known = ["from", "to", "zone", "compare", *LISTS, *parameters]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"No page knows the filter {name[:40]}, so it was not used.{hint}"


def format_query(filters: Filters) -> str:
    """The query string that stands for ``filters``: empty where nothing is chosen, else with its question mark."""
    parts: list[tuple[str, str]] = []
    if filters.period is not None:
        parts += [("from", filters.period.first.isoformat()), ("to", filters.period.last.isoformat())]
    if filters.zone == "utc":
        parts.append(("zone", "utc"))
    parts += [(name, value) for name in LISTS for value in filters.values(name)]
    if filters.compare:
        parts.append(("compare", "1"))
    parts += filters.parameters
    return f"?{urlencode(parts)}" if parts else ""


def without_unknown(filters: Filters, known: Mapping[str, Sequence[str]]) -> Parsed:
    """``filters`` without values that the data does not hold, each of which is told with the nearest that it does."""
    problems = []
    for name, values in known.items():
        strange = [value for value in filters.values(name) if value not in values]
        for value in strange:
            near = difflib.get_close_matches(value, values, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            problems.append(f"The data holds no {name} {value}, so it was not used.{hint}")
        filters = filters.choosing(name, [value for value in filters.values(name) if value in values])
    return Parsed(filters, tuple(problems))


def without_unavailable(filters: Filters, reasons: Mapping[str, str]) -> Parsed:
    """``filters`` without those that cannot apply, each of which is told with its reason."""
    problems = []
    for name, reason in reasons.items():
        if filters.is_set(name):
            problems.append(f"The {name} filter was not used: {reason}")
            filters = filters.without(name)
    return Parsed(filters, tuple(problems))
