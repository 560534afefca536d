"""When the synthetic network is busy: the week of a real mobile network, bent by each segment's own hours."""

import csv
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np

from telflow.errors import InputError
from telflow.simulate.catalogue import SEGMENTS, Segment
from telflow.simulate.draws import Floats, Integers

HOURS_PER_WEEK = 168
SLOTS_PER_DAY = 48
SLOT_SECONDS = 1800


def weekly_profile(hourly: Floats, first_weekday: int) -> Floats:
    """Mean load by hour of the week over its own mean, Monday 00:00 first.

    Args:
        hourly: load by cell and hour of local time, whole days, the first column at midnight.
        first_weekday: weekday of the first column, 0 Monday to 6 Sunday.
    """
    total = hourly.sum(axis=0)
    hour_of_week = (first_weekday * 24 + np.arange(len(total))) % HOURS_PER_WEEK
    profile = np.bincount(hour_of_week, total, HOURS_PER_WEEK) / np.bincount(hour_of_week, minlength=HOURS_PER_WEEK)
    return np.asarray(profile / profile.mean())


@cache
def network_profile() -> Floats:
    """The profile that came with the package: 168 weights of mean 1, Monday 00:00 first."""
    path = resources.files("telflow.simulate") / "resources" / "weekly_rhythm.csv"
    with path.open(encoding="ascii") as file:
        weights = [float(row["weight"]) for row in csv.DictReader(file)]
    if len(weights) != HOURS_PER_WEEK:
        raise InputError(f"{path} holds {len(weights)} hours, a week has {HOURS_PER_WEEK}: restore the file")
    return np.array(weights)


@cache
def segment_profiles() -> Floats:
    """Weights by segment and hour of the week, each segment's of mean 1."""
    profiles = np.array([network_profile() * own_hours(segment) for segment in SEGMENTS])
    return np.asarray(profiles / profiles.mean(axis=1, keepdims=True))


def own_hours(segment: Segment) -> Floats:
    """Factors by hour of the week that make the network's rhythm the segment's."""
    factors = np.ones((7, 24))
    for start, end, factor in segment.hours:
        factors[:, start:end] *= factor
    factors[5:] *= segment.weekend
    return factors.reshape(-1)


def slots(utc_day: date, first_local_day: date, zone: str) -> tuple[Integers, Integers]:
    """The 48 half hours of ``utc_day`` as (days since ``first_local_day``, hour of the week) of the local clock."""
    midnight = datetime(utc_day.year, utc_day.month, utc_day.day, tzinfo=UTC)
    local = [
        (midnight + timedelta(seconds=SLOT_SECONDS * slot)).astimezone(ZoneInfo(zone)) for slot in range(SLOTS_PER_DAY)
    ]
    days = np.array([(at.date() - first_local_day).days for at in local], dtype=np.int64)
    return days, np.array([at.weekday() * 24 + at.hour for at in local], dtype=np.int64)


def utc_days(first_local_day: date, days: int, zone: str) -> list[date]:
    """The UTC days that ``days`` local days from ``first_local_day`` lie in."""

    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    first = midnight(first_local_day).date()
    last = (midnight(first_local_day + timedelta(days=days)) - timedelta(microseconds=1)).date()
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
