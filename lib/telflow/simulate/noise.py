"""What a network carries beside its customers: outside scanners, its own tunnels, transit.

Scanners: most sources are seen once or a few times with a bare SYN or probe (in a study of one hour at a provider
three in four sources used under 1,510 bytes and were seen at most 4 times), a few come again every day. They mostly
hit addresses that nobody uses. Their addresses lie in 240.0.0.0/4, which is reserved, so that nobody is accused.
Tunnels: the provider's gateways. Their traffic by bytes is ranked as in that study: ipsec-nat-t, l2f, https, tinc,
http, gre.
"""

from datetime import timedelta

import numpy as np
import polars as pl

from telflow.settings import SimulateSettings
from telflow.simulate.catalogue import GRE, ICMP, SEGMENTS, TCP, UDP
from telflow.simulate.customers import Customers
from telflow.simulate.draws import Booleans, Floats, Integers, bits, generator
from telflow.simulate.flows import (
    GATEWAY_MAC,
    LONGEST_SECONDS,
    NO_FLAGS,
    NO_MAC,
    OPEN_CLOSE,
    RESET,
    SYN,
    Flows,
    client_ports,
    packets,
)
from telflow.simulate.leases import ADDRESSES_PER_BLOCK, CUSTOMERS_PER_BLOCK, Calendar, address_text, ipv4
from telflow.simulate.rhythm import SLOT_SECONDS, SLOTS_PER_DAY, network_profile, slots

SCAN_SHARE, TUNNEL_SHARE = 0.75, 0.23  # of the noise; the rest is transit
ONE_OFF_SHARE = 0.55  # of the scans, from sources that are not seen again
ONE_OFF_FLOWS = (0.60, 0.20, 0.12, 0.08)  # shares of such sources with 1, 2, 3, 4 flows
PERSISTENT_SOURCES = 0.06  # scanners that come every day, per daily scan
USED_TARGET_SHARE = 0.04  # of the scans hit an address in use
TUNNEL_BYTES = 0.6  # bytes of tunnels over the customers'
GATEWAYS = 16
BASE_10, UNUSED_BASE, GATEWAY_BASE = 10 << 24, (10 << 24) + (240 << 16), (10 << 24) + (255 << 16)

# (service, protocol, server port, share of the tunnels' flows, share of their bytes, same port at both ends)
TUNNELS = (
    ("ipsec-nat-t", UDP, 4500, 0.26, 0.34, True),
    ("l2f", UDP, 1701, 0.20, 0.24, True),
    ("https", TCP, 443, 0.20, 0.17, False),
    ("tinc", TCP, 655, 0.12, 0.12, False),
    ("http", TCP, 80, 0.14, 0.08, False),
    ("gre", GRE, 0, 0.08, 0.05, True),
)
SCANNED_PORTS = (23, 22, 445, 3389, 80, 443, 8080, 5900, 1433, 2323, 6379, 5555)


def noise_flows(customers: Customers, calendar: Calendar, utc_day: int, shard: int) -> pl.DataFrame:
    """Noise that begins on ``utc_day``: the part of ``shard``, around its ``customers``."""
    settings = customers.settings
    draw = generator(settings.seed, "noise", utc_day, shard)
    local_days, hours_of_week = slots(calendar.epoch.date() + timedelta(days=utc_day), calendar.start, calendar.zone)
    is_covered = (local_days >= 0) & (local_days < calendar.days)
    daily = daily_noise(settings) / settings.files_per_day
    flat = is_covered / SLOTS_PER_DAY
    rhythmic = flat * network_profile()[hours_of_week]
    parts = [
        scans(customers, draw_slot_starts(daily * SCAN_SHARE * flat, draw), shard, draw),
        tunnels(settings, draw_slot_starts(daily * TUNNEL_SHARE * rhythmic, draw), draw),
        transit(draw_slot_starts(daily * (1 - SCAN_SHARE - TUNNEL_SHARE) * rhythmic, draw), draw),
    ]
    return pl.concat([part.frame() for part in parts])


def daily_noise(settings: SimulateSettings) -> float:
    """Expected noise flows of a day, so that they are ``noise_share`` of all."""
    of_customers = settings.customers * settings.flows_per_customer_day
    return of_customers * settings.noise_share / (1 - settings.noise_share)


