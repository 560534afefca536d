"""The real pages in the real Chromium: every page, filters, clicks, and not one error in the console.

Screenshots go to ``TELFLOW_SCREENSHOTS`` where it is set, else to pytest's own folder.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from telflow.dashboard.pages import PAGES
from tests.dashboard.server import running_server

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs the program chromium: apt-get install chromium"),
]
PAPER = 703  # pixels of print between the margins of A4
PATIENCE = 30_000  # milliseconds: two cores run the server, the browser and the rest of the suite


@pytest.fixture(scope="module")
def address(dashboard_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(dashboard_lake, log, "dashboard.workers=1") as served:
        yield served
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, headless=True, viewport={"width": 1440, "height": 900}
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("TELFLOW_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda asked: None if is_own(asked.url, address) else faults.append(f"asked {asked.url}"))
    yield opened
    opened.close()
    assert faults == []


def is_own(url: str, address: str) -> bool:
    """Whether ``url`` is the dashboard's own, or no address at all."""
    return url.startswith((address, "data:", "blob:"))


def choose(page: Page, name: str, option: str) -> None:
    """Pick ``option`` in the filter ``name``."""
    page.get_by_role("textbox", name=name).or_(page.get_by_role("combobox", name=name)).first.click()
    page.get_by_role("option", name=option).click()


