"""The filter bar: its inputs follow the address, and the address follows the inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from dash import Dash, Input, Output, State, ctx, no_update

from telflow.dashboard.compose import Services, check_address
from telflow.dashboard.filters import FILTERS, LISTS, Filters, Period, format_query, parse_query
from telflow.dashboard.page import Answer
from telflow.dashboard.shell import filter_id


def register_filters(app: Dash, services: Services) -> None:
    """Inputs follow the address, and the address follows the inputs, in one callback as they depend on each other."""
    inputs = [Input(filter_id(name), "checked" if name == "compare" else "value") for name in FILTERS]
    described = [Output(filter_id(name), prop) for name in FILTERS for prop in ("disabled", "description")]
    chosen = [Output(filter_id(name), "checked" if name == "compare" else "value") for name in FILTERS]
    data = [Output(filter_id(name), "data") for name in ("zone", *LISTS)]
    days = [Output(filter_id("date"), prop) for prop in ("minDate", "maxDate")]

    @app.callback(
        [
            Output("filters-ready", "data"),
            Output("url", "search"),
            Output("clear", "href"),
            *chosen,
            *described,
            *data,
            *days,
        ],
        [Input("url", "pathname"), Input("url", "search"), *inputs],
        State("filters-ready", "data"),
    )
    def follow(path: str | None, search: str | None, *values: Any) -> list[Any]:
        *given, is_ready = values
        # inputs announce themselves when they are made, before they were told what the address says
        changed = changed_inputs(ctx.triggered_prop_ids) if is_ready else []
        asked = {name: value for name, value in zip(FILTERS, given, strict=True) if name in changed}
        return followed(services, path, search, asked)


def followed(services: Services, path: str | None, search: str | None, asked: Mapping[str, Any]) -> list[Any]:
    """Everything that the callback gives out: the address where inputs ``asked`` for another, and all inputs by it."""
    page = services.page(path)
    plain = page.path if page is not None else "/"  # never an address that somebody made up
    before = check_address(services, path, search)
    filters = chosen_filters(asked, before, parse_query(search, services.parameters).filters)
    wanted = format_query(filters) if filters is not None else search or ""
    if not asked or wanted == (search or ""):
        return [True, no_update, plain, *input_values(before), *input_limits(before), *input_data(before, services)]
    after = check_address(services, path, wanted)
    return [True, wanted, plain, *input_values(after), *input_limits(after), *input_data(after, services)]


def changed_inputs(triggered: Mapping[str, Any]) -> list[str]:
    """Filters whose inputs were changed; none where the address changed, which the inputs follow."""
    names = [str(one).split(".")[0] for one in triggered]
    return [] if "url" in names else [name for name in FILTERS if filter_id(name) in names]


def chosen_filters(values: Mapping[str, Any], before: Answer, addressed: Filters) -> Filters | None:
    """Filters of the address with the inputs that changed; None while only one day of two is chosen.

    An input that is disabled says nothing: what the address holds for it stays, for the pages where it applies.
    """
    filters = addressed
    for name, value in values.items():
        if name in before.reasons:
            continue
        if name == "date":
            days = value or [None, None]
            if (days[0] is None) != (days[1] is None):
                return None
            filters = replace(filters, period=chosen_period(days, before))
        elif name == "zone":
            filters = replace(filters, zone="utc" if value == "utc" else "local")
        elif name == "compare":
            filters = replace(filters, compare=bool(value))
        else:
            filters = filters.choosing(name, value or ())
    return filters


def chosen_period(days: Sequence[str | None], before: Answer) -> Period | None:
    """The days of the input; None where it shows the newest ones, which no address names."""
    if days[0] is None or days[1] is None:
        return None
    period = Period(date.fromisoformat(days[0]), date.fromisoformat(days[1]))
    return None if before.filters.period is None and period == before.period else period


def input_values(answer: Answer) -> list[Any]:
    """Values of the inputs; a filter that cannot apply is shown empty."""
    usable = answer.filters
    for name in answer.reasons:
        usable = usable.without(name)
    period = answer.period
    shown: dict[str, Any] = {
        "date": [period.first.isoformat(), period.last.isoformat()] if period else [None, None],
        "zone": usable.zone,
        "compare": usable.compare,
        **{name: list(usable.values(name)) for name in LISTS},
    }
    return [shown[name] for name in FILTERS]


def input_limits(answer: Answer) -> list[Any]:
    """For each input whether it is disabled, and why."""
    limits: list[Any] = []
    for name in FILTERS:
        reason = answer.reasons.get(name)
        limits += [reason is not None, reason or ""]
    return limits


def input_data(answer: Answer, services: Services) -> list[Any]:
    """What there is to choose from."""
    zones = [{"value": "local", "label": services.settings.network.zone}, {"value": "utc", "label": "UTC"}]
    extent = answer.options.get("extent")
    days = [extent.first.isoformat(), extent.last.isoformat()] if extent else [None, None]
    return [zones, *[list(answer.options.get(name, ())) for name in LISTS], *days]
