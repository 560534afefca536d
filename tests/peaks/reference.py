"""The same figures by plain arrays, a day at a time, to hold the Spark ones against."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Volumes = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """One row of scope_load, as far as peaks go."""

    scope_kind: str
    scope: str
    start: datetime
    seconds: int
    volume: int


@dataclass(frozen=True)
class Peak:
    """One row of peak_times."""

    days: int
    total: int
    busy_start: datetime
    busy: int
    adph: float
    tcbh_minute: int
    tcbh: float
    p95: float
    mean: float


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def length(day: date, zone: ZoneInfo) -> int:
    return int((midnight(day + timedelta(days=1), zone) - midnight(day, zone)).total_seconds())


def dense_day(samples: Iterable[Sample], day: date, step: int, zone: ZoneInfo) -> Volumes:
    volumes = np.zeros(length(day, zone) // step, dtype=np.int64)
    for sample in samples:
        volumes[int((sample.start - midnight(day, zone)).total_seconds()) // step] += sample.volume
    return volumes


def sliding_hours(volumes: Volumes, step: int) -> Volumes:
    return np.convolve(volumes, np.ones(3600 // step, dtype=np.int64), mode="valid")


def clock_hour(hours: Volumes, day: date, minute: int, step: int, zone: ZoneInfo) -> int:
    """Bytes of the 60 minutes that begin when the clock first shows ``minute``; 0 where it never does."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    shown = wall.astimezone(UTC)
    if shown.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return 0
    return int(hours[int((shown - midnight(day, zone)).total_seconds()) // step])


def peak(samples: list[Sample], days: list[date], zone: ZoneInfo) -> Peak:
    """Peak of one scope over ``days``, those without samples counting as empty."""
    step = samples[0].seconds
    by_day = {
        day: dense_day([s for s in samples if s.start.astimezone(zone).date() == day], day, step, zone) for day in days
    }
    hours = {day: sliding_hours(volumes, step) for day, volumes in by_day.items()}
    busy_day = max(days, key=lambda day: (hours[day].max(), -day.toordinal()))
    minutes = range(0, 23 * 60 + 1, step // 60)
    sums = [sum(clock_hour(hours[day], day, minute, step, zone) for day in days) for minute in minutes]
    descending = np.sort(np.concatenate(list(by_day.values())))[::-1]
    return Peak(
        days=len(days),
        total=int(descending.sum()),
        busy_start=midnight(busy_day, zone) + timedelta(seconds=int(hours[busy_day].argmax()) * step),
        busy=int(hours[busy_day].max()),
        adph=sum(int(of_day.max()) for of_day in hours.values()) / len(days),
        tcbh_minute=minutes[int(np.argmax(sums))],
        tcbh=max(sums) / len(days),
        p95=int(descending[len(descending) * 5 // 100]) * 8 / step,
        mean=int(descending.sum()) * 8 / sum(length(day, zone) for day in days),
    )


def peaks(samples: list[Sample], period_kind: str, zone_name: str) -> dict[tuple[date, str, str], Peak]:
    """Peaks of every scope and period in which it carried anything."""
    zone = ZoneInfo(zone_name)
    carried = [sample for sample in samples if sample.volume > 0]
    found = {}
    for start in sorted({period(sample, period_kind, zone) for sample in carried}):
        inside = [sample for sample in carried if period(sample, period_kind, zone) == start]
        days = sorted({sample.start.astimezone(zone).date() for sample in inside})
        for kind, scope in sorted({(sample.scope_kind, sample.scope) for sample in inside}):
            of_scope = [sample for sample in inside if (sample.scope_kind, sample.scope) == (kind, scope)]
            found[start, kind, scope] = peak(of_scope, days, zone)
    return found


def period(sample: Sample, period_kind: str, zone: ZoneInfo) -> date:
    day = sample.start.astimezone(zone).date()
    return day.replace(day=1) if period_kind == "month" else day
