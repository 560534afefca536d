"""The flows of synthetic customers on one UTC day: Poisson numbers by half hour, everything drawn in columns."""

from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl

from telflow.simulate.catalogue import (
    ACTIVITIES,
    ACTIVITY_NAMES,
    PLANS,
    SERVERS_PER_ODD_SERVICE,
    TCP,
    UDP,
    service_table,
)
from telflow.simulate.customers import Customers
from telflow.simulate.draws import Booleans, Floats, Integers, generator
from telflow.simulate.leases import (
    ADDRESSES_PER_BLOCK,
    CUSTOMERS_PER_BLOCK,
    Calendar,
    address_numbers,
    address_text,
    ipv4,
    ipv6_text,
)
from telflow.simulate.rhythm import SLOT_SECONDS, SLOTS_PER_DAY, segment_profiles, slots

BYTES_SPREAD = 1.1  # sigma of the log of a flow's bytes
SECONDS_SPREAD = 1.0
LONGEST_SECONDS = 12 * 3600
LINE_SHARE = 0.8  # of the plan's rate that one flow may take
SERVERS_PER_SERVICE = 200
IPV6_FLOW_SHARE = 0.3
INBOUND_SHARE = {"remote access": 0.10, "iot & industrial": 0.05}  # opened from outside, to a server at the customer's
INTERNAL_SHARE = {"voip & conferencing": 0.08}  # to another customer
NO_MAC = "00:00:00:00:00:00"
GATEWAY_MAC = "02:ff:00:00:00:01"

OPEN_CLOSE, RESET, SYN, NO_FLAGS = "...AP.SF", "...APRS.", "......S.", "........"


@dataclass(frozen=True)
class Flows:
    """Columns of flows, one array each; times are milliseconds since midnight UTC of their UTC day."""

    start_ms: Integers
    end_ms: Integers
    src: pl.Series
    dst: pl.Series
    src_port: Integers
    dst_port: Integers
    protocol: Integers
    flags: pl.Series
    src_packets: Integers
    src_bytes: Integers
    dst_packets: Integers
    dst_bytes: Integers
    src_mac: pl.Series
    dst_mac: pl.Series
    service: pl.Series
    origin: pl.Series

    def frame(self) -> pl.DataFrame:
        """The columns as a table."""
        return pl.DataFrame({field.name: getattr(self, field.name) for field in fields(self)})


