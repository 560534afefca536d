"""The other side: the same tables from the same text by DuckDB, in plain SQL.

It does less than our side: no identity of a record, no reason for a rejected line, no log of days and runs, no
constraints, no schemes but the default one, no peak times. What it writes has the same rows, tokens included.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib import resources
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from telflow.classify.categories import load_categories
from telflow.classify.shipped import PROTOCOLS_FILE, SERVICES_FILE, load_shipped_registry, resource_folder
from telflow.customers.segment_names import OTHERS, RFM_R_SEGMENTS, RFM_SEGMENTS, SegmentRule
from telflow.errors import SettingsError
from telflow.ingest.addresses import ipv4_pattern, normalise_mac
from telflow.ingest.nfdump import COLUMNS_48
from telflow.ingest.protocols import IANA_KEYWORDS
from telflow.ingest.record import normalise_address
from telflow.ingest.scan import file_hash
from telflow.privacy.tokens import Kind, load_tokenizer
from telflow.settings import Settings
from tests.benchmarks.workload import DAYS, flow_files

NEEDED_TYPES = {
    **dict.fromkeys(("ts", "te"), "TIMESTAMP"),
    "td": "DOUBLE",
    "sp": "INTEGER",
    **dict.fromkeys(("ipkt", "ibyt", "opkt", "obyt"), "BIGINT"),
}
TO_PARQUET = "FORMAT parquet, COMPRESSION zstd"
HOURS_AROUND = 48  # a flow may last beyond the last day


class Duck:
    """A DuckDB database that does the daily run into Parquet files.

    Attributes:
        connection: its connection.
        output: folder of what it writes, one file or folder a table.
        settings: the settings our side ran with.
    """

    def __init__(self, output: Path, settings: Settings) -> None:
        self.output, self.settings = output, settings
        self.tokenizer = load_tokenizer(settings.privacy)
        output.mkdir(parents=True)
        self.connection = duckdb.connect(str(output / "work.duckdb"))
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("SET preserve_insertion_order = false")
        self.connection.execute(f"SET temp_directory = '{output / 'spill'}'")

    def run(self) -> dict[str, float]:
        """Seconds of each part."""
        parts: dict[str, Callable[[], None]] = {
            "provider": self.take_in_provider,
            "flows": self.write_flows,
            "windows": partial(self.write, "windows.sql", "traffic_by_window"),
            "reclassification": partial(self.write, "reclassification.sql", "reclassification"),
            "customer_daily": partial(self.write, "customer_daily.sql", "customer_daily"),
            "scores": self.write_scores,
        }
        seconds = {}
        for name, part in parts.items():
            began = time.perf_counter()
            part()
            seconds[name] = time.perf_counter() - began
        return seconds

    def take_in_provider(self) -> None:
        """Subscribers and leases, and who held which address when."""
        folder = Path(self.settings.ingest.input) / "provider"
        for name in ("subscribers", "leases"):
            self.table(name, f"SELECT * FROM read_csv('{folder / f'{name}.csv'}')")
        self.table("tokens", "SELECT NULL::VARCHAR AS value, NULL::VARCHAR AS token LIMIT 0")
        self.add_tokens(
            "SELECT DISTINCT 'sub', subscriber_id FROM subscribers UNION SELECT 'sub', subscriber_id FROM leases"
        )
        self.add_tokens("SELECT DISTINCT 'ip', address FROM leases")
        self.script("provider.sql")

    def write_flows(self) -> None:
        """The text, typed, labelled and written by day."""
        self.registry()
        self.variables()
        self.script("apportionment.sql")
        types = {name: NEEDED_TYPES.get(name, "VARCHAR") for name in COLUMNS_48}
        paths = flow_files(self.settings)
        with ThreadPoolExecutor() as threads:  # a file that comes again is known by it
            self.rows("ingest_log", {"path": [str(path) for path in paths], "hash": [*threads.map(file_hash, paths)]})
        files = [str(path) for path in paths]
        # the three lines of the summary have too few columns: they alone are passed over, as the equal counts show
        self.connection.execute(
            f"CREATE VIEW nfdump AS SELECT * FROM read_csv({files}, header = true, auto_detect = false, "
            f"delim = ',', quote = '', escape = '', ignore_errors = true, columns = {types})"
        )
        self.script("records.sql")
        self.script("own_values.sql")
        self.add_tokens("FROM own_values WHERE value NOT IN (SELECT value FROM tokens)")
        self.script("flows.sql")
        flows = self.output / "flows"
        self.connection.execute(f"COPY (FROM labelled_flows) TO '{flows}' ({TO_PARQUET}, PARTITION_BY (event_date))")
        self.connection.execute(f"CREATE VIEW flows AS SELECT * FROM read_parquet('{flows}/**/*.parquet')")

    def registry(self) -> None:
        """The registry and the reviewed categories."""
        with resources.as_file(resource_folder()) as folder:
            for name, file in (("iana_services", SERVICES_FILE), ("iana_protocols", PROTOCOLS_FILE)):
                self.table(name, f"SELECT * FROM read_csv('{folder / file}', delim = '\t', header = true, quote = '')")
        by_service = load_categories(self.settings.classify.categories).by_service
        self.rows("categories", {"service": list(by_service), "category": list(by_service.values())})
        self.script("registry.sql")

    def variables(self) -> None:
        """What the settings say of records, and the small tables that go with it."""
        given = self.settings.ingest
        values = {
            "own_pattern": own_pattern(self.settings.network.own_prefixes),
            "max_duration_seconds": given.max_duration_seconds,
            "max_record_bytes": given.max_record_bytes,
            "earliest": datetime.fromisoformat(given.earliest),
            "registry_version": load_shipped_registry().version,
            "window_days": self.settings.customers.window_days,
            "known_days": self.settings.customers.known_days,
            "new_days": self.settings.customers.new_days,
        }
        for name, value in values.items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])
        names = [name.upper() for name in IANA_KEYWORDS.split()]
        self.rows("protocol_names", {"name": names, "number": list(range(len(names)))})
        self.rows("local_hours", local_hours(self.settings))

    def add_tokens(self, query: str) -> None:
        """The token of each kind and value that ``query`` finds."""
        found = self.connection.execute(query).fetchall()
        made = [self.tokenizer.token(kind, normal(kind, value)) for kind, value in found]
        self.connection.register("made", pa.table({"value": [value for _, value in found], "token": made}))
        self.connection.execute("INSERT INTO tokens FROM made")
        self.connection.unregister("made")

    def write_scores(self) -> None:
        """The scores, from the roll-up as it was written."""
        daily = self.output / "customer_daily.parquet"
        self.connection.execute(f"CREATE VIEW customer_days AS SELECT * FROM read_parquet('{daily}')")
        self.rows("segments", segments())
        self.write("scores.sql", "customer_scores")

    def write(self, script: str, view: str) -> None:
        """Define ``view`` by ``script`` and write it."""
        self.script(script)
        self.connection.execute(f"COPY (FROM {view}) TO '{self.output / f'{view}.parquet'}' ({TO_PARQUET})")

    def script(self, name: str) -> None:
        self.connection.execute((resources.files("tests.benchmarks") / "sql" / name).read_text(encoding="utf-8"))

    def table(self, name: str, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")

    def rows(self, name: str, columns: Mapping[str, Sequence[object]]) -> None:
        """A small table of values in hand."""
        self.connection.register("in_hand", pa.table(dict(columns)))
        self.table(name, "SELECT * FROM in_hand")
        self.connection.unregister("in_hand")


def normal(kind: Kind, value: str) -> str:
    """``value`` as tokens are made of it."""
    if kind == "ip":
        return normalise_address(value) or value
    return normalise_mac(value) or value if kind == "mac" else value


def own_pattern(prefixes: Sequence[str]) -> str:
    """Pattern of the own side's addresses: IPv4 blocks, and IPv6 blocks of whole bytes up to the first group."""
    networks = [ip_network(prefix) for prefix in prefixes]
    found = [ipv4_pattern([network for network in networks if isinstance(network, IPv4Network)])]
    for network in networks:
        if isinstance(network, IPv6Network):
            if network.prefixlen not in (8, 16):
                raise SettingsError(f"network.own_prefixes holds {network}: the benchmark knows /8 and /16 of IPv6")
            found.append(f"^{network.network_address.exploded[: network.prefixlen // 4]}")
    return "|".join(found)


