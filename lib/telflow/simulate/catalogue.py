"""What the synthetic network is made of: activities, services, segments, plans. All numbers are choices of ours."""

from dataclasses import dataclass

import numpy as np

from telflow.simulate.draws import Floats

TCP, UDP, ICMP, GRE, ESP = 6, 17, 1, 47, 50


@dataclass(frozen=True)
class Service:
    """A server port, or a protocol without ports, with its share of the flows of its activity."""

    name: str
    protocol: int
    port: int
    share: float


@dataclass(frozen=True)
class Activity:
    """What a customer does on the network.

    Attributes:
        name: the category of its services in conf/base/categories.csv, and in the truth.
        size: mean bytes of a flow, relative to the other activities.
        fixed_bytes: mean bytes of a flow where they do not grow with the customer's volume, else None.
        up_share: part of the bytes that the customer sends.
        seconds: median duration of a flow; 0 for instant ones.
        odd_share: part of the flows that go to servers on ports registered for something else.
        services: what carries it.
    """

    name: str
    size: float
    fixed_bytes: float | None
    up_share: float
    seconds: float
    odd_share: float
    services: tuple[Service, ...]


ACTIVITIES = (
    Activity(
        "web", 1.0, None, 0.08, 20, 0.03,
        (Service("https", TCP, 443, 0.60), Service("https", UDP, 443, 0.25), Service("http", TCP, 80, 0.15)),
    ),
    Activity(
        "streaming & media", 6.0, None, 0.02, 700, 0.05,
        (Service("rtsp", TCP, 554, 0.5), Service("macromedia-fcs", TCP, 1935, 0.35), Service("rtsps", TCP, 322, 0.15)),
    ),
    Activity(
        "gaming", 0.8, None, 0.35, 1200, 0.0,
        (Service("xbox", UDP, 3074, 0.5), Service("blizwow", TCP, 3724, 0.3), Service("quake", UDP, 26000, 0.2)),
    ),
    Activity(
        "vpn & tunnelling", 2.5, None, 0.40, 1800, 0.0,
        (Service("ipsec-nat-t", UDP, 4500, 0.5), Service("openvpn", UDP, 1194, 0.35), Service("esp", ESP, 0, 0.15)),
    ),
    Activity(
        "remote access", 0.7, None, 0.30, 1000, 0.08,
        (Service("ms-wbt-server", TCP, 3389, 0.6), Service("ssh", TCP, 22, 0.4)),
    ),
    Activity(
        "voip & conferencing", 0.15, None, 0.50, 180, 0.0,
        (Service("sip", UDP, 5060, 0.4), Service("sips", TCP, 5061, 0.1), Service("stun", UDP, 3478, 0.5)),
    ),
    Activity(
        "email", 0.2, None, 0.40, 5, 0.0,
        (Service("imaps", TCP, 993, 0.7), Service("submission", TCP, 587, 0.3)),
    ),
    Activity(
        "file transfer & storage", 5.0, None, 0.95, 1500, 0.04,
        (Service("rsync", TCP, 873, 0.6), Service("ftps-data", TCP, 989, 0.4)),
    ),
    Activity(
        "iot & industrial", 0.02, None, 0.70, 2, 0.0,
        (Service("secure-mqtt", TCP, 8883, 0.5), Service("mqtt", TCP, 1883, 0.3), Service("coap", UDP, 5683, 0.2)),
    ),
    Activity(
        "dns & naming", 0.0, 320.0, 0.35, 0, 0.0,
        (Service("domain", UDP, 53, 0.97), Service("domain", TCP, 53, 0.03)),
    ),
)  # fmt: skip
ACTIVITY_NAMES = tuple(activity.name for activity in ACTIVITIES)
DNS = ACTIVITY_NAMES.index("dns & naming")

# server ports whose registered service is another one: (activity, true service, protocol, port, IANA's name for it)
ODD_SERVICES = (
    ("web", "https", TCP, 4443, "pharos"),
    ("web", "http", TCP, 8081, "sunproxyadmin"),
    ("streaming & media", "rtsp", TCP, 8000, "irdmi"),
    ("streaming & media", "macromedia-fcs", TCP, 9999, "distinct"),
    ("remote access", "ssh", TCP, 2222, "EtherNet-IP-1"),
    ("file transfer & storage", "rsync", TCP, 2082, "infowave"),
)
SERVERS_PER_ODD_SERVICE = 3


