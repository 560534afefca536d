"""The load script asks what a browser asks: the page, its filters, and the flows that come after it."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from telflow.dashboard.app import create_app
from telflow.dashboard.compose import Services
from telflow.dashboard.pages import PAGES
from tests.benchmarks import dashboard_load as load
from tests.dashboard.lakes import lake_settings


@pytest.fixture(scope="module")
def client(dashboard_lake: Path) -> FlaskClient:
    served: FlaskClient = create_app(lake_settings(dashboard_lake)).server.test_client()
    return served


def dependencies(client: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/_dash-dependencies").get_json()
    return load.measured(found)


def answer(client: FlaskClient, output: str, path: str, search: str) -> str:
    one = next(one for one in dependencies(client) if output in one["output"])
    body = load.callback_body(one, path, search)
    found = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert found.status_code == 200
    return found.text


def test_three_callbacks_are_timed(client: FlaskClient) -> None:
    assert len(dependencies(client)) == 3


def test_they_answer_as_they_do_a_browser(client: FlaskClient) -> None:
    page = answer(client, "page.children", "/customers", "?customer=sub_basic00")
    assert "252 kB" in page
    assert "web" in answer(client, "filters-ready.data", "/", "")
    assert "198.51.100.0" in answer(client, load.FLOWS_OUTPUT, "/customers", "?customer=sub_basic00")


def test_ways_into_a_page_have_rows_of_their_own(dashboard_lake: Path) -> None:
    people = load.people_of(dashboard_lake)
    customers = people.customers
    assert len(customers) == 58
    assert load.searches_into("/churn", customers[:1]) == (f"?customer={customers[0]}",)
    assert load.visit_name("/categories", "?service=https&within=web") == "/categories?service&within"
    assert "?segment=evening+streaming" in people.choices
    assert {load.visit_name("/", search) for search in people.choices} == {"/"}


def test_every_way_into_a_page_is_the_pages_own() -> None:
    for page in PAGES:
        for search in load.searches_into(page.path, ["x"]):
            named = load.visit_name(page.path, search).partition("?")[2].split("&")
            assert set(named) <= set(page.parameters)


def test_a_page_without_its_model_is_not_whole(client: FlaskClient, services: Services, tmp_path: Path) -> None:
    settings = lake_settings(Path(services.settings.lake.root), f"mlflow.tracking_uri=sqlite:///{tmp_path}/none.db")
    without = create_app(settings).server.test_client()
    assert not any(word.decode() in answer(client, "page.children", "/churn", "") for word in load.NOT_WHOLE)
    assert any(word.decode() in answer(without, "page.children", "/churn", "") for word in load.NOT_WHOLE)
