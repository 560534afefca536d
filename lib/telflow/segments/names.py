"""Names of segments, from the profile of their centres: never from the numbers of clusters, which mean nothing.

A profile tells how far a segment's mean lies from that of all customers, in standard deviations of the evened-out
feature. The name says how much, what, and when, each where it stands out: ``light iot industrial at night``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

STANDS_OUT: Final = 0.5  # standard deviations
VOLUMES: Final = ("bytes_per_day", "bytes_down_per_day", "bytes_up_per_day", "connections_per_day")
TIMES: Final = {  # a quiet part of the day says little: the busy one is said
    "night_share": ("at night", ""),
    "morning_share": ("in the morning", ""),
    "afternoon_share": ("in the afternoon", ""),
    "evening_share": ("in the evening", ""),
    "weekend_share": ("at weekends", "on weekdays"),
}
FURTHER: Final = {
    "up_share": ("sending", "receiving"),
    "active_days": ("most days", "few days"),
    "recency_days": ("not lately", "lately"),
    "burstiness": ("in bursts", "steadily"),
    "trend_per_week": ("rising", "falling"),
    "devices": ("many devices", "few devices"),
    "bytes_per_connection": ("long flows", "short flows"),
    "active_hours_per_day": ("many hours", "few hours"),
    "last_week_share": ("more last week", "less last week"),
}
SHARE_PREFIX: Final = "share_"
MIXED: Final = "mixed use"

Profile = Mapping[str, float]


def segment_names(profiles: Sequence[Profile]) -> tuple[str, ...]:
    """A name for each of ``profiles``, no two alike.

    Args:
        profiles: of each segment, deviation by feature.
    """
    names = [segment_name(profile) for profile in profiles]
    times = Counter(names)
    told: dict[int, str] = {}
    for at in sorted(range(len(names)), key=lambda place: order(profiles[place])):
        name = names[at]
        told[at] = distinct(name, profiles[at], list(told.values())) if times[name] > 1 else name
    return tuple(told[at] for at in range(len(names)))


def order(profile: Profile) -> tuple[float, list[tuple[str, float]]]:
    """To sort profiles by, whatever the numbers of their clusters: volume first."""
    volume = next((profile[feature] for feature in VOLUMES if feature in profile), 0.0)
    return volume, sorted(profile.items())


def segment_name(profile: Profile) -> str:
    """How much, what, and when, in words."""
    return " ".join(part for part in (volume_word(profile), activity_words(profile), time_words(profile)) if part)


def volume_word(profile: Profile) -> str:
    """``heavy`` or ``light`` where the volume stands out."""
    for feature in VOLUMES:
        if feature in profile:
            return pick(profile[feature], "heavy", "light")
    return ""


def activity_words(profile: Profile) -> str:
    """The category whose share stands out most, ``mixed use`` where none does."""
    shares = {feature: value for feature, value in profile.items() if feature.startswith(SHARE_PREFIX)}
    foremost = max(shares, key=lambda feature: (shares[feature], feature), default=None)
    if foremost is None or shares[foremost] < STANDS_OUT:
        return MIXED
    return foremost.removeprefix(SHARE_PREFIX).replace("_", " ")


def time_words(profile: Profile) -> str:
    """The part of the day or week that stands out most, if any."""
    return outstanding(profile, TIMES)


def outstanding(profile: Profile, words: Mapping[str, tuple[str, str]]) -> str:
    """Words of the feature that stands out most of those that have ``words`` for it."""
    said = {feature: pick(profile[feature], *words[feature]) for feature in words if feature in profile}
    known = [feature for feature, word in said.items() if word]
    foremost = max(known, key=lambda feature: (abs(profile[feature]), feature), default=None)
    return "" if foremost is None else said[foremost]


def pick(value: float, high: str, low: str) -> str:
    """``high`` or ``low`` where ``value`` stands out, else nothing."""
    if abs(value) < STANDS_OUT:
        return ""
    return high if value > 0 else low


def distinct(name: str, profile: Profile, taken: Sequence[str]) -> str:
    """``name`` told apart from those ``taken`` by what stands out besides, by a count where nothing does."""
    extra = outstanding(profile, FURTHER)
    if extra and f"{name}, {extra}" not in taken:
        return f"{name}, {extra}"
    if name not in taken:
        return name
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"
