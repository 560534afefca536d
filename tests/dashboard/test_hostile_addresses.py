"""Parameters that go into queries are values there, whatever they hold: they are answered in words."""

from urllib.parse import urlencode

import pytest

from telflow.dashboard.compose import Services, compose
from telflow.dashboard.pages import customers, level_list, segments
from telflow.dashboard.pages.customer_flows import asked_view, flow_cards
from tests.dashboard.test_customers import ONE
from tests.dashboard.test_pages import figures, grids, parts, text_of

HOSTILE = ["x'; DROP TABLE customers_by_day; --", 'x"; DROP TABLE customers_by_day; --', "x' OR '1'='1", "';", "%"]
IN_WORDS = [
    ("/peaks", {"tier": ""}, "No tier"),
    ("/categories", {"within": ""}, "All categories"),
    ("/categories", {"within": "web", "service": ""}, "All categories"),
    ("/segments", {"level": ""}, "cannot be listed"),
    ("/customers", {"customer": ""}, "no such customer"),
    ("/churn", {"customer": ""}, "knows no subscriber"),
    ("/recommendations", {"kind": ""}, ""),
    ("/", {"category": ""}, ""),
    ("/customers", {"segment": ""}, ""),
]


def rows_of(services: Services) -> int:
    """Rows that the lake holds of customers' days."""
    return int(services.reader.query("SELECT COUNT(*) AS n FROM customers_by_day", [], ["customers_by_day"]).item())


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("path", "parameters", "told"), IN_WORDS)
def test_a_quote_in_an_address_is_a_value(
    path: str, parameters: dict[str, str], told: str, hostile: str, services: Services
) -> None:
    before = rows_of(services)
    search = f"?{urlencode({name: value or hostile for name, value in parameters.items()})}"
    answer = compose(services, path, search)
    assert told in text_of(answer)
    if path == "/categories":
        assert (figures(answer), grids(answer)) == ([], [])
        assert any(type(part).__name__ == "Alert" for part in parts(answer.content))
    assert rows_of(services) == before
    if "category" in parameters or "segment" in parameters:
        assert any(f"The data holds no {next(iter(parameters))} {hostile}" in one for one in answer.problems)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_destination_with_a_quote_is_told(hostile: str, services: Services) -> None:
    search = f"?{urlencode({'customer': ONE, 'destination': hostile})}"
    asked = {"search": search, "scheme": "light"}
    content = flow_cards(asked_view(asked, customers.PAGE, services.reader, services.settings))
    assert any(getattr(part, "title", None) == "There is no such destination" for part in parts(content))
    assert flow_cards(asked_view({"search": f"?{urlencode({'customer': hostile})}"}, customers.PAGE,
                                 services.reader, services.settings)) == []  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_level_with_a_quote_is_not_exported(hostile: str, services: Services) -> None:
    search = f"?{urlencode({'level': hostile})}"
    assert not isinstance(level_list.exported(segments.PAGE, services.reader, services.settings, search), dict)
    assert not any("usage" in row for rows in grids(compose(services, "/segments", search)) for row in rows)
