"""Local days and hours of the provider's zone, those with 23 and 25 hours included."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

HOUR = timedelta(hours=1)
LOOKED_AT = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(60 * 52)]


@lru_cache
def keeps_whole_hours(zone: str) -> bool:
    """Whether local hours of ``zone`` begin with those of UTC, from 2000 on: not so in India, say, or Nepal."""
    offsets = {at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for at in LOOKED_AT}
    return not any(offset % HOUR for offset in offsets)


def local_time(at: Column, zone: str) -> Column:
    """What the clock in ``zone`` shows at ``at`` (timestamp, UTC)."""
    return F.from_utc_timestamp(at, zone)


def local_date(at: Column, zone: str) -> Column:
    """Day of ``at`` (timestamp, UTC) in ``zone``."""
    return F.to_date(local_time(at, zone))


def local_midnight(day: Column, zone: str) -> Column:
    """The moment (timestamp, UTC) at which ``day`` begins in ``zone``."""
    return F.to_utc_timestamp(day.cast("timestamp"), zone)


def hours_since_midnight(at: Column, zone: str) -> Column:
    """Whole hours elapsed since the local day of ``at`` began: 0 to 22, 23 or 24."""
    elapsed = F.unix_seconds(at) - F.unix_seconds(local_midnight(local_date(at, zone), zone))
    return F.floor(elapsed / 3600).cast("int")


def hours_in_day(day: str, zone: str) -> Column:
    """Hours that the local day in column ``day`` lasts: 23, 24 or 25."""
    begins, ends = (local_midnight(at, zone) for at in (F.col(day), F.date_add(day, 1)))
    return F.ceil((F.unix_seconds(ends) - F.unix_seconds(begins)) / 3600).cast("int")