@dataclass(frozen=True)
class Segment:
    """A kind of customer.

    Attributes:
        name: what the truth calls it.
        weight: share of the customers.
        mix: shares of the flows by activity, in the order of ACTIVITIES; they sum to 1.
        monthly_gigabytes: median volume in 30 days, 10^9 bytes.
        flows: mean flows a day, relative to the other segments.
        active_share: part of the weekdays with any activity.
        weekend_active_share: the same for Saturdays and Sundays.
        weekend: load of a weekend day over that of a weekday, beyond the network's own rhythm.
        hours: (from, to, factor): hours of the local clock that are busier or quieter than the network's.
    """

    name: str
    weight: float
    mix: tuple[float, ...]
    monthly_gigabytes: float
    flows: float
    active_share: float
    weekend_active_share: float
    weekend: float
    hours: tuple[tuple[int, int, float], ...]


#              web  video  game   vpn remote  voip  mail backup  iot   dns
SEGMENTS = (
    Segment("light browser", 0.27, (0.57, 0.05, 0.02, 0.01, 0.01, 0.05, 0.13, 0.01, 0.03, 0.12),
            12, 0.5, 0.55, 0.60, 1.0, ((17, 22, 1.5),)),
    Segment("streamer", 0.23, (0.31, 0.42, 0.03, 0.01, 0.01, 0.02, 0.03, 0.01, 0.04, 0.12),
            200, 1.2, 0.95, 0.98, 1.3, ((19, 24, 3.5), (6, 12, 0.6))),
    Segment("gamer", 0.15, (0.25, 0.10, 0.44, 0.01, 0.01, 0.06, 0.01, 0.01, 0.02, 0.09),
            90, 1.2, 0.90, 0.97, 1.7, ((18, 24, 2.5), (0, 2, 4.0), (5, 12, 0.4))),
    Segment("remote worker", 0.15, (0.24, 0.04, 0.01, 0.31, 0.12, 0.11, 0.09, 0.01, 0.01, 0.06),
            80, 1.3, 0.96, 0.35, 0.4, ((8, 18, 3.0),)),
    Segment("uploader", 0.10, (0.22, 0.05, 0.01, 0.03, 0.08, 0.02, 0.04, 0.41, 0.03, 0.11),
            150, 0.9, 0.85, 0.85, 1.0, ((0, 6, 5.0),)),
    Segment("connected home", 0.10, (0.10, 0.03, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.66, 0.15),
            6, 1.3, 1.00, 1.00, 1.0, ((0, 7, 2.2), (9, 20, 0.7))),
)  # fmt: skip
SEGMENT_NAMES = tuple(segment.name for segment in SEGMENTS)


@dataclass(frozen=True)
class Plan:
    """What the synthetic provider sells."""

    name: str
    monthly_price: float
    volume_gigabytes: float
    down_mbps: float
    up_mbps: float


PLANS = (
    Plan("starter", 25.0, 20.0, 50.0, 20.0),
    Plan("basic", 39.0, 60.0, 100.0, 40.0),
    Plan("plus", 55.0, 180.0, 200.0, 80.0),
    Plan("max", 79.0, 500.0, 400.0, 150.0),
    Plan("ultra", 109.0, 1500.0, 900.0, 300.0),
)
PLAN_NAMES = tuple(plan.name for plan in PLANS)

REGIONS = {"metro": 0.40, "valley": 0.22, "island": 0.16, "interior": 0.14, "north": 0.08}
CONTRACTS = {"month-to-month": 0.50, "one-year": 0.28, "two-year": 0.22}
PAYMENTS = {"bank-transfer": 0.3, "credit-card": 0.4, "electronic-check": 0.2, "mailed-check": 0.1}
COMPLAINT_TOPICS = ("slow connection", "outage", "billing", "support")
CHURN_REASONS = ("price", "quality", "moved", "competitor")


def service_table() -> list[tuple[int, str, int, int, float, bool]]:
    """Every server port: (activity, true service, protocol, port, share of its activity's flows, is on an odd port)."""
    rows = [
        (number, service.name, service.protocol, service.port, service.share * (1 - activity.odd_share), False)
        for number, activity in enumerate(ACTIVITIES)
        for service in activity.services
    ]
    for number, activity in enumerate(ACTIVITIES):
        odd = [entry for entry in ODD_SERVICES if entry[0] == activity.name]
        rows.extend(
            (number, name, protocol, port, activity.odd_share / len(odd), True) for _, name, protocol, port, _ in odd
        )
    return rows


def relative_sizes() -> Floats:
    """Mean bytes of a flow by activity, relative; 0 where they are fixed."""
    return np.array([activity.size for activity in ACTIVITIES])


def fixed_sizes() -> Floats:
    """Mean bytes of a flow by activity where they are fixed, else 0."""
    return np.array([activity.fixed_bytes or 0.0 for activity in ACTIVITIES])
