"""Consent that was withdrawn after a run counts wherever its recommendations are read."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow import tables
from telflow.analysts.saved import find_question
from telflow.analysts.views import register
from telflow.dashboard.queries.profile import recommendations_of
from telflow.dashboard.queries.recommendations import recommended
from telflow.dashboard.readers import open_reader
from telflow.lake import Lake
from tests.dashboard.lakes import lake_settings, write

AS_OF = date(2024, 3, 11)
CONSENTS = {"sub_stands": True, "sub_withdrew": False}
MARKETING = ("retention", "plan up", "service")
KINDS = (*MARKETING, "plan down")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Who consented and who withdrew, and one who left and is delivered no more: all were free to approach then."""
    known = [
        {"customer": name, "plan": "basic", "region": "metro", "marketing_consent": consent}
        for name, consent in CONSENTS.items()
    ]
    write(tmp_path, tables.SUBSCRIBERS, known)
    offers = [
        {"as_of": AS_OF, "customer": name, "rank": rank, "kind": kind, "service": kind, "reason": "r", "rule": "r",
         "rules_version": "1", "may_approach": True}
        for name in (*CONSENTS, "sub_gone")
        for rank, kind in enumerate(KINDS, start=1)
    ]  # fmt: skip
    offers.append({**offers[0], "rank": 9, "kind": "plan up", "may_approach": False})
    write(tmp_path, tables.RECOMMENDATIONS, offers)
    return tmp_path


EXPECTED = {
    "sub_stands": set(KINDS),
    "sub_withdrew": {"plan down"},
    "sub_gone": {"plan down"},
}


def test_the_dashboard_lists_by_the_consent_of_today(root: Path) -> None:
    reader = open_reader(lake_settings(root))
    rows = recommended(reader, AS_OF)
    assert rows.height == 13
    allowed = {(row["customer"], row["kind"], row["rank"]) for row in rows.to_dicts() if row["may_approach"]}
    assert ("sub_stands", "plan up", 9) not in allowed, "what was not free then is not now"
    for name, kinds in EXPECTED.items():
        assert {kind for customer, kind, _ in allowed if customer == name} == kinds
        own = recommendations_of(reader, name, AS_OF)
        assert {row["kind"] for row in own.to_dicts() if row["may_approach"]} == kinds


def test_analysts_count_by_the_consent_of_today(spark: SparkSession, root: Path) -> None:
    question = find_question("offers_to_make")
    register(Lake(spark, str(root)), "UTC", question)
    rows = spark.table("bi_recommendations").where("may_approach").collect()
    assert len(rows) == 6
    for name, kinds in EXPECTED.items():
        assert {row.kind for row in rows if row.customer == name} == kinds
    told = {row.kind: row.customers for row in spark.sql(question.sql).collect()}
    assert told == {"plan down": 3, **dict.fromkeys(MARKETING, 1)}
