"""Numbers as people read them: SI prefixes, shares, and changes against an earlier value."""

from datetime import date, datetime

PREFIXES = ("", "k", "M", "G", "T", "P", "E")
HIDDEN = "hidden"
MINUS = "\N{MINUS SIGN}"


def scaled(value: float) -> tuple[float, str]:
    """``value`` over the power of 1000 that leaves it below 1000, and the SI prefix of that power."""
    for prefix in PREFIXES[:-1]:
        if abs(value) < 999.5:
            return value, prefix
        value /= 1000
    return value, PREFIXES[-1]


def with_prefix(value: float | None, unit: str) -> str:
    """``value`` in three digits with an SI prefix, such as 1.24 TB; hidden where there is none."""
    if value is None:
        return HIDDEN
    number, prefix = scaled(value)
    digits = 0 if abs(number) >= 99.95 or (not prefix and number == int(number)) else 1 if abs(number) >= 9.995 else 2
    return f"{number:.{digits}f} {prefix}{unit}".rstrip()


def volume(value: float | None) -> str:
    """Bytes, such as 1.24 TB (10^12 bytes)."""
    return with_prefix(value, "B")


def rate(value: float | None) -> str:
    """Bits a second, such as 24.1 Gbit/s."""
    return with_prefix(value, "bit/s")


def count(value: float | None) -> str:
    """A number of things, whole up to 100,000 and with a prefix above."""
    if value is None:
        return HIDDEN
    return f"{value:,.0f}" if abs(value) < 100_000 else with_prefix(value, "")


def share(value: float | None) -> str:
    """A part of 1 as per cent."""
    if value is None:
        return HIDDEN
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{value * 100:.0f} %" if value in (0, 1) else f"{value * 100:.1f} %"


def change(now: float | None, before: float | None) -> float | None:
    """Part by which ``now`` is above ``before``; none where there is nothing to compare with."""
    return None if now is None or not before else now / before - 1


def signed_share(value: float) -> str:
    """A change as per cent with its sign, such as +4.1 %."""
    return f"{round(value * 100, 1) + 0.0:+.1f} %".replace("-", MINUS)


def points(now: float, before: float) -> str:
    """The difference of two shares in percentage points, with its sign."""
    return f"{round((now - before) * 100, 1) + 0.0:+.1f} points".replace("-", MINUS)


def day(value: date) -> str:
    """A day, such as Fri 29 Feb 2024."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def clock(value: datetime) -> str:
    """A moment, such as Fri 29 Feb 2024, 20:35."""
    return f"{day(value)}, {value:%H:%M}"
