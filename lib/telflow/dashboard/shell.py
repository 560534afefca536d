"""What stands around every page: header, navigation, filters and footer."""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from telflow.dashboard import units
from telflow.dashboard.components import aria
from telflow.dashboard.data import TableState
from telflow.dashboard.filters import FILTERS, LISTS, Period
from telflow.dashboard.page import Answer, Page
from telflow.dashboard.style import FONT, shades
from telflow.settings import DashboardSettings

LABELS = {
    "date": "Days",
    "zone": "Time zone",
    "category": "Category",
    "plan": "Plan",
    "region": "Region",
    "segment": "Segment",
    "compare": "Compare with previous period",
}


def filter_id(name: str) -> str:
    """Identity of a filter's input."""
    return f"filter-{name}"


def shell(dashboard: DashboardSettings, logo: str | None) -> Component:
    """The whole document; pages are put into its ``page``."""
    document: Component = dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="scheme", storage_type="local"),
            dcc.Store(id="title"),
            dcc.Store(id="filters-ready", data=False),
            html.A("Skip to the content", href="#main", className="skip"),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(header(dashboard, logo)),
                    dmc.AppShellNavbar(html.Div(id="navigation"), p="sm", **aria(label="Pages")),
                    dmc.AppShellMain(main()),
                ],
                id="shell",
                header={"height": 60},
                navbar={"width": 220, "breakpoint": "sm", "collapsed": {"mobile": True}},
                padding="md",
            ),
        ],
        id="provider",
        theme={
            "primaryColor": "accent",
            "colors": {"accent": shades(dashboard.accent)},
            "fontFamily": FONT,
            "defaultRadius": "md",
        },
    )
    return document


def header(dashboard: DashboardSettings, logo: str | None) -> Component:
    """Title, logo, and the switch between light and dark."""
    picture = [html.Img(src=logo, alt="", className="logo")] if logo else []
    name = dcc.Link([*picture, html.Span(dashboard.title)], href="/", className="brand")
    burger = dmc.Burger(id="burger", size="sm", hiddenFrom="sm", opened=False, **aria(label="Pages"))
    dark = dmc.Switch(id="dark", label="Dark", size="sm", persistence=False)
    leave = [html.A("Log out", href="/logout")] if dashboard.login == "oidc" else []
    side = html.Div([dark, *leave], className="brand-side")
    return html.Div([html.Div([burger, name], className="brand-side"), side], className="header")


def main() -> Component:
    """Filters, what was wrong with them, the page, and the footer."""
    page = dcc.Loading(
        html.Div(id="page", className="page"),
        delay_show=250,
        overlay_style={"visibility": "visible", "opacity": 0.45},
        type="circle",
    )
    return html.Div(
        [
            html.Div(id="heading"),
            html.Section(filter_bar(), className="filters", **aria(label="Filters")),
            html.Div(id="problems", role="status", **aria(live="polite")),
            html.Div(page, id="main", tabIndex=-1),  # the shell's own <main> stands around it
            html.Footer(id="footer", className="footer"),
        ]
    )


ORDER = ["label", "input", "description", "error"]  # the reason why an input is disabled stands below it


def filter_bar() -> list[Component]:
    """The inputs of ``FILTERS``; the callback fills and disables them."""
    inputs: dict[str, Component] = {
        name: dmc.MultiSelect(
            **shared(name), placeholder="All", searchable=True, clearable=True, data=[], hidePickedOptions=True
        )
        for name in LISTS
    }
    inputs["date"] = dmc.DatePickerInput(
        **shared("date"), type="range", valueFormat="D MMM YYYY", allowSingleDateInRange=True, clearable=True
    )
    inputs["zone"] = dmc.Select(**shared("zone"), data=[], allowDeselect=False)
    inputs["compare"] = dmc.Switch(id=filter_id("compare"), label=LABELS["compare"], size="sm")
    clear = dcc.Link("Clear filters", id="clear", href="/", className="clear")
    return [*[html.Div(inputs[name], className=f"filter filter-{name}") for name in FILTERS], clear]


def shared(name: str) -> dict[str, Any]:
    """What all inputs of the filter bar have."""
    return {"id": filter_id(name), "label": LABELS[name], "size": "sm", "inputWrapperOrder": ORDER}


def navigation(pages: Sequence[Page], path: str, search: str) -> list[Component]:
    """Links to the pages, with the filters kept."""
    return [
        dmc.NavLink(
            label=page.name,
            href=f"{page.path}{search}",
            active="exact" if page.path == path else False,
            className="nav-link",
            **(aria(current="page") if page.path == path else {}),
        )
        for page in pages
    ]


def heading(page: Page | None, answer: Answer) -> list[Component]:
    """Title of the page, the question it answers, and for paper what it was chosen to show."""
    if page is None:
        return [html.H1("Not found")]
    chosen = html.P(choice_words(page, answer), className="print-only")
    return [html.H1(page.name), html.P(page.question, className="question"), chosen]


def choice_words(page: Page, answer: Answer) -> str:
    """Days, filters and parameters that ``page`` is made of: paper has no filter bar and no address."""
    filters, period = answer.filters, answer.period
    if period is None:
        return ""
    told = [days_words(period)]
    told += [f"{LABELS['zone']}: UTC"] if answer.is_utc else []
    usable = [name for name in LISTS if filters.values(name) and name not in answer.reasons]
    told += [f"{LABELS[name]}: {', '.join(filters.values(name))}" for name in usable]
    told += [f"{name.capitalize()}: {value}" for name, value in filters.parameters if name in page.parameters]
    if filters.compare and "compare" not in answer.reasons:
        told.append(f"Compared with {'an earlier date' if page.is_of_date else days_words(period.previous)}")
    return " · ".join(told)


def days_words(period: Period) -> str:
    """The days of a period."""
    return f"{units.day(period.first)} to {units.day(period.last)}"


def footer(states: Sequence[TableState], version: str, zone: str, is_synthetic: bool) -> list[Component]:
    """Version of the program, and version and age of each table the page was made of."""
    told: list[Component] = [html.P(f"telflow {version}. Days and hours are those of {zone}.")]
    if is_synthetic:
        told.insert(0, html.P("Synthetic data: nobody in it exists.", className="synthetic"))
    if states:
        rows = [
            html.Li(
                [
                    html.B(state.table),
                    f" version {state.version}, written ",
                    html.Time(f"{state.written_at:%Y-%m-%d %H:%M} UTC"),
                ]
            )
            for state in states
        ]
        told.append(html.Ul(rows, **aria(label="Tables of this page")))
    return told
