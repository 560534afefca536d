"""Steps of the daily run: each reads tables, calls the functions that compute, and writes one table.

A step builds the days it is given, or those that changed since it last built them (``telflow.days``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.classify.categories import load_categories
from telflow.classify.labels import with_labels
from telflow.classify.reclassification import load_application_names, reclassified
from telflow.classify.shipped import load_shipped_registry
from telflow.classify.traffic_types import remote_networks, traffic_types
from telflow.classify.versions import choose_version, load_version, loaded_versions
from telflow.cli import Job
from telflow.customers.daily import customer_daily
from telflow.customers.provider import load_provider, provider_folders, settle_leases
from telflow.customers.scores import ScoreReport, score_customers
from telflow.days import log_days, stale_days
from telflow.facts import longest_flow_seconds
from telflow.ingest.run import IngestReport, ingest
from telflow.lake import Lake
from telflow.peaks.clock import midnight, utc_days
from telflow.peaks.steps import PeakReport, find_peak_times
from telflow.peaks.traffic import traffic_by_window
from telflow.peaks.windows import is_touching
from telflow.progress import progress
from telflow.settings import Settings
from telflow.tables import (
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    FLOWS,
    FLOWS_QUARANTINE,
    IANA_PROTOCOLS,
    IANA_SERVICES,
    LEASE_SPANS,
    PEAK_TIMES,
    RECLASSIFICATION,
    REMOTE_NETWORKS,
    TRAFFIC_BY_WINDOW,
    TRAFFIC_TYPES,
    Table,
)

Days = Sequence[date] | None


@dataclass(frozen=True)
class Labels:
    """The labels of one registry version, and the categories that go with them."""

    lake: Lake
    version: str
    by_service: dict[str, str]

    def __call__(self, flows: DataFrame) -> DataFrame:
        """Add the labels to ``flows``."""
        services, protocols = self.lake.read(IANA_SERVICES), self.lake.read(IANA_PROTOCOLS)
        return with_labels(flows, services, protocols, self.by_service, self.version)


def load_labels(lake: Lake, settings: Settings, registry_version: str | None = None) -> Labels:
    """Labels of ``registry_version``, else of the version that the settings want, else of the newest.

    The registry that came with the package is loaded where the lake holds none.
    """
    versions = loaded_versions(lake) or [load_version(lake, load_shipped_registry())]
    version = choose_version(versions, registry_version or settings.classify.registry_version)
    return Labels(lake, version, load_categories(settings.classify.categories).by_service)


def ingest_flows(job: Job, inputs: Sequence[str] = ()) -> IngestReport:
    """Read new flow files from ``inputs``, or from where the settings say."""
    tokenizer = job.tokenizer  # first: without a key nothing is written
    labels = load_labels(job.lake, job.settings)
    return ingest(job.lake, job.settings, inputs or [job.settings.ingest.input], labels, tokenizer)


def take_in_provider(job: Job, inputs: Sequence[str] = ()) -> list[str]:
    """Bring the provider's tables from the folder ``provider`` of the inputs into the lake; names of those written."""
    folders = provider_folders(inputs or [job.settings.ingest.input])
    if not folders:
        settle_leases(job.lake)  # a run may have died before it did
        return []
    return [name for folder in folders for name in load_provider(job.lake, folder, job.tokenizer)]


def build_windows(job: Job, days: Days = None) -> list[date]:
    """Write traffic_by_window for UTC ``days``; the days that were built."""
    lake, settings = job.lake, job.settings
    stale = stale_days(lake, TRAFFIC_BY_WINDOW.name, days)
    flows = flows_touching(job, stale, "UTC")
    windows = traffic_by_window(
        flows, lease_spans(job), settings.peaks.window_seconds, settings.peaks.load_scheme, customer_basis(settings)
    )
    with progress(job.spark, "traffic by window"):
        lake.replace_days(TRAFFIC_BY_WINDOW, windows.where(F.col("event_date").isin(list(stale))), stale)
    log_built(lake, TRAFFIC_BY_WINDOW.name, stale)
    return sorted(stale)


def roll_up_customers(job: Job, days: Days = None) -> list[date]:
    """Write customer_daily for the local days that UTC ``days`` lie in; the local days that were built."""
    lake, zone = job.lake, job.settings.network.zone
    stale = stale_days(lake, CUSTOMER_DAILY.name, days)
    local = local_days(stale, zone)
    categories = sorted(load_categories(job.settings.classify.categories).meanings)
    rows = customer_daily(
        flows_touching(job, local, zone), lease_spans(job), categories, zone, customer_basis(job.settings)
    )
    with progress(job.spark, "customers by day"):
        lake.replace_days(CUSTOMER_DAILY, rows.where(F.col("local_date").isin(local)), local)
    log_built(lake, CUSTOMER_DAILY.name, stale)
    return local


