"""Churn: ask the model in use about one customer, change a field and see what changes, and how good the model is."""

import base64
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import dash_mantine_components as dmc
import pandas as pd
import polars as pl
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from telflow.churn.columns import Columns
from telflow.dashboard import components, units
from telflow.dashboard.churn_form import Field, Value, fields_of, read_form, written
from telflow.dashboard.churn_row import WINDOW_DAYS, churn_row
from telflow.dashboard.components import aria, column
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, format_query, parse_query
from telflow.dashboard.models import Served, tracked
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import churn, segments
from telflow.dashboard.relations import CHURN_SCORES, COMPLAINTS, CUSTOMER_DEVICES, CUSTOMERS_BY_DAY, SUBSCRIBERS
from telflow.dashboard.style import Figure, Look, axis, layout
from telflow.errors import ModelMissingError, TableMissingError, TelflowError
from telflow.privacy.suppression import suppress
from telflow.settings import Settings

TOGETHER: Final = "Probabilities to leave are told of all subscribers together."
FIELD: Final = "churn-field"
BECAUSE: Final = "because_"
REASONS_SHOWN: Final = 8
ROWS_SHOWN: Final = 200
EDGES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
MEASURES: Final = {  # metrics of the run, with what they say
    "roc_auc": ("ROC-AUC", "who leaves is ranked above who stays"),
    "pr_auc": ("PR-AUC", "precision over all thresholds"),
    "precision": ("Precision", "of those flagged, part that left"),
    "recall": ("Recall", "of those who left, part that was flagged"),
    "brier": ("Brier score", "mean squared error, 0 is best"),
}


@dataclass(frozen=True)
class Answered:
    """What the model says of one customer.

    Attributes:
        contributions: to the probability, by column.
        values: what was asked, by column.
    """

    probability: float
    is_at_risk: bool
    base: float
    contributions: Mapping[str, float]
    values: Mapping[str, Value]


def limits(_: Filters) -> Mapping[str, str]:
    reasons = dict.fromkeys(("category", "plan", "region", "segment"), TOGETHER)
    return {**reasons, "zone": "Days are those of the provider's own zone.", "compare": "Scores are of one day."}


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
    return [*form_cards(view, served), *quality_cards(served), *score_cards(view)]


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
            text = f"The lake knows no subscriber {token}. The form holds a typical customer instead."
            told = [components.words("There is no such customer", text)]
    fields = fields_of(served.model)
    answered = ask(served, values)
    texts = {field.name: written(field, values.get(field.name)) for field in fields}
    answer = html.Div(
        answer_cards(served, answered, None, view.look),
        id="churn-answer",
        className="answer span-12",
        **aria(live="polite"),
    )
    former = dcc.Store(id="churn-former", data=remembered(served, answered, texts))
    return [*told, form_card(fields, texts, subject, token or ""), former, answer]


def typical(served: Served) -> dict[str, Value]:
    """The training's medians and commonest words."""
    return {str(name): value for name, value in served.model.example().iloc[0].to_dict().items()}


def customer_values(view: View, served: Served, token: str) -> dict[str, Value] | None:
    """What the model looks at, of the customer ``token``; None where the lake knows no such subscriber."""
    as_of = score_date(view) or view.period.last + timedelta(days=1)
    history_days = int(served.model.facts["history_days"])
    known = churn.known_of(view.reader, token, as_of, max(history_days, WINDOW_DAYS))
    return None if known is None else churn_row(known, as_of, history_days)


def score_date(view: View) -> date | None:
    """The date of the scores that the page shows; None where there are none."""
    try:
        return segments.date_in(view.reader, CHURN_SCORES.name, view.filters.period)
    except TableMissingError:
        return None


def ask(served: Served, values: Mapping[str, Value]) -> Answered:
    """The model's answer to one row."""
    names = served.model.columns.names
    row = pd.DataFrame([{name: values.get(name) for name in names}], columns=list(names))
    numeric = list(served.model.columns.numeric)
    row[numeric] = row[numeric].astype("float64")
    found = served.model.predict(row).iloc[0]
    return Answered(
        probability=float(found["probability"]),
        is_at_risk=bool(found["is_at_risk"]),
        base=float(found["base"]),
        contributions={name: float(found[f"{BECAUSE}{name}"]) for name in names},
        values=dict(values),
    )


def remembered(served: Served, answered: Answered, texts: Mapping[str, str]) -> dict[str, Any]:
    """What the next answer is compared with; it stands in the page, which shows it."""
    return {"version": served.version, "probability": answered.probability, "texts": dict(texts)}


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


