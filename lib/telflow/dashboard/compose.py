"""From an address to a page's content: filters read and checked, days resolved, the page rendered, or words why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.cache import Cache
from telflow.dashboard.data import Reader, TableState
from telflow.dashboard.filters import (
    Filters,
    Parsed,
    Period,
    format_query,
    parse_query,
    without_unavailable,
    without_unknown,
)
from telflow.dashboard.page import Answer, Page, View
from telflow.dashboard.queries.extent import Extent, options, read_extent
from telflow.dashboard.relations import SEGMENTS
from telflow.dashboard.style import Scheme
from telflow.errors import TableMissingError
from telflow.settings import Settings


@dataclass(frozen=True)
class Services:
    """What every callback works with."""

    reader: Reader
    settings: Settings
    pages: Sequence[Page]
    answers: Cache[list[Component]]

    @property
    def parameters(self) -> tuple[str, ...]:
        """What pages take beside the filters."""
        return tuple(sorted({name for page in self.pages for name in page.parameters}))

    def page(self, path: str | None) -> Page | None:
        """The page at ``path``."""
        wanted = "/" + (path or "").strip("/")
        return next((page for page in self.pages if page.path == wanted), None)


@dataclass(frozen=True)
class Resolved:
    """An address, checked against what the lake holds.

    Attributes:
        view: what the page is made of.
        checked: filters with known values, those that do not apply to the page too.
        reasons: filters that cannot apply, with why.
        problems: what could not be used, in words.
        known: values to choose from, by filter.
    """

    view: View
    checked: Filters
    reasons: Mapping[str, str]
    problems: tuple[str, ...]
    known: Mapping[str, Sequence[str]]
    extent: Extent


def open_services(reader: Reader, settings: Settings, pages: Sequence[Page]) -> Services:
    """Services with nothing answered yet."""
    return Services(reader, settings, pages, Cache(settings.dashboard.cache_entries))


def compose(services: Services, path: str | None, search: str | None, scheme: Scheme = "light") -> Answer:
    """What stands at an address. Missing tables are told in words; faults of the program are raised."""
    page = services.page(path)
    if page is None:
        told = components.words("There is no such page", f"{path} is not an address of this dashboard.", "error")
        return Answer([told], Filters())
    parsed = parse_query(search, services.parameters)
    try:
        return compose_page(services, page, parsed, scheme)
    except TableMissingError as error:
        told = components.words("A table is missing", str(error), "missing")
        return Answer([told], parsed.filters, problems=parsed.problems, states=known_states(services.reader, page))


def compose_page(services: Services, page: Page, parsed: Parsed, scheme: Scheme) -> Answer:
    """The content of ``page`` under the filters of its address."""
    states = page_states(services.reader, page)
    found = resolve(services.reader, services.settings, page, parsed, scheme)
    view = found.view
    stamp = page.stamp(services.settings) if page.stamp is not None else None
    key = (page.path, view.filters, view.period, scheme, states, stamp)
    content = services.answers.get(key, content_of(page, view, found.extent))
    return replace(without_content(found), content=content, states=states)


def without_content(found: Resolved) -> Answer:
    """The answer to an address before its page is made."""
    options = {**found.known, "extent": found.extent}
    return Answer([], found.checked, found.view.period, found.reasons, found.problems, options=options)


def check_address(services: Services, path: str | None, search: str | None) -> Answer:
    """What the inputs of the filter bar follow: all of an answer but its content, which is not made."""
    page = services.page(path)
    if page is None:
        return Answer([], Filters())
    parsed = parse_query(search, services.parameters)
    try:
        return without_content(resolve(services.reader, services.settings, page, parsed))
    except TableMissingError:
        return Answer([], parsed.filters)


def resolve(reader: Reader, settings: Settings, page: Page, parsed: Parsed, scheme: Scheme = "light") -> Resolved:
    """What ``page`` is to show under the filters of its address.

    Raises:
        TableMissingError: there is no traffic in the lake yet.
    """
    known = options(reader)
    checked = without_unknown(parsed.filters, known)
    reasons = {**missing_segments(reader), **page.limits(checked.filters)}
    applied = without_unavailable(checked.filters, reasons)
    filters = own_parameters(applied.filters, page)
    extent = read_extent(reader)
    period = filters.period or newest_days(extent, settings.dashboard.default_days)
    view = View(reader, settings, filters, period, scheme, format_query(filters))
    problems = (*parsed.problems, *checked.problems, *applied.problems)
    return Resolved(view, checked.filters, reasons, problems, known, extent)


def content_of(page: Page, view: View, extent: Extent) -> Callable[[], list[Component]]:
    """What computes the content of ``page``."""

    def compute() -> list[Component]:
        if view.period.last < extent.first or view.period.first > extent.last:
            return [
                components.words(
                    "No data in these days",
                    f"The lake holds traffic from {extent.first} to {extent.last}. Choose days of these.",
                )
            ]
        return page.render(view)

    return compute


def own_parameters(filters: Filters, page: Page) -> Filters:
    """``filters`` with the parameters that ``page`` takes; those of other pages stay in the address for them."""
    kept = tuple((name, value) for name, value in filters.parameters if name in page.parameters)
    return replace(filters, parameters=kept)


def newest_days(extent: Extent, days: int) -> Period:
    """The last whole ``days`` of the data, or as many as there are."""
    last = extent.last_whole
    return Period(max(extent.first, last - timedelta(days=days - 1)), last)


def missing_segments(reader: Reader) -> Mapping[str, str]:
    """Why customers cannot be chosen by segment, where they cannot."""
    try:
        reader.state(SEGMENTS.name)
    except TableMissingError as error:
        return {"segment": str(error)}
    return {}


def page_states(reader: Reader, page: Page) -> tuple[TableState, ...]:
    """Versions of the tables of ``page``, each once; those it can do without only where they are there.

    Raises:
        TableMissingError: one it cannot do without is not there.
    """
    needed = [reader.state(relation.name) for relation in page.relations]
    return unique([*needed, *optional_states(reader, [relation.name for relation in page.more_relations])])


def known_states(reader: Reader, page: Page) -> tuple[TableState, ...]:
    """Versions of those tables of ``page`` that are there."""
    return unique(optional_states(reader, [relation.name for relation in (*page.relations, *page.more_relations)]))


def optional_states(reader: Reader, names: Sequence[str]) -> list[TableState]:
    """Versions of those relations whose tables are there."""
    states = []
    for name in names:
        try:
            states.append(reader.state(name))
        except TableMissingError:
            continue
    return states


def unique(states: Sequence[TableState]) -> tuple[TableState, ...]:
    """One state for each table, in order."""
    return tuple({state.table: state for state in states}.values())
