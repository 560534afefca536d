"""The AI/BI dashboard of the bundle: its widgets ask views for BI, and what they ask runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.dashboards import Dashboard
from pyspark.sql import Row

from telflow.analysts.saved import SavedQuery, saved_views
from telflow.lake import Lake
from telflow.settings import load_settings

BUNDLE = yaml.safe_load(Path("databricks.yml").read_text(encoding="utf-8"))
DECLARED = BUNDLE["resources"]["dashboards"]["network"]
BOARD = json.loads(Path(DECLARED["file_path"]).read_text(encoding="utf-8"))
DATASETS = {dataset["name"]: "".join(dataset["queryLines"]) for dataset in BOARD["datasets"]}
WIDGETS = [placed["widget"] for page in BOARD["pages"] for placed in page["layout"]]
PLACES = [placed["position"] for page in BOARD["pages"] for placed in page["layout"]]
GRID_WIDTH = 6
MINIMUM = load_settings().dashboard.min_group_customers


def asked(widget: dict[str, Any]) -> str:
    """What the workspace asks for ``widget``: its fields of a dataset, grouped by those that are no sum."""
    [query] = [each["query"] for each in widget["queries"]]
    fields = ", ".join(f"{field['expression']} AS `{field['name']}`" for field in query["fields"])
    return f"SELECT {fields} FROM ({DATASETS[query['datasetName']]}) GROUP BY ALL"


def test_databricks_knows_the_declaration() -> None:
    made = Dashboard.from_dict(DECLARED)  # it refuses fields that Databricks does not know
    assert made.as_dict()["file_path"] == "jobs/network.lvdash.json"


@pytest.mark.parametrize(
    ("target", "environment"), [("development", "dev"), ("staging", "staging"), ("production", "prod")]
)
def test_it_asks_the_lake_of_its_target(target: str, environment: str) -> None:
    given = BUNDLE["targets"][target].get("variables", {})
    catalog = given.get("catalog", BUNDLE["variables"]["catalog"]["default"])
    assert DECLARED["dataset_catalog"] == "${var.catalog}"
    assert load_settings(environment).lake.root == f"{catalog}.{DECLARED['dataset_schema']}"


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: str(widget["name"]))
@pytest.mark.usefixtures("names")
def test_each_widget_shows_fields_that_its_query_has(lake: Lake, widget: dict[str, Any]) -> None:
    found = lake.spark.sql(asked(widget))
    encoded = [encoding["fieldName"] for encoding in widget["spec"]["encodings"].values()]
    assert set(encoded) == set(found.columns)
    assert widget["spec"]["frame"]["title"]


def shown(lake: Lake, minimum: int) -> dict[str, list[Row]]:
    """What the widgets show, were ``minimum`` customers enough."""
    return {
        widget["name"]: lake.spark.sql(asked(widget).replace(f">= {MINIMUM}", f">= {minimum}")).collect()
        for widget in WIDGETS
    }


@pytest.mark.usefixtures("names")
def test_what_it_shows_is_what_the_lake_holds_of_groups_that_are_large_enough(lake: Lake) -> None:
    three, four = shown(lake, 3), shown(lake, 4)  # three customers used the web, one played
    assert [(row.category, row.gigabytes) for row in three["volume_by_day"]] == [("web", 8.0)]
    assert [(row.service, row.gigabytes) for row in three["top_services"]] == [("https", 8.0)]
    assert [(row.level, row.customers) for row in three["customers_by_level"]] == [("Potential Sales", 3)]
    assert [four[name] for name in ("volume_by_day", "top_services", "customers_by_level")] == [[], [], []]
    # 4 GB in an hour are 32e9 bits in 3600 s
    assert {round(row.busy_hour_mbps, 3) for row in four["busy_hour_by_day"]} == {8.889}


def test_groups_are_guarded_by_the_minimum_of_the_settings() -> None:
    guarded = {name: {int(told) for told in re.findall(r">= (\d+)", sql)} for name, sql in DATASETS.items()}
    assert guarded.pop("busy_hours") == set()  # of the whole network
    assert all(told == {MINIMUM} for told in guarded.values())
    assert set(guarded) == {"volume", "levels", "services"}
    told = [widget["spec"]["frame"]["description"] for widget in WIDGETS]
    assert sum(f"fewer than {MINIMUM}" in description for description in told) == len(guarded)


def test_it_reads_views_alone_and_every_dataset_is_shown() -> None:
    views = {view.name for view in saved_views()}
    for sql in DATASETS.values():
        sources = set(SavedQuery("board", "", {}, sql).sources)
        assert sources
        assert sources <= views
    shown = {query["query"]["datasetName"] for widget in WIDGETS for query in widget["queries"]}
    assert shown == set(DATASETS)


def test_widgets_lie_within_the_grid_and_do_not_overlap() -> None:
    cells = [
        (column, row)
        for place in PLACES
        for column in range(place["x"], place["x"] + place["width"])
        for row in range(place["y"], place["y"] + place["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < GRID_WIDTH
