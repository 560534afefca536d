"""Segments: what kinds of customers there are, how they score, who moved, and which runs found them."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date

import polars as pl
from dash import Dash
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.data import Reader
from telflow.dashboard.figures.segments import (
    deviations,
    moves_figure,
    named,
    profile_figure,
    readable,
    rfm_figure,
    tree_figure,
)
from telflow.dashboard.filters import Filters
from telflow.dashboard.models import TRAINERS, tracked
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages.level_list import everybody_scored, list_cards, register_export
from telflow.dashboard.pages.size_changes import AT_LEVELS, IN_SEGMENTS, change_cards, everybody_segmented, versions
from telflow.dashboard.queries import segments
from telflow.dashboard.queries.everybody import Everybody, with_groups
from telflow.dashboard.relations import MIGRATIONS, SCORES, SEGMENTS, SUBSCRIBERS
from telflow.dashboard.run_cards import PARAMETERS, run_cards
from telflow.errors import TableMissingError, TelflowError
from telflow.privacy.suppression import hidden_groups
from telflow.settings import Settings


def limits(_: Filters) -> Mapping[str, str]:
    return {
        "zone": "Scores and segments look at days of the provider's own zone.",
        "category": "Segments and scores are of a customer as a whole.",
    }


def stamp(settings: Settings) -> Hashable:
    """Changes with the runs that are shown."""
    store = tracked(settings.mlflow)
    return tuple(store.stamp(target) for target in TRAINERS)


def render(view: View) -> list[Component]:
    """Segments, levels, the RFM grid, moves, the list of a level, and the runs."""
    as_of = segments.date_in(view.reader, SCORES.name, view.filters.period)
    if as_of is None:
        return [components.words("There are no scores yet", f"Run {SCORES.writer}.", "missing")]
    levels = everybody_scored(view, as_of)
    if levels.total() is None:
        return [components.too_small(view.minimum)]
    sizes, profiles = segment_cards(view)
    return [
        *sizes,
        level_card(view, levels, as_of),
        *change_cards(view, AT_LEVELS, levels, as_of),
        *profiles,
        rfm_card(view, as_of),
        *move_cards(view),
        *list_cards(view, levels, PAGE.path, as_of),
        *run_cards(view, PAGE.path, tracked(view.settings.mlflow)),
    ]


def segment_cards(view: View) -> tuple[list[Component], list[Component]]:
    """Sizes of the segments, now and then, and what they are like."""
    try:
        as_of = segments.date_in(view.reader, SEGMENTS.name, view.filters.period)
    except TableMissingError as error:
        return [components.words("Segments cannot be shown", str(error), "missing")], []
    if as_of is None:
        return [components.words("There are no segments yet", f"Run {SEGMENTS.writer}.", "missing")], []
    people = everybody_segmented(view, as_of)
    told = people.told("name")
    note = f"Customers in each as of {units.day(as_of)}; click one to filter by it"
    card = tree_card("Segments", told, view, note=note, picks="segment", chosen=view.filters.segments)
    models = versions(people.base)
    cards = [card, *change_cards(view, IN_SEGMENTS, people, as_of)]
    return cards, profile_cards(view, told, *max(models)) if models else []


def level_card(view: View, levels: Everybody, as_of: date) -> Component:
    """Sizes of the UFM levels."""
    told = levels.told("level").rename({"level": "name"})
    level = view.filters.parameter("level")
    note = f"Customers by usage, frequency and count as of {units.day(as_of)}; click one for its customers"
    return tree_card("UFM levels", told, view, note=note, picks="level", chosen=(level,) if level else ())


def tree_card(title: str, told: pl.DataFrame, view: View, *, note: str, picks: str, chosen: Sequence[str]) -> Component:
    """A treemap of groups."""
    shown = told.filter(~pl.col("is_suppressed"))
    total = sum(shown.get_column("customers").to_list()) or 1
    largest = "; ".join(
        f"{row['name']} {units.count(row['customers'])} ({units.share(row['customers'] / total)})"
        for row in shown.head(3).to_dicts()
    )
    hidden = told.height - shown.height
    text = f"Largest: {largest}." if largest else "No group is large enough to be shown."
    text += f" {hidden} are hidden, as fewer than {view.minimum} customers are in one of them." if hidden else ""
    figure = tree_figure(shown, view.look, chosen)
    return components.chart(title, figure, text, f"{picks}-tree", note=note, span=6, picks=picks)


def profile_cards(view: View, told: pl.DataFrame, name: str, version: str) -> list[Component]:
    """What the segments are like, as the run of their model tells it."""
    shown = told.filter(~pl.col("is_suppressed")).get_column("name").to_list()
    wanted = [name for name in shown if not view.filters.segments or name in view.filters.segments]
    try:
        rows = tracked(view.settings.mlflow).centres(name, version)
    except TelflowError as error:
        return [components.words("Profiles cannot be shown", str(error), "error")]
    profiles = {str(row["segment"]): row for row in rows if row["segment"] in wanted}
    if not profiles:
        text = (
            f"MLflow holds no profiles of {name} version {version}: run {TRAINERS['segments']} where its runs are kept."
        )
        return [components.words("Profiles cannot be shown", text, "missing")]
    figure = profile_figure(profiles, view.look)
    note = f"Standard deviations from the mean of all customers, {name} version {version}"
    return [components.chart("What segments are like", figure, standing_out(profiles), "profiles", note=note)]


def standing_out(profiles: Mapping[str, Mapping[str, object]]) -> str:
    """For each segment the feature that lies farthest from everybody's, in words."""
    told = []
    for segment, row in profiles.items():
        far = max(deviations(row).items(), key=lambda each: abs(each[1]), default=None)
        if far is not None:
            told.append(f"{segment}: {readable(far[0])} {far[1]:+.1f}".replace("-", units.MINUS))
    return "Farthest from the mean: " + "; ".join(told) + "."


