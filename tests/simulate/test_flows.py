"""What the flows of a small simulation hold of what was planted."""

import numpy as np
import polars as pl
import pytest

from telflow.settings import SimulateSettings
from telflow.simulate.catalogue import ACTIVITIES, ODD_SERVICES, SEGMENT_NAMES, TCP
from telflow.simulate.customers import NEVER, Customers, make_customers
from telflow.simulate.flows import GATEWAY_MAC, mac_texts
from telflow.simulate.leases import Calendar, true_leases
from telflow.simulate.run import unit_flows
from tests.simulate.conftest import every_flow, small_settings, total


def with_customer(flows: pl.DataFrame, customers: Customers) -> pl.DataFrame:
    """Flows of customers with their number, known by the MAC address, and the end that is theirs."""
    macs = pl.DataFrame({"mac": mac_texts(customers), "customer": np.repeat(customers.number, 3)})
    is_src = pl.col("src_mac") != GATEWAY_MAC
    own = flows.filter(pl.col("origin") == "customer").with_columns(
        mac=pl.when(is_src).then("src_mac").otherwise("dst_mac"),
        own=pl.when(is_src).then("src").otherwise("dst"),
        up=pl.when(is_src).then("src_bytes").otherwise("dst_bytes"),
    )
    return own.join(macs, on="mac", how="inner")


@pytest.fixture(scope="module")
def owned(flows: pl.DataFrame, customers: Customers) -> pl.DataFrame:
    return with_customer(flows, customers)


def test_every_flow_of_a_customer_has_a_device_of_his(flows: pl.DataFrame, owned: pl.DataFrame) -> None:
    assert owned.height == flows.filter(pl.col("origin") == "customer").height
    devices = owned.group_by("customer").agg(pl.col("mac").n_unique())["mac"]
    assert devices.is_between(1, 3).all()


def test_there_are_as_many_flows_as_asked_for(settings: SimulateSettings, owned: pl.DataFrame) -> None:
    expected = settings.customers * settings.days * settings.flows_per_customer_day
    assert abs(owned.height / expected - 1) < 0.35  # 60 customers vary by themselves


def test_true_leases_cover_the_customers_flows(owned: pl.DataFrame, customers: Customers, calendar: Calendar) -> None:
    leases = true_leases(customers, calendar).rename({"customer": "holder"})
    held = (
        owned.with_row_index("flow")
        .join(leases, left_on="own", right_on="address", how="left")
        .filter((pl.col("valid_from") <= pl.col("second")) & (pl.col("second") < pl.col("valid_to").fill_null(NEVER)))
    )
    assert held.height == owned.height
    assert (held["holder"] == held["customer"]).all()


def test_nobody_has_flows_outside_the_subscription(calendar: Calendar) -> None:
    settings = small_settings(customers=1200, days=14, flows_per_customer_day=5.0)
    customers = make_customers(settings, 0, 1200)
    months = Calendar(calendar.start, 14, calendar.zone)
    left = np.flatnonzero((customers.churn_day >= 1) & (customers.churn_day <= 11))
    joined = np.flatnonzero(customers.signup_day > 1)
    owned = with_customer(every_flow(settings), customers)
    seen = dict(owned.group_by("customer").agg(first=pl.min("second"), last=pl.max("second")).rows_by_key("customer"))
    before = [seen[int(who)][0][1] < months.midnight(int(customers.churn_day[who]) + 1) for who in left if who in seen]
    after = [seen[int(who)][0][0] >= months.midnight(int(customers.signup_day[who])) for who in joined if who in seen]
    assert before == [True] * len(before)
    assert after == [True] * len(after)
    assert len(before) > 0
    assert len(after) > 5


def test_segments_use_the_network_differently() -> None:
    settings = small_settings(customers=400, days=2)
    customers = make_customers(settings, 0, 400)
    owned = with_customer(every_flow(settings), customers).with_columns(
        segment=pl.col("customer").replace_strict(customers.number, [SEGMENT_NAMES[at] for at in customers.segment])
    )
    volume = pl.col("src_bytes") + pl.col("dst_bytes")
    told = owned.group_by("segment").agg(
        gaming=pl.col("service").is_in(["xbox", "blizwow", "quake"]).mean(),
        video=pl.col("service").is_in(["rtsp", "macromedia-fcs", "rtsps"]).mean(),
        iot=pl.col("service").is_in(["mqtt", "secure-mqtt", "coap"]).mean(),
        up_share=pl.col("up").sum() / volume.sum(),
        mean_bytes=volume.mean(),
    )
    by_segment = {row["segment"]: row for row in told.iter_rows(named=True)}
    assert set(by_segment) == set(SEGMENT_NAMES)

    def most(column: str) -> str:
        return str(max(by_segment, key=lambda name: float(by_segment[name][column])))

    assert most("gaming") == "gamer"
    assert most("video") == "streamer"
    assert most("iot") == "connected home"
    assert most("up_share") == "uploader"
    assert by_segment["streamer"]["mean_bytes"] > 5 * by_segment["connected home"]["mean_bytes"]


def test_evenings_are_busier_than_nights(flows: pl.DataFrame, calendar: Calendar) -> None:
    own = flows.filter(pl.col("origin") == "customer")
    hour = (own["second"].to_numpy() - calendar.midnight(0)) // 3600 % 24
    by_hour = np.bincount(hour, minlength=24)
    assert by_hour[19:23].mean() > 2 * by_hour[2:6].mean()


def test_some_flows_are_instant_some_last_hours_some_cross_midnight(flows: pl.DataFrame) -> None:
    duration = flows["end_ms"] - flows["start_ms"]
    assert (duration >= 0).all()
    assert (duration == 0).any()
    assert (duration > 3_600_000).any()
    assert ((flows["start_ms"] < 86_400_000) & (flows["end_ms"] > 86_400_000)).any()
    assert flows["start_ms"].is_between(0, 86_399_999).all()


def test_volumes_are_heavy_tailed(owned: pl.DataFrame) -> None:
    web = owned.filter(pl.col("service") == "https")
    used = (web["src_bytes"] + web["dst_bytes"]).sort(descending=True)
    assert total(used.head(used.len() // 10)) > 0.45 * total(used)


def test_services_stand_on_odd_ports_too(owned: pl.DataFrame) -> None:
    usual = {(s.protocol, s.port) for activity in ACTIVITIES for s in activity.services}
    odd = {(protocol, port): service for _, service, protocol, port, _ in ODD_SERVICES}
    seen = owned.select("protocol", "dst_port", "service").unique()
    for protocol, port, service in seen.iter_rows():
        assert (protocol, port) in usual or odd[(protocol, port)] == service
    assert any((protocol, port) in odd for protocol, port, _ in seen.iter_rows())


def test_flags_belong_to_tcp(flows: pl.DataFrame) -> None:
    is_bare = flows["flags"] == "........"
    assert (is_bare == (flows["protocol"] != TCP)).all()


def test_ipv6_stays_with_ipv6(flows: pl.DataFrame) -> None:
    src, dst = (flows[end].str.contains(":", literal=True) for end in ("src", "dst"))
    assert src.any()
    assert (src == dst).all()


def test_a_unit_is_made_again_as_it_was(settings: SimulateSettings, calendar: Calendar) -> None:
    assert unit_flows(settings, calendar, 1, 0).equals(unit_flows(settings, calendar, 1, 0))
    other = small_settings(seed=8)
    assert not unit_flows(settings, calendar, 1, 0).equals(unit_flows(other, calendar, 1, 0))
