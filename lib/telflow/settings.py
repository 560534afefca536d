"""Settings: frozen, typed, merged from ``base`` and one environment, checked when loaded.

Every key stands with its unit and meaning in ``conf/base/settings.yaml``; ``conf/<environment>/settings.yaml``
holds only what differs; ``--set key=value`` on a job's command line goes over both.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from telflow.errors import SettingsError

HOUR_SECONDS = 3600
MOST_WEEKS = 26  # of a trend: its pairs grow with the square
LAKE_ROOT = "{lake.root}"
TAKEN_COLUMNS = (  # by a churn table itself, and by what its pipeline makes on the way
    *("customer", "as_of", "label", "fold", "is_judged", "is_flagged"),
    *("features", "numbers", "scaled", "prediction", "rawprediction", "probability"),
)

LoadScheme = Literal[
    "time-proportional",
    "bin-uniform",
    "start-spike",
    "middle-spike",
    "end-spike",
    "maximum-volume",
    "minimum-volume",
]

Algorithm = Literal["kmeans", "bisecting_kmeans", "gaussian_mixture"]
Transform = Literal["raw", "standard", "log_standard", "log_standard_pca"]


REVIEWED_TABLES = (  # section, key, and the file of conf/base that stands in where the key is null
    ("classify", "categories", "categories.csv"),
    ("classify", "application_aliases", "application_aliases.csv"),
    ("advice", "rules", "advice_rules.csv"),
)


class Section(BaseModel):
    """A part of the settings; nothing in it can be changed or added after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LakeSettings(Section):
    root: str
    in_catalog: bool


class SparkSettings(Section):
    master: str | None
    shuffle_partitions: int = Field(gt=0)
    driver_memory: str
    conf: dict[str, str]


