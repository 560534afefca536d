"""What exporters said of the traffic, against what the registry says of its ports."""

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.where import chosen
from telflow.dashboard.relations import RECLASSIFICATION


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
