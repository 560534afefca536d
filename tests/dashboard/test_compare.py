"""The compare switch on pages whose tables hold dates: two dates side by side, or words why not."""

from datetime import date
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from telflow.dashboard.compose import Services, compose, open_services
from telflow.dashboard.data import Reader
from telflow.dashboard.figures.churn import Before, distribution_figure
from telflow.dashboard.filters import Period
from telflow.dashboard.page import Answer
from telflow.dashboard.pages import PAGES
from telflow.dashboard.pages.churn_distribution import distribution_of, told_then
from telflow.dashboard.pages.earlier import Earlier
from telflow.dashboard.pages.recommendation_headline import Headline, headline_tiles
from telflow.dashboard.pages.size_changes import size_changes, totals_words
from telflow.dashboard.queries import segments
from telflow.dashboard.queries.everybody import Everybody
from telflow.dashboard.readers import open_reader
from tests.dashboard.lakes import AS_OF, THEN, lake_settings
from tests.dashboard.test_pages import LOOK, figures, grids, parts, text_of

PATHS = ("/segments", "/churn", "/recommendations")


def with_minimum(lake: Path, minimum: int) -> Services:
    """The pages under another size of the smallest group."""
    settings = lake_settings(lake, f"dashboard.min_group_customers={minimum}")
    return open_services(open_reader(settings), settings, PAGES)


def sizes(answer: Answer) -> list[list[tuple[Any, ...]]]:
    """Rows of the tables with sizes then and now."""
    return [[tuple(row.values()) for row in rows] for rows in grids(answer) if rows and "then" in rows[0]]


def tile_changes(content: Any) -> dict[str, str]:
    """What each tile with a change says of it."""
    return {
        tile.children[0].children: part.children[1]
        for tile in parts(content)
        if type(tile).__name__ == "Dl"
        for part in tile.children
        if getattr(part, "className", "") == "tile-change"
    }


def bars(answer: Answer) -> dict[str, dict[str, int]]:
    """Bars of the probabilities by series and name."""
    return {one["name"]: dict(zip(one["x"], one["y"], strict=True)) for one in figures(answer)[-1]["data"]}


@pytest.mark.parametrize("path", PATHS)
def test_the_switch_is_there_and_nothing_is_compared_until_it_is_used(path: str, services: Services) -> None:
    answer = compose(services, path, "")
    assert "compare" not in answer.reasons
    assert sizes(answer) == []
    assert tile_changes(answer.content) == {}
    assert "5 Mar 2024" not in text_of(answer).replace("From Tue 5 Mar 2024", "")  # of the moves


def test_segments_and_levels_stand_beside_those_of_then(services: Services) -> None:
    answer = compose(services, "/segments", "?compare=1")
    grown, of_basic = pytest.approx(29 / 27 - 1), pytest.approx(15 / 13 - 1)
    assert sizes(answer) == [
        [("evening streaming", 27, 29, grown), ("office", 27, 29, grown)],
        [("Potential Sales", 27, 29, grown), ("Require Upgrade", 27, 29, grown)],
    ]
    told = "54 customers as of Tue 5 Mar 2024, 58 as of Tue 19 Mar 2024 (+7.4 %)"
    assert text_of(answer).count(told) == 2
    assert sizes(compose(services, "/segments", "?compare=1&plan=basic")) == [
        [("evening streaming", 13, 15, of_basic), ("office", 13, 15, of_basic)],
        [("Potential Sales", 13, 15, of_basic), ("Require Upgrade", 13, 15, of_basic)],
    ]
    of_office = compose(services, "/segments", "?compare=1&segment=office")
    assert sizes(of_office)[1] == [("Require Upgrade", 27, 29, grown)]


def test_what_either_date_hides_has_no_change(dashboard_lake: Path) -> None:
    answer = compose(with_minimum(dashboard_lake, 28), "/segments", "?compare=1")
    assert sizes(answer)[0] == [("evening streaming", None, 29, None), ("office", None, 29, None)]


@pytest.mark.parametrize("path", PATHS)
def test_too_few_then_are_told_as_that(path: str, dashboard_lake: Path) -> None:
    answer = compose(with_minimum(dashboard_lake, 28), path, "?compare=1&plan=basic")
    assert "Tue 5 Mar 2024 is not set beside: of those chosen there were none then, or too few" in text_of(answer)
    assert sizes(answer) == []
    assert tile_changes(answer.content) == {}


