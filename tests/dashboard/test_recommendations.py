"""The page of recommendations: the list, who may be approached, and fairness without small cells."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from telflow import tables
from telflow.dashboard.compose import Services, compose
from telflow.dashboard.pages import recommendation_fairness
from telflow.dashboard.pages.customer_advice import fit_words, recommendation
from telflow.dashboard.pages.recommendation_list import association_words, short_of
from telflow.dashboard.pages.recommendations import causes_of
from telflow.dashboard.queries import recommendations as queries
from telflow.dashboard.queries.everybody import Everybody
from telflow.dashboard.readers import open_reader
from tests.dashboard.lakes import AS_OF, NEW, lake_settings, write
from tests.dashboard.test_pages import figures, grids, parts, text_of


def test_the_list_has_reasons_effects_and_links(services: Services) -> None:
    rows = next(rows for rows in grids(compose(services, "/recommendations", "")) if rows and "ufm_level" in rows[0])
    assert len(rows) == 57
    first = rows[0]
    assert (first["kind"], first["price_difference"], first["confidence"], first["effect"]) == ("plan up", 16, 0.75, 12)
    assert first["reason"] == "because plan up"
    assert first["link"] == f"/customers?customer={first['customer']}"


def listed(services: Services, search: str) -> list[dict[str, object]]:
    found = [rows for rows in grids(compose(services, "/recommendations", search)) if rows and "ufm_level" in rows[0]]
    return found[0] if found else []


def test_kind_and_consent_narrow_the_list(services: Services) -> None:
    assert {row["kind"] for row in listed(services, "?kind=no+change")} == {"no change"}
    may = listed(services, "?approach=yes")
    assert len(may) == 15
    assert {row["approach"] for row in may} == {"yes"}
    assert listed(services, "?approach=yes&kind=no+change") == []


def test_who_gets_none_is_counted_and_too_few_are_hidden(services: Services) -> None:
    answer = compose(services, "/recommendations", "")
    assert "1 of 58" not in text_of(answer)
    assert "Too few, or all but too few, to say" in text_of(answer)
    reasons = next(rows for rows in grids(answer) if rows and "reason" in rows[0] and "rank" not in rows[0])
    assert reasons == [{"reason": "too few weeks", "customers": None}]
    assert NEW not in str([row["customer"] for row in listed(services, "")])


@pytest.mark.parametrize("search", ["?plan=ultra", "?plan=basic&plan=plus", "?plan=ultra&segment=office"])
def test_a_small_group_is_not_listed(search: str, services: Services) -> None:
    answer = compose(services, "/recommendations", search)
    assert (figures(answer), grids(answer)) == ([], [])
    assert "too small to be shown" in text_of(answer)


def test_fairness_hides_small_groups_and_small_cells() -> None:
    sizes, ups = {"a": 100, "b": 50, "c": 40, "d": 4}, {"a": 50, "b": 20, "c": 5, "d": 1}
    tokens = [
        (f"sub_{plan}{number}", plan, number < ups[plan]) for plan, most in sizes.items() for number in range(most)
    ]
    known = {"region": "metro", "segment": "none"}
    base = pl.DataFrame([{"customer": token, "plan": plan, **known} for token, plan, _ in tokens])
    found = pl.DataFrame([{"customer": token, "kind": "up" if is_up else "stay"} for token, _, is_up in tokens])
    everybody = Everybody(base, [(), (), ()], 10)
    cubes = {kind: everybody.members(found.filter(pl.col("kind") == kind)) for kind in ("up", "stay")}
    counts = queries.fairness(base, found, "plan", ["up", "stay"])
    shares = recommendation_fairness.fairness_shares(counts, everybody, "plan", cubes)
    told = {row["group"]: row for row in shares.to_dicts()}
    assert told["a"] == {"group": "a", "customers": 100, "up": 0.5, "stay": 0.5, "is_suppressed": False}
    assert told["d"]["customers"] is None
    assert told["c"]["up"] is None
    assert told["d"]["up"] is None


def test_fairness_counts_a_customer_once_a_kind() -> None:
    base = pl.DataFrame({"customer": ["x", "y", "z"], "plan": ["p", "p", "q"]})
    found = pl.DataFrame({"customer": ["x", "x", "z"], "kind": ["service", "service", "plan up"]})
    counts = queries.fairness(base, found, "plan", ["service", "plan up"]).to_dicts()
    assert counts == [
        {"group": "p", "customers": 2, "service": 1, "plan up": 0},
        {"group": "q", "customers": 1, "service": 0, "plan up": 1},
    ]


def test_every_table_can_be_exported(services: Services) -> None:
    answer = compose(services, "/recommendations", "")
    buttons = [part for part in parts(answer.content) if getattr(part, "className", "") == "export"]
    assert len(buttons) == len(grids(answer))


def test_what_is_too_small_is_told_and_what_has_no_probability_is_named(services: Services) -> None:
    rows = listed(services, "?kind=plan+up")
    assert {(row["short_of"], row["churn_probability"], row["churn_as_of"]) for row in rows} == {
        ("volume", 0.02, f"{AS_OF}")
    }
    unchanged = listed(services, "?kind=no+change")
    assert {(row["short_of"], row["confidence"], row["churn_as_of"]) for row in unchanged} == {("", None, "")}
    assert "volume 30" in text_of(compose(services, "/recommendations", ""))
    assert short_of(["rate-down", "volume"]) == "rate to the customer, volume"


def test_a_customers_plan_and_offers_are_told_in_sentences(services: Services) -> None:
    larger = text_of(compose(services, "/customers", "?customer=sub_basic00"))
    assert "The plan basic is too small in volume, sure to 75.0 %: plus (+16.00 a month) would do." in larger
    assert "104.0 % of its volume is used" in larger
    assert f"2.0 % to leave, as scored on {AS_OF}" in str(
        compose(services, "/customers", "?customer=sub_basic00").content
    )
    right = compose(services, "/customers", "?customer=sub_plus01")
    assert "The plan plus is the right size, sure to 90.0 %." in text_of(right)
    assert "by a count or a lack, not a probability" in str(right.content)
    assert "Nothing is told of the plan plus: too few weeks." in text_of(
        compose(services, "/customers", f"?customer={NEW}")
    )
    assert "UFM level Potential Sales" in str(right.content)


FIT: dict[str, Any] = {
    "plan": "ultra",
    "advice": "stay",
    "upsize_causes": ["volume"],
    "utilisation": 1.5,
    "confidence": 0.0,
    "suggested_plan": "ultra",
    "price_difference": 0.0,
}


def test_the_largest_plan_may_be_too_small() -> None:
    going = "As use goes now, 150.0 % of its volume is used."
    assert fit_words(FIT) == f"The plan ultra is too small in volume, but no plan with more is sold. {going}"
    fits = fit_words({**FIT, "upsize_causes": [], "utilisation": None, "confidence": 0.9})
    assert fits == "The plan ultra is the right size, sure to 90.0 %."
    assert fit_words({**FIT, "upsize_causes": None, "utilisation": None, "confidence": 0.9}) == fits


def test_whoever_is_on_the_largest_plan_counts_among_those_it_is_too_small_for() -> None:
    base = pl.DataFrame(
        {
            "customer": ["top", "up", "well", "new"],
            "advice": ["stay", "up", "stay", None],
            "upsize_causes": [["volume"], ["rate-up", "volume"], [], None],
        }
    )
    assert causes_of(base).rows() == [("top", "volume"), ("up", "rate-up"), ("up", "volume")]
    assert causes_of(base.with_columns(pl.lit(None).alias("upsize_causes"))).height == 0


def test_an_offer_tells_the_level_of_use_and_what_it_follows_from() -> None:
    row = {
        "kind": "service",
        "service": "low latency",
        "reason": "r",
        "price_difference": 6.0,
        "confidence": 0.99,
        "churn_probability": None,
        "may_approach": True,
        "ufm_level": "Require Upgrade",
        "association": "email, web",
        "association_lift": 1.44,
    }
    words = str(recommendation(row))
    assert "UFM level Require Upgrade" in words
    assert "often follows from email, web (lift 1.4)" in words
    bare = {**row, "ufm_level": None, "association": None, "association_lift": None}
    assert "UFM" not in str(recommendation(bare))
    assert association_words(bare) == ""


def test_the_segment_of_an_old_date_is_that_of_then(tmp_path: Path) -> None:
    then, later = AS_OF - timedelta(days=7), AS_OF + timedelta(days=7)
    known = {"customer": "sub_a", "plan": "plus"}
    write(tmp_path, tables.SUBSCRIBERS, [{**known, "region": "metro"}])
    write(tmp_path, tables.RECOMMENDATIONS, [{"customer": "sub_a", "as_of": AS_OF, "rank": 1}])
    write(tmp_path, tables.PLAN_FIT, [{**known, "as_of": day} for day in (then - timedelta(days=1), AS_OF)])
    segments = [(then, "then"), (AS_OF, "now"), (later, "later")]
    rows = [{"customer": "sub_a", "as_of": day, "segment": name} for day, name in segments]
    write(tmp_path, tables.CUSTOMER_SEGMENTS, rows)
    reader = open_reader(lake_settings(tmp_path))
    found = [queries.base_of(reader, day).get_column("segment").to_list() for day in (then - timedelta(days=1), AS_OF)]
    assert found == [["none"], ["now"]]
