"""Customers and recommendations in the real Chromium: found by typing, clicked, exported."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.dashboard.test_browser import address, context, page, pictures, pytestmark, settled

__all__ = ["address", "context", "page", "pictures", "pytestmark"]  # fixtures, taken by name
ONE = "sub_basic00"


def plain(answer: str) -> str:
    """An answer with its slashes, which Dash writes as escapes."""
    return answer.replace("\\u002f", "/")


def test_a_customer_is_found_by_the_keyboard_alone(page: Page, address: str) -> None:
    page.goto(f"{address}/customers")
    settled(page)
    page.get_by_label("Find a customer by token").first.focus()
    page.keyboard.type("basic07", delay=30)
    expect(page.get_by_role("option", name="sub_basic07")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers?customer=sub_basic07")
    expect(page.locator(".crumbs [aria-current='page']")).to_have_text("sub_basic07")


def test_an_unknown_customer_stays_in_the_address_and_back_leads_back(page: Page, address: str) -> None:
    page.goto(f"{address}/customers")
    settled(page)
    page.goto(f"{address}/customers?customer=sub_nowhere")
    expect(page.locator("#page")).to_contain_text("There is no such customer")
    page.wait_for_load_state("networkidle")
    assert page.url == f"{address}/customers?customer=sub_nowhere"
    page.go_back()
    settled(page)
    assert page.url == f"{address}/customers"


def test_a_talkers_bar_leads_to_the_customer_and_its_flows(page: Page, address: str) -> None:
    page.goto(f"{address}/customers?from=2024-03-09&to=2024-03-10")
    settled(page)
    page.locator("section[aria-label='Top talkers'] .barlayer .point path").first.click(force=True)
    page.wait_for_url(re.compile(r"customer=sub_"))
    expect(page.locator("section[aria-label='Traffic types'] .ag-row").filter(has_text="443tcp")).to_be_visible()
    page.locator("section[aria-label='Destinations'] .barlayer .point path").last.click(force=True)
    page.wait_for_url(re.compile(r"destination="))


def test_a_destination_is_chosen_by_the_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}/customers?customer={ONE}")
    settled(page)
    page.get_by_role("navigation", name="Traffic types to").get_by_role("link", name="other destinations").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**destination=other+destinations")
    expect(page.locator("section[aria-label='Traffic types'] .ag-row").filter(has_text="3074tcp")).to_be_visible()
    expect(page.locator("section[aria-label='Traffic types'] .ag-row").filter(has_text="443tcp")).to_have_count(0)
    page.get_by_role("navigation", name="Traffic types to").get_by_role("link", name="all").click()
    page.wait_for_url(f"**/customers?customer={ONE}")


def test_what_is_not_told_is_said_so_and_nothing_has_no_sign_of_less(page: Page, address: str) -> None:
    page.goto(f"{address}/customers?customer={ONE}")
    settled(page)
    expect(page.locator("section[aria-label='Trend by category'] .ag-row").filter(has_text="gaming")).to_contain_text(
        "not told"
    )
    asked = {"told_points": [-0.0001, -0.112, None], "told_change": [0.246, None], "told_share": [0.998, None],
             "change": [-0.0004], "share": [None]}  # fmt: skip
    told = page.evaluate(
        "asked => Object.entries(asked).map(([kind, values]) => values.map(window.dashAgGridFunctions.telflow[kind]))",
        asked,
    )
    assert told == [
        ["+0.0 points", "\N{MINUS SIGN}11.2 points", "not told"], ["+24.6 %", "not told"], ["99.8 %", "not told"],
        ["+0.0 %"], ["hidden"],
    ]  # fmt: skip


def test_addresses_of_others_are_in_no_response(page: Page, address: str) -> None:
    answers: list[str] = []
    page.on("response", lambda one: answers.append(plain(one.text())) if "_dash-update" in one.url else None)
    page.goto(f"{address}/customers?customer={ONE}")
    settled(page)
    expect(page.locator("section[aria-label='Destinations']")).to_contain_text("other destinations")
    page.wait_for_load_state("networkidle")
    assert any("198.51.100.0/24" in answer for answer in answers)
    assert not any("203.0.113" in answer or "198.51.100.7" in answer or "ip_sub" in answer for answer in answers)


def test_a_list_is_exported_with_its_numbers(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/recommendations?kind=plan+up")
    settled(page)
    expect(page.locator("section[aria-label='Ranked list'] .ag-row").first).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="Ranked list: export to CSV").click()
    saved = tmp_path / "list.csv"
    started.value.save_as(saved)
    lines = saved.read_text().splitlines()
    assert started.value.suggested_filename == "recommendations.csv"
    assert len(lines) == 31
    assert '"plan up","plus","because plan up","volume","","16","0.75","12"' in lines[1]


def test_a_recommendation_leads_to_its_customer(page: Page, address: str) -> None:
    page.goto(f"{address}/recommendations")
    settled(page)
    page.locator("section[aria-label='Ranked list'] .ag-cell a").first.click()
    page.wait_for_url(re.compile(r"/customers\?customer=sub_"))
    settled(page)
