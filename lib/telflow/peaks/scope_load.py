"""The load that the network and each part of it carried, sample by sample."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.localtime import local_date, local_midnight

HOUR_SECONDS = 3600
NO_TIER = "none"


def scope_load(windows: DataFrame, zone: str, window_seconds: int = 300) -> DataFrame:
    """Load of the network and of every category, plan and region in every window, in one pass.

    Args:
        windows: rows of traffic_by_window.
        zone: the provider's zone.
        window_seconds: length of the windows.

    Returns:
        Rows of scope_load. A scope that nothing was seen of in a window has no row.
    """
    scoped = windows.select(
        F.explode(scopes_of_window()).alias("part"),
        F.col("window_start").alias("sample_start"),
        (F.col("src_bytes") + F.col("dst_bytes")).alias("bytes"),
        (F.col("src_packets") + F.col("dst_packets")).alias("packets"),
        "flows_started",
    )
    summed = scoped.groupBy("part.scope_kind", "part.scope", "sample_start").agg(
        F.sum("bytes").alias("bytes"),
        F.sum("packets").alias("packets"),
        F.sum("flows_started").alias("flows_started"),
    )
    return summed.select(
        local_date(F.col("sample_start"), zone).alias("local_date"),
        "scope_kind",
        "scope",
        "sample_start",
        F.lit(window_seconds).alias("sample_seconds"),
        "bytes",
        "packets",
        "flows_started",
    )


def scopes_of_window() -> Column:
    """The scopes a row of traffic_by_window counts for, as array of (scope_kind, scope)."""
    parts = [("network", F.lit("all")), *[(kind, F.col(kind)) for kind in ("category", "plan", "region")]]
    return F.array(*[F.struct(F.lit(kind).alias("scope_kind"), name.alias("scope")) for kind, name in parts])


def tier_load(customer_daily: DataFrame, tiers: DataFrame, zone: str) -> DataFrame:
    """Load of each customer tier in every hour elapsed since local midnight.

    Args:
        customer_daily: rows of customer_daily.
        tiers: ``customer`` and ``tier``, one row per customer; customers it lacks are of tier ``none``.
        zone: the provider's zone.

    Returns:
        Rows of scope_load with samples of an hour; packets and flows_started are null, the hours tell bytes alone.
    """
    tiered = customer_daily.join(tiers.select("customer", "tier"), on="customer", how="left").select(
        "local_date",
        F.coalesce("tier", F.lit(NO_TIER)).alias("scope"),
        F.posexplode("bytes_by_hour").alias("hour", "bytes"),
    )
    elapsed = F.make_dt_interval(hours=F.col("hour"))
    summed = tiered.where(F.col("bytes") > 0).groupBy("local_date", "scope", "hour").agg(F.sum("bytes").alias("bytes"))
    return summed.select(
        "local_date",
        F.lit("tier").alias("scope_kind"),
        "scope",
        (local_midnight(F.col("local_date"), zone) + elapsed).alias("sample_start"),
        F.lit(HOUR_SECONDS).alias("sample_seconds"),
        "bytes",
        F.lit(None).cast("bigint").alias("packets"),
        F.lit(None).cast("bigint").alias("flows_started"),
    )


def tiers_by_score(customer_scores: DataFrame) -> DataFrame:
    """``customer`` and ``tier``: the ufm value level at the newest ``as_of`` of customer_scores."""
    ufm = customer_scores.where((F.col("scheme") == "ufm") & F.col("value_level").isNotNull())
    newest = ufm.agg(F.max("as_of").alias("as_of"))
    return ufm.join(F.broadcast(newest), on="as_of", how="left_semi").select(
        "customer", F.col("value_level").alias("tier")
    )
