"""The best possible, from the planted hazards."""

from datetime import date

import pandas as pd
import pytest

from telflow.churn.truth import planted_probability

MONDAY = date(2024, 1, 1)


def weeks(*hazards: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer": "a",
            "week_start": [date(2024, 1, 1 + 7 * week) for week in range(len(hazards))],
            "churn_probability": hazards,
        }
    )


@pytest.mark.parametrize(
    ("as_of", "label_days", "expected"),
    [
        (date(2024, 1, 1), 7, 0.2),
        (date(2024, 1, 8), 14, 1 - 0.5 * 0.9),
        (date(2024, 1, 5), 7, 1 - 0.8 ** (3 / 7) * 0.5 ** (4 / 7)),
        (date(2024, 3, 1), 14, 0.0),
    ],
)
def test_weeks_count_by_their_days_in_the_window(as_of: date, label_days: int, expected: float) -> None:
    rows = pd.DataFrame({"customer": ["a", "unknown"], "as_of": as_of}, index=[4, 2])
    planted = planted_probability(rows, weeks(0.2, 0.5, 0.1), label_days)
    assert planted.tolist() == pytest.approx([expected, 0.0])
    assert planted.index.tolist() == [4, 2]
