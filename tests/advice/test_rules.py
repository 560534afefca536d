"""The reviewed rules: the table that came with the package, and each fault of a table named with its line."""

from pathlib import Path

import pytest

from telflow.advice.rules import COLUMNS, load_rules
from telflow.classify.categories import load_categories
from telflow.errors import ReviewedTableError

HEADER = ",".join(COLUMNS)
GOOD = "calls,voip & conferencing,0.05,voice quality,4,yes,clear calls"
CATEGORIES = ("voip & conferencing", "gaming")


def written(folder: Path, *lines: str) -> str:
    path = folder / "rules.csv"
    path.write_text("\n".join(["# version: 7", HEADER, *lines]) + "\n", encoding="utf-8")
    return str(path)


def test_the_table_of_the_package_names_a_service_for_each_need_of_the_study() -> None:
    told = load_rules(None, load_categories().meanings)
    assert told.version == "2"
    services = {rule.category: rule.service for rule in told.rules}
    assert services == {
        "streaming & media": "bandwidth boost",
        "gaming": "low latency",
        "vpn & tunnelling": "business line",
        "remote access": "business line",
        "voip & conferencing": "voice quality",
        "file transfer & storage": "upload boost",
    }
    assert all(0 < rule.least_share < 1 and rule.monthly_price > 0 for rule in told.rules)
    beside = {rule.service for rule in told.rules if rule.with_larger_plan}
    assert beside == {"low latency", "business line", "voice quality"}, "a larger plan brings bandwidth and upload"


def test_a_rule_is_read_as_it_stands(tmp_path: Path) -> None:
    told = load_rules(written(tmp_path, GOOD), known_categories=CATEGORIES)
    (rule,) = told.rules
    assert told.version == "7"
    assert (rule.name, rule.least_share, rule.monthly_price, rule.with_larger_plan) == ("calls", 0.05, 4.0, True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("calls,gamin,0.05,x,4,yes,n", "line 4, column category: 'gamin' is not known; did you mean 'gaming'?"),
        ("calls,gaming,0.05,x,4,yes,n", "line 4, column rule: 'calls' stands there twice"),
        ("play,gaming,1.01,x,4,yes,n", "line 4, column least_share: '1.01' is no number from 0 to 1"),
        ("play,gaming,-0.01,x,4,yes,n", "column least_share: '-0.01'"),
        ("play,gaming,much,x,4,yes,n", "column least_share: 'much'"),
        ("play,gaming,0.5,x,nan,yes,n", "column monthly_price: 'nan' is no number not below 0"),
        ("play,gaming,0.5,x,inf,yes,n", "column monthly_price: 'inf'"),
        ("play,gaming,0.5,x,4,yes,rates of 5G", "column need: 'rates of 5G' holds a number"),
        (",gaming,0.5,x,4,yes,n", "line 4, column rule: it is empty"),
        ("play,gaming,0.5, ,4,yes,n", "line 4, column service: it is empty"),
        ("play,gaming,0.5,x,4,yes,", "line 4, column need: it is empty"),
        ("play,gaming,0.5,x,4,perhaps,n", "column with_larger_plan: 'perhaps' is not known"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ReviewedTableError) as told:
        load_rules(written(tmp_path, GOOD, line), known_categories=CATEGORIES)
    assert message in str(told.value)


@pytest.mark.parametrize("share", ["0", "1"])
def test_shares_at_the_ends_are_shares(tmp_path: Path, share: str) -> None:
    told = load_rules(written(tmp_path, f"play,gaming,{share},x,0,no,n"), known_categories=CATEGORIES)
    assert told.rules[0].least_share == float(share)
