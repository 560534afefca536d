"""The advice end to end on a small made-up provider, each job twice, and each number of each reason looked up."""

import re
from datetime import date, timedelta
from math import expm1, log
from pathlib import Path

import mlflow
import pytest
from pyspark.sql import Row, SparkSession
from scipy.stats import theilslopes

from jobs import backtest_advice, find_micro_trends, recommend_services
from telflow.advice.standing import standing
from telflow.advice.steps import period_of
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.settings import load_settings
from telflow.tables import (
    CATEGORY_ASSOCIATIONS,
    CHURN_EVENTS,
    CHURN_SCORES,
    COMPLAINTS,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    MICRO_TRENDS,
    PLAN_FIT,
    RECOMMENDATIONS,
)
from tests.advice.world import (
    AS_OF,
    CYCLE_WEEKS,
    DAYS,
    GATHERED,
    GIGABYTE,
    JUMP,
    LABEL_DAYS,
    NARROW_RATE,
    RATE,
    SCORED,
    SILENT,
    WEEKS,
    churn_row,
    put,
    score_row,
    write_truth,
    write_world,
)

pytestmark = pytest.mark.slow

SETTINGS = load_settings().advice
TABLES = (MICRO_TRENDS, PLAN_FIT, CATEGORY_ASSOCIATIONS, RECOMMENDATIONS)
Advice = dict[str, list[Row]]
Rows = dict[tuple[str, ...], Row]
Trends = dict[tuple[str, str], Row]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_world(spark, str(tmp_path_factory.mktemp("provider") / "lake"))


@pytest.fixture(scope="module")
def printed(lake: Lake) -> str:
    """What the jobs print of their second run, which must leave what the first one wrote."""
    arguments = ["--set", f"lake.root={lake.root}", "--as-of", str(AS_OF)]
    with pytest.MonkeyPatch.context() as patch:
        told: list[str] = []
        patch.setattr("builtins.print", lambda *words: told.append(" ".join(map(str, words))))
        with pytest.raises(TableMissingError, match="micro_trends"):
            recommend_services.main(arguments)
        runs = []
        for _ in range(2):
            told.clear()
            assert find_micro_trends.main(arguments) == 0
            assert recommend_services.main(arguments) == 0
            runs.append([sorted(map(str, lake.read(table).collect())) for table in TABLES])
        assert runs[0] == runs[1]
    return "\n".join(told)


@pytest.fixture(scope="module")
def fits(lake: Lake, printed: str) -> dict[str, Row]:
    assert printed
    return {row.customer: row for row in lake.read(PLAN_FIT).collect()}


@pytest.fixture(scope="module")
def trends(lake: Lake, printed: str) -> Trends:
    assert printed
    return {(row.scope, row.category): row for row in lake.read(MICRO_TRENDS).collect()}


@pytest.fixture(scope="module")
def advice(lake: Lake, printed: str) -> Advice:
    assert printed
    rows = lake.read(RECOMMENDATIONS).orderBy("customer", "rank").collect()
    return {name: [row for row in rows if row.customer == name] for name in {row.customer for row in rows}}


def test_the_jobs_tell_what_they_found_and_who_gets_none(printed: str) -> None:
    assert "peers by segment" in printed
    assert "28 customers by rules version 2" in printed
    assert "2 customers get none: too few weeks 1, unknown plan 1; 1 of them are at risk of leaving" in printed
    assert "18 of them may be approached with an offer" in printed
    assert "\n1 customers of the trends are no subscribers" in printed, "left"
    assert printed.count("warning: customer_daily lacks 48 days of the weeks looked at") == 2, "days of three weekdays"


