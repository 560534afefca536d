"""Overview, categories and peak times of the customers in segments: numbers by hand, words, and what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import plotly.graph_objects as go
import pytest

from telflow import tables
from telflow.dashboard.compose import Services, compose
from telflow.dashboard.data import DeltaReader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.pages.peaks import busy_words
from telflow.dashboard.queries import peaks, traffic
from telflow.dashboard.readers import open_reader
from tests.dashboard.lakes import FIRST, lake_settings, write
from tests.dashboard.test_pages import figures, grids, parts, text_of

ZONE = "America/Vancouver"
DAY = Period(FIRST, FIRST)
PATHS = ["/", "/categories", "/peaks"]
EARLY = Filters(segments=("early",))
OFFICE = Filters(segments=("office",))  # 29 customers, 15 of them on basic


@pytest.fixture
def early(tmp_path: Path) -> DeltaReader:
    """Two customers of a segment over three days, and one of another: chess is played on the first alone."""
    for at in range(3):
        write(tmp_path, tables.CUSTOMER_DAILY, [
            {"local_date": FIRST + timedelta(days=at), "customer": token, "customer_basis": "lease", "plan": plan,
             "region": "metro", "bytes_up": 1 + at, "bytes_down": 9, "connections": 2,
             "bytes_by_category": [("web", 10 + at), *([("chess", 4)] if at == 0 else [])]}
            for token, plan in [("sub_a", "basic"), ("sub_b", "plus"), ("sub_c", "basic")]
        ])  # fmt: skip
    write(tmp_path, tables.CUSTOMER_SEGMENTS, [
        {"as_of": FIRST + timedelta(days=as_of), "customer": token, "segment": segment, "distance": 1.0}
        for as_of, token, segment in [
            (3, "sub_a", "early"), (3, "sub_b", "early"), (3, "sub_c", "late"), (1, "sub_c", "early"),
        ]
    ])  # fmt: skip
    return DeltaReader(str(tmp_path), ZONE)


def three_days(reader: DeltaReader, filters: Filters = EARLY) -> traffic.Totals:
    """Sums of the customers that ``filters`` choose."""
    return traffic.totals(reader, filters, Period(FIRST, FIRST + timedelta(days=2)), "local_date")


def test_totals_are_those_of_the_customers_by_their_newest_segment(early: DeltaReader) -> None:
    assert three_days(early) == traffic.Totals(2 * (10 + 11 + 12), 2 * 3 * 2, 0)
    assert three_days(early, replace(EARLY, plans=("plus",))) == traffic.Totals(10 + 11 + 12, 3 * 2, 0)
    assert three_days(early, replace(EARLY, regions=("north",))).bytes == 0


def test_flows_are_not_kept_by_segment_and_category(early: DeltaReader) -> None:
    assert three_days(early, replace(EARLY, categories=("chess",))) == traffic.Totals(8, None, 0)


def test_what_is_unclassified_is_added_up_in_segments_too(services: Services) -> None:
    found = traffic.totals(services.reader, OFFICE, DAY, "local_date")
    assert found == traffic.Totals(29 * 10_000, 29 * 3, 29 * 3_333)


def test_segments_are_drawn_by_day_however_short_the_period(early: DeltaReader) -> None:
    filters = Filters(segments=("early",))
    over = traffic.over_time(early, filters, DAY, "local_date")
    assert over.rows() == [(FIRST, "chess", 8), (FIRST, "web", 20)]
    days = traffic.by_day(early, filters, Period(FIRST, FIRST + timedelta(days=1)), "local_date")
    assert days.rows() == [(FIRST, 20), (FIRST + timedelta(days=1), 22)]


def test_figures_of_segments_are_bytes_a_day(early: DeltaReader) -> None:
    period = Period(FIRST, FIRST + timedelta(days=2))
    found = traffic.step_figures(early, Filters(segments=("early",)), period, "local_date")
    assert found.rows() == [("web", 20, 22.0, 24, 24, 66), ("chess", 0, 8 / 3, 8, 8, 8)]


@pytest.mark.parametrize(
    ("day", "begins", "hours"),
    [
        (date(2024, 3, 10), datetime(2024, 3, 10, 8, tzinfo=UTC), 23),
        (date(2024, 11, 3), datetime(2024, 11, 3, 7, tzinfo=UTC), 25),
    ],
)
def test_hours_of_customers_are_counted_from_midnight(day: date, begins: datetime, hours: int, tmp_path: Path) -> None:
    write(tmp_path, tables.CUSTOMER_DAILY, [
        {"local_date": day, "customer": token, "customer_basis": "lease", "plan": plan, "region": "metro",
         "bytes_by_hour": [0, *range(2, hours + 1)]}
        for token, plan in [("sub_a", "basic"), ("sub_b", "plus"), ("sub_c", "basic")]
    ])  # fmt: skip
    write(tmp_path, tables.CUSTOMER_SEGMENTS, [
        {"as_of": day, "customer": token, "segment": "early", "distance": 1.0} for token in ("sub_a", "sub_b")
    ])  # fmt: skip
    reader = open_reader(lake_settings(tmp_path))
    samples = peaks.customer_samples(reader, Filters(segments=("early",)), Period(day, day), ZONE)
    assert samples.rows() == [
        (begins + timedelta(hours=elapsed), 3600, 2 * (elapsed + 1)) for elapsed in range(1, hours)
    ]
    of_one = peaks.customer_samples(reader, Filters(segments=("early",), plans=("plus",)), Period(day, day), ZONE)
    assert of_one.get_column("bytes").sum() == sum(range(2, hours + 1))
    assert peaks.customer_samples(reader, Filters(segments=("late",)), Period(day, day), ZONE).height == 0


def test_the_overview_of_a_segment_adds_up(services: Services) -> None:
    told = text_of(compose(services, "/", f"?segment=office&from={FIRST}&to={FIRST}&compare=1"))
    for word in ("290 kB", "87", "29", "33.3 %", "20:00", "Tue 20 Feb 2024, 223 kB", "Busy clock hour"):
        assert word in told
    assert "counts for both" in told
    assert "counts for both" not in text_of(compose(services, "/", ""))
    assert "not kept" not in told


def test_what_a_segment_does_not_tell_of_a_category_is_said(services: Services) -> None:
    told = text_of(compose(services, "/", f"?segment=office&category=web&from={FIRST}&to={FIRST}"))
    assert "96.7 kB" in told
    assert told.count("by segment and category together") == 2


def test_categories_of_a_segment_are_told_by_day(services: Services) -> None:
    answer = compose(services, "/categories", "?segment=office&from=2024-02-20&to=2024-02-21&compare=1")
    told = text_of(answer)
    assert "Bytes a day, both ways" in told
    assert "Bytes by day" in told
    rows = [(row["name"], row["mean"], row["most"], row["customers"]) for row in grids(answer)[0]]
    assert rows == [("web", 29 * 3_333, 29 * 3_333, 29)]
    assert "2 are hidden" in told  # the other segment is hidden beside the address, which uses the web alone
    assert "flows" not in grids(answer)[0][0]
    assert "Bytes an hour, both ways" in text_of(compose(services, "/categories", ""))


def test_peak_times_of_a_segment(services: Services) -> None:
    told = text_of(compose(services, "/peaks", "?segment=office&from=2024-03-09&to=2024-03-10&compare=1"))
    assert "223 kB" in told
    assert "from 20:00, Sat 9 Mar 2024" in told  # on the day after the clocks go forward, the hour is from 21:00
    assert "10 Mar 2024 has 23 hours" in told
    assert f"of segment office, in {ZONE}" in told


@pytest.mark.parametrize("path", PATHS)
def test_every_figure_of_a_segment_is_valid(path: str, services: Services) -> None:
    answer = compose(services, path, "?segment=office&compare=1", "dark")
    assert figures(answer)
    for figure in figures(answer):
        go.Figure(figure)
    assert "customer_segments" in {state.table for state in answer.states}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "search", ["?segment=evening+streaming", "?segment=evening+streaming&segment=office", "?segment=office&plan=ultra"]
)
def test_a_segment_that_tells_of_few_is_refused(path: str, search: str, services: Services) -> None:
    answer = compose(services, path, search)  # all segments leave one address, and so does the smaller of them
    assert (figures(answer), grids(answer)) == ([], [])
    assert "too small to be shown" in text_of(answer)


@pytest.mark.parametrize("path", PATHS)
def test_a_segments_days_are_the_providers(path: str, services: Services) -> None:
    answer = compose(services, path, "?segment=office&zone=utc")
    assert "provider's own days" in answer.reasons["zone"]
    assert "zone" not in compose(services, path, "?zone=utc").reasons


def test_peak_times_of_segments_take_plans_and_regions_and_no_category(services: Services) -> None:
    answer = compose(services, "/peaks", "?segment=office&region=metro&category=web")
    assert set(answer.reasons) == {"zone", "category"}
    assert "not kept by category" in answer.reasons["category"]
    assert peaks.label_of(Filters(segments=("office",), regions=("metro",))) == "segment office, region metro"
    shown = text_of(compose(services, "/peaks", "?segment=office"))
    assert "Clock hour of greatest load of segment office" in shown
    assert "top 5 % of 60-minute samples" in shown
    assert [busy_words(minutes) for minutes in (60, 5)] == ["Clock hour", "60 minutes"]


def test_services_are_not_told_by_segment(services: Services) -> None:
    answer = compose(services, "/categories", "?within=web&segment=office&zone=utc")
    assert any("segment filter was not used" in problem for problem in answer.problems)
    assert "zone" not in answer.reasons
    assert [row["name"] for row in grids(answer)[0]] == ["https"]
    assert "counts for both" not in text_of(answer)


def test_a_tier_leaves_segments_and_the_zone_behind(services: Services) -> None:
    links = [
        part.href for part in parts(compose(services, "/peaks", "?segment=office").content) if hasattr(part, "href")
    ]
    assert "/peaks?tier=High" in links
    assert "/peaks?segment=office" in links
