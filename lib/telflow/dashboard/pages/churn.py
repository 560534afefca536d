"""Churn: ask the model in use about one customer, change a field and see what changes, and how good the model is."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.churn_form import Field, Value, fields_of, read_form, written
from telflow.dashboard.churn_row import WINDOW_DAYS, churn_row
from telflow.dashboard.components import aria
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, format_query, parse_query
from telflow.dashboard.models import Served, tracked
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages.churn_answer import answer_cards, answer_form, ask, remembered, typical
from telflow.dashboard.pages.churn_quality import quality_cards, score_cards, score_date
from telflow.dashboard.queries import churn
from telflow.dashboard.relations import (
    CHURN_SCORES,
    COMPLAINTS,
    CUSTOMER_DEVICES,
    CUSTOMERS_BY_DAY,
    SEGMENTS,
    SUBSCRIBERS,
)
from telflow.dashboard.style import Look
from telflow.errors import ModelMissingError, TableMissingError, TelflowError
from telflow.settings import Settings

FIELD: Final = "churn-field"


def limits(_: Filters) -> Mapping[str, str]:
    return {
        "category": "Probabilities to leave are of a customer as a whole.",
        "zone": "Days are those of the provider's own zone.",
    }


def stamp(settings: Settings) -> Hashable:
    """Changes with the model in use."""
    return tracked(settings.mlflow).stamp("churn")


def render(view: View) -> list[Component]:
    """The form with its answer, the model's quality, and everybody's probabilities."""
    try:
        served = tracked(view.settings.mlflow).churn()
    except ModelMissingError as error:
        return [components.words("There is no model to ask", str(error), "missing"), *score_cards(view)]
    except TelflowError as error:
        return [components.words("The model cannot be asked", str(error), "error"), *score_cards(view)]
    return [*form_cards(view, served), *quality_cards(served, view.look, view.minimum), *score_cards(view)]


def form_cards(view: View, served: Served) -> list[Component]:
    """The form, filled with a customer or with the typical one, and the model's answer to it."""
    token = view.filters.parameter("customer")
    told: list[Component] = []
    values: Mapping[str, Value] = typical(served)
    subject = "a typical customer of the training"
    if token:
        try:
            found = customer_values(view, served, token)
        except TableMissingError as error:
            found, told = None, [components.words("Customers cannot be looked up", str(error), "missing")]
        if found is not None:
            values, subject = found, token
        elif not told:
            text = f"The lake knows no subscriber {token} of these days. The form holds a typical customer instead."
            told = [components.words("There is no such customer", text)]
    fields = fields_of(served.model)
    texts = {field.name: written(field, values.get(field.name)) for field in fields}
    answered = ask(served, read_form(fields, texts)[0])  # as it stands in the form, and is asked again
    answer = html.Div(
        answer_cards(served, answered, None, view.look),
        id="churn-answer",
        className="answer span-12",
        **aria(live="polite"),
    )
    former = dcc.Store(id="churn-former", data=remembered(served, answered, texts))
    return [*told, form_card(fields, texts, subject, token or ""), former, answer]


def customer_values(view: View, served: Served, token: str) -> dict[str, Value] | None:
    """What the model looks at, of the customer ``token``; None where nobody of that name had signed up."""
    as_of = score_date(view) or view.period.last + timedelta(days=1)
    history_days = int(served.model.facts["history_days"])
    known = churn.known_of(view.reader, token, as_of, max(history_days, WINDOW_DAYS))
    if known is None or known.subscriber["signup_date"] >= as_of:
        return None
    return churn_row(known, as_of, history_days)


def form_card(fields: Sequence[Field], texts: Mapping[str, str], subject: str, token: str) -> Component:
    """The form."""
    chooser = html.Div(
        [
            dmc.TextInput(
                id="churn-customer",
                label="Customer (token)",
                value=token,
                size="sm",
                placeholder="sub_...",
                className="field",
            ),
            html.Button("Fill in", id="churn-fill", type="button", className="button"),
        ],
        className="prefill",
    )
    inputs = html.Div([html.Div(field_input(field, texts[field.name])) for field in fields], className="fields")
    button = html.Button("Predict", id="churn-ask", type="button", className="button is-main")
    note = f"Filled with {subject}. Change fields and predict again to see what changes"
    return components.card("Ask the model", chooser, inputs, button, note=note)


def field_input(field: Field, text: str) -> Component:
    """The input of one field."""
    shared: dict[str, Any] = {
        "id": {"type": FIELD, "name": field.name},
        "label": field.label,
        "description": field.allowed,
        "size": "sm",
        "value": text or None if field.words else text,
    }
    if field.words:
        choice: Component = dmc.Select(**shared, data=list(field.words), clearable=True)
        return choice
    plain: Component = dmc.TextInput(**shared)
    return plain


def register(app: Dash, _: Reader, settings: Settings) -> None:
    """The form: filling it with a customer, and asking the model."""
    store = tracked(settings.mlflow)

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input("churn-fill", "n_clicks"),
        State("churn-customer", "value"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def fill(clicks: int | None, token: str | None, search: str | None) -> Any:
        return no_update if not clicks else with_customer(search, token)

    @app.callback(
        Output("churn-answer", "children"),
        Output("churn-former", "data"),
        Output({"type": FIELD, "name": ALL}, "error"),
        Input("churn-ask", "n_clicks"),
        State({"type": FIELD, "name": ALL}, "value"),
        State({"type": FIELD, "name": ALL}, "id"),
        State("churn-former", "data"),
        State("scheme", "data"),
        prevent_initial_call=True,
    )
    def predict(clicks: int | None, values: list[Any], ids: list[Any], former: Any, scheme: str | None) -> Any:
        if not clicks:
            return no_update, no_update, [no_update] * len(ids)
        names = [one["name"] for one in ids]
        dashboard = settings.dashboard
        look = Look(dashboard.colours, dashboard.accent, "dark" if scheme == "dark" else "light")
        try:
            served = store.churn()
        except TelflowError as error:
            told = components.words("The model cannot be asked", str(error), "error")
            return [told], no_update, [None] * len(ids)
        content, remember, wrong = answer_form(served, dict(zip(names, values, strict=True)), former, look)
        return content, no_update if remember is None else remember, [wrong.get(name) for name in names]


def with_customer(search: str | None, token: str | None) -> str:
    """The query string of the page filled with the customer ``token``."""
    chosen = (token or "").strip() or None
    return format_query(parse_query(search, PAGE.parameters).filters.with_parameters(customer=chosen))


PAGE = Page(
    path="/churn",
    name="Churn",
    question="How likely is a customer to leave, why, and what would change it?",
    relations=(CUSTOMERS_BY_DAY,),
    render=render,
    more_relations=(CHURN_SCORES, SUBSCRIBERS, SEGMENTS, COMPLAINTS, CUSTOMER_DEVICES),
    parameters=("customer",),
    limits=limits,
    register=register,
    stamp=stamp,
    is_of_date=True,
)