def compare_labels(job: Job, days: Days = None) -> list[date]:
    """Write reclassification for UTC ``days``; the days that were built."""
    names = load_application_names(job.settings.classify.application_aliases)
    return build_of_begun(job, RECLASSIFICATION, lambda flows: reclassified(flows, names), days)


def list_traffic_types(job: Job, days: Days = None) -> list[date]:
    """Write traffic_types for UTC ``days``; the days that were built."""
    spans, basis = lease_spans(job), customer_basis(job.settings)
    with progress(job.spark, "traffic types"):
        return build_of_begun(job, TRAFFIC_TYPES, lambda flows: traffic_types(flows, spans, basis), days)


def list_networks(job: Job, days: Days = None) -> list[date]:
    """Write remote_networks for UTC ``days``; the days that were built."""
    spans, basis = lease_spans(job), customer_basis(job.settings)
    with progress(job.spark, "remote networks"):
        return build_of_begun(job, REMOTE_NETWORKS, lambda flows: remote_networks(flows, spans, basis), days)


def build_of_begun(job: Job, table: Table, compute: Callable[[DataFrame], DataFrame], days: Days) -> list[date]:
    """Write ``table`` by what ``compute`` makes of the flows that began on UTC ``days``; the days that were built."""
    stale = stale_days(job.lake, table.name, days)
    flows = job.lake.read(FLOWS).where(F.col("event_date").isin(list(stale)))
    job.lake.replace_days(table, compute(flows), stale)
    log_built(job.lake, table.name, stale)
    return sorted(stale)


def build_peaks(job: Job, days: Days = None) -> PeakReport:
    """Write scope_load, peak_times and hour_by_weekday for the local days of UTC ``days``; what was built."""
    stale = stale_days(job.lake, PEAK_TIMES.name, days)
    with progress(job.spark, "peak times"):
        report = find_peak_times(job.lake, job.settings, local_days(stale, job.settings.network.zone))
    log_built(job.lake, PEAK_TIMES.name, stale)
    return report


def score(job: Job, as_of: date | None = None) -> ScoreReport:
    """Write customer_scores."""
    return score_customers(job.lake, job.settings, as_of)


def scores_are_current(job: Job) -> bool:
    """Whether the newest customer_scores were made of the roll-up as it is: a run may have died in between."""
    return job.lake.last_note(CUSTOMER_SCORES) == str(job.lake.version(CUSTOMER_DAILY))


def purge_quarantine(job: Job) -> None:
    """Remove quarantined lines that are older than ``privacy.quarantine_days``."""
    job.lake.delete(
        FLOWS_QUARANTINE,
        f"rejected_at < current_timestamp() - INTERVAL {job.settings.privacy.quarantine_days} DAYS",
    )


def log_built(lake: Lake, step: str, stale: dict[date, int]) -> None:
    """Log that ``step`` has built ``stale`` days, with all of their changes."""
    log_days(lake, step, stale, max(stale.values(), default=0))


def local_days(days: Iterable[date], zone: str) -> list[date]:
    """Local days of ``zone`` that UTC ``days`` lie in, sorted."""
    around = {day + timedelta(days=offset) for day in days for offset in (-1, 0, 1)}
    wanted = set(days)
    return sorted(day for day in around if wanted & set(utc_days([day], zone)))


def flows_touching(job: Job, days: Iterable[date], zone: str) -> DataFrame:
    """Flows that lasted into any of ``days`` of ``zone``."""
    found = stretches(days)
    longest = longest_flow_seconds(job.lake, job.settings) if found else 0
    tests = [
        is_touching(midnight(first, zone), midnight(last + timedelta(days=1), zone), longest) for first, last in found
    ]
    return job.lake.read(FLOWS).where(reduce(Column.__or__, tests, F.expr("false")))


def stretches(days: Iterable[date]) -> list[tuple[date, date]]:
    """``days`` as stretches of consecutive ones, first and last day of each."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and day == found[-1][1] + timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def lease_spans(job: Job) -> DataFrame | None:
    """Who held which address when; None where customers are addresses."""
    by_lease = job.settings.customers.attribution == "leases" and job.lake.exists(LEASE_SPANS)
    return job.lake.read(LEASE_SPANS) if by_lease else None


def customer_basis(settings: Settings) -> str:
    """What a customer is called that is an address."""
    return "source" if settings.customers.attribution == "every_source" else "address"
