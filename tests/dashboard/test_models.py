"""Segments, churn and MLflow's runs: what the pages show of them, what the form says, and that no Spark is needed."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from dash import no_update
from hypothesis import given
from hypothesis import strategies as st

from telflow.dashboard.churn_form import fields_of, read_field, read_form, written
from telflow.dashboard.compose import Services, compose, open_services
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.models import Served, Tracked, tracked
from telflow.dashboard.page import View
from telflow.dashboard.pages import PAGES, churn, churn_answer, churn_quality, level_list, segments
from telflow.dashboard.readers import open_reader
from telflow.dashboard.run_cards import chosen_runs, toggled
from telflow.errors import ModelMissingError, TrackingError
from tests.dashboard.lakes import AS_OF, FIRST, lake_settings
from tests.dashboard.scored import log_churn, small_model, write_store
from tests.dashboard.test_pages import LOOK, figures, grids, parts, text_of

MODEL = small_model()
FIELDS = fields_of(MODEL)
GOOD = {"recency_days": "2", "bytes_per_day": "3.5", "up_share": "", "complaints_28_days": "0", "contract": "one-year"}


@pytest.fixture(scope="module")
def served(services: Services) -> Served:
    return tracked(services.settings.mlflow).churn()


@pytest.fixture(scope="module")
def strict(dashboard_lake: Path) -> Services:
    """Under settings by which every group of the lake is too small."""
    settings = lake_settings(dashboard_lake, "dashboard.min_group_customers=30")
    return open_services(open_reader(settings), settings, PAGES)


def test_groups_are_told(services: Services) -> None:
    answer = compose(services, "/segments", "")
    trees = [figure["data"][0] for figure in figures(answer) if figure["data"][0]["type"] == "treemap"]
    assert [(tree["labels"], tree["values"]) for tree in trees] == [
        (["evening streaming", "office"], [29, 29]),
        (["Potential Sales", "Require Upgrade"], [29, 29]),
    ]


def test_small_groups_are_hidden(strict: Services) -> None:
    answer = compose(strict, "/segments", "")
    trees = [figure["data"][0] for figure in figures(answer) if figure["data"][0]["type"] == "treemap"]
    assert [tree["labels"] for tree in trees] == [[], []]
    assert "2 are hidden, as fewer than 30 customers" in text_of(answer)
    ways = [one["link"]["value"] for figure in figures(answer) for one in figure["data"] if one["type"] == "sankey"]
    assert ways == [[]]


def test_the_heat_map_is_that_of_the_model(services: Services) -> None:
    heat = next(one for figure in figures(compose(services, "/segments", "")) for one in figure["data"]
                if one["type"] == "heatmap" and "gaming" in one["x"])  # fmt: skip
    assert (heat["x"], heat["y"], heat["z"]) == (
        ["gaming", "up share"], ["office", "evening streaming"], [[1.9, 0.3], [-1.2, 0.1]]
    )  # fmt: skip


def test_moves_leave_out_what_totals_would_tell(services: Services) -> None:
    sankey = next(one for figure in figures(compose(services, "/segments", "")) for one in figure["data"]
                  if one["type"] == "sankey")  # fmt: skip
    assert 1 not in sankey["link"]["value"]


def test_customers_at_a_level_are_listed_and_exported(services: Services) -> None:
    shown = grids(compose(services, "/segments", "?level=Potential+Sales"))[0]
    assert len({row["customer"] for row in shown}) == 29
    exported = level_list.exported(segments.PAGE, services.reader, services.settings, "?level=Potential+Sales")
    assert exported["filename"] == f"customers-Potential Sales-{AS_OF}.csv"
    header, *rows = exported["content"].splitlines()
    assert header == "customer,score,usage,frequency,count,bytes,last_active_days,segment"
    assert len(rows) == 29


@pytest.mark.parametrize("level", ["Potential+Sales", "nothing"])
def test_a_level_that_is_hidden_is_not_listed(level: str, strict: Services) -> None:
    answer = compose(strict, "/segments", f"?level={level}")
    assert "cannot be listed" in text_of(answer)
    assert not any("customer" in row for rows in grids(answer) for row in rows)
    assert level_list.exported(segments.PAGE, strict.reader, strict.settings, f"?level={level}") is no_update


def test_segments_levels_and_their_lists_are_of_those_who_are_chosen(services: Services) -> None:
    answer = compose(services, "/segments", "?plan=basic&level=Potential+Sales")
    trees = [figure["data"][0] for figure in figures(answer) if figure["data"][0]["type"] == "treemap"]
    assert [dict(zip(tree["labels"], tree["values"], strict=True)) for tree in trees] == [
        {"evening streaming": 15, "office": 15},
        {"Potential Sales": 15, "Require Upgrade": 15},
    ]
    assert {row["customer"][:9] for row in grids(answer)[0]} == {"sub_basic"}
    exported = level_list.exported(
        segments.PAGE, services.reader, services.settings, "?plan=basic&level=Require+Upgrade"
    )
    assert exported["content"].count("sub_basic") == 15
    assert exported["content"].count("sub_") == 15
    of_office = figures(compose(services, "/segments", "?segment=office"))[1]["data"][0]
    assert (of_office["labels"], of_office["values"]) == (["Require Upgrade"], [29])


@pytest.mark.parametrize("plan", ["ultra", "plus"])  # few, and those whose total would tell of the few
def test_what_tells_of_few_is_neither_shown_nor_exported(plan: str, services: Services) -> None:
    answer = compose(services, "/segments", f"?plan={plan}")
    assert (figures(answer), grids(answer)) == ([], [])
    assert "too small to be shown" in text_of(answer)
    assert level_list.exported(segments.PAGE, services.reader, services.settings, f"?plan={plan}") is no_update
    scores = compose(services, "/churn", f"?plan={plan}")
    assert "too small to be shown" in text_of(scores)
    assert not any("decision" in row for rows in grids(scores) for row in rows)


def test_a_lake_without_subscribers_tells_segments_all_the_same(services: Services, tmp_path: Path) -> None:
    root = Path(services.settings.lake.root)
    for table in ("customer_scores", "customer_segments", "traffic_by_window", "customer_daily"):
        (tmp_path / table).symlink_to(root / table)
    settings = services.settings.model_copy(
        update={"lake": services.settings.lake.model_copy(update={"root": str(tmp_path)})}
    )
    answer = compose(open_services(open_reader(settings), settings, PAGES), "/segments", "?segment=office")
    trees = [figure["data"][0] for figure in figures(answer) if figure["data"][0]["type"] == "treemap"]
    assert [tree["values"] for tree in trees] == [[29, 29], [29]]


def test_runs_stand_side_by_side(services: Services) -> None:
    compared = grids(compose(services, "/segments", ""))[-1]
    assert [row["name"] for row in compared] == ["k", "bootstrap_ari", "common_silhouette", "seconds"]
    values = [value for name, value in compared[0].items() if name != "name"]
    assert values == ["2", "3"]
    assert "kmeans, 2 segments has the greatest silhouette" in text_of(compose(services, "/segments", ""))


def test_a_click_adds_a_run_and_a_second_takes_it_away(services: Services) -> None:
    runs = list(tracked(services.settings.mlflow).runs("segments"))
    first, second = runs
    assert toggled(second, [first]) == f"{first.key},{second.key}"
    assert toggled(second, [first, second]) == first.key
    assert chosen_runs(runs, second.key, "segments") == [second]
    assert chosen_runs(runs, "no such run", "segments") == sorted(runs, key=lambda run: run.name)


def test_the_page_says_so_when_there_are_no_runs(dashboard_lake: Path, tmp_path: Path) -> None:
    settings = lake_settings(dashboard_lake, f"mlflow.tracking_uri=sqlite:///{tmp_path}/none.db")
    services = open_services(open_reader(settings), settings, PAGES)
    assert "run jobs/train_segments.py" in text_of(compose(services, "/segments", ""))
    assert "run jobs/train_churn.py" in text_of(compose(services, "/churn", ""))
    assert figures(compose(services, "/churn", ""))  # who was scored is shown all the same
    assert not (tmp_path / "none.db").exists()


def test_a_store_that_does_not_answer_is_told_on_the_page(dashboard_lake: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("no database" * 100)
    settings = lake_settings(dashboard_lake, f"mlflow.tracking_uri=sqlite:///{tmp_path}/broken.db")
    with pytest.raises(TrackingError, match="MLflow does not answer"):
        Tracked(settings.mlflow).runs("segments")
    services = open_services(open_reader(settings), settings, PAGES)
    assert "see mlflow.tracking_uri" in text_of(compose(services, "/segments", ""))
    assert "see mlflow.tracking_uri" in text_of(compose(services, "/churn", ""))


def test_an_answer_is_kept_for_its_time_and_a_model_loaded_once_a_version(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path).mlflow
    address = write_store(tmp_path)
    now = [0.0]
    store = Tracked(settings, seconds=5, clock=lambda: now[0])
    first = store.churn()
    now[0] = 6
    assert store.churn() is first
    former = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(address)
    log_churn(tmp_path, small_model(0.9))
    mlflow.set_tracking_uri(former)
    now[0] = 8
    assert store.churn() is first
    now[0] = 12
    assert store.churn().version == "2"
    assert store.stamp("churn").startswith("2 ")


def test_without_a_champion_the_job_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"run jobs/train_churn\.py"):
        Tracked(lake_settings(tmp_path).mlflow).churn()


def test_fields_have_units_and_limits() -> None:
    told = {field.name: (field.label, field.allowed) for field in FIELDS}
    assert told["bytes_per_day"] == ("volume on an active day (MB)", "number from 0 up")
    assert told["up_share"] == ("share of the volume sent (%)", "number from 0 to 100; may stay empty")
    assert told["complaints_28_days"][1] == "whole number from 0 up"
    assert next(field.words for field in FIELDS if field.words) == ("month-to-month", "one-year")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("recency_days", "", "is missing"),
        ("recency_days", "soon", "soon is no number"),
        ("recency_days", "0", "0 is outside"),
        ("recency_days", "30", "30 is outside"),
        ("recency_days", "2.5", "2.5 is no whole number"),
        ("bytes_per_day", "-1", "-1 is outside"),
        ("bytes_per_day", "nan", "nan is outside"),
        ("bytes_per_day", "1e300", "1e300 is outside"),
        ("up_share", "101", "101 is outside"),
        ("contract", "forever", "forever is none of month-to-month, one-year"),
        ("complaints_28_days", "", "is missing"),
    ],
)
def test_a_wrong_field_says_why_and_nothing_is_predicted(name: str, text: str, why: str, served: Served) -> None:
    content, remembered, wrong = churn_answer.answer_form(served, {**GOOD, name: text}, None, LOOK)
    assert list(wrong) == [name]
    assert why in wrong[name]
    assert remembered is None
    assert "Nothing was predicted" in str(content)
    assert "Graph" not in str(content)


@pytest.mark.parametrize("text", ["1", "29", " 3 "])
def test_values_at_the_limits_are_taken(text: str) -> None:
    field = next(field for field in FIELDS if field.name == "recency_days")
    assert read_field(field, text) == (float(text), "")


@given(st.floats(0, 1), st.floats(0, 1e12), st.integers(0, 50))
def test_what_is_written_into_the_form_is_read_back(share: float, volume: float, complaints: int) -> None:
    values = {"recency_days": 3.0, "bytes_per_day": volume, "up_share": share, "complaints_28_days": float(complaints)}
    texts = {field.name: written(field, values.get(field.name, "one-year")) for field in FIELDS}
    read, wrong = read_form(FIELDS, texts)
    assert wrong == {}
    assert {name: read[name] for name in values} == pytest.approx(values, rel=1e-5, abs=1e-7)


def test_the_answer_is_the_models_and_a_change_is_shown_beside_the_former(served: Served) -> None:
    _, remembered, _ = churn_answer.answer_form(served, GOOD, None, LOOK)
    assert remembered is not None
    rows = pd.DataFrame([{"recency_days": 2.0, "bytes_per_day": 3.5e6, "up_share": float("nan"),
                          "complaints_28_days": 0.0, "contract": "one-year"}])  # fmt: skip
    assert remembered["probability"] == pytest.approx(float(MODEL.predict(rows)["probability"].iloc[0]))
    content, after, _ = churn_answer.answer_form(served, {**GOOD, "complaints_28_days": "1"}, remembered, LOOK)
    assert after is not None
    told = " ".join(str(getattr(part, "children", "")) for part in parts(content))
    assert "+32.5 points" in told
    assert "changed: complaints in the last 28 days" in told
    assert "At risk" in told
    bars = next(part.figure for part in parts(content) if type(part).__name__ == "Graph")["data"][0]
    assert sum(bars["x"]) / 100 + MODEL.forest.base == pytest.approx(after["probability"])


def test_another_version_is_not_compared_with(served: Served) -> None:
    former: dict[str, Any] = {"version": "0", "probability": 0.5, "texts": GOOD}
    content, _, _ = churn_answer.answer_form(served, GOOD, former, LOOK)
    assert "points" not in " ".join(
        str(getattr(part, "children", "")) for part in parts(content) if "Change" in str(part)
    )


def test_a_customer_fills_the_form(services: Services) -> None:
    answer = compose(services, "/churn", "?customer=sub_basic00")
    texts = {
        part.id["name"]: part.value
        for part in parts(answer.content)
        if isinstance(getattr(part, "id", None), dict) and part.id.get("type") == churn.FIELD
    }
    assert texts == {
        "recency_days": "1", "bytes_per_day": "0.01", "up_share": "10", "complaints_28_days": "1",
        "contract": "one-year",
    }  # fmt: skip
    assert "no subscriber sub_nobody" in text_of(compose(services, "/churn", "?customer=sub_nobody"))
    assert churn.with_customer("?customer=a&from=2024-03-01&to=2024-03-02", " sub_1 ").endswith("customer=sub_1")


@pytest.mark.parametrize(("days_after", "is_there"), [(0, False), (1, True)])
def test_who_had_not_signed_up_yet_fills_no_form(
    days_after: int, is_there: bool, services: Services, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(churn, "score_date", lambda _: FIRST + timedelta(days=days_after))
    view = View(services.reader, services.settings, Filters(), Period(FIRST, FIRST))
    assert (churn.customer_values(view, served, "sub_basic00") is not None) == is_there


def test_probabilities_are_told_in_bars_that_end_at_the_threshold(services: Services) -> None:
    bars = figures(compose(services, "/churn", ""))[-1]["data"]
    assert [(one["name"], one["x"], one["y"]) for one in bars] == [
        ("not at risk", ["0 to 1 %", "10 to 20 %", "20 to 30 %"], [0, 10, 10]),
        ("at risk", ["30 to 50 %"], [20]),
    ]


def test_probabilities_are_those_of_who_is_chosen(services: Services) -> None:
    answer = compose(services, "/churn", "?plan=basic")
    assert [(one["name"], sum(one["y"])) for one in figures(answer)[-1]["data"]] == [
        ("not at risk", 20),
        ("at risk", 0),
    ]
    assert "30 subscribers were scored" in text_of(answer)
    [listed] = [rows for rows in grids(answer) if rows and "decision" in rows[0]]
    assert {row["customer"][:9] for row in listed} == {"sub_basic"}


def test_the_serving_process_answers_of_models_without_spark(dashboard_lake: Path) -> None:
    program = (
        "import sys; from telflow.dashboard import serving, models; s = serving.environment_settings();"
        "serving.warm_server(s); served = models.tracked(s.mlflow).churn();"
        "served.model.predict(served.model.example()); assert models.tracked(s.mlflow).runs('segments');"
        "sys.exit(any(name.split('.')[0] == 'pyspark' for name in sys.modules))"
    )
    named = f"lake.root={dashboard_lake} mlflow.tracking_uri=sqlite:///{dashboard_lake}/mlflow.db"
    environment = {"TELFLOW_SET": named, "PATH": os.environ["PATH"]}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=False, timeout=300, capture_output=True
    )
    assert (ended.returncode, ended.stderr[-500:]) == (0, ended.stderr[-500:])


def test_calibration_is_drawn_without_groups_under_the_minimum(served: Served) -> None:
    drawn = churn_quality.calibration_cards(served, LOOK, 5)
    figure = next(part.figure for part in parts(drawn) if type(part).__name__ == "Graph")
    assert (figure["data"][1]["x"], figure["data"][1]["y"]) == ([0.02, 0.4], [0.01, 0.5])
    assert "differ by 10.0 points at most" in str(drawn)
    assert len(served.bins) == 3
    assert churn_quality.calibration_cards(replace(served, bins=()), LOOK, 5) == []
