"""Every page is a function of its address: what it shows, what it hides, and what it says."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from telflow import tables
from telflow.dashboard.busy import Peaks
from telflow.dashboard.compose import Services, compose, open_services
from telflow.dashboard.figures.categories import area_figure
from telflow.dashboard.figures.overview import volume_figure
from telflow.dashboard.figures.peaks import curve_figure, heat_figure
from telflow.dashboard.figures.reclassification import sankey_figure
from telflow.dashboard.figures.shapes import room, with_rest
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.page import Answer
from telflow.dashboard.pages import PAGES
from telflow.dashboard.queries import customers, peaks, types
from telflow.dashboard.readers import open_reader
from telflow.dashboard.style import REST, Figure, Look, bytes_axis, with_unit_ticks
from tests.dashboard.lakes import FIRST, counted_lake, lake_settings, write, write_traffic

LOOK = Look(("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800"), "#0072B2")
PATHS = [page.path for page in PAGES]


def parts(content: Any) -> Iterator[Any]:
    """Every component of a page."""
    if isinstance(content, list | tuple):
        for one in content:
            yield from parts(one)
    elif hasattr(content, "to_plotly_json"):
        yield content
        yield from parts(getattr(content, "children", None))


def figures(answer: Answer) -> list[Figure]:
    return [part.figure for part in parts(answer.content) if type(part).__name__ == "Graph"]


def grids(answer: Answer) -> list[list[dict[str, Any]]]:
    return [part.rowData for part in parts(answer.content) if type(part).__name__ == "AgGrid"]


def text_of(answer: Answer) -> str:
    return " ".join(
        str(value)
        for part in parts(answer.content)
        for value in (getattr(part, "title", None), getattr(part, "children", None))
        if isinstance(value, str) or (isinstance(value, list) and value and isinstance(value[0], str))
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("search", ["", "?compare=1", "?category=web&compare=1", "?from=2024-03-09&to=2024-03-10"])
@pytest.mark.parametrize("path", PATHS)
def test_every_figure_is_valid_and_told_in_words(path: str, search: str, scheme: Any, services: Services) -> None:
    answer = compose(services, path, search, scheme)
    assert figures(answer)
    for figure in figures(answer):
        go.Figure(figure)
    summaries = [part.children for part in parts(answer.content) if getattr(part, "className", "") == "summary"]
    assert len(summaries) == len(figures(answer))
    assert all(summaries)
    assert answer.states


def test_the_overview_adds_up(services: Services) -> None:
    answer = compose(services, "/", "?from=2024-02-20&to=2024-02-20")
    load = sum(10 if hour == 20 else 1 + hour % 3 for hour in range(24))
    told = text_of(answer)
    assert f"{load * 58 * 10_000 * 3 / 1e6:.0f} MB" in told or f"{load * 58 * 10_000 * 3 / 1e6:.1f} MB" in told
    assert "20:00" in told
    assert "58" in told


def test_default_days_are_the_newest_whole_ones(services: Services) -> None:
    period = compose(services, "/", "").period
    assert period is not None
    assert (period.first, period.last) == (date(2024, 2, 20), date(2024, 3, 18))


@pytest.mark.parametrize("search", ["?plan=ultra", "?plan=basic&plan=plus", "?plan=basic&plan=ultra", "?plan=plus"])
@pytest.mark.parametrize("path", ["/", "/categories", "/peaks"])
def test_a_small_group_is_never_shown_nor_what_would_give_it_away(path: str, search: str, services: Services) -> None:
    answer = compose(services, path, search)
    assert figures(answer) == []
    assert grids(answer) == []
    assert "too small to be shown" in text_of(answer)


def test_what_one_day_hides_cannot_be_had_from_more_days_or_categories(tmp_path: Path) -> None:
    users = {
        FIRST: {"web": 30, "email": 20, "chess": 15},
        FIRST + timedelta(days=1): {"web": 30, "email": 20, "chess": 2},
    }
    reader = open_reader(lake_settings(counted_lake(tmp_path, users)))

    def is_hidden(days: int, *names: str) -> bool:
        period = Period(FIRST, FIRST + timedelta(days=days - 1))
        filters = Filters(categories=names)
        return customers.guard_of(reader, filters, period, 10).forbids(filters)

    assert not is_hidden(1, "chess")
    assert is_hidden(2, "chess")
    assert is_hidden(2, "chess", "web")
    assert is_hidden(2, "email")
    assert not is_hidden(2, "chess", "email")
    assert not is_hidden(2, "web")


def utc_lake(root: Path) -> Path:
    """Three local days of America/Vancouver: three customers are on ultra on the first, twelve from then on."""
    for at, ultras in enumerate([3, 12, 12]):
        day, customers_of = FIRST + timedelta(days=at), {"basic": 30, "ultra": ultras}
        write(root, tables.CUSTOMER_DAILY, [
            {"local_date": day, "customer": f"sub_{plan}{number:02}", "customer_basis": "lease", "plan": plan,
             "region": "metro", "bytes_by_category": [("web", 9)]}
            for plan, most in customers_of.items() for number in range(most)
        ])  # fmt: skip
        write(root, tables.TRAFFIC_BY_WINDOW, [
            {"event_date": moment.date(), "window_start": moment, "service": "https", "category": "web", "plan": plan,
             "region": "metro", "dst_bytes": 1000 + at, "flows_started": 1}
            for hour in range(24) for plan in customers_of
            for moment in [datetime.combine(day, time(8), UTC) + timedelta(hours=hour)]
        ])  # fmt: skip
        write(root, tables.SCOPE_LOAD, [
            {"local_date": day, "scope_kind": kind, "scope": scope, "sample_start": moment, "sample_seconds": 3600,
             "bytes": 1000 + at}
            for kind, scope in [("network", "all"), ("plan", "ultra")] for hour in range(24)
            for moment in [datetime.combine(day, time(8), UTC) + timedelta(hours=hour)]
        ])  # fmt: skip
    return root


@pytest.mark.parametrize("path", ["/", "/categories", "/peaks"])
def test_days_of_utc_are_guarded_by_every_local_day_that_they_touch(path: str, tmp_path: Path) -> None:
    settings = lake_settings(utc_lake(tmp_path), "dashboard.min_group_customers=10")
    services = open_services(open_reader(settings), settings, PAGES)
    second = FIRST + timedelta(days=1)

    def is_shown(day: date, more: str = "") -> bool:
        return bool(figures(compose(services, path, f"?from={day}&to={day}&plan=ultra{more}")))

    assert not is_shown(FIRST)
    assert is_shown(second)
    assert not is_shown(second, "&zone=utc")  # its first eight hours are those of the day before
    assert is_shown(second + timedelta(days=1), "&zone=utc")


@pytest.mark.parametrize(
    ("zone", "touched"), [("America/Vancouver", (-1, 0)), ("Europe/Rome", (0, 1)), ("Etc/UTC", (0, 0))]
)
def test_days_of_utc_touch_local_days_on_either_side(zone: str, touched: tuple[int, int]) -> None:
    first, last = (FIRST + timedelta(days=days) for days in touched)
    assert types.days_touched(Period(FIRST, FIRST), "UTC", zone) == Period(first, last)
    assert types.days_touched(Period(FIRST, FIRST), zone, zone) == Period(FIRST, FIRST)


def write_labels(root: Path, *days: date) -> None:
    """What an exporter said of the web."""
    write(root, tables.RECLASSIFICATION, [
        {"event_date": day, "observed_application": "ssl", "service": "https", "category": "web",
         "registry_version": "1", "agreement": "same", "flows": 50, "bytes": 1000}
        for day in days
    ])  # fmt: skip


@pytest.fixture
def behind(tmp_path: Path) -> Services:
    """The second day has traffic, and nobody has counted its customers yet."""
    second = FIRST + timedelta(days=1)
    counted_lake(tmp_path, {FIRST: {"web": 30, "email": 20}})
    write_traffic(tmp_path, second, "web", "email")
    write(tmp_path, tables.SCOPE_LOAD, [{"local_date": FIRST, "scope_kind": "network", "sample_seconds": 300}])
    write_labels(tmp_path, FIRST, second)
    write(tmp_path, tables.IANA_PROTOCOLS, [{"registry_version": "1", "protocol": 6, "keyword": "tcp"}])
    write(tmp_path, tables.TRAFFIC_TYPES, [{"event_date": day, "flow_end": "dst"} for day in (FIRST, second)])
    settings = lake_settings(tmp_path, "dashboard.min_group_customers=10")
    return open_services(open_reader(settings), settings, PAGES)


@pytest.mark.parametrize("search", ["", "&category=web", "&compare=1"])
@pytest.mark.parametrize("path", ["/", "/categories", "/reclassification"])
def test_days_that_nobody_has_counted_are_hidden_in_words(path: str, search: str, behind: Services) -> None:
    first, second = (
        compose(behind, path, f"?from={day}&to={day}{search}") for day in (FIRST, FIRST + timedelta(days=1))
    )
    assert "customer_daily does not tell yet" not in text_of(first)
    assert "customer_daily does not tell yet how many customers" in text_of(second)
    assert "Click a bar to see it alone" not in text_of(second)
    assert not any(grids(second))


def test_services_and_labels_that_nobody_has_counted_are_hidden_in_words(tmp_path: Path) -> None:
    settings, day = lake_settings(counted_lake(tmp_path, {FIRST: {"web": 30}})), f"?from={FIRST}&to={FIRST}"
    write_labels(tmp_path, FIRST)

    def told(path: str, search: str = "") -> str:
        return text_of(compose(open_services(open_reader(settings), settings, PAGES), path, f"{day}{search}"))

    for path in ("/reclassification", "/categories"):
        assert "The table traffic_types is not there yet" in told(path, "&within=web")
    write(tmp_path, tables.IANA_PROTOCOLS, [{"registry_version": "1", "protocol": 6, "keyword": "tcp"}])
    write(tmp_path, tables.TRAFFIC_TYPES, [{"event_date": FIRST + timedelta(days=1), "flow_end": "dst"}])
    for path, search in (
        ("/reclassification", ""),
        ("/categories", "&within=web"),
        ("/categories", "&within=web&service=web"),
    ):
        assert "traffic_types does not tell yet how many customers" in told(path, search)
        assert "too small" not in told(path, search)


def test_services_are_not_compared(services: Services) -> None:
    answer = compose(services, "/categories", "?within=web&compare=1")
    assert "compare" in answer.reasons
    assert grids(answer)


def test_no_scores_are_told_as_that(tmp_path: Path) -> None:
    write_traffic(tmp_path, FIRST, "web")
    write(tmp_path, tables.CUSTOMER_SCORES, [])
    settings = lake_settings(tmp_path)
    told = text_of(compose(open_services(open_reader(settings), settings, PAGES), "/segments", ""))
    assert "There are no scores yet" in told


def test_moves_say_that_they_are_of_all_plans_and_regions(services: Services) -> None:
    words = "of all plans and regions"
    assert words not in text_of(compose(services, "/segments", ""))
    assert words in text_of(compose(services, "/segments", "?plan=basic"))


def test_ports_of_a_hidden_service_are_hidden(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    own = open_services(services.reader, services.settings, PAGES)
    monkeypatch.setattr(types, "hidden_services", lambda *_: {("web", "https")})
    answer = compose(own, "/categories", "?within=web&service=https")
    assert grids(answer) == []
    assert "too small to be shown" in text_of(answer)


def test_labels_of_a_hidden_category_are_hidden(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    own = open_services(services.reader, services.settings, PAGES)
    monkeypatch.setattr(customers.Guard, "forbids", lambda _, filters: filters.categories == ("gaming",))
    answer = compose(own, "/reclassification", "")
    assert "gaming" not in figures(answer)[0]["data"][0]["node"]["label"]


def test_a_small_tier_is_not_shown(dashboard_lake: Path) -> None:
    settings = lake_settings(dashboard_lake, "dashboard.min_group_customers=59")
    answer = compose(open_services(open_reader(settings), settings, PAGES), "/peaks", "?tier=High")
    assert figures(answer) == []
    assert "No tier High with at least 59 customers" in text_of(answer)


def test_no_chart_can_be_sent_to_others(services: Services) -> None:
    charts = [part for path in PATHS for part in parts(compose(services, path, "").content) if hasattr(part, "config")]
    assert charts
    assert all("sendChartToCloud" in chart.config["modeBarButtonsToRemove"] for chart in charts)


def test_what_cannot_apply_is_told(services: Services) -> None:
    answer = compose(services, "/peaks", "?category=web&plan=plus&catgory=x")
    assert any("plan filter was not used" in problem for problem in answer.problems)
    assert any("Did you mean category?" in problem for problem in answer.problems)
    assert set(answer.reasons) == {"plan", "region"}
    tier = compose(services, "/peaks", "?tier=High&zone=utc&segment=office")
    assert set(tier.reasons) == {"zone", "segment", "category", "plan", "region"}
    assert len(tier.problems) == 2


@pytest.mark.parametrize("path", ["/peaks", "/customers"])
def test_what_filters_choose_of_days_that_nobody_has_counted_is_told_as_that(path: str, behind: Services) -> None:
    second = FIRST + timedelta(days=1)
    answer = compose(behind, path, f"?from={second}&to={second}&category=web")
    assert "customer_daily does not tell yet how many customers" in text_of(answer)
    assert "too small" not in text_of(answer)
    assert (figures(answer), grids(answer)) == ([], [])


def test_busy_hours_of_utc_are_those_of_its_days(services: Services) -> None:
    told = text_of(compose(services, "/peaks", "?from=2024-02-22&to=2024-02-22&zone=utc"))
    assert "from 04:00, Thu 22 Feb 2024" in told  # 20:00 of the day before in America/Vancouver
    assert "of the whole network, in UTC" in told
    assert "04:00" in text_of(compose(services, "/", "?from=2024-02-22&to=2024-02-22&zone=utc"))
    changed = compose(services, "/peaks", "?from=2024-03-10&to=2024-03-10&zone=utc")
    assert "23 hours" not in text_of(changed)  # the clocks of UTC never change


def test_days_of_utc_that_the_lake_holds_a_part_of_are_left_out(services: Services) -> None:
    first, last = date(2024, 2, 20), date(2024, 3, 19)  # the local days are 20 February to 18 March
    inside = [date(2024, 2, 21), date(2024, 3, 18)]
    assert peaks.seen_whole(services.reader, [first, *inside, last], "UTC", "America/Vancouver") == inside
    assert peaks.seen_whole(services.reader, [first], "UTC", "America/Vancouver") == [first]
    assert peaks.seen_whole(services.reader, [], "UTC", "America/Vancouver") == []
    load = peaks.load_of(services.reader, Filters(), Period(first, inside[0]), "UTC", "America/Vancouver")
    assert load.get_column("day").unique().to_list() == inside[:1]


def test_days_without_data_and_unknown_pages_are_told(services: Services) -> None:
    assert "holds traffic from 2024-02-20" in text_of(compose(services, "/", "?from=2020-01-01&to=2020-01-02"))
    assert "is not an address" in text_of(compose(services, "/nowhere", ""))


def test_a_missing_table_names_its_job(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path)
    services = open_services(open_reader(settings), settings, PAGES)
    for path in PATHS:
        assert "run jobs/run_pipeline.py" in text_of(compose(services, path, ""))


def test_the_categories_drill_down_to_ports(services: Services) -> None:
    top = grids(compose(services, "/categories", ""))[0]
    assert {row["pick"] for row in top} == {"web", "gaming", "unassigned"}
    assert all(row["least"] <= row["mean"] <= row["most"] and row["least"] <= row["p95"] <= row["most"] for row in top)
    inside = grids(compose(services, "/categories", "?within=web"))[0]
    assert [(row["name"], row["share"]) for row in inside] == [("https", 1.0)]
    ports = grids(compose(services, "/categories", "?within=web&service=https"))[0]
    assert [(row["protocol"], row["port"], row["flows"]) for row in ports] == [("tcp", "443", 58 * 28)]


def test_reclassification_shows_agreement_and_types_as_the_study_had_them(services: Services) -> None:
    answer = compose(services, "/reclassification", "")
    assert "70.0 %" in text_of(answer)
    assert "77.8 %" in text_of(answer)
    disagreements, _, destination = grids(answer)
    assert [(row["observed"], row["service"]) for row in disagreements] == [("quic", "xbox")]
    assert ("443tcp", "https") in {(row["type"], row["service"]) for row in destination}


def test_clock_changes_are_marked(services: Services) -> None:
    answer = compose(services, "/peaks", "")
    assert "10 Mar 2024 has 23 hours" in text_of(answer)
    notes = [note["text"] for figure in figures(answer) for note in figure["layout"].get("annotations", ())]
    assert notes == ["23 h"]


def test_a_tier_is_looked_at_alone(services: Services) -> None:
    assert "category" in compose(services, "/peaks", "?tier=High").reasons
    assert "tier High" in text_of(compose(services, "/peaks", "?tier=High"))


def test_lines_of_the_mean_day_stand_where_they_should() -> None:
    curve = pl.DataFrame({"minute": [0, 60], "bits": [1.0, 3.0]})
    found = Peaks(datetime(2024, 1, 1, 20, 15, tzinfo=UTC), 9, 8.0, 1200, 7.0, 5.0, 2.0)
    lines = {line["name"]: line for line in curve_figure(curve, found, LOOK)["data"]}
    assert lines["TCBH (20:00)"]["x"] == [20.0, 20.0]
    assert lines["Busy hour of all days (20:15)"]["x"] == [20.25, 20.25]
    assert lines["p95 of samples"]["y"] == [5.0, 5.0]


def test_an_hour_of_the_week_without_load_stays_empty() -> None:
    cells = pl.DataFrame({"weekday": [1, 7], "hour": [0, 23], "bytes": [5.0, 6.0]})
    rows = heat_figure(cells, LOOK)["data"][0]["z"]
    assert (rows[0][0], rows[6][23], rows[3][12]) == (5.0, 6.0, None)


def test_areas_are_filled_up_with_zeros_and_the_rest_is_one() -> None:
    at = [date(2024, 1, 1), date(2024, 1, 2)]
    over = pl.DataFrame({"at": [at[0], at[1], at[0]], "name": ["a", "b", "c"], "bytes": [1, 2, 4]})
    stacked = with_rest(over, ["a"])
    data = area_figure(stacked, ["a", REST], "day", "UTC", LOOK)["data"]
    assert [(series["name"], series["y"]) for series in data] == [("a", [1, 0]), (REST, [4, 2])]


def test_hours_are_drawn_in_the_zone() -> None:
    over = pl.DataFrame({"at": [datetime(2024, 1, 1, 8, tzinfo=UTC)], "name": ["a"], "bytes": [1]})
    data = area_figure(over, ["a"], "hour", "America/Vancouver", LOOK)["data"]
    assert data[0]["x"] == [datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)]


def test_the_previous_period_is_drawn_day_by_day() -> None:
    now = pl.DataFrame({"day": [date(2024, 1, 3), date(2024, 1, 4)], "bytes": [1, 2]})
    before = pl.DataFrame({"day": [date(2024, 1, 1)], "bytes": [7]})
    line = volume_figure(now, before, LOOK)["data"][1]
    assert (line["x"], line["y"]) == ([date(2024, 1, 3)], [7])


def test_the_ways_of_the_sankey_keep_the_bytes() -> None:
    rows = [(f"app{number}", f"service{number}", f"category{number}", 10) for number in range(30)]
    shown = pl.DataFrame(rows, schema=["observed", "service", "category", "bytes"], orient="row")
    sankey = sankey_figure(shown, LOOK)["data"][0]
    assert sum(sankey["link"]["value"]) == 2 * 300
    assert sankey["node"]["label"].count(REST) == 3


def test_a_page_is_computed_once_a_version(dashboard_lake: Path) -> None:
    settings = lake_settings(dashboard_lake)
    services = open_services(open_reader(settings), settings, PAGES)
    assert compose(services, "/", "").content is compose(services, "/", "").content
    assert compose(services, "/", "").content is not compose(services, "/", "?compare=1").content


def test_ticks_have_a_space_before_the_unit() -> None:
    stacked = {"type": "bar", "x": ["a", "b"], "y": [1_000, 900]}
    figure = with_unit_ticks(
        {"data": [stacked, stacked], "layout": {"barmode": "stack", "yaxis": bytes_axis(LOOK, "")}}
    )
    assert figure["layout"]["yaxis"]["ticktext"] == ["0 B", "500 B", "1 kB", "1.5 kB", "2 kB"]
    assert figure["layout"]["yaxis"]["tickvals"] == [0, 500, 1_000, 1_500, 2_000]
    assert with_unit_ticks({"data": [], "layout": {"yaxis": bytes_axis(LOOK, "")}})["layout"]["yaxis"]["tickvals"] == [
        0
    ]


STUCK = re.compile(r"\d[kMGTPE]?(?:B|bit/s)(?!\w)|:[.~\d]*s\}|\}(?:B|bit/s)")


def words_of(value: Any) -> Iterator[str]:
    """Every text in a figure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from words_of(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from words_of(part)


@pytest.mark.parametrize("search", ["", "?compare=1", "?customer=sub_basic00", "?within=web"])
@pytest.mark.parametrize("path", PATHS)
def test_a_unit_stands_apart_from_its_number(path: str, search: str, services: Services) -> None:
    found = [word for figure in figures(compose(services, path, search)) for word in words_of(figure)]
    assert [word for word in found if STUCK.search(word)] == []


def test_labels_at_the_ends_of_bars_have_room() -> None:
    assert room([0.2, 0.5], 0.2) == [0.0, 0.6]
    assert room([-1.0, 4.0], 0.2) == [-2.0, 5.0]
    assert room([-1.0], 0.5) == [-1.5, 0.0]
    assert room([]) == [0.0, 0.2]