def answer_cards(
    served: Served, answered: Answered, former: Mapping[str, Any] | None, look: Look, changed: Sequence[str] = ()
) -> list[Component]:
    """Probability, decision, version, and the reasons; beside the former answer where there is one."""
    threshold = served.model.threshold
    note = "in the label's days"
    days = served.model.facts.get("label_days")
    if days:
        note = f"to leave in the {days} days that follow"
    change = None if former is None else units.points(answered.probability, float(former["probability"]))
    decision = "At risk" if answered.is_at_risk else "Not at risk"
    side = "at or above" if answered.is_at_risk else "below"
    tiles = [
        components.tile("Probability", units.share(answered.probability), note),
        components.tile("Decision", decision, f"{side} the threshold of {units.share(threshold)}"),
        components.tile("Model", f"Version {served.version}", served.name),
    ]
    if former is not None and change is not None:
        before = units.share(float(former["probability"]))
        told = f"was {before}; changed: {', '.join(changed)}" if changed else f"was {before}; no field was changed"
        tiles.insert(1, components.tile("Change", change, told))
    return [components.tiles(*tiles), reasons_card(served.model.columns, answered, look)]


def reasons_card(columns: Columns, answered: Answered, look: Look) -> Component:
    """What moves the probability."""
    ordered = sorted(answered.contributions.items(), key=lambda each: -abs(each[1]))
    told = [(columns.column(name).tell(answered.values.get(name)), part) for name, part in ordered[:REASONS_SHOWN]]
    rest = sum(part for _, part in ordered[REASONS_SHOWN:])
    strongest, part = told[0]
    text = (
        f"Where nothing is known the probability is {units.share(answered.base)}. Strongest is {strongest}, "
        f"{points(part)}; all reasons together come to {units.share(answered.probability)}."
    )
    figure = reasons_figure([*told, ("all other fields", rest)], look)
    note = "Points that each field adds to the probability or takes from it (Shapley values)"
    return components.chart("Reasons", figure, text, "churn-reasons", note=note)


def points(part: float) -> str:
    """A part of a probability in percentage points."""
    return units.points(part, 0.0)


def reasons_figure(reasons: Sequence[tuple[str, float]], look: Look) -> Figure:
    """Bars of what each reason adds, the first on top."""
    ordered = list(reversed(reasons))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [part * 100 for _, part in ordered],
        "y": [told for told, _ in ordered],
        "text": [f"{part * 100:+.1f}".replace("-", units.MINUS) for _, part in ordered],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [look.colours[5 % len(look.colours)] if part > 0 else look.accent for _, part in ordered]},
        "hovertemplate": "%{y}<br>%{x:+.2f} points<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Points of probability", zeroline=True, zerolinecolor=look.faint),
        "yaxis": axis(look, showgrid=False, ticksuffix=" "),
    }
    return {"data": [bars], "layout": layout(look, 90 + 34 * len(ordered), bargap=0.3, showlegend=False, **axes)}


def quality_cards(served: Served) -> list[Component]:
    """How good the model in use is, on rows that it had not seen."""
    tiles = [
        components.tile(label, f"{served.metrics[name]:.3f}", f"{interval(served.metrics, name)}{told}")
        for name, (label, told) in MEASURES.items()
        if name in served.metrics
    ]
    cards: list[Component] = [components.tiles(*tiles)] if tiles else []
    if served.calibration is None:
        return cards
    address = f"data:image/png;base64,{base64.b64encode(served.calibration).decode()}"
    rows = served.metrics.get("holdout_rows")
    told = f"{units.count(rows)} rows held out" if rows else "rows held out"
    text = f"Calibration of version {served.version}: share that left by predicted probability, on {told}"
    picture = html.Img(src=address, alt=text, className="picture")
    return [
        *cards,
        components.card("Calibration of the model in use", picture, note=f"{text}; as its run drew it", span=6),
    ]


def interval(metrics: Mapping[str, float], name: str) -> str:
    """Its interval, where it has one."""
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}; "


def score_cards(view: View) -> list[Component]:
    """Everybody's probabilities: their distribution, and who comes first."""
    try:
        as_of = segments.date_in(view.reader, CHURN_SCORES.name, view.filters.period)
    except TableMissingError as error:
        return [components.words("Nobody was scored yet", str(error), "missing")]
    if as_of is None:
        return [components.words("Nobody was scored yet", f"Run {CHURN_SCORES.writer}.", "missing")]
    found = churn.probabilities(view.reader, as_of)
    if found.height < view.minimum:
        return [components.too_small(view.minimum)]
    return [distribution_card(found, as_of, view), riskiest_card(found, as_of)]


def distribution_card(found: pl.DataFrame, as_of: date, view: View) -> Component:
    """How many have which probability."""
    threshold = float(found.item(0, "threshold"))
    told = suppress(bins(found.get_column("probability"), threshold), "customers", view.minimum, [])
    hidden = int(told.get_column("is_suppressed").sum())
    at_risk = int(found.get_column("is_at_risk").sum())
    shown = told.filter(~pl.col("is_suppressed"))
    text = f"{units.count(found.height)} subscribers were scored by version {found.item(0, 'version')}."
    if (at_risk == 0 or at_risk >= view.minimum) and not hidden:
        text += f" {units.count(at_risk)} are at risk, at {units.share(threshold)} or above."
    text += f" {hidden} bars are hidden: too few stand in one of them." if hidden else ""
    figure = distribution_figure(shown, view.look)
    note = f"Subscribers by probability to leave as of {units.day(as_of)}"
    return components.chart("Distribution of the probabilities", figure, text, "churn-bins", note=note, span=6)