def rfm_card(view: View, as_of: date) -> Component:
    """Recency by frequency, with what they carry."""
    found = segments.scored(view.reader, segments.RFM, as_of).drop_nulls(["recency", "frequency"])
    cell = pl.format("{} {}", "recency", "frequency").alias("cell")
    base = with_groups(view.reader, found.with_columns(cell), as_of)
    told = Everybody(base, view.groups, view.minimum).told(
        "cell", pl.col("recency").first(), pl.col("frequency").first(), pl.col("bytes").mean()
    )
    hidden = int(told.get_column("is_suppressed").sum())
    shown = told.filter(~pl.col("is_suppressed"))
    if not shown.height:
        return components.card("RFM grid", note=f"No cell holds {view.minimum} customers as of {units.day(as_of)}.")
    most = shown.sort("customers", descending=True).row(0, named=True)
    text = (
        f"Most customers have recency {most['recency']} and frequency {most['frequency']}: "
        f"{units.count(most['customers'])}, {units.volume(most['bytes'])} on average."
    )
    text += f" {hidden} cells are hidden: too few customers are in one of them." if hidden else ""
    note = f"Customers by recency and frequency score, 5 is best; colour is the mean volume. As of {units.day(as_of)}"
    return components.chart("RFM grid", rfm_figure(shown, view.look), text, "rfm-grid", note=note, span=6)


def move_cards(view: View) -> list[Component]:
    """Who moved between two dates."""
    try:
        segmented = segments.date_in(view.reader, SEGMENTS.name, view.filters.period)
        as_of = segments.newest_move(view.reader, segmented) if segmented else None
    except TableMissingError as error:
        return [components.words("Moves cannot be shown", str(error), "missing")]
    if as_of is None:
        text = "Segments of two dates are needed, told by one version: run jobs/assign_segments.py for another date."
        return [components.words("Nobody moved yet", text, "missing")]
    found = segments.moves(view.reader, as_of)
    since = found.item(0, "since")
    cells = list(found.select("source", "target", "customers").iter_rows())
    hidden = hidden_groups({(source, target): customers for source, target, customers in cells}, view.minimum)
    shown = [cell for cell in cells if cell[:2] not in hidden and is_wanted(cell, view.filters.segments)]
    stayed = sum(customers for source, target, customers in shown if source == target)
    moved = sorted((cell for cell in shown if cell[0] != cell[1]), key=lambda cell: -cell[2])
    text = f"{units.count(stayed)} customers stayed where they were."
    if moved:
        text += f" Most moved from {named(moved[0][0])} to {named(moved[0][1])}: {units.count(moved[0][2])}."
    text += f" {len(hidden)} ways are left out: too few took one of them." if hidden else ""
    note = f"From {units.day(since)} to {units.day(as_of)}; width is customers"
    note += ", of all plans and regions" if view.filters.plans or view.filters.regions else ""
    return [components.chart("Who moved", moves_figure(shown, view.look), text, "moves", note=note, span=6)]


def is_wanted(cell: tuple[str, str, int], chosen: Sequence[str]) -> bool:
    """Whether a way begins or ends in a chosen segment."""
    return not chosen or cell[0] in chosen or cell[1] in chosen


def register(app: Dash, reader: Reader, settings: Settings) -> None:
    """The export of the list."""
    register_export(app, PAGE, reader, settings)


PAGE = Page(
    path="/segments",
    name="Segments",
    question="What kinds of customers are there, and how do they change?",
    relations=(SCORES,),
    render=render,
    more_relations=(SEGMENTS, MIGRATIONS, SUBSCRIBERS),
    parameters=("level", *PARAMETERS),
    limits=limits,
    register=register,
    stamp=stamp,
    is_of_date=True,
)