def draw_slot_starts(expected: Floats, draw: np.random.Generator) -> Integers:
    """Start (ms into the UTC day) of flows whose expected number by half hour is given."""
    slot = np.repeat(np.arange(SLOTS_PER_DAY), draw.poisson(expected))
    return np.asarray(slot * SLOT_SECONDS * 1000 + draw.integers(0, SLOT_SECONDS * 1000, len(slot)))


def scans(customers: Customers, start_ms: Integers, shard: int, draw: np.random.Generator) -> Flows:
    """Probes from outside: SYNs of 40 to 60 bytes, small datagrams, echo requests; few are answered, by a reset."""
    settings, count = customers.settings, len(start_ms)
    src, is_one_off = scan_sources(settings, count, shard, draw)
    low = int(customers.number[0]) // CUSTOMERS_PER_BLOCK * ADDRESSES_PER_BLOCK
    high = (int(customers.number[-1]) // CUSTOMERS_PER_BLOCK + 1) * ADDRESSES_PER_BLOCK
    used = pl.Series([address_text(number) for number in range(low, high)])
    unused = pl.Series([ipv4(UNUSED_BASE + number) for number in range(max(settings.customers // 4, 16))])
    hits_used = draw.random(count) < USED_TARGET_SHARE
    dst = used.gather(draw.integers(0, len(used), count)).zip_with(
        pl.Series(hits_used), unused.gather(draw.integers(0, len(unused), count))
    )
    protocol = np.array([TCP, UDP, ICMP])[np.searchsorted([0.85, 0.95], draw.random(count))]
    known = np.array(SCANNED_PORTS)[draw.integers(0, len(SCANNED_PORTS), count)]
    port = np.where(draw.random(count) < 0.7, known, draw.integers(1, 65536, count))
    port = np.where(protocol == ICMP, 0, port)
    size = np.where(protocol == TCP, 20 * draw.integers(2, 4, count), draw.integers(60, 300, count))
    probes = np.where(~is_one_off & (draw.random(count) < 0.2), draw.integers(2, 5, count), 1)
    is_answered = (protocol == TCP) & (draw.random(count) < 0.1)
    return Flows(
        start_ms=start_ms,
        end_ms=start_ms + (probes - 1) * 1000,
        src=src,
        dst=dst,
        src_port=np.where(protocol == ICMP, 0, client_ports(count, draw)),
        dst_port=np.where(protocol == ICMP, 8 << 8, port),
        protocol=protocol,
        flags=pl.Series([NO_FLAGS, SYN]).gather((protocol == TCP).astype(np.uint32)),
        src_packets=probes,
        src_bytes=probes * size,
        dst_packets=is_answered.astype(np.int64),
        dst_bytes=is_answered * 40,
        src_mac=pl.repeat(GATEWAY_MAC, count, eager=True),
        dst_mac=pl.repeat(NO_MAC, count, eager=True),
        service=pl.repeat("scan", count, eager=True),
        origin=pl.repeat("scanner", count, eager=True),
    )


def scan_sources(
    settings: SimulateSettings, count: int, shard: int, draw: np.random.Generator
) -> tuple[pl.Series, Booleans]:
    """Source of each of ``count`` scans, and whether it is one that is not seen again."""
    is_one_off = draw.random(count) < ONE_OFF_SHARE
    one_off = int(is_one_off.sum())
    repeats = 1 + np.searchsorted(np.cumsum(ONE_OFF_FLOWS)[:-1], draw.random(one_off))
    fresh = draw.integers(0, 1 << 28, one_off)
    source = np.zeros(count, dtype=np.int64)
    source[is_one_off] = np.repeat(fresh, repeats)[:one_off]
    known = max(int(daily_noise(settings) / settings.files_per_day * SCAN_SHARE * PERSISTENT_SOURCES), 2)
    rank = np.minimum((known + 1.0) ** draw.random(count), known).astype(np.int64)
    persistent = bits(settings.seed, "scanner", shard, np.arange(known + 1)) >> np.uint64(36)
    source[~is_one_off] = persistent.astype(np.int64)[rank[~is_one_off]]
    values, at = np.unique(source, return_inverse=True)
    return pl.Series([ipv4((240 << 24) + int(value)) for value in values], dtype=pl.String).gather(at), is_one_off


def tunnels(settings: SimulateSettings, start_ms: Integers, draw: np.random.Generator) -> Flows:
    """Traffic of the provider's own gateways, which no lease covers."""
    count = len(start_ms)
    names, protocols, ports, flow_shares, byte_shares, _ = (list(column) for column in zip(*TUNNELS, strict=True))
    kind = np.searchsorted(np.cumsum(flow_shares)[:-1], draw.random(count))
    monthly = sum(segment.weight * segment.monthly_gigabytes for segment in SEGMENTS) * 1e9 * settings.customers
    mean = TUNNEL_BYTES * monthly / 30 / max(daily_noise(settings) * TUNNEL_SHARE, 1e-9)
    total = mean * (np.array(byte_shares) / np.array(flow_shares))[kind] * np.exp(draw.standard_normal(count) - 0.5)
    sent = (total * draw.uniform(0.3, 0.7, count)).astype(np.int64) + 60
    received = np.maximum(total - sent, 60).astype(np.int64)
    protocol, port = np.array(protocols)[kind], np.array(ports)[kind]
    same = np.array([entry[-1] for entry in TUNNELS])[kind]
    gateway = pl.Series([ipv4(GATEWAY_BASE + number + 1) for number in range(GATEWAYS)])
    peer = pl.Series([ipv4((203 << 24) + (113 << 8) + number + 1) for number in range(200)])
    own, remote = gateway.gather(draw.integers(0, GATEWAYS, count)), peer.gather(draw.integers(0, 200, count))
    outbound = pl.Series(draw.random(count) < 0.5)
    seconds = np.minimum(1200 * np.exp(draw.standard_normal(count)) + total * 8 / 1e10, LONGEST_SECONDS)
    return Flows(
        start_ms=start_ms,
        end_ms=start_ms + (seconds * 1000).astype(np.int64),
        src=own.zip_with(outbound, remote),
        dst=remote.zip_with(outbound, own),
        src_port=np.where(same, port, client_ports(count, draw)),
        dst_port=port,
        protocol=protocol,
        flags=pl.Series([NO_FLAGS, OPEN_CLOSE]).gather((protocol == TCP).astype(np.uint32)),
        src_packets=packets(sent),
        src_bytes=sent,
        dst_packets=packets(received),
        dst_bytes=received,
        src_mac=pl.repeat(GATEWAY_MAC, count, eager=True),
        dst_mac=pl.repeat(NO_MAC, count, eager=True),
        service=pl.Series(names).gather(kind),
        origin=pl.repeat("tunnel", count, eager=True),
    )


def transit(start_ms: Integers, draw: np.random.Generator) -> Flows:
    """Flows between two outside addresses (198.51.100.0/24 and 192.0.2.0/24, RFC 5737)."""
    count = len(start_ms)
    left = pl.Series([ipv4((198 << 24) + (51 << 16) + (100 << 8) + number + 1) for number in range(200)])
    right = pl.Series([ipv4((192 << 24) + (2 << 8) + number + 1) for number in range(200)])
    sent, received = draw.integers(200, 100_000, count), draw.integers(200, 1_000_000, count)
    return Flows(
        start_ms=start_ms,
        end_ms=start_ms + draw.integers(0, 60_000, count),
        src=left.gather(draw.integers(0, 200, count)),
        dst=right.gather(draw.integers(0, 200, count)),
        src_port=client_ports(count, draw),
        dst_port=np.full(count, 443, dtype=np.int64),
        protocol=np.full(count, TCP, dtype=np.int64),
        flags=pl.repeat(RESET, count, eager=True),
        src_packets=packets(sent),
        src_bytes=sent,
        dst_packets=packets(received),
        dst_bytes=received,
        src_mac=pl.repeat(GATEWAY_MAC, count, eager=True),
        dst_mac=pl.repeat(NO_MAC, count, eager=True),
        service=pl.repeat("https", count, eager=True),
        origin=pl.repeat("transit", count, eager=True),
    )
