"""What exporters said of the traffic, against what the registry says of its ports."""

from typing import Literal

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.where import chosen
from telflow.dashboard.relations import PROTOCOLS, RECLASSIFICATION, TRAFFIC_TYPES

End = Literal["src", "dst"]


def pairs(reader: Reader, filters: Filters, period: Period) -> pl.DataFrame:
    """``observed``, ``service``, ``category``, ``agreement``, ``bytes`` and ``flows``, the largest first.

    Days are those of UTC in which the flows began.
    """
    where = chosen(filters, period, "utc_date", ["category"])
    return reader.query(
        f"""SELECT observed_application AS observed, service, category, agreement,
        CAST(SUM(bytes) AS BIGINT) AS bytes, CAST(SUM(flows) AS BIGINT) AS flows
        FROM reclassification {where.sql} GROUP BY 1, 2, 3, 4 ORDER BY bytes DESC, observed, service""",
        where.parameters,
        [RECLASSIFICATION.name],
    )


def traffic_types(reader: Reader, end: End, filters: Filters, period: Period) -> pl.DataFrame:
    """Traffic types of one end, the largest first: ``port``, ``protocol``, ``service``, ``bytes``, ``flows``.

    As the study had them: port, protocol and the service registered for that port, whichever end is the server's.
    Ports from 49152 on are nobody's and left out. ``own_addresses`` is the most of any one day.
    """
    where = chosen(filters, period, "utc_date", ["category"])
    return reader.query(
        f"""WITH names AS (SELECT protocol, MAX(keyword) AS keyword FROM iana_protocols GROUP BY protocol)
        SELECT t.port AS port, COALESCE(names.keyword, CAST(t.protocol AS VARCHAR(3))) AS protocol,
        COALESCE(t.service, 'unassigned') AS service, CAST(SUM(t.bytes) AS BIGINT) AS bytes,
        CAST(SUM(t.flows) AS BIGINT) AS flows, CAST(MAX(t.own_addresses) AS BIGINT) AS own_addresses
        FROM (SELECT protocol, {end}_port AS port, {end}_service AS service, bytes, flows, own_addresses
        FROM traffic_types {where.sql}) t LEFT JOIN names ON names.protocol = t.protocol
        WHERE t.port IS NOT NULL GROUP BY 1, 2, 3 ORDER BY bytes DESC, port, protocol""",
        where.parameters,
        [TRAFFIC_TYPES.name, PROTOCOLS.name],
    )