def told(**customers: int | None) -> pl.DataFrame:
    """Sizes of groups; those of None are hidden."""
    columns = {"name": list(customers), "customers": list(customers.values())}
    return pl.DataFrame(columns).with_columns(pl.col("customers").is_null().alias("is_suppressed"))


def test_sizes_of_groups_that_came_went_or_are_hidden() -> None:
    now = told(grew=30, came=12, shrank=None, few=None, new_few=None)
    then = told(shrank=20, grew=20, went=15, few=None)
    assert size_changes(now, then, "name").rows() == [
        ("grew", 20, 30, 0.5),
        ("came", 0, 12, None),
        ("went", 15, 0, -1.0),
        ("shrank", 20, None, None),
    ]


def everybody(size: int, **more: Any) -> Everybody:
    """So many customers, of whom the same is told."""
    rows = [{"customer": f"sub_{at}", "plan": "p", "region": "r", "segment": "s", **more} for at in range(size)]
    return Everybody(pl.DataFrame(rows), [(), (), ()], 10)


def test_another_version_of_the_segments_is_told() -> None:
    first, second = (everybody(20, model="m", model_version=version) for version in ("1", "2"))
    assert "Another version" not in totals_words(first, AS_OF, Earlier(THEN, first))
    assert "Another version of the model told the segments then" in totals_words(second, AS_OF, Earlier(THEN, first))
    assert "Another version" not in totals_words(everybody(20), AS_OF, Earlier(THEN, everybody(20)))


def test_probabilities_stand_beside_those_of_then(services: Services, dashboard_lake: Path) -> None:
    answer = compose(services, "/churn", "?compare=1")
    assert bars(answer) == {
        "Tue 5 Mar 2024": {"0 to 1 %": 0, "10 to 20 %": 10, "30 to 50 %": 19},
        "not at risk": {"0 to 1 %": 0, "10 to 20 %": 10, "20 to 30 %": 10},
        "at risk": {"30 to 50 %": 20},
    }
    told = "54 were scored by version 1. How many were at risk would tell of too few. 5 bars of then are hidden."
    assert told in text_of(answer)
    everybody_told = text_of(compose(with_minimum(dashboard_lake, 1), "/churn", "?compare=1"))
    assert "29 are at risk, at 30.0 % or above." in everybody_told
    assert "28 were at risk, at 30.0 % or above: +3.6 % since then." in everybody_told


def scored(threshold: float, *probabilities: float) -> Everybody:
    """Ten customers of each of ``probabilities``."""
    rows = [
        {"customer": f"sub_{number}_{at}", "plan": "p", "region": "r", "segment": "s", "version": "1",
         "probability": probability, "threshold": threshold, "is_at_risk": probability >= threshold}
        for number, probability in enumerate(probabilities) for at in range(10)
    ]  # fmt: skip
    return Everybody(pl.DataFrame(rows), [(), (), ()], 10)


def test_bars_that_another_threshold_ends_are_not_set_beside() -> None:
    now, then = distribution_of(scored(0.3, 0.25, 0.4)), distribution_of(scored(0.35, 0.15, 0.25, 0.4))
    series = distribution_figure(now.bars, LOOK, Before("then", then.bars))["data"]
    assert [name for one in series for name, size in zip(one["x"], one["y"], strict=True) if size] == [
        "10 to 20 %", "20 to 30 %", "30 to 50 %",
    ]  # fmt: skip
    assert "10 were at risk, at 35.0 % or above." in told_then(now, then, "A day")  # no change: another threshold
    assert told_then(now, then, "A day").endswith("Bars of then that end elsewhere, at its threshold, are left out.")
    assert "left out" not in told_then(now, now, "A day")


def test_bars_stand_in_their_order_where_one_date_hides_some() -> None:
    now, then = distribution_of(scored(0.3, 0.015, 0.4)), distribution_of(scored(0.3, 0.015, 0.03, 0.4))
    without = now.bars.with_columns((pl.col("name") == "2 to 5 %").alias("is_suppressed"))
    order = distribution_figure(without, LOOK, Before("then", then.bars))["layout"]["xaxis"]["categoryarray"]
    assert order[:4] == ["0 to 1 %", "1 to 2 %", "2 to 5 %", "5 to 10 %"]
    assert "2 to 5 %" not in distribution_figure(without, LOOK)["layout"]["xaxis"]["categoryarray"]


