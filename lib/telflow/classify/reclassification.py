"""What exporters call an application, against what the IANA registry says of its port."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.classify.reviewed import check_known, read_reviewed
from telflow.classify.shipped import load_shipped_registry
from telflow.settings import conf_folder
from telflow.tables import RECLASSIFICATION

NONE = "none"
GRAIN = ("event_date", "observed_application", "service", "category", "registry_version")
NAME_SEPARATORS = "[.,]"


@dataclass(frozen=True)
class ApplicationNames:
    """What exporters' names mean, in lower case.

    Attributes:
        agrees_with: pairs of an observed application and an IANA service that mean the same.
        no_finding: names by which an exporter says that it recognised nothing.
    """

    agrees_with: frozenset[tuple[str, str]]
    no_finding: frozenset[str]


def load_application_names(path: str | None = None) -> ApplicationNames:
    """The reviewed table of application names, checked.

    Args:
        path: CSV with the columns ``observed_application`` and ``service``; None for ``base/application_aliases.csv``
            of the settings.

    Raises:
        ReviewedTableError: a service in it is not registered; it names file and line.
    """
    columns = ("observed_application", "service")
    file = Path(path) if path is not None else conf_folder() / "base" / "application_aliases.csv"
    table = read_reviewed(file, columns)
    known = load_shipped_registry().names
    pairs = set()
    for line, row in table.rows:
        if row["service"]:
            check_known(table, line, "service", row["service"], known)
        pairs.add((row["observed_application"].lower(), row["service"].lower()))
    return ApplicationNames(
        agrees_with=frozenset(pair for pair in pairs if pair[1]),
        no_finding=frozenset(observed for observed, service in pairs if not service),
    )


def reclassified(flows: DataFrame, names: ApplicationNames) -> DataFrame:
    """Flows and bytes by what the exporter and the registry say.

    Args:
        flows: labelled flows; needs the columns of ``GRAIN``, ``src_bytes`` and ``dst_bytes``.
        names: which of the exporters' names agree with which services.

    Returns:
        Rows of ``reclassification``; flows and bytes sum to those of ``flows``.
    """
    return (
        flows.withColumn("observed_application", observed_name())
        .groupBy(*GRAIN)
        .agg(F.count(F.lit(1)).alias("flows"), F.sum(F.col("src_bytes") + F.col("dst_bytes")).alias("bytes"))
        .withColumn("agreement", agreement(names))
        .select(*RECLASSIFICATION.columns)
    )


def observed_name() -> Column:
    """The exporter's name in lower case; none where it gave none."""
    name = F.lower(F.trim("observed_application"))
    return F.when(name.isNull() | (name == ""), NONE).otherwise(name)


def agreement(names: ApplicationNames) -> Column:
    """Same, differs or unobserved.

    An exporter may name several layers, nDPI as in ``tls.youtube``, Zeek as in ``gssapi,smb``: the registry agrees
    where it says the same as one of them.
    """
    layers = F.split("observed_application", NAME_SEPARATORS)
    service = F.lower("service")
    pairs = [f"{observed}|{agreeing}" for observed, agreeing in sorted(names.agrees_with)]
    nothing = [NONE, *sorted(names.no_finding)]
    is_unobserved = F.forall(layers, lambda layer: layer.isin(nothing))
    is_same = F.exists(layers, lambda layer: (layer == service) | F.concat_ws("|", layer, service).isin(pairs))
    return F.when(is_unobserved, "unobserved").when(is_same, "same").otherwise("differs")


def largest_disagreements(reclassification: DataFrame, n: int) -> DataFrame:
    """The ``n`` pairs of names that differ with the most bytes.

    Returns:
        ``observed_application``, ``service``, ``flows`` and ``bytes``, largest first.
    """
    return (
        reclassification.where(F.col("agreement") == "differs")
        .groupBy("observed_application", "service")
        .agg(F.sum("flows").alias("flows"), F.sum("bytes").alias("bytes"))
        .orderBy(F.desc("bytes"), F.desc("flows"), "observed_application", "service")
        .limit(n)
    )


def agreement_share(reclassification: DataFrame, by: Sequence[str] = ()) -> DataFrame:
    """How far the exporter and the registry agree, by flows and bytes.

    Args:
        reclassification: rows of ``reclassification``.
        by: columns to tell apart, such as ``observed_application``.

    Returns:
        ``by``, ``flows``, ``bytes``, ``observed_flows_share`` and ``observed_bytes_share`` (0 to 1: of all), and
        ``same_flows_share`` and ``same_bytes_share`` (0 to 1: of the observed; null where none was observed).
    """
    is_same = F.col("agreement") == "same"
    is_observed = F.col("agreement") != "unobserved"
    totals = [F.sum(volume).alias(volume) for volume in ("flows", "bytes")]
    shares = [
        share(volume, part, of).alias(f"{name}_{volume}_share")
        for name, part, of in (
            ("observed", is_observed, F.col("agreement").isNotNull()),
            ("same", is_same, is_observed),
        )
        for volume in ("flows", "bytes")
    ]
    return reclassification.groupBy(*by).agg(*totals, *shares)


def share(volume: str, part: Column, of: Column) -> Column:
    """Part of ``volume`` over the whole; null where the whole is nothing."""
    whole = F.sum(F.when(of, F.col(volume)).otherwise(0))
    return F.try_divide(F.sum(F.when(part, F.col(volume)).otherwise(0)), whole)