def customer_flows(customers: Customers, calendar: Calendar, utc_day: int, shard: int) -> Flows:
    """Flows that ``customers`` begin on ``utc_day`` (counted from the first UTC day)."""
    draw = generator(customers.settings.seed, "flows", utc_day, shard)
    customer, local_day, start_ms = draw_starts(customers, calendar, utc_day, draw)
    activity = draw_activities(customers, customer, local_day, draw)
    services = Services.table()
    service = services.draw(activity, draw)
    protocol, port = services.protocol[service], services.port[service]
    has_ports = np.isin(protocol, (TCP, UDP))

    bytes_up, bytes_down = draw_bytes(customers, customer, activity, draw)
    duration_ms = draw_durations(customers, customer, activity, bytes_up=bytes_up, bytes_down=bytes_down, draw=draw)
    is_v6 = customers.has_ipv6[customer] & has_ports & ~services.is_odd[service]
    is_v6 &= draw.random(len(customer)) < IPV6_FLOW_SHARE
    own = own_ends(customers, customer, start_ms // 1000 + utc_day * 86_400, utc_day, is_v6)
    remote = remote_ends(service, is_v6, services, draw)
    other = draw.integers(0, len(customers), len(customer))
    is_internal = below(INTERNAL_SHARE, activity, draw) & ~is_v6 & is_somebody(customers, customer, other, local_day)
    other_own = own_ends(customers, other, start_ms // 1000 + utc_day * 86_400, utc_day, np.zeros_like(is_v6))
    remote = remote.zip_with(pl.Series(~is_internal), other_own)
    is_inbound = below(INBOUND_SHARE, activity, draw) & ~is_internal

    client_port = np.where(has_ports, client_ports(len(customer), draw), 0)
    device = customer * 3 + (draw.random(len(customer)) * customers.devices[customer]).astype(np.int64)
    mac = pl.Series(mac_texts(customers)).gather(device)
    gateway = pl.repeat(GATEWAY_MAC, len(customer), eager=True)
    outbound = pl.Series(~is_inbound)
    resets = draw.random(len(customer)) < 0.06
    tcp_flags = pl.Series([OPEN_CLOSE, RESET]).gather(resets.astype(np.uint32))
    return Flows(
        start_ms=start_ms,
        end_ms=start_ms + duration_ms,
        src=own.zip_with(outbound, remote),
        dst=remote.zip_with(outbound, own),
        src_port=client_port,
        dst_port=port,
        protocol=protocol,
        flags=tcp_flags.zip_with(pl.Series(protocol == TCP), pl.repeat(NO_FLAGS, len(customer), eager=True)),
        src_packets=packets(np.where(is_inbound, bytes_down, bytes_up)),
        src_bytes=np.where(is_inbound, bytes_down, bytes_up),
        dst_packets=packets(np.where(is_inbound, bytes_up, bytes_down)),
        dst_bytes=np.where(is_inbound, bytes_up, bytes_down),
        src_mac=mac.zip_with(outbound, gateway),
        dst_mac=gateway.zip_with(outbound, mac),
        service=services.names.gather(service),
        origin=pl.repeat("customer", len(customer), eager=True),
    )


def draw_starts(
    customers: Customers, calendar: Calendar, utc_day: int, draw: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    """Position of the customer, local day and start (ms into the UTC day) of every flow."""
    local_days, hours_of_week = slots(calendar.epoch.date() + timedelta(days=utc_day), calendar.start, calendar.zone)
    expected = np.zeros((len(customers), SLOTS_PER_DAY))
    for day in np.unique(local_days):
        if not 0 <= day < calendar.days:
            continue
        weekday = int(calendar.start.weekday() + day) % 7
        share = customers.active_share[:, int(weekday >= 5)]
        rate = customers.flow_rates(int(day)).sum(axis=1) * customers.is_active(int(day), weekday) / share
        of_day = local_days == day
        profile = segment_profiles()[customers.segment][:, hours_of_week[of_day]]
        expected[:, of_day] = rate[:, None] * profile / SLOTS_PER_DAY
    counts = draw.poisson(expected).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    customer, slot = np.divmod(cell, SLOTS_PER_DAY)
    start_ms = slot * SLOT_SECONDS * 1000 + draw.integers(0, SLOT_SECONDS * 1000, len(cell))
    return customer, local_days[slot], start_ms


def draw_activities(
    customers: Customers, customer: Integers, local_day: Integers, draw: np.random.Generator
) -> Integers:
    """Activity of every flow, by the customer's rates on that day."""
    activity = np.zeros(len(customer), dtype=np.int64)
    at = draw.random(len(customer))
    for day in np.unique(local_day):
        rates = customers.flow_rates(int(day))
        cumulative = np.cumsum(rates, axis=1) / np.maximum(rates.sum(axis=1, keepdims=True), 1e-300)
        chosen = local_day == day
        passed = at[chosen][:, None] >= cumulative[customer[chosen]][:, :-1]
        activity[chosen] = passed.sum(axis=1)
    return activity


@dataclass(frozen=True)
class Services:
    """Server ports of all activities, as arrays."""

    names: pl.Series
    protocol: Integers
    port: Integers
    is_odd: Booleans
    cumulative: Floats

    @staticmethod
    @cache
    def table() -> "Services":
        """The catalogue's services, by activity."""
        rows = sorted(service_table(), key=lambda row: row[0])
        activity, names, protocol, port, share, is_odd = (list(column) for column in zip(*rows, strict=True))
        within = pl.DataFrame({"activity": activity, "share": share}).select(
            pl.col("activity") + pl.col("share").cum_sum().over("activity").clip(0, 1)
        )
        return Services(
            pl.Series(names), np.array(protocol), np.array(port), np.array(is_odd), within["activity"].to_numpy()
        )

    def draw(self, activity: Integers, draw: np.random.Generator) -> Integers:
        """A service for each activity, in proportion to the shares."""
        at = np.searchsorted(self.cumulative, activity + draw.random(len(activity)), side="right")
        last = np.searchsorted(self.cumulative, np.arange(len(ACTIVITIES)) + 1.0 + 1e-9, side="right") - 1
        return np.asarray(np.minimum(at, last[activity]), dtype=np.int64)

    def servers(self) -> pl.Series:
        """Addresses of the servers, SERVERS_PER_SERVICE for each service, in 198.18.0.0/15 (RFC 2544)."""
        base = (198 << 24) + (18 << 16)
        count = len(self.names)
        return pl.Series([ipv4(base + s * 256 + rank + 1) for s in range(count) for rank in range(SERVERS_PER_SERVICE)])

    def servers_v6(self) -> pl.Series:
        """The same in 2001:db8::/32 (RFC 3849)."""
        count = len(self.names)
        return pl.Series([f"2001:db8:{s + 1:x}::{r + 1:x}" for s in range(count) for r in range(SERVERS_PER_SERVICE)])


def remote_ends(service: Integers, is_v6: Booleans, services: Services, draw: np.random.Generator) -> pl.Series:
    """Server of every flow; their popularity falls as one over the rank (Zipf)."""
    known = np.where(services.is_odd[service], SERVERS_PER_ODD_SERVICE, SERVERS_PER_SERVICE)
    rank = np.floor((known + 1.0) ** draw.random(len(service))).astype(np.int64) - 1
    at = service * SERVERS_PER_SERVICE + np.minimum(rank, known - 1)
    return services.servers_v6().gather(at).zip_with(pl.Series(is_v6), services.servers().gather(at))


def own_ends(customers: Customers, customer: Integers, second: Integers, utc_day: int, is_v6: Booleans) -> pl.Series:
    """Address that each customer (position) holds at ``second``."""
    number = customers.number[customer]
    first_block = int(customers.number[0]) // CUSTOMERS_PER_BLOCK
    blocks = int(customers.number[-1]) // CUSTOMERS_PER_BLOCK + 1 - first_block
    low = first_block * ADDRESSES_PER_BLOCK
    texts = [address_text(low + offset) for offset in range(blocks * ADDRESSES_PER_BLOCK)]
    texts_v6 = [ipv6_text(int(value)) for value in customers.number]
    at = address_numbers(customers.settings, number, second, utc_day) - low
    return pl.Series(texts + texts_v6).gather(np.where(is_v6, len(texts) + customer, at))


def is_somebody(customers: Customers, customer: Integers, other: Integers, local_day: Integers) -> Booleans:
    """Whether ``other`` is another customer, and subscribed on that day."""
    signup, churn = customers.signup_day[other], customers.churn_day[other]
    return np.asarray((other != customer) & (signup <= local_day) & (local_day <= churn))


def draw_bytes(
    customers: Customers, customer: Integers, activity: Integers, draw: np.random.Generator
) -> tuple[Integers, Integers]:
    """Bytes up and down of every flow, lognormal around the customer's mean for the activity."""
    mean = customers.flow_bytes()[customer, activity]
    total = mean * np.exp(BYTES_SPREAD * draw.standard_normal(len(customer)) - BYTES_SPREAD**2 / 2)
    share = np.array([entry.up_share for entry in ACTIVITIES])[activity]
    odds = share / (1 - share) * np.exp(0.3 * draw.standard_normal(len(customer)))
    up = np.maximum(total * odds / (1 + odds), 60).astype(np.int64)
    return up, np.maximum(total / (1 + odds), 60).astype(np.int64)


def draw_durations(
    customers: Customers,
    customer: Integers,
    activity: Integers,
    *,
    bytes_up: Integers,
    bytes_down: Integers,
    draw: np.random.Generator,
) -> Integers:
    """Milliseconds of every flow: none or a few for look-ups, up to half a day else, and no faster than the line."""
    median = np.array([entry.seconds for entry in ACTIVITIES])[activity]
    drawn = median * np.exp(SECONDS_SPREAD * draw.standard_normal(len(customer)))
    quick = np.maximum(draw.random(len(customer)) - 0.6, 0.0) * 0.5
    down = np.array([plan.down_mbps for plan in PLANS])[customers.plan[customer]]
    up = np.array([plan.up_mbps for plan in PLANS])[customers.plan[customer]]
    needed = np.maximum(bytes_down / down, bytes_up / up) * 8e-6 / LINE_SHARE
    wanted = np.minimum(np.where(median > 0, drawn, quick), LONGEST_SECONDS)
    is_instant = (median == 0) & (quick == 0)
    return np.asarray(np.where(is_instant, 0, np.maximum(wanted, needed) * 1000)).astype(np.int64)


def client_ports(count: int, draw: np.random.Generator) -> Integers:
    """Ephemeral ports: mostly IANA's dynamic range, else the wider one that much equipment uses."""
    narrow, wide = draw.integers(49152, 65536, count), draw.integers(32768, 61000, count)
    return np.asarray(np.where(draw.random(count) < 0.8, narrow, wide))


def below(shares: dict[str, float], activity: Integers, draw: np.random.Generator) -> Booleans:
    """True for the part of the flows of each activity that ``shares`` gives, drawn anew."""
    share = np.array([shares.get(name, 0.0) for name in ACTIVITY_NAMES])[activity]
    return np.asarray(draw.random(len(activity)) < share)


def packets(volume: Integers) -> Integers:
    """Packets that ``volume`` bytes take, about 900 bytes each."""
    return np.asarray(-(-volume // 900))


def mac_texts(customers: Customers) -> list[str]:
    """Locally administered MAC addresses, three for each customer."""
    texts = (f"{(2 << 40) + int(number) * 4 + device:012x}" for number in customers.number for device in range(3))
    return [":".join(text[at : at + 2] for at in range(0, 12, 2)) for text in texts]
