"""What a page is, and what it is given: the foundation every module in ``pages`` stands on."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dash import Dash
from dash.development.base_component import Component

from telflow.dashboard.data import Reader, TableState
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.types import days_touched
from telflow.dashboard.relations import Relation
from telflow.dashboard.style import Look, Scheme
from telflow.settings import Settings

OWN_DAYS = "What customers use is kept by the provider's own days."


@dataclass(frozen=True)
class View:
    """All that a page is a function of.

    Attributes:
        filters: the ones that apply to the page, known values alone.
        period: days to show.
        search: query string of the filters, for links to other pages.
    """

    reader: Reader
    settings: Settings
    filters: Filters
    period: Period
    scheme: Scheme = "light"
    search: str = ""

    @property
    def look(self) -> Look:
        """Colours of its figures."""
        return Look(self.settings.dashboard.colours, self.settings.dashboard.accent, self.scheme)

    @property
    def zone(self) -> str:
        """Time zone of its days and hours."""
        return "UTC" if self.filters.zone == "utc" else self.settings.network.zone

    @property
    def day(self) -> str:
        """Column with the day in that zone, in relations that have both."""
        return "utc_date" if self.filters.zone == "utc" else "local_date"

    @property
    def previous(self) -> Period | None:
        """Days to compare with, where that was asked for."""
        return self.period.previous if self.filters.compare else None

    @property
    def periods(self) -> list[Period]:
        """Days to show, and those to compare with."""
        return [self.period, *([self.previous] if self.previous else [])]

    def touched(self, period: Period) -> Period:
        """Local days that ``period`` lies in: customers are counted by them, also where days are those of UTC."""
        return days_touched(period, self.zone, self.settings.network.zone)

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Plans, regions and segments that are looked at; none of one means all."""
        return [self.filters.plans, self.filters.regions, self.filters.segments]

    @property
    def minimum(self) -> int:
        """Customers of the smallest group that is shown."""
        return self.settings.dashboard.min_group_customers


def no_limits(_: Filters) -> Mapping[str, str]:
    """Every filter applies."""
    return {}


def segment_limits(filters: Filters) -> Mapping[str, str]:
    """What cannot apply where segments choose the customers whose traffic is shown."""
    return {"zone": OWN_DAYS} if filters.segments else {}


@dataclass(frozen=True)
class Page:
    """A page of the dashboard.

    Attributes:
        path: of its address.
        name: in the navigation.
        question: that it answers, below its title.
        relations: that it cannot do without.
        render: its content, given the view; a pure function of it.
        more_relations: that it uses where they are there.
        parameters: names in the address that it takes beside the filters.
        limits: filters that cannot apply, by name, each with the reason in words, given those chosen.
        register: adds the page's own callbacks, such as a form's, to the application.
        stamp: what the page depends on beside its tables; where it changes, the page is made again.
        is_of_date: whether it shows one date and compares with an earlier one, instead of days with those before.
    """

    path: str
    name: str
    question: str
    relations: tuple[Relation, ...]
    render: Callable[[View], list[Component]]
    more_relations: tuple[Relation, ...] = ()
    parameters: tuple[str, ...] = ()
    limits: Callable[[Filters], Mapping[str, str]] = no_limits
    register: Callable[[Dash, Reader, Settings], None] | None = None
    stamp: Callable[[Settings], Hashable] | None = None
    is_of_date: bool = False


@dataclass(frozen=True)
class Answer:
    """A page as it is shown: content, problems in words, and the tables it was made of."""

    content: list[Component]
    filters: Filters
    period: Period | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    states: tuple[TableState, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_utc(self) -> bool:
        """Whether its days and hours are those of UTC, instead of the provider's."""
        return self.filters.zone == "utc" and "zone" not in self.reasons