def test_the_headline_of_recommendations_tells_its_change(services: Services) -> None:
    answer = compose(services, "/recommendations", "?compare=1")
    assert tile_changes(answer.content) == {
        "Customers": "+7.4 % since Tue 5 Mar 2024",
        "With an offer": "no earlier value",  # hidden on both dates: it would tell of who is without any
        "May be approached": "+15.4 % since Tue 5 Mar 2024",
        "No change": "+0.0 % since Tue 5 Mar 2024",
        "Without any": "no earlier value",  # a single one
    }
    assert f"looked at as of {AS_OF}" in text_of(answer)
    assert "was +156" in text_of(answer)


def test_a_number_that_then_hides_is_not_told_by_a_change() -> None:
    now, then = Headline(AS_OF, 50, 20, 15, 180.0, 30, 0), Headline(THEN, 40, None, None, None, 25, 0)
    tiles = headline_tiles(now, then, 10)
    assert tile_changes(tiles) == {
        "Customers": "+25.0 % since Tue 5 Mar 2024",
        "With an offer": "no earlier value",
        "May be approached": "no earlier value",
        "No change": "+20.0 % since Tue 5 Mar 2024",
        "Without any": "no earlier value",
    }
    assert "was hidden" in str(tiles)


@pytest.mark.parametrize(
    ("path", "table", "job"),
    [
        ("/segments", "customer_scores", "score_customers.py"),
        ("/segments", "customer_segments", "assign_segments.py"),
        ("/churn", "churn_scores", "score_churn.py"),
        ("/recommendations", "recommendations", "recommend_services.py"),
    ],
)
def test_where_there_is_no_earlier_date_the_job_is_named(path: str, table: str, job: str, services: Services) -> None:
    answer = compose(services, path, "?from=2024-02-27&to=2024-03-04&compare=1")  # shows the first date of all
    told = f"{table} holds no date before Tue 5 Mar 2024 to compare with. Run jobs/{job} with such a day as --as-of."
    assert told in text_of(answer)
    assert figures(answer)
    later = compose(services, path, "?from=2024-03-05&to=2024-03-18&compare=1")
    assert "to compare with" not in text_of(later)
    assert "Tue 5 Mar 2024" in str(later.content)


class Dates:
    """A reader of one column of dates."""

    def __init__(self, *days: date) -> None:
        self.days = days

    def query(self, *_: Any) -> pl.DataFrame:
        return pl.DataFrame({"as_of": self.days}, schema={"as_of": pl.Date})


@pytest.mark.parametrize(
    ("shown_from", "found"),
    [
        (date(2024, 3, 12), date(2024, 3, 5)),
        (date(2024, 3, 5), date(2024, 3, 5)),  # a date's own day is none of its days
        (date(2024, 3, 4), date(2024, 2, 20)),
        (date(2024, 2, 1), date(2024, 2, 20)),  # none is early enough: the first there is
    ],
)
def test_the_days_of_the_earlier_date_end_before_those_shown(shown_from: date, found: date) -> None:
    reader = cast("Reader", Dates(date(2024, 2, 20), date(2024, 3, 5), date(2024, 3, 18), AS_OF))
    shown = Period(shown_from, date(2024, 3, 18))
    assert segments.date_before(reader, "churn_scores", AS_OF, shown) == found
    assert segments.date_before(reader, "churn_scores", date(2024, 2, 20), shown) is None


def test_a_total_of_few_is_not_told() -> None:
    assert everybody(10).total() == 10
    assert everybody(9).total() is None
    rows = [{"customer": f"{plan}{at}", "plan": plan, "region": "r", "segment": "s"}
            for plan, size in (("a", 30), ("b", 12), ("c", 3)) for at in range(size)]  # fmt: skip
    base = pl.DataFrame(rows)
    told = {plan: Everybody(base, [(plan,), (), ()], 10).total() for plan in ("a", "b", "c", "d")}
    assert told == {"a": 30, "b": None, "c": None, "d": 0}  # b and all together would tell c
