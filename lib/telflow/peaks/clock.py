"""The local clock of a peak: days of 23, 24 and 25 hours as stretches of UTC, and minutes shown twice or never."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

from telflow.localtime import local_midnight, local_time


def utc_days(local_days: Iterable[date], zone: str) -> list[date]:
    """UTC days that the local days lie in, sorted."""
    found: set[date] = set()
    for day in local_days:
        first = midnight(day, zone)
        last = midnight(day + timedelta(days=1), zone) - timedelta(microseconds=1)
        found.update((first.date(), last.date()))
    return sorted(found)


def midnight(day: date, zone: str) -> datetime:
    """First instant of the local ``day``, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_start_second(day: Column, zone: str) -> Column:
    """First second (bigint, from the epoch) of the local ``day`` (date)."""
    return F.unix_seconds(local_midnight(day, zone))


def day_end_second(day: Column, zone: str) -> Column:
    """First second (bigint, from the epoch) after the local ``day`` (date)."""
    return day_start_second(F.date_add(day, 1), zone)


def day_seconds(day: Column, zone: str) -> Column:
    """Length of the local ``day`` (date), bigint: 82,800, 86,400 or 90,000 seconds in most zones."""
    return day_end_second(day, zone) - day_start_second(day, zone)


def clock_minute(at: Column, zone: str) -> Column:
    """Minutes after midnight that the local clock shows at ``at`` (timestamp, UTC)."""
    return F.hour(local_time(at, zone)) * 60 + F.minute(local_time(at, zone))


def is_first_showing(at: Column, zone: str) -> Column:
    """Whether the clock shows the time of ``at`` for the first time; false in the hour an autumn day repeats."""
    return F.to_utc_timestamp(local_time(at, zone), zone) == at
