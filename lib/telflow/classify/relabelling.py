"""Flows labelled again under another registry version, and what that changes."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.classify.labels import LABELS, with_labels


def relabelled(flows: DataFrame, labels: Callable[[DataFrame], DataFrame]) -> DataFrame:
    """Flows as ``labels`` labels them; the labels they had stay beside as ``before_service`` and so on.

    Adds ``is_changed`` (boolean): whether any label differs.
    """
    kept = flows.withColumns({f"before_{label}": F.col(label) for label in LABELS})
    after = F.struct(*[F.col(label) for label in LABELS])
    before = F.struct(*[F.col(f"before_{label}").alias(label) for label in LABELS])
    return kept.transform(labels).withColumn("is_changed", ~after.eqNullSafe(before))


def service_changes(relabelled_flows: DataFrame) -> DataFrame:
    """What became of services and categories.

    Args:
        relabelled_flows: as ``relabelled`` gives them.

    Returns:
        ``before_service``, ``service``, ``before_category``, ``category``, ``flows`` and ``bytes``, one row for each
        pair that differs.
    """
    has_moved = (F.col("service") != F.col("before_service")) | (F.col("category") != F.col("before_category"))
    return (
        relabelled_flows.where(has_moved)
        .groupBy("before_service", "service", "before_category", "category")
        .agg(F.count(F.lit(1)).alias("flows"), F.sum(F.col("src_bytes") + F.col("dst_bytes")).alias("bytes"))
    )


def compare_versions(
    flows: DataFrame,
    services: DataFrame,
    protocols: DataFrame,
    categories: Mapping[str, str],
    *,
    before: str,
    after: str,
) -> DataFrame:
    """What registry version ``after`` says differently of ``flows`` than ``before``; columns as ``service_changes``."""
    known: dict[str, Any] = {"services": services, "protocols": protocols, "categories": categories}
    under_before = flows.transform(with_labels, **known, registry_version=before)
    return service_changes(relabelled(under_before, partial(with_labels, **known, registry_version=after)))


def changed_days(relabelled_flows: DataFrame) -> dict[date, date]:
    """Partitions of flows in which a label changed, each with the last UTC day that its changed flows lasted into."""
    last_instant = F.greatest(F.col("start_time"), F.col("end_time") - F.expr("INTERVAL 1 MICROSECOND"))
    rows = (
        relabelled_flows.where("is_changed")
        .groupBy("event_date")
        .agg(F.max(F.to_date(last_instant)).alias("last_day"))
        .collect()
    )
    return {row.event_date: row.last_day for row in rows}


def days_to_rebuild(changed: Mapping[date, date]) -> list[date]:
    """Days on which the flows of ``changed_days`` count: what was built of them holds the old labels."""
    spans = (
        (first + timedelta(days=offset) for offset in range((last - first).days + 1)) for first, last in changed.items()
    )
    return sorted({day for span in spans for day in span})