def settled(page: Page) -> None:
    """Wait until charts are drawn and nothing loads."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_every_page_is_drawn(path: str, scheme: str, page: Page, address: str, pictures: Path) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.add_init_script("localStorage.removeItem('scheme')")
    page.goto(address + path)
    settled(page)
    name = next(one.name for one in PAGES if one.path == path)
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
    expect(page).to_have_title(re.compile(re.escape(name)))
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.locator("#footer")).to_contain_text("Synthetic data")
    expect(page.locator("#footer")).to_contain_text("version 0")
    page.screenshot(path=pictures / f"{path.strip('/') or 'overview'}-{scheme}.png", full_page=True)


def test_a_filter_goes_into_the_address_and_comes_back_from_it(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    settled(page)
    choose(page, "Category", "web")
    page.wait_for_url("**/?category=web")
    page.locator("#filter-compare").click(force=True)
    page.wait_for_url("**/?category=web&compare=1")
    page.reload()
    settled(page)
    expect(page.locator(".filter-category")).to_contain_text("web")
    expect(page.locator("#filter-compare")).to_be_checked()
    page.get_by_role("link", name="Peak times").click()
    page.wait_for_url("**/peaks?category=web&compare=1")
    page.go_back()
    page.wait_for_url("**/?category=web&compare=1")
    page.get_by_role("link", name="Clear filters").click()
    page.wait_for_url(f"{address}/")


def test_every_filter_of_an_address_survives_the_start(page: Page, address: str) -> None:
    search = "?from=2024-03-01&to=2024-03-07&zone=utc&category=gaming&category=web&plan=basic&compare=1"
    page.goto(f"{address}/{search}")
    settled(page)
    assert page.url == f"{address}/{search}"
    expect(page.locator(".filter-plan")).to_contain_text("basic")


def test_no_link_leads_out_of_a_made_up_address(page: Page, address: str) -> None:
    page.goto(f"{address}//evil.example/")
    expect(page.locator("#page")).to_contain_text("is not an address of this dashboard")
    expect(page.get_by_role("link", name="Clear filters")).to_have_attribute("href", "/")


def test_a_click_on_a_bar_filters(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    settled(page)
    page.locator("section[aria-label='Largest categories'] .barlayer .point path").first.click(force=True)
    page.wait_for_url(re.compile(r"\?category=\w+"))


def test_two_clicks_at_once_are_one_and_a_later_one_takes_it_back(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    settled(page)
    bar = page.locator("section[aria-label='Largest categories'] .barlayer .point path").first
    bar.dblclick(force=True)
    page.wait_for_url(re.compile(r"\?category=\w+$"))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    assert "category=" in page.url
    expect(page.locator("section[aria-label='Largest categories'] .barlayer .point")).to_have_count(1)
    bar.click(force=True)
    page.wait_for_url(f"{address}/")


def test_a_segment_is_chosen_on_the_traffic_pages(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    settled(page)
    choose(page, "Segment", "office")
    page.wait_for_url("**/?segment=office")
    expect(page.locator("#page")).to_contain_text("counts for both")
    expect(page.locator(".tiles")).to_contain_text("Busy clock hour")
    expect(page.locator("#filter-zone")).to_be_disabled()
    page.get_by_role("link", name="Peak times").click()
    page.wait_for_url("**/peaks?segment=office")
    expect(page.locator("section[aria-label='Hour by weekday']")).to_contain_text("of segment office")
    page.get_by_role("link", name="Traffic categories").click()
    page.wait_for_url("**/categories?segment=office")
    page.locator(".ag-row").filter(has_text="web").first.locator(".ag-cell").first.click()
    page.wait_for_url("**/categories?segment=office&within=web")
    expect(page.locator("#problems")).to_contain_text("The segment filter was not used")


def test_rows_are_picked_by_the_keyboard_and_one_sees_where_one_is(page: Page, address: str) -> None:
    page.goto(f"{address}/categories")
    settled(page)
    cell = page.locator(".ag-row").filter(has_text="web").first.locator(".ag-cell").first
    cell.focus()
    outlined = "cell => getComputedStyle(cell).outlineStyle + ' ' + getComputedStyle(cell).outlineWidth"
    assert cell.evaluate(outlined) == "solid 2px"
    page.keyboard.press("Enter")
    page.wait_for_url("**/categories?within=web")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_a_page_prints_within_the_paper(path: str, scheme: str, page: Page, address: str, pictures: Path) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.add_init_script("localStorage.removeItem('scheme')")
    page.goto(address + path)
    settled(page)
    chosen = page.locator(".print-only")
    expect(chosen).to_be_hidden()
    page.emulate_media(media="print", color_scheme="dark" if scheme == "dark" else "light")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    edges = "[...document.querySelectorAll('#page, #page .main-svg, #page .card')].map(e => e.getBoundingClientRect())"
    lefts, rights = page.evaluate(f"(edges => [edges.map(e => e.left), edges.map(e => e.right)])({edges})")
    assert max(rights) - min(lefts) <= PAPER
    expect(page.locator(".filters")).to_be_hidden()
    expect(chosen).to_be_visible()
    expect(chosen).to_contain_text("Tue 20 Feb 2024 to Mon 18 Mar 2024")
    page.pdf(path=pictures / f"{path.strip('/') or 'overview'}-{scheme}.pdf", format="A4", print_background=True)


def test_rows_lead_down_to_ports_and_the_path_back_up(page: Page, address: str) -> None:
    page.goto(f"{address}/categories")
    settled(page)
    page.locator(".ag-row").filter(has_text="web").first.locator(".ag-cell").first.click()
    page.wait_for_url("**/categories?within=web")
    page.locator(".ag-row").filter(has_text="https").first.locator(".ag-cell").first.click()
    page.wait_for_url("**/categories?service=https&within=web")
    expect(page.locator(".ag-row").filter(has_text="443")).to_be_visible()
    page.get_by_role("link", name="All categories").click()
    page.wait_for_url("**/categories")


def test_what_is_hidden_is_not_in_any_response(page: Page, address: str) -> None:
    answers: list[str] = []
    page.on("response", lambda one: answers.append(one.text()) if "_dash-update" in one.url else None)
    page.goto(f"{address}/?plan=ultra")
    expect(page.locator("#page")).to_contain_text("too small to be shown")
    page.wait_for_load_state("networkidle")
    assert answers
    assert not any("sub_" in answer or "ip_" in answer or '"bar"' in answer for answer in answers)


def test_the_keyboard_gets_to_the_content_at_once(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    settled(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_form_is_filled_right_and_wrong_and_asked_what_if(page: Page, address: str) -> None:
    page.goto(f"{address}/churn")
    settled(page)
    answer = page.locator("#churn-answer")
    complaints = page.get_by_role("textbox", name="complaints in the last 28 days")
    complaints.fill("some")
    page.get_by_role("button", name="Predict").click()
    expect(answer).to_contain_text("Nothing was predicted")
    expect(answer).to_contain_text("some is no number")
    expect(complaints).to_have_attribute("aria-invalid", "true")
    expect(answer.locator(".js-plotly-plot")).to_have_count(0)
    complaints.fill("2")
    page.get_by_role("button", name="Predict").click()
    expect(answer).to_contain_text("+32.5 points")
    expect(answer).to_contain_text("changed: complaints in the last 28 days")
    expect(complaints).not_to_have_attribute("aria-invalid", "true")
    expect(answer.locator(".js-plotly-plot")).to_have_count(1)


def test_a_customer_fills_the_form(page: Page, address: str) -> None:
    page.goto(f"{address}/churn")
    settled(page)
    page.get_by_label("Customer (token)").fill("sub_basic00")
    page.get_by_role("button", name="Fill in").click()
    page.wait_for_url("**/churn?customer=sub_basic00")
    expect(page.get_by_role("textbox", name="complaints in the last 28 days")).to_have_value("1")


def test_a_level_is_chosen_exported_and_runs_are_compared(page: Page, address: str) -> None:
    page.goto(f"{address}/segments")
    settled(page)
    page.get_by_role("link", name="Require Upgrade").click()
    page.wait_for_url("**/segments?level=Require+Upgrade")
    expect(page.locator("section[aria-label='Customers at level Require Upgrade'] .ag-row").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all as CSV").click()
    assert download.value.suggested_filename.startswith("customers-Require Upgrade-")
    assert download.value.path().read_text().startswith("customer,")
    page.locator("section[aria-label='Runs'] .ag-row").first.locator(".ag-cell").first.click()
    page.wait_for_url(re.compile(r"runs=\w{8}"))


def test_a_click_into_a_treemap_filters(page: Page, address: str) -> None:
    page.goto(f"{address}/segments")
    settled(page)
    page.locator("section[aria-label='Segments'] .slice").filter(has_text="office").first.click()
    page.wait_for_url("**/segments?segment=office")
    expect(page.locator("section[aria-label='UFM levels']")).not_to_contain_text("Potential")
    page.locator("section[aria-label='UFM levels'] .slice").filter(has_text="Require").first.click()
    page.wait_for_url("**/segments?segment=office&level=Require+Upgrade")


def test_the_switch_sets_an_earlier_date_beside(page: Page, address: str) -> None:
    page.goto(f"{address}/segments")
    settled(page)
    title = "Segments, then and now"
    expect(page.locator(f"section[aria-label='{title}']")).to_have_count(0)
    page.locator("#filter-compare").click(force=True)
    page.wait_for_url("**/segments?compare=1")
    row = page.locator(f"section[aria-label='{title}'] .ag-row").filter(has_text="office")
    expect(row.locator(".ag-cell")).to_have_text(["office", "27", "29", "+7.4 %"])
    page.locator("#filter-compare").click(force=True)
    page.wait_for_url(f"{address}/segments")
    expect(page.locator(f"section[aria-label='{title}']")).to_have_count(0)