def local_hours(settings: Settings) -> dict[str, list[object]]:
    """Each hour of UTC around the input: its local day, the hours since that day began, and those it has."""
    zone = ZoneInfo(settings.network.zone)
    start = datetime.fromisoformat(settings.simulate.start).replace(tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(-HOURS_AROUND, 24 * DAYS + HOURS_AROUND)]
    days = [hour.astimezone(zone).date() for hour in hours]
    return {
        "hour_index": [int(hour.timestamp()) // 3600 for hour in hours],
        "local_date": list(days),
        "local_hour": [
            (hour - midnight(day, zone)) // timedelta(hours=1) for hour, day in zip(hours, days, strict=True)
        ],
        "hours_in_day": [
            (midnight(day + timedelta(days=1), zone) - midnight(day, zone)) // timedelta(hours=1) for day in days
        ],
    }


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """First instant of the local ``day``, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def segments() -> dict[str, list[object]]:
    """Segment name of each code of the schemes that have any."""
    named = {"rfm": RFM_SEGMENTS, "rfm_r": RFM_R_SEGMENTS}
    codes = [(scheme, code) for scheme in named for code in product(range(1, 6), repeat=3)]
    return {
        "scheme": [scheme for scheme, _ in codes],
        "score": [100 * recency + 10 * frequency + monetary for _, (recency, frequency, monetary) in codes],
        "name": [segment_of(named[scheme], code) for scheme, code in codes],
    }


def segment_of(rules: Sequence[SegmentRule], code: tuple[int, ...]) -> str:
    """Name of the first rule whose ranges hold the scores."""
    for rule in rules:
        ranges = (rule.recency, rule.frequency, rule.monetary)
        if all(low <= score <= high for score, (low, high) in zip(code, ranges, strict=True)):
            return rule.name
    return OTHERS