def test_a_trend_is_scipys_of_the_weeks_it_shows(trends: Trends) -> None:
    told = [row for row in trends.values() if row.untold_reason is None]
    assert len(told) > 20
    for row in told:
        at = [(day - row.week_starts[0]).days // 7 for day in row.week_starts]
        logs = [log(max(volume, SETTINGS.min_weekly_bytes)) for volume in row.weekly_bytes]
        expected = theilslopes(logs, at, alpha=0.95)
        told_slopes = (row.slope_per_week, row.slope_low, row.slope_high)
        assert told_slopes == pytest.approx((expected.slope, expected.low_slope, expected.high_slope), abs=1e-9)
        assert row.growth_per_week == pytest.approx(expm1(row.slope_per_week))


def test_directions_are_those_made_up(trends: Trends) -> None:
    of_all = {scope: row.direction for (scope, category), row in trends.items() if category == "all"}
    assert {scope for scope, direction in of_all.items() if direction == "rising"} == {"outgrows", "watches", "jumps"}
    assert (of_all["falls silent"], of_all["new"]) == (None, None), "no recent use, and too few weeks"
    assert {of_all[scope] for scope in ("fits", "games", "full", "barely", "pauses")} == {"flat"}
    assert {name: trends["gathers", name].direction for name in GATHERED} == dict.fromkeys(GATHERED, "rising")
    assert trends["games", "messaging"].direction == "falling"


def test_silent_weeks_are_weeks_without_bytes(trends: Trends) -> None:
    for name in ("pauses", "falls silent"):
        row = trends[name, "all"]
        assert [week for week, volume in enumerate(row.weekly_bytes) if volume == 0] == list(SILENT[name])
        assert row.weeks_counted == WEEKS
    assert trends["falls silent", "all"].untold_reason == "no recent use"
    assert trends["falls silent", "web"].slope_per_week is None


def test_little_volume_has_no_trend_but_in_all(trends: Trends) -> None:
    assert trends["barely", "web"].untold_reason == "too little volume"
    assert trends["barely", "all"].untold_reason is None


def test_a_change_is_told_with_its_week(trends: Trends) -> None:
    row = trends["jumps", "all"]
    assert row.change_week == AS_OF - timedelta(days=7 * (WEEKS - JUMP))
    assert row.change_ratio == pytest.approx(2, rel=0.05)
    assert trends["fits", "all"].change_week is None


def test_weeks_are_whole_and_end_before_the_day(trends: Trends) -> None:
    row = trends["fits", "all"]
    assert row.week_starts == [AS_OF - timedelta(days=7 * back) for back in range(WEEKS, 0, -1)]
    assert row.median_bytes == pytest.approx(100 * GIGABYTE / CYCLE_WEEKS, rel=0.01)
    assert row.direction == "flat"
    assert ("fits", "gaming") not in trends, "of the day itself"


def test_parts_sum_to_the_whole(trends: Trends) -> None:
    for scope, kind in {(scope, row.scope_kind) for (scope, _), row in trends.items()}:
        rows = [row for (each, category), row in trends.items() if each == scope and category != "all"]
        sums = [sum(week) for week in zip(*[row.weekly_bytes for row in rows], strict=True)]
        rounded = 0 if kind == "customer" else len(rows)
        assert sums == pytest.approx(trends[scope, "all"].weekly_bytes, abs=rounded)
        if trends[scope, "all"].recent_share is not None:
            assert sum(row.recent_share for row in rows) == pytest.approx(1)


def test_a_segment_is_told_a_member(trends: Trends) -> None:
    members = [trends[name, "all"].weekly_bytes for name in ("fits", "games", "gathers")]
    means = [sum(week) / len(members) for week in zip(*members, strict=True)]
    assert trends["players", "all"].weekly_bytes == pytest.approx(means, abs=1)


def test_shares_are_told_against_the_own_past_and_the_peers(trends: Trends) -> None:
    row, peers = trends["games", "gaming"], trends["players", "gaming"]
    assert (row.recent_share, row.earlier_share) == pytest.approx((0.36, 0.195), abs=0.01)
    assert row.share_shift == pytest.approx(row.recent_share - row.earlier_share)
    assert (row.peers, peers.scope_kind, row.peers_share) == ("players", "segment", peers.recent_share)
    assert row.peers_share_shift == pytest.approx(row.recent_share - peers.recent_share)


def test_who_came_within_a_week_is_told_from_the_next_and_too_short(trends: Trends) -> None:
    row = trends["new", "all"]
    assert (row.weeks_counted, row.untold_reason, row.slope_per_week) == (2, "too few weeks", None)


def test_each_customer_gets_what_its_use_calls_for(advice: Advice, fits: dict[str, Row]) -> None:
    assert {name: [(row.kind, row.service) for row in rows] for name, rows in advice.items()} == {
        "fits": [("no change", "no change")],
        "outgrows": [("plan up", "large")],
        "watches": [("service", "bandwidth boost")],
        "full": [("plan up", "large")],
        "discreet": [("plan up", "large")],
        "idle": [("plan down", "small")],
        "games": [("service", "low latency")],
        "grumbles": [("no change", "no change")],
        "complains": [("retention", "retention offer")],
        "wavers": [("retention", "retention offer")],
        "tops": [("plan up", "endless")],
        "barely": [("plan down", "small")],
        "wants out": [("retention", "retention offer"), ("plan down", "small")],
        "gathers": [("plan up", "large"), ("service", "low latency"), ("service", "business line")],
        "jumps": [("no change", "no change")],
        "pauses": [("no change", "no change")],
        "falls silent": [("retention", "retention offer")],
        "grumbles idly": [("no change", "no change")],
        "plays and grumbles": [("no change", "no change")],
        "plays and wavers": [("retention", "retention offer")],
        "plays discreetly": [("service", "low latency")],
        "lags": [("plan up", "medium")],
        "sends": [("plan up", "medium")],
        "crams": [("no change", "no change")],
        "full on weekends": [("plan up", "large")],
        "idle on weekends": [("plan down", "small")],
        "once a week": [("retention", "retention offer")],
        "silent": [("retention", "retention offer")],
    }
    for rows in advice.values():
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert {name: row.untold_reason for name, row in fits.items() if row.advice is None} == {
        "new": "too few weeks",
        "unplanned": "unknown plan",
        **dict.fromkeys(("falls silent", "silent", "once a week"), "no recent use"),
    }
    assert {"left", "joins"}.isdisjoint(fits)


def test_plan_fit_is_what_the_weeks_make_of_it(fits: dict[str, Row], trends: Trends) -> None:
    full = fits["full"]
    assert (full.plan, full.advice, full.suggested_plan, full.price_difference) == ("medium", "up", "large", 30.0)
    assert full.pace_gigabytes == pytest.approx(190, rel=0.02)
    assert full.utilisation == pytest.approx(full.pace_gigabytes / 200)
    assert full.utilisation_p50 == pytest.approx(0.95, rel=0.01)
    assert full.volume_p95 == pytest.approx(190 * 1.03, rel=0.01)
    assert (full.over_limit_weeks, full.most_over_limit_weeks) == (12, 12)
    assert len(full.cycle_gigabytes) == SETTINGS.cycles
    assert sum(full.cycle_gigabytes) * GIGABYTE == pytest.approx(sum(trends["full", "all"].weekly_bytes))
    busy_hour = 190 * GIGABYTE / CYCLE_WEEKS / len(DAYS) / 2
    assert full.peak_down_mbps_p50 == pytest.approx(busy_hour * 0.8 * 8 / 3600 / 1e6, rel=0.01), "half less a tenth"
    assert full.peak_up_mbps_p50 == 0
    assert full.down_utilisation_p95 == pytest.approx(full.peak_down_mbps_p95 / RATE)
    assert fits["fits"].over_limit_weeks == 0
    assert fits["outgrows"].pace_gigabytes > fits["outgrows"].volume_p50
    assert (fits["idle"].plan, fits["idle"].price_difference) == ("medium", -20.0)
    assert fits["barely"].confidence == 1


def test_what_stands_beside_a_recommendation(advice: Advice) -> None:
    full = advice["full"][0]
    assert (full.ufm_level, full.churn_probability, full.is_at_risk) == ("Require Upgrade", 0.1, False)
    assert (full.may_approach, advice["discreet"][0].may_approach) == (True, False)
    services, stays = (("games", "plays discreetly"), ("wavers", "plays and wavers"))
    for names in (services, stays):
        assert [advice[name][0].may_approach for name in names] == [True, False], "marketing needs consent"
    assert (advice["idle"][0].may_approach, advice["fits"][0].may_approach) == (True, False), "nothing is sold to idle"
    held_back = {row.customer for rows in advice.values() for row in rows if row.is_suppressed}
    assert held_back == {"grumbles", "complains", "wavers", "plays and grumbles", "plays and wavers"}
    assert advice["grumbles idly"][0].rule == "fits"
    assert advice["plays and grumbles"][0].rule == "suppressed"
    assert advice["grumbles"][0].confidence is None
    assert (full.churn_as_of, advice["fits"][0].churn_as_of) == (SCORED, None)
    assert [advice[name][0].complaints for name in ("grumbles", "complains", "fits", "games")] == [1, 2, 0, 0]
    assert advice["idle"][0].ufm_level is None
    assert {row.rules_version for rows in advice.values() for row in rows} == {"2"}
    assert advice["games"][0].price_difference == 6.0
    assert advice["wavers"][0].price_difference is None
    assert {row.peers for rows in advice.values() for row in rows} == {"browsers", "players", None}
    assert {name for name, rows in advice.items() if rows[0].peers is None} == {"silent", "once a week"}, "no trend"


def test_a_churn_score_counts_as_long_as_it_tells_of_days_to_come(spark: SparkSession, lake: Lake) -> None:
    subscribers = spark.createDataFrame([("full", True)], "customer string, marketing_consent boolean")
    last = SCORED + timedelta(days=LABEL_DAYS - 1)
    lately = {}
    for day in (SCORED - timedelta(days=1), SCORED, last):
        (row,) = standing(lake, subscribers, day, SETTINGS.complaint_days).collect()
        lately[day] = row.churn_as_of
    assert lately == {
        SCORED - timedelta(days=1): SCORED - timedelta(days=7),
        SCORED: SCORED,
        last: AS_OF + timedelta(days=1),
    }
    (row,) = standing(lake, subscribers, last + timedelta(days=99), SETTINGS.complaint_days).collect()
    assert (row.churn_probability, row.is_at_risk) == (None, False)


def test_a_day_that_the_roll_up_does_not_reach_is_refused(lake: Lake) -> None:
    with pytest.raises(TableMissingError, match="ends on 2024-04-01"):
        period_of(lake, AS_OF + timedelta(days=2))
    assert period_of(lake, AS_OF - timedelta(days=90)) is None


def cited(lake: Lake, row: Row, told: Row, tables: dict[str, Rows]) -> float:
    """The number that a piece of evidence cites, from its table."""
    if told.source == COMPLAINTS.name:
        recent = (AS_OF - timedelta(days=SETTINGS.complaint_days), AS_OF)
        days: list[date] = [
            each.complaint_date for each in lake.read(COMPLAINTS).collect() if each.customer == row.customer
        ]
        return float(sum(recent[0] <= day < recent[1] for day in days))
    key = (row.customer,) if told.source == PLAN_FIT.name else (row.customer, told.item)
    return float(tables[told.source][key][told.measure])


def test_every_number_in_every_reason_is_that_of_the_table_it_cites(
    lake: Lake, advice: Advice, fits: dict[str, Row], trends: Trends
) -> None:
    churn: Rows = {(row.customer, str(row.as_of)): row for row in lake.read(CHURN_SCORES).collect()}
    of_plans: Rows = {(name,): row for name, row in fits.items()}
    of_trends: Rows = {(scope, category): row for (scope, category), row in trends.items()}
    tables = {PLAN_FIT.name: of_plans, MICRO_TRENDS.name: of_trends, CHURN_SCORES.name: churn}
    checked = 0
    for row in (each for rows in advice.values() for each in rows):
        assert re.findall(r"\d+(?:\.\d+)?%?", row.reason) == [told.shown for told in row.evidence], row.reason
        for told in row.evidence:
            value = cited(lake, row, told, tables)
            assert told.value == value
            factor, digits = (100, 0) if told.shown.endswith("%") else (1, len(told.shown.partition(".")[2]))
            assert float(told.shown.rstrip("%")) == pytest.approx(value * factor, abs=0.5001 * 10**-digits)
            checked += 1
    assert checked > 20


def test_slow_lines_and_plans_without_a_larger_one_are_told_with_their_numbers(
    advice: Advice, fits: dict[str, Row]
) -> None:
    hour = 100 * GIGABYTE / CYCLE_WEEKS / len(DAYS) / 2
    for name, way in (("lags", "down"), ("sends", "up")):
        (row,) = advice[name]
        share = fits[name][f"{way}_utilisation_p95"]
        assert share == pytest.approx(hour * 0.8 * 8 / 3600 / 1e6 / NARROW_RATE, rel=0.04)
        told = f"on busy days an hour runs at a mean of at least {share:.0%} of the plan's rate {way}"
        assert (row.rule, row.reason) == (f"rate-{way}", told)
    crams = advice["crams"][0]
    assert fits["crams"].upsize_causes == ["rate-down"]
    told = f"no plan with more is sold, {fits['crams'].utilisation:.0%} of its volume in use"
    assert (crams.rule, crams.reason, crams.confidence) == ("largest-plan", told, None)


def test_the_busiest_weeks_are_told_where_they_exceed_the_pace(advice: Advice, fits: dict[str, Row]) -> None:
    found: dict[str, dict[str, bool]] = {"plan up": {}, "plan down": {}}
    for row in (each for rows in advice.values() for each in rows if each.kind in found and "rate" not in each.rule):
        is_varied = fits[row.customer].volume_p95 > fits[row.customer].pace_gigabytes
        measures = [told.measure for told in row.evidence]
        assert ("volume_p95" in measures) == is_varied
        assert ("pace_gigabytes" in measures) == (row.kind == "plan up" or not is_varied)
        found[row.kind][row.customer] = is_varied
    assert (found["plan up"]["full"], found["plan up"]["full on weekends"]) == (True, False)
    assert (found["plan down"]["idle"], found["plan down"]["idle on weekends"]) == (True, False)


def test_associations_hold_among_what_customers_use(lake: Lake, advice: Advice) -> None:
    used: dict[str, set[str]] = {}
    for row in lake.read(MICRO_TRENDS).where("scope_kind = 'customer' AND category <> 'all'").collect():
        if (row.recent_share or 0) >= SETTINGS.basket_share:
            used.setdefault(row.scope, set()).add(row.category)
    rules = lake.read(CATEGORY_ASSOCIATIONS).collect()
    lifts = {(", ".join(rule.antecedent), rule.consequent): rule.lift for rule in rules}
    watches = advice["watches"][0]
    assert watches.association == "messaging"
    assert watches.association_lift == lifts["messaging", "streaming & media"] > 1
    assert advice["full"][0].association is None
    for rule in rules:
        both = sum({*rule.antecedent, rule.consequent} <= items for items in used.values())
        left = sum(set(rule.antecedent) <= items for items in used.values())
        right = sum(rule.consequent in items for items in used.values())
        assert rule.support == pytest.approx(both / len(used))
        assert rule.confidence == pytest.approx(both / left)
        assert rule.lift == pytest.approx(both / left / (right / len(used)))


LATER = {
    "bytes_up": "bytes_up * 9",
    "plan": "'endless'",
    "bytes_by_hour": "transform(bytes_by_hour, bytes -> bytes * 9)",
    "bytes_by_category": "map('gaming', bytes_up * 9 + bytes_down)",
}


def test_a_back_test_knows_nothing_from_the_freeze_on(
    lake: Lake, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed
    freeze = AS_OF - timedelta(days=28)
    write_truth(lake)
    conf = str(Path("conf").absolute())
    monkeypatch.chdir(tmp_path)
    tracked = f"mlflow.tracking_uri=sqlite:///{tmp_path}/mlflow.db"
    arguments = ["--conf", conf, "--set", f"lake.root={lake.root}", "--set", tracked, "--as-of", str(freeze)]
    runs = []
    for _ in range(2):
        assert backtest_advice.main(arguments) == 0
        runs.append(re.sub("run [0-9a-f]{32}", "run", capsys.readouterr().out).splitlines())
        lake.update(CUSTOMER_DAILY, f"local_date >= DATE'{freeze}'", LATER)
        put(lake, COMPLAINTS, [("full", freeze, "billing")])
        put(lake, CHURN_EVENTS, [("full", freeze, "price"), ("games", freeze + timedelta(days=9), "price")])
        put(lake, CHURN_SCORES, [churn_row(name, freeze + timedelta(days=1), 0.9) for name in ("full", "games")])
        put(lake, CUSTOMER_SCORES, [score_row("games", "Require Upgrade", "ufm")])
    assert runs[0] == runs[1]
    told = runs[0]
    assert told[0].startswith(
        "synthetic customers as of 2024-03-04: 27 with enough history, 2 without, 10 need a larger"
    )
    assert told[1].startswith("  advised to go up: 10, precision 100.0%, recall 100.0%")
    assert told[4:6] == [
        "  among the recommendations: 10, precision 100.0%, recall 100.0%",
        "  of those who consent, may be approached: 9, precision 100.0%, recall 100.0%",
    ]
    assert told[7] == "of 2 flat customers 0.0% get a recommendation"
    assert told[9] == "  recommended: 8, precision 100.0%, recall 80.0%", "gathers has two more"
    logged = mlflow.search_runs(search_all_experiments=True)
    assert len(logged) == 2
    assert logged["metrics.upsize_chosen"].tolist() == [10, 10]
    assert set(logged["params.rules_version"]) == {"2"}
    assert logged["tags.source_customer_daily_version"].nunique() == 2
