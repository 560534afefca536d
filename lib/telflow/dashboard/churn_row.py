"""What the churn model looks at, of one subscriber: as ``telflow.churn.features`` has it, in the web process.

The job's features are made by Spark, for everybody; a page asks for one. A test compares the two row by row.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from telflow.dashboard.queries.churn import Known

Row = Mapping[str, Any]
Value = float | str | None
WINDOW_DAYS: Final = 28
RECENT_DAYS: Final = 14
WEEK: Final = 7
LEAST_EARLIER_DAYS: Final = 7
COMPLAINT_DAYS: Final = 84
ACTIVE_DAY_BYTES: Final = 10_000
SATURDAY: Final = 6
SILENT: Final = {"active_days": 0.0, "connections_per_day": 0.0, "bytes_per_day": 0.0, "active_hours_per_day": 0.0}


def churn_row(known: Known, as_of: date, history_days: int) -> dict[str, Value]:
    """Every column of the churn table for one subscriber; None where it is not known.

    Args:
        known: what the lake holds of it.
        as_of: local day after the last one looked at.
        history_days: days that the changes look back.
    """
    days = [{**day, "back": (as_of - day["local_date"]).days} for day in known.days.to_dicts()]
    signup = known.subscriber["signup_date"]
    return {
        **behaviour(days, known),
        **changes(days, as_of, history_days, max(signup, known.first_day)),
        **complaints(known, as_of),
        "tenure_days": float((as_of - signup).days),
        **{name: known.subscriber[name] for name in ("contract", "payment", "region", "plan")},
    }


def volume(day: Row) -> int:
    """Bytes of a day, both ways."""
    return int(day["bytes_up"] + day["bytes_down"])


def behaviour(days: list[dict[str, Any]], known: Known) -> dict[str, Value]:
    """What the active days of the last four weeks tell."""
    active = [day for day in days if day["back"] <= WINDOW_DAYS and volume(day) >= ACTIVE_DAY_BYTES]
    if not active:
        return {"recency_days": WINDOW_DAYS + 1.0, **SILENT}
    count, total = len(active), sum(map(volume, active))
    mean = total / WINDOW_DAYS
    squares = sum(volume(day) ** 2 for day in active)
    deviation = math.sqrt(max(squares / WINDOW_DAYS - mean * mean, 0.0))
    weekend = sum(volume(day) for day in active if day["local_date"].isoweekday() >= SATURDAY)
    devices = {token for day in active for token in known.devices.get(day["local_date"], ())}
    return {
        "recency_days": float(min(day["back"] for day in active)),
        "active_days": float(count),
        "connections_per_day": sum(day["connections"] for day in active) / count,
        "bytes_per_day": total / count,
        "up_share": sum(day["bytes_up"] for day in active) / total,
        "active_hours_per_day": sum(day["active_hours"] for day in active) / count,
        "devices": float(len(devices)),
        "weekend_share": weekend / total,
        "burstiness": (deviation - mean) / (deviation + mean),
        "trend_per_week": slope([(-day["back"], math.log(volume(day))) for day in active]) * WEEK,
        "last_week_share": sum(volume(day) for day in active if day["back"] <= WEEK) / total,
    }


def slope(points: list[tuple[int, float]]) -> float:
    """Least-squares slope; 0 with a single point."""
    middle = sum(at for at, _ in points) / len(points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    return sum((at - middle) * value for at, value in points) / spread if spread else 0.0


def changes(days: list[dict[str, Any]], as_of: date, history_days: int, begin: date) -> dict[str, Value]:
    """Mean of a day in one stretch over that in an earlier one, natural log; None where too little lies before."""
    known_days = min((as_of - begin).days, history_days)

    def total(of: Callable[[Row], int], oldest: int, newest: int) -> int:
        return sum(of(day) for day in days if newest < day["back"] <= oldest)

    def change(of: Callable[[Row], int], recent: int, oldest: int) -> float | None:
        before = min(known_days - recent, oldest - recent)
        if before < LEAST_EARLIER_DAYS:
            return None
        return math.log((total(of, recent, 0) / recent + 1) / (total(of, oldest, recent) / before + 1))

    def connections(day: Row) -> int:
        return int(day["connections"])

    return {
        "connections_change": change(connections, RECENT_DAYS, history_days),
        "volume_change": change(volume, RECENT_DAYS, history_days),
        "last_week_change": change(connections, WEEK, WINDOW_DAYS),
    }


def complaints(known: Known, as_of: date) -> dict[str, Value]:
    """Complaints of the last four weeks, and of the eight before those by four weeks, as far as they are known."""
    back = [(as_of - day).days for day in known.complaints]
    starts = [known.first_day, *([known.first_complaint] if known.first_complaint else [])]
    known_days = (as_of - max(known.subscriber["signup_date"], min(starts))).days - WINDOW_DAYS
    earlier_days = min(known_days, COMPLAINT_DAYS - WINDOW_DAYS)
    earlier = sum(WINDOW_DAYS < days <= COMPLAINT_DAYS for days in back)
    return {
        "complaints_28_days": float(sum(0 < days <= WINDOW_DAYS for days in back)),
        "complaints_earlier": earlier * WINDOW_DAYS / earlier_days if earlier_days >= LEAST_EARLIER_DAYS else None,
    }
