"""The week of the network: taken from real cells, bent by segments, in local time with its 23- and 25-hour days."""

from datetime import date
from pathlib import Path

import numpy as np

from telflow.simulate.catalogue import SEGMENT_NAMES
from telflow.simulate.rhythm import network_profile, segment_profiles, slots, utc_days, weekly_profile

FRIDAY = 4
ZONE = "America/Vancouver"


def test_weekly_profile_of_a_week_that_is_known() -> None:
    hourly = np.ones((2, 336))
    hourly[:, 0] = 337.0  # the first hour is a Tuesday midnight, once in two weeks
    profile = weekly_profile(hourly, first_weekday=1)
    assert profile.argmax() == 24
    assert np.isclose(profile.mean(), 1)
    assert np.isclose(profile[24] / profile[0], 169)


def test_the_resource_is_what_the_cells_say(samples: Path) -> None:
    lines = (samples / "peaks" / "milan_cells_hourly.csv").read_text(encoding="ascii").splitlines()
    complete = np.array([[float(value) for value in line.split(",")] for line in lines if line.count(",") == 1487])
    assert len(complete) == 211
    np.testing.assert_allclose(network_profile(), weekly_profile(complete, FRIDAY), atol=5e-5)


def test_every_profile_is_a_week_of_mean_one() -> None:
    assert segment_profiles().shape == (len(SEGMENT_NAMES), 168)
    np.testing.assert_allclose(segment_profiles().mean(axis=1), 1)


def test_segments_keep_their_own_hours() -> None:
    week = {name: profile.reshape(7, 24) for name, profile in zip(SEGMENT_NAMES, segment_profiles(), strict=True)}
    assert week["streamer"].mean(axis=0).argmax() in range(19, 24)
    assert week["remote worker"].mean(axis=0).argmax() in range(8, 18)
    assert week["uploader"].mean(axis=0).argmax() in range(6)
    assert week["remote worker"][5:].mean() < 0.5 * week["remote worker"][:5].mean()
    assert week["gamer"][5:].mean() > 1.2 * week["gamer"][:5].mean()


def test_slots_are_local() -> None:
    days, hours = slots(date(2024, 1, 1), date(2024, 1, 1), ZONE)
    assert days.tolist() == [-1] * 16 + [0] * 32  # midnight in Vancouver is 08:00 UTC
    assert hours[16] == 0  # a Monday
    assert hours[0] == 6 * 24 + 16  # the Sunday before, 16:00


def test_an_hour_is_missing_in_spring_and_twice_in_autumn() -> None:
    _, spring = slots(date(2024, 3, 10), date(2024, 3, 10), ZONE)
    assert (spring % 24 == 2).sum() == 0
    _, autumn = slots(date(2024, 11, 3), date(2024, 11, 3), ZONE)
    assert (autumn % 24 == 1).sum() == 4


def test_utc_days_cover_the_local_days_and_no_more() -> None:
    assert utc_days(date(2024, 1, 1), 1, ZONE) == [date(2024, 1, 1), date(2024, 1, 2)]
    assert utc_days(date(2024, 1, 1), 1, "UTC") == [date(2024, 1, 1)]
    assert len(utc_days(date(2024, 1, 1), 60, ZONE)) == 61