def bins(probabilities: pl.Series, threshold: float) -> pl.DataFrame:
    """Customers by probability: ``name``, ``is_at_risk``, ``customers``; one edge is the threshold."""
    edges = sorted({*EDGES, threshold})
    values = probabilities.to_list()
    rows = []
    for low, high in pairwise(edges):
        is_last = high == edges[-1]
        customers = sum(low <= value < high or (is_last and value == high) for value in values)
        name = f"{low * 100:.3g} to {high * 100:.3g} %"
        rows.append({"name": name, "is_at_risk": low >= threshold, "customers": customers})
    return pl.DataFrame(rows, schema={"name": pl.String, "is_at_risk": pl.Boolean, "customers": pl.Int64})


def distribution_figure(shown: pl.DataFrame, look: Look) -> Figure:
    """Bars of ``name``, ``is_at_risk`` and ``customers``; those at risk have a colour of their own."""
    order = shown.get_column("name").to_list()
    data = [
        {
            "type": "bar",
            "name": name,
            "x": part.get_column("name").to_list(),
            "y": part.get_column("customers").to_list(),
            "text": [units.count(value) for value in part.get_column("customers").to_list()],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": colour},
            "hovertemplate": "%{x}<br>%{y:,} subscribers<extra></extra>",
        }
        for name, colour, part in (
            ("not at risk", look.accent, shown.filter(~pl.col("is_at_risk"))),
            ("at risk", look.colours[5 % len(look.colours)], shown.filter(pl.col("is_at_risk"))),
        )
    ]
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Probability to leave", showgrid=False, type="category", categoryarray=order),
        "yaxis": axis(look, "Subscribers", rangemode="tozero"),
    }
    legend = {"orientation": "h", "y": 1.12, "x": 0}
    return {"data": data, "layout": layout(look, 400, bargap=0.2, showlegend=True, legend=legend, **axes)}


def riskiest_card(found: pl.DataFrame, as_of: date) -> Component:
    """The likeliest to leave; a click fills the form with one."""
    rows = [
        {
            "customer": row["customer"],
            "pick": row["customer"],
            "probability": row["probability"],
            "decision": "at risk" if row["is_at_risk"] else "not at risk",
            "reason": row["reasons"][0]["reason"] if row["reasons"] else "",
        }
        for row in found.head(ROWS_SHOWN).to_dicts()
    ]
    columns = [
        column("customer", "Customer", minWidth=200),
        column("probability", "Probability", "share", sort="desc"),
        column("decision", "Decision", minWidth=110),
        column("reason", "Strongest reason", minWidth=280),
    ]
    table = components.grid(rows, columns, "riskiest", label="Likeliest to leave", picks="customer", csv="riskiest.csv")
    note = f"By tokens, as of {units.day(as_of)}; click one to fill the form"
    return components.card("Likeliest to leave", table, note=note)


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


def answer_form(
    served: Served, texts: Mapping[str, Any], former: Mapping[str, Any] | None, look: Look
) -> tuple[list[Component], dict[str, Any] | None, dict[str, str]]:
    """What the form is answered with.

    Args:
        served: the model.
        texts: what was written, by field.
        former: the answer before, as remembered.
        look: colours.

    Returns:
        The content; what to remember, None where nothing was predicted; and what is wrong, by field.
    """
    fields = fields_of(served.model)
    given = {field.name: str(texts.get(field.name) or "") for field in fields}
    values, wrong = read_form(fields, given)
    if wrong:
        labels = {field.name: field.label for field in fields}
        listed: Component = dmc.List([dmc.ListItem(f"{labels[name]} {told}") for name, told in wrong.items()])
        many = f"{len(wrong)} fields need" if len(wrong) > 1 else "One field needs"
        return [components.words("Nothing was predicted", f"{many} another value.", "error", listed)], None, wrong
    answered = ask(served, values)
    before = former if former and former.get("version") == served.version else None
    changed = changed_labels(fields, given, before)
    content = answer_cards(served, answered, before, look, changed)
    return content, remembered(served, answered, given), {}


def changed_labels(fields: Sequence[Field], texts: Mapping[str, str], former: Mapping[str, Any] | None) -> list[str]:
    """Labels of the fields that are not what they were."""
    if former is None:
        return []
    return [
        field.label for field in fields if texts[field.name].strip() != str(former["texts"].get(field.name, "")).strip()
    ]


PAGE = Page(
    path="/churn",
    name="Churn",
    question="How likely is a customer to leave, why, and what would change it?",
    relations=(CUSTOMERS_BY_DAY,),
    render=render,
    more_relations=(CHURN_SCORES, SUBSCRIBERS, COMPLAINTS, CUSTOMER_DEVICES),
    parameters=("customer",),
    limits=limits,
    register=register,
    stamp=stamp,
)
