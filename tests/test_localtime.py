"""Zones whose hours begin with those of UTC, and those whose hours do not."""

import pytest

from telflow.localtime import keeps_whole_hours


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", True),
        ("America/Vancouver", True),
        ("Asia/Kathmandu", False),  # 5 h 45 min
        ("Australia/Lord_Howe", False),  # half an hour of summer time
        ("Asia/Pyongyang", False),  # half hours from 2015 to 2018 alone
    ],
)
def test_whole_hours(zone: str, *, expected: bool) -> None:
    assert keeps_whole_hours(zone) is expected