class NetworkSettings(Section):
    zone: str
    own_prefixes: tuple[str, ...] = Field(strict=False)

    @field_validator("own_prefixes")
    @classmethod
    def are_networks(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in prefixes:
            ip_network(prefix)
        return prefixes

    @field_validator("zone")
    @classmethod
    def is_known(cls, zone: str) -> str:
        return known_zone(zone)


class PrivacySettings(Section):
    key_variable: str
    key_file: str | None
    secret_scope: str | None
    secret_name: str | None
    quarantine_days: int = Field(gt=0)


class SourceSettings(Section):
    """What is known of the files whose name matches ``match``; the first that matches counts."""

    match: str
    format: str | None = None
    zone: str = "UTC"
    sampling_rate: int = Field(default=1, ge=1)
    exporter: str | None = None

    @field_validator("zone")
    @classmethod
    def is_known(cls, zone: str) -> str:
        return known_zone(zone)


class IngestSettings(Section):
    input: str
    earliest: str
    latest: str | None
    max_duration_seconds: int = Field(gt=0)
    max_record_bytes: int = Field(gt=0)
    chunk_megabytes: int = Field(gt=0)
    sources: tuple[SourceSettings, ...] = Field(strict=False)

    @field_validator("earliest", "latest")
    @classmethod
    def is_day(cls, day: str | None) -> str | None:
        return None if day is None else known_day(day)

    @model_validator(mode="after")
    def are_in_order(self) -> "IngestSettings":
        if self.latest is not None and self.latest <= self.earliest:
            raise ValueError(f"earliest {self.earliest} is not before latest {self.latest}: no record could be kept")
        return self


class ClassifySettings(Section):
    registry_version: str | None
    categories: str | None
    application_aliases: str | None


class PeaksSettings(Section):
    window_seconds: int = Field(gt=0)
    load_scheme: LoadScheme

    @field_validator("window_seconds")
    @classmethod
    def divides_an_hour(cls, seconds: int) -> int:
        if HOUR_SECONDS % seconds:
            raise ValueError(f"{seconds} does not divide an hour: write a length such as 60, 300 or 900")
        return seconds


class CustomersSettings(Section):
    attribution: Literal["leases", "prefixes", "every_source"]
    connections: Literal["input_macs", "flows"]
    schemes: tuple[Literal["rfm", "rfm_r", "ufm"], ...] = Field(strict=False, min_length=1)
    window_days: int = Field(gt=0)
    known_days: int = Field(ge=0)
    new_days: int = Field(ge=0)


class SimulateSettings(Section):
    customers: int = Field(gt=0)
    days: int = Field(gt=0)
    flows_per_customer_day: float = Field(gt=0)
    noise_share: float = Field(ge=0, lt=1)
    start: str
    seed: int
    formats: tuple[Literal["nfdump", "zeek", "goflow2"], ...] = Field(strict=False)
    files_per_day: int = Field(default=1, gt=0)

    @field_validator("start")
    @classmethod
    def is_day(cls, start: str) -> str:
        return known_day(start)


class SegmentsSettings(Section):
    window_days: int = Field(gt=0)
    active_day_bytes: int = Field(gt=0)
    min_active_days: int = Field(gt=0)
    features: tuple[str, ...] = Field(strict=False, min_length=2)
    algorithms: tuple[Algorithm, ...] = Field(strict=False, min_length=1)
    ks: tuple[int, ...] = Field(strict=False, min_length=1)
    transforms: tuple[Transform, ...] = Field(strict=False, min_length=1)
    pca_variance: float = Field(gt=0, le=1)
    seed: int
    starts: int = Field(gt=0)
    iterations: int = Field(gt=0)
    bootstrap_rounds: int = Field(gt=0)
    bootstrap_customers: int
    smallest_share: float = Field(gt=0, lt=1)  # an empty segment has no model
    stability: float = Field(ge=0, le=1)
    margin: float = Field(ge=0)
    rows_per_partition: int = Field(gt=0)

    @field_validator("ks")
    @classmethod
    def are_divisions(cls, ks: tuple[int, ...]) -> tuple[int, ...]:
        if min(ks) < 2:
            raise ValueError(f"{min(ks)} segments divide nobody: write numbers from 2 up")
        return ks

    @model_validator(mode="after")
    def can_be_resampled(self) -> "SegmentsSettings":
        if self.bootstrap_customers < 2 * max(self.ks):
            raise ValueError(
                f"bootstrap_customers ({self.bootstrap_customers}) are too few for {max(self.ks)} segments (ks): "
                "make it two for each at least"
            )
        return self


class OwnTableSettings(Section):
    """Columns of a provider's own table of customers, and what a wrong decision about them costs."""

    customer: str
    label: str
    left: str
    numeric: tuple[str, ...] = Field(strict=False, min_length=1)
    categorical: tuple[str, ...] = Field(strict=False)
    missed_cost: float = Field(gt=0)
    false_alarm_cost: float = Field(gt=0)

    @field_validator("numeric", "categorical")
    @classmethod
    def can_be_columns(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if "." in name or name.casefold() in TAKEN_COLUMNS:
                raise ValueError(f"{name} cannot be learned from under this name: rename the column, without a dot")
        return names

    @model_validator(mode="after")
    def names_each_column_once(self) -> "OwnTableSettings":
        names = [self.customer, self.label, *self.numeric, *self.categorical]
        folded = [name.casefold() for name in names]
        twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
        if twice:
            raise ValueError(
                f"{', '.join(twice)} stands twice among customer, label, numeric and categorical, where Spark takes "
                "capitals and small letters for the same: name each column once"
            )
        return self


class ChurnSettings(Section):
    label_days: int = Field(gt=0)
    step_days: int = Field(gt=0)
    history_days: int = Field(ge=28)
    least_history_days: int = Field(ge=28)
    events_until: str | None
    subscriber_columns: tuple[Literal["contract", "payment", "region", "plan"], ...] = Field(strict=False)
    most_dates: int = Field(gt=1)
    holdout_share: float = Field(gt=0, lt=1)
    judged_customers: int = Field(gt=0)
    folds: int = Field(ge=3)
    missed_cost: float = Field(gt=0)
    false_alarm_cost: float = Field(gt=0)
    baselines: tuple[Literal["logistic_regression", "gradient_boosting"], ...] = Field(strict=False)
    trees: int = Field(gt=0)
    depth: int = Field(gt=0, le=12)
    least_leaf: int = Field(gt=0)
    bootstrap: int = Field(ge=0)
    margin: float = Field(ge=0)
    reasons: int = Field(gt=0)
    seed: int
    partitions: int = Field(gt=0)
    scratch: str | None
    own_table: OwnTableSettings

    @field_validator("events_until")
    @classmethod
    def is_day(cls, day: str | None) -> str | None:
        return day if day is None else known_day(day)

    @field_validator("scratch")
    @classmethod
    def is_path(cls, scratch: str | None) -> str | None:
        if scratch is not None and ":" in scratch:
            raise ValueError(f"{scratch} is no path: name a folder that the driver sees too, such as /Volumes/...")
        return scratch


class AdviceSettings(Section):
    cycle_days: int = Field(ge=7)
    cycles: int = Field(gt=0)
    active_day_bytes: int = Field(gt=0)
    min_active_days: int = Field(gt=0, le=7)
    min_weeks: int = Field(ge=4)
    min_weekly_bytes: int = Field(gt=0)
    recent_weeks: int = Field(gt=0)
    trend_confidence: float = Field(gt=0, lt=1)
    min_growth: float = Field(ge=0)
    utilisation_limit: float = Field(gt=0, le=1)
    upsize_confidence: float = Field(gt=0, lt=1)
    service_confidence: float = Field(gt=0, lt=1)
    complaint_days: int = Field(gt=0)
    suppress_complaints: int = Field(gt=0)
    retention_complaints: int = Field(gt=0)
    basket_share: float = Field(gt=0, le=1)
    association_support: float = Field(gt=0, le=1)
    association_confidence: float = Field(gt=0, le=1)
    most: int = Field(gt=0)
    rules: str | None

    @model_validator(mode="after")
    def hold_enough_weeks(self) -> "AdviceSettings":
        weeks = self.cycles * self.cycle_days // 7
        if not self.min_weeks <= weeks <= MOST_WEEKS:
            raise ValueError(
                f"cycles of cycle_days hold {weeks} whole weeks: make it {self.min_weeks} (min_weeks) to {MOST_WEEKS}"
            )
        if self.recent_weeks >= self.min_weeks:
            raise ValueError(f"recent_weeks ({self.recent_weeks}) must be fewer than min_weeks ({self.min_weeks})")
        if self.service_confidence < self.trend_confidence:
            raise ValueError(
                f"service_confidence ({self.service_confidence}) must not be below trend_confidence "
                f"({self.trend_confidence}): a category that is not surely rising calls for no service"
            )
        if self.retention_complaints < self.suppress_complaints:
            raise ValueError(
                f"retention_complaints ({self.retention_complaints}) must not be fewer than suppress_complaints "
                f"({self.suppress_complaints}): an offer to stay beside an offer of more"
            )
        return self


class MlflowSettings(Section):
    tracking_uri: str
    registry_uri: str | None
    experiment_prefix: str
    model_prefix: str


class DashboardSettings(Section):
    title: str
    logo: str | None
    accent: str
    colours: tuple[str, ...] = Field(strict=False, min_length=3)
    host: str
    port: int = Field(ge=0, le=65535)
    workers: int = Field(gt=0)
    threads: int = Field(gt=0)
    default_days: int = Field(gt=0)
    min_group_customers: int = Field(ge=1)
    refresh_seconds: float = Field(ge=0)
    cache_entries: int = Field(gt=0)
    reader: Literal["delta", "warehouse"]
    warehouse_host: str | None
    warehouse_path: str | None
    warehouse_token_variable: str
    login: Literal["none", "proxy_header", "oidc"]
    login_header: str
    trusted_proxies: tuple[str, ...] = Field(strict=False)
    login_address: str | None
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_secret_variable: str
    oidc_scopes: tuple[str, ...] = Field(strict=False, min_length=1)
    allowed_domains: tuple[str, ...] = Field(strict=False)
    allowed_groups: tuple[str, ...] = Field(strict=False)
    groups_claim: str
    session_key_variable: str
    session_hours: float = Field(gt=0)

    @field_validator("accent")
    @classmethod
    def is_colour(cls, colour: str) -> str:
        return known_colour(colour)

    @field_validator("colours")
    @classmethod
    def are_colours(cls, colours: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(known_colour(colour) for colour in colours)

    @field_validator("trusted_proxies")
    @classmethod
    def are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ip_network(proxy)
        return proxies


class Settings(Section):
    """All settings of a run."""

    environment: str
    lake: LakeSettings
    spark: SparkSettings
    network: NetworkSettings
    privacy: PrivacySettings
    ingest: IngestSettings
    classify: ClassifySettings
    peaks: PeaksSettings
    customers: CustomersSettings
    simulate: SimulateSettings
    segments: SegmentsSettings
    churn: ChurnSettings
    advice: AdviceSettings
    mlflow: MlflowSettings
    dashboard: DashboardSettings


def load_settings(environment: str = "local", overrides: Sequence[str] = (), conf: Path | None = None) -> Settings:
    """Settings of ``environment``, with ``overrides`` over them.

    Args:
        environment: folder of conf beside ``base``: local, dev, staging or prod.
        overrides: ``section.key=value``, the value in YAML.
        conf: folder of the settings; when None, ``./conf`` where there is one, else those that came with the package.

    Raises:
        SettingsError: a missing file, an unknown key or a wrong type; it names the key, and the nearest known one.
    """
    root = conf_folder(conf)
    merged = merge(read_yaml(root / "base" / "settings.yaml"), read_yaml(root / environment / "settings.yaml"))
    for override in overrides:
        merged = merge(merged, parse_override(override))
    try:
        typed = Settings.model_validate({**with_key_file(merged), "environment": environment})
    except ValidationError as error:
        raise SettingsError(explain(error)) from None
    return with_reviewed_tables(typed, root)


def conf_folder(given: Path | None = None) -> Traversable:
    """Folder of the settings: the given one, ``./conf``, or the one that came with the package."""
    if given is not None:
        return given
    here = Path("conf")
    if (here / "base").is_dir():
        return here
    try:
        return resources.files("telflow.conf")
    except ModuleNotFoundError:
        raise SettingsError("no folder conf here, and the package came without one: name it with --conf") from None


def read_yaml(path: Traversable) -> dict[str, Any]:
    """Content of a settings file; empty where the file holds nothing."""
    if not path.is_file():
        raise SettingsError(f"settings file {path} is missing: restore it, or name another folder with --conf")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SettingsError(f"settings file {path} is not YAML: {error}") from None
    if content is not None and not isinstance(content, dict):
        raise SettingsError(f"settings file {path} holds no keys: write 'section:' and its keys below")
    return content or {}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base``, section by section; a list or a value replaces the whole of what it covers."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def with_reviewed_tables(settings: Settings, root: Traversable) -> Settings:
    """``settings`` with the reviewed tables of the folder ``root`` where they name none."""
    for section, key, file in REVIEWED_TABLES:
        given = getattr(settings, section)
        path = getattr(given, key) or str(root / "base" / file)
        settings = settings.model_copy(update={section: given.model_copy(update={key: path})})
    return settings


def with_key_file(merged: Mapping[str, Any]) -> dict[str, Any]:
    """``merged`` with the lake's folder in the place of ``{lake.root}`` in ``privacy.key_file``.

    A lake that is no folder of this machine has no place for a key: ``privacy.key_file`` is none then.
    """
    lake, privacy = merged.get("lake"), merged.get("privacy")
    if not isinstance(lake, Mapping) or not isinstance(privacy, Mapping):
        return dict(merged)
    root, file = lake.get("root"), privacy.get("key_file")
    if not isinstance(root, str) or not isinstance(file, str) or LAKE_ROOT not in file:
        return dict(merged)
    is_folder = "://" not in root and not lake.get("in_catalog")
    return merge(merged, {"privacy": {"key_file": file.replace(LAKE_ROOT, root) if is_folder else None}})


def parse_override(override: str) -> dict[str, Any]:
    """``section.key=value`` as a nested mapping."""
    dotted, equals, text = override.partition("=")
    if not equals or not all(dotted.split(".")):
        raise SettingsError(f"--set {override}: write it as section.key=value, such as lake.root=./lake")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        raise SettingsError(f"--set {override}: {text} is not a YAML value") from None
    for key in reversed(dotted.split(".")):
        value = {key: value}
    return dict(value)


def explain(error: ValidationError) -> str:
    """One line a fault: the key, what is wrong with it, and the nearest known key where it is unknown."""
    lines = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, known_keys(Settings), n=1, cutoff=0)
            lines.append(f"unknown setting {key}: did you mean {near[0]}?")
        elif fault["type"] == "missing":
            lines.append(f"setting {key} is missing: give it in conf/base/settings.yaml or by --set {key}=...")
        else:
            lines.append(f"setting {key} = {fault.get('input')!r}: {fault['msg']}")
    return "; ".join(lines)


def known_keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    """Every dotted key below ``section``."""
    keys = []
    for name, described in section.model_fields.items():
        nested = [kind for kind in (described.annotation, *get_args(described.annotation)) if is_section(kind)]
        keys.append(f"{prefix}{name}")
        keys.extend(key for kind in nested for key in known_keys(kind, f"{prefix}{name}."))
    return keys


def is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def known_colour(colour: str) -> str:
    """``colour`` where it is one as #0072B2, else a ValueError."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"{colour} is no colour: write it as #0072B2, in quotes")
    return colour


def known_day(day: str) -> str:
    """``day`` where it is one as 2024-01-01, else a ValueError."""
    try:
        is_day = date.fromisoformat(day).isoformat() == day
    except ValueError:
        is_day = False
    if not is_day:
        raise ValueError(f"{day} is no day: write it as 2024-01-01, in quotes")
    return day


def known_zone(zone: str) -> str:
    """``zone`` where the time zone database knows it, else a ValueError."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{zone} is not in the tz database: write a zone such as America/Vancouver") from None
    return zone
