"""Noise is as much as asked for, and looks like that of the study's network."""

import polars as pl
import pytest

from telflow.settings import SimulateSettings
from telflow.simulate.noise import TUNNELS
from tests.simulate.conftest import every_flow, share, small_settings


@pytest.fixture(scope="module")
def network() -> pl.DataFrame:
    return every_flow(small_settings(customers=800, days=3))


@pytest.mark.parametrize("asked", [0.0, 0.2, 0.5])
def test_noise_is_the_share_that_was_asked_for(asked: float) -> None:
    flows = every_flow(small_settings(customers=400, days=2, noise_share=asked))
    assert abs(share(flows["origin"] != "customer") - asked) < 0.05


def test_three_in_four_scanners_are_small_and_seen_at_most_four_times(network: pl.DataFrame) -> None:
    for _, day in network.filter(pl.col("origin") == "scanner").group_by("utc_day"):
        sources = day.group_by("src").agg(flows=pl.len(), used=pl.col("src_bytes").sum())
        is_small = (sources["flows"] <= 4) & (sources["used"] < 1510)
        assert share(is_small) >= 0.75
        assert share(is_small) < 0.98


def test_some_scanners_come_every_day(network: pl.DataFrame) -> None:
    scans = network.filter(pl.col("origin") == "scanner")
    days = scans.group_by("src").agg(pl.col("utc_day").n_unique())["utc_day"]
    assert (days >= 3).sum() > 5
    assert share(days == 1) > 0.7


def test_scanners_mostly_hit_addresses_that_nobody_uses(network: pl.DataFrame) -> None:
    scans = network.filter(pl.col("origin") == "scanner")
    unused = scans["dst"].str.starts_with("10.240.")
    assert 0.93 < share(unused) < 0.99
    assert scans["src"].str.contains(r"^2[45]\d\.").all()
    assert (scans.filter(pl.col("flags") == "......S.")["src_bytes"] <= 240).all()


def test_tunnels_rank_by_bytes_as_in_the_study(network: pl.DataFrame) -> None:
    tunnels = network.filter(pl.col("origin") == "tunnel")
    ranked = (
        tunnels.group_by("service")
        .agg(used=(pl.col("src_bytes") + pl.col("dst_bytes")).sum())
        .sort("used", descending=True)["service"]
    )
    assert ranked.to_list() == ["ipsec-nat-t", "l2f", "https", "tinc", "http", "gre"]
    assert [entry[0] for entry in TUNNELS] == ranked.to_list()


def test_transit_has_no_own_end(network: pl.DataFrame) -> None:
    transit = network.filter(pl.col("origin") == "transit")
    assert transit.height > 0
    own = r"^(10\.|100\.64\.|172\.16\.|192\.168\.|fd)"
    assert not (transit["src"].str.contains(own) | transit["dst"].str.contains(own)).any()


def test_shards_share_the_noise(settings: SimulateSettings) -> None:
    whole = every_flow(settings)
    parts = every_flow(small_settings(files_per_day=3))
    assert abs(share(parts["origin"] != "customer") - share(whole["origin"] != "customer")) < 0.05
    assert abs(parts.height / whole.height - 1) < 0.1
