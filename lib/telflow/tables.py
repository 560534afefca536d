"""Every table of the lake: its grain, columns, layout and promises."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


PIPELINE = "run_pipeline.py"
APART = (  # writers of tables that the daily run leaves alone
    "assign_segments.py",
    "score_churn.py",
    "find_micro_trends.py",
    "recommend_services.py",
    "simulate_telemetry.py",
)


@dataclass(frozen=True)
class Table:
    """A declared table.

    Attributes:
        name: folder in the lake, or table in the catalogue.
        grain: what one row is.
        answers: the question it answers, in a line.
        ddl: columns with comments and NOT NULL.
        partition_by: columns that name a partition; the first is what re-runs replace.
        stats_columns: columns that keep minimum and maximum per file; empty for Delta's own choice.
        checks: CHECK constraints by name, enforced on write.
        identities: what must hold between tables or columns, in words; tests hold them.
        restricted: True where the rows are not for analysts: addresses in the clear, or who held which address and when.
            No export, view or saved question reads such a table.
        writer: script of jobs/ whose step writes it.
        sample_query: a query to start from, the table named by its own name.
    """

    name: str
    grain: str
    answers: str
    ddl: str
    partition_by: tuple[str, ...] = ()
    stats_columns: tuple[str, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)
    identities: tuple[str, ...] = ()
    restricted: bool = False
    writer: str = ""
    sample_query: str = ""

    @property
    def schema(self) -> "StructType":
        """Columns in order, with their comments."""
        types = import_module("pyspark.sql.types")  # here, as the dashboard reads declarations and has no Spark
        return cast("StructType", types.StructType.fromDDL(self.ddl))

    @property
    def is_daily(self) -> bool:
        """Whether the daily run writes it."""
        return self.writer not in APART

    @property
    def columns(self) -> list[str]:
        """Names of the columns in order."""
        return self.schema.fieldNames()


FLOWS = Table(
    name="flows",
    grain="one flow record, as its exporter wrote it",
    answers="What went over the network, between whom, and which service it was?",
    writer="ingest_flows.py",
    ddl="""
        event_date           DATE NOT NULL      COMMENT 'UTC day of start_time, the partition',
        flow_id              BIGINT NOT NULL    COMMENT 'first 62 bits of the content hash of its file, plus its line: the same record in the same place is the same flow',
        ingest_run           BIGINT NOT NULL    COMMENT 'run that wrote the row',
        start_time           TIMESTAMP NOT NULL COMMENT 'first packet, UTC, microseconds',
        end_time             TIMESTAMP NOT NULL COMMENT 'last packet, UTC, microseconds',
        exporter             STRING             COMMENT 'router or sensor that exported the record; token (ip_...) of an address on the own side',
        src_ip               STRING NOT NULL    COMMENT 'source: token (ip_...) on the own side, else the address',
        dst_ip               STRING NOT NULL    COMMENT 'destination: token (ip_...) on the own side, else the address',
        src_port             INT                COMMENT '0 to 65535; null for protocols without ports',
        dst_port             INT                COMMENT '0 to 65535; null for protocols without ports',
        protocol             INT NOT NULL       COMMENT 'IANA protocol number, 0 to 255',
        src_bytes            BIGINT NOT NULL    COMMENT 'bytes from source, scaled by sampling_rate',
        src_packets          BIGINT NOT NULL    COMMENT 'packets from source, scaled by sampling_rate',
        dst_bytes            BIGINT NOT NULL    COMMENT 'bytes from destination, scaled by sampling_rate',
        dst_packets          BIGINT NOT NULL    COMMENT 'packets from destination, scaled by sampling_rate',
        is_bidirectional     BOOLEAN NOT NULL   COMMENT 'false: the record tells of one direction only, the other counts 0',
        tcp_flags            INT                COMMENT 'union of TCP flags, bit mask',
        icmp_type            INT                COMMENT 'ICMP type',
        icmp_code            INT                COMMENT 'ICMP code',
        src_mac              STRING             COMMENT 'token (mac_...) of the source MAC address, the input MAC',
        dst_mac              STRING             COMMENT 'token (mac_...) of the destination MAC address',
        sampling_rate        INT NOT NULL       COMMENT '1 of this many packets was seen',
        observed_application STRING             COMMENT 'what the exporter itself took the traffic for, lower case',
        source_format        STRING NOT NULL    COMMENT 'format the record came in',
        is_src_own           BOOLEAN NOT NULL   COMMENT 'the source is inside the provider''s prefixes',
        is_dst_own           BOOLEAN NOT NULL   COMMENT 'the destination is inside the provider''s prefixes',
        initiator            STRING             COMMENT 'src or dst where the exporter says who opened the connection',
        src_service          STRING             COMMENT 'service IANA registers for the source port',
        dst_service          STRING             COMMENT 'service IANA registers for the destination port',
        service              STRING NOT NULL    COMMENT 'service of the server side; unassigned or dynamic where none is registered',
        service_basis        STRING NOT NULL    COMMENT 'rule that chose the server side',
        port_class           STRING NOT NULL    COMMENT 'system, user, dynamic or none: class of the server port',
        category             STRING NOT NULL    COMMENT 'category of the service, from the reviewed table',
        registry_version     STRING NOT NULL    COMMENT 'version of the IANA registries the labels come from'
    """,
    partition_by=("event_date",),
    stats_columns=("start_time", "end_time", "flow_id", "ingest_run"),
    checks={
        "ends_after_start": "end_time >= start_time",
        "volumes_not_negative": "src_bytes >= 0 AND dst_bytes >= 0 AND src_packets >= 0 AND dst_packets >= 0",
    },
    identities=("rows of a run = lines_kept of its files in ingest_log",),
    restricted=True,
    sample_query="SELECT service, SUM(src_bytes + dst_bytes) AS bytes FROM flows GROUP BY service ORDER BY bytes DESC",
)

FLOWS_QUARANTINE = Table(
    name="flows_quarantine",
    grain="one rejected line",
    answers="Which lines could not be read as flows, and why?",
    writer="ingest_flows.py",
    ddl="""
        ingest_run  BIGINT NOT NULL    COMMENT 'run that rejected the line',
        file_id     BIGINT NOT NULL    COMMENT 'file, as in ingest_log',
        path        STRING NOT NULL    COMMENT 'file the line stands in',
        line        BIGINT NOT NULL    COMMENT 'line number from 1; 0 for a whole file',
        reason      STRING NOT NULL    COMMENT 'reason code',
        raw         STRING             COMMENT 'the line as it came; holds addresses in the clear',
        rejected_at TIMESTAMP NOT NULL COMMENT 'when, UTC'
    """,
    stats_columns=("ingest_run", "file_id", "rejected_at"),  # of raw, they would outlive the lines in Delta's log
    restricted=True,
    sample_query="SELECT reason, COUNT(*) AS lines FROM flows_quarantine GROUP BY reason ORDER BY lines DESC",
)

INGEST_LOG = Table(
    name="ingest_log",
    grain="one source file in one run",
    answers="Which files came in, and what became of each of their lines?",
    writer="ingest_flows.py",
    ddl="""
        ingest_run        BIGINT NOT NULL    COMMENT 'run that read the file',
        file_id           BIGINT NOT NULL    COMMENT 'first 62 bits of content_hash',
        path              STRING NOT NULL    COMMENT 'where the file stood',
        size_bytes        BIGINT NOT NULL    COMMENT 'size on disk',
        modified_at       TIMESTAMP          COMMENT 'modification time on disk, UTC',
        content_hash      STRING             COMMENT 'SHA-256 of the content after decompression, hex',
        content_bytes     BIGINT             COMMENT 'size after decompression',
        compression       STRING             COMMENT 'none, gzip, bzip2 or zstd',
        source_format     STRING             COMMENT 'format found or given',
        status            STRING NOT NULL    COMMENT 'kept, cut, interim, rejected (no line was kept), empty, unknown_format, unreadable or duplicate; outgrown where a later row has more of the file',
        message           STRING             COMMENT 'what was wrong and what to do, where anything was',
        lines_read        BIGINT NOT NULL    COMMENT 'lines of the file',
        lines_kept        BIGINT NOT NULL    COMMENT 'lines that are rows of flows',
        lines_quarantined BIGINT NOT NULL    COMMENT 'lines that are rows of flows_quarantine',
        lines_trailer     BIGINT NOT NULL    COMMENT 'summary lines after the last record',
        lines_comment     BIGINT NOT NULL    COMMENT 'headers, comments and blank lines',
        lines_skipped     BIGINT NOT NULL    COMMENT 'records that are no finished flow: other event types, interim records, NODATA',
        touched_days      ARRAY<DATE>        COMMENT 'UTC days its flows lasted into',
        logged_at         TIMESTAMP NOT NULL COMMENT 'when, UTC'
    """,
    checks={
        "every_line_counted": "lines_read = lines_kept + lines_quarantined + lines_trailer + lines_comment + lines_skipped"
    },
    identities=("lines_read = kept + quarantined + trailer + comment + skipped, for every file",),
    sample_query="SELECT path, status, lines_read, lines_kept, lines_quarantined FROM ingest_log ORDER BY logged_at",
)

DAY_LOG = Table(
    name="day_log",
    grain="one change of a day's flows, or one build of a day by a step",
    answers="Which days are new or changed since a step last built them?",
    writer="run_pipeline.py",
    ddl="""
        event_date DATE NOT NULL      COMMENT 'UTC day',
        step       STRING NOT NULL    COMMENT 'flows for a change of the flows, else the step that built the day',
        run        BIGINT NOT NULL    COMMENT 'run of the change; for a build, the newest change it saw',
        logged_at  TIMESTAMP NOT NULL COMMENT 'when, UTC'
    """,
    sample_query="SELECT step, MAX(event_date) AS last_day FROM day_log GROUP BY step",
)

RUN_LOCK = Table(
    name="run_lock",
    grain="one run: the last that ended, and the one that is at work",
    answers="Who writes into the lake at this moment?",
    ddl="""
        run     BIGINT NOT NULL    COMMENT 'number of the run; Delta lets each be taken once',
        state   STRING NOT NULL    COMMENT 'running or ended',
        job     STRING NOT NULL    COMMENT 'script that runs',
        owner   STRING NOT NULL    COMMENT 'user it runs as',
        host    STRING NOT NULL    COMMENT 'machine it runs on',
        process STRING NOT NULL    COMMENT 'its process number, and when that began',
        ticket  STRING NOT NULL    COMMENT 'drawn at random, told apart by it from a run that began at the same moment',
        at      TIMESTAMP NOT NULL COMMENT 'when it began, or ended, UTC'
    """,
    sample_query="SELECT job, owner, host, at FROM run_lock WHERE state = 'running'",
)

LAKE_FACTS = Table(
    name="lake_facts",
    grain="one fact that holds of the lake since it was stated",
    answers="Under which key were the tokens made, how long can flows last, and are the records synthetic?",
    ddl="""
        fact      STRING NOT NULL    COMMENT 'key_fingerprint, longest_flow_seconds or records',
        value     STRING NOT NULL    COMMENT 'its value; for records synthetic or own',
        stated_at TIMESTAMP NOT NULL COMMENT 'when, UTC; the newest counts'
    """,
    sample_query="SELECT fact, MAX_BY(value, stated_at) AS value FROM lake_facts GROUP BY fact",
)

IANA_SERVICES = Table(
    name="iana_services",
    grain="one registered (protocol, port) in one registry version",
    answers="Which service does IANA register for a port?",
    writer="refresh_registry.py",
    ddl="""
        registry_version STRING NOT NULL COMMENT 'version of the registry, its newest entry''s date',
        protocol         INT NOT NULL    COMMENT 'IANA protocol number: 6 TCP, 17 UDP, 33 DCCP, 132 SCTP',
        port             INT NOT NULL    COMMENT '0 to 65535',
        service          STRING NOT NULL COMMENT 'primary service name, the first registered',
        aliases          ARRAY<STRING>   COMMENT 'further names of the same port',
        status           STRING NOT NULL COMMENT 'system or user: range of the port'
    """,
    identities=("(registry_version, protocol, port) is unique",),
    sample_query="SELECT port, service, aliases FROM iana_services WHERE protocol = 6 AND port = 443",
)

IANA_PROTOCOLS = Table(
    name="iana_protocols",
    grain="one protocol number in one registry version",
    answers="What is the name of a protocol number?",
    writer="refresh_registry.py",
    ddl="""
        registry_version STRING NOT NULL COMMENT 'version of the registry',
        protocol         INT NOT NULL    COMMENT 'IANA protocol number, 0 to 255',
        keyword          STRING          COMMENT 'IANA keyword in lower case; null where none is assigned'
    """,
    identities=("(registry_version, protocol) is unique",),
    sample_query="SELECT protocol, keyword FROM iana_protocols ORDER BY protocol",
)

TRAFFIC_BY_WINDOW = Table(
    name="traffic_by_window",
    grain="five-minute window × service × category × direction × plan × region",
    answers="How much of which traffic was there at what time?",
    writer="build_windows.py",
    ddl="""
        event_date       DATE NOT NULL      COMMENT 'UTC day of the window, the partition',
        window_start     TIMESTAMP NOT NULL COMMENT 'start of the window, UTC',
        service          STRING NOT NULL    COMMENT 'IANA service of the server side',
        category         STRING NOT NULL    COMMENT 'category of the service',
        direction        STRING NOT NULL    COMMENT 'outbound: own source; inbound: own destination; internal: both; transit: neither',
        plan             STRING NOT NULL    COMMENT 'plan of the customer, none where there is no customer; the source''s for internal flows',
        region           STRING NOT NULL    COMMENT 'region of the customer, likewise',
        src_bytes        BIGINT NOT NULL    COMMENT 'bytes from source, shared out by time',
        dst_bytes        BIGINT NOT NULL    COMMENT 'bytes from destination, shared out by time',
        src_packets      BIGINT NOT NULL    COMMENT 'packets from source, shared out by time',
        dst_packets      BIGINT NOT NULL    COMMENT 'packets from destination, shared out by time',
        flows_started    BIGINT NOT NULL    COMMENT 'flows that began in the window',
        flows_active     BIGINT NOT NULL    COMMENT 'flows that touched the window',
        customers_sketch BINARY             COMMENT 'HLL sketch (Apache DataSketches) of the customers seen; merge with hll_union_agg'
    """,
    partition_by=("event_date",),
    stats_columns=("window_start",),
    checks={
        "volumes_not_negative": "src_bytes >= 0 AND dst_bytes >= 0 AND src_packets >= 0 AND dst_packets >= 0",
        "active_covers_started": "flows_active >= flows_started",
    },
    identities=("bytes and packets over all windows = bytes and packets of flows, exactly",),
    sample_query="SELECT category, SUM(src_bytes + dst_bytes) AS bytes FROM traffic_by_window GROUP BY category",
)

SCOPE_LOAD = Table(
    name="scope_load",
    grain="scope × sample: five minutes for network, category, plan and region, an hour for tier",
    answers="What load did the network, a category, a plan, a region or a tier carry at what time?",
    writer="find_peak_times.py",
    ddl="""
        local_date     DATE NOT NULL      COMMENT 'day in the provider''s zone, the partition',
        scope_kind     STRING NOT NULL    COMMENT 'network, category, plan, region or tier',
        scope          STRING NOT NULL    COMMENT 'which one; all for the network',
        sample_start   TIMESTAMP NOT NULL COMMENT 'start of the sample, UTC',
        sample_seconds INT NOT NULL       COMMENT 'length of the sample, seconds',
        bytes          BIGINT NOT NULL    COMMENT 'bytes both ways',
        packets        BIGINT             COMMENT 'packets both ways; null for tiers, whose hours tell bytes alone',
        flows_started  BIGINT             COMMENT 'flows that began in the sample; null for tiers, likewise'
    """,
    partition_by=("local_date",),
    stats_columns=("sample_start",),
    checks={"volumes_not_negative": "bytes >= 0 AND COALESCE(packets, 0) >= 0"},
    identities=("per sample, the categories' bytes sum to the network's",),
    sample_query="SELECT sample_start, bytes FROM scope_load WHERE scope_kind = 'network' ORDER BY bytes DESC LIMIT 10",
)

PEAK_TIMES = Table(
    name="peak_times",
    grain="scope × period (local day or month)",
    answers="When is the network, a category, a plan, a region or a tier busiest, and how busy?",
    writer="find_peak_times.py",
    ddl="""
        period_start         DATE NOT NULL      COMMENT 'first local day of the period',
        period_kind          STRING NOT NULL    COMMENT 'day or month',
        scope_kind           STRING NOT NULL    COMMENT 'network, category, plan, region or tier',
        scope                STRING NOT NULL    COMMENT 'which one; all for the network',
        sample_seconds       INT NOT NULL       COMMENT 'length of the samples, seconds: 300, or 3600 for tiers',
        days                 INT NOT NULL       COMMENT 'local days of the period with traffic in the network',
        total_bytes          BIGINT NOT NULL    COMMENT 'bytes of the period',
        busy_hour_start      TIMESTAMP NOT NULL COMMENT 'start of the 60 minutes of greatest load, UTC',
        busy_hour_bytes      BIGINT NOT NULL    COMMENT 'bytes in them',
        adph_bytes           DOUBLE NOT NULL    COMMENT 'average daily peak hour: mean over days of each day''s own busy-hour bytes',
        tcbh_start_minute    INT NOT NULL       COMMENT 'time-consistent busy hour: its start, minutes on the local clock after midnight',
        tcbh_bytes           DOUBLE NOT NULL    COMMENT 'mean bytes over days in that same clock hour',
        p95_bits_per_second  DOUBLE NOT NULL    COMMENT '95th percentile of the samples: the top 5 % dropped, the next one',
        mean_bits_per_second DOUBLE NOT NULL    COMMENT 'mean of the samples'
    """,
    partition_by=("period_kind", "period_start"),
    identities=("busy_hour_bytes <= total_bytes", "adph_bytes >= tcbh_bytes"),
    checks={"busy_hour_within_total": "busy_hour_bytes <= total_bytes"},
    sample_query="SELECT scope, tcbh_start_minute / 60 AS hour, tcbh_bytes FROM peak_times"
    " WHERE period_kind = 'month' AND scope_kind = 'category'",
)

HOUR_BY_WEEKDAY = Table(
    name="hour_by_weekday",
    grain="scope × month × weekday × hour of the local clock",
    answers="Which hours of the week are busy?",
    writer="find_peak_times.py",
    ddl="""
        month      DATE NOT NULL   COMMENT 'first local day of the month, the partition',
        scope_kind STRING NOT NULL COMMENT 'network, category, plan, region or tier',
        scope      STRING NOT NULL COMMENT 'which one; all for the network',
        weekday    INT NOT NULL    COMMENT '1 Monday to 7 Sunday',
        hour       INT NOT NULL    COMMENT '0 to 23 on the local clock',
        days       INT NOT NULL    COMMENT 'such weekdays in the month with traffic in the network',
        bytes      BIGINT NOT NULL COMMENT 'bytes of all of them',
        mean_bytes DOUBLE NOT NULL COMMENT 'bytes per such weekday'
    """,
    partition_by=("month",),
    sample_query="SELECT weekday, hour, mean_bytes FROM hour_by_weekday WHERE scope_kind = 'network'",
)

RECLASSIFICATION = Table(
    name="reclassification",
    grain="UTC day × observed application × IANA service",
    answers="Where do the exporter's own labels and the IANA registry differ?",
    writer="reclassify.py",
    ddl="""
        event_date           DATE NOT NULL   COMMENT 'UTC day of the flows'' start, the partition',
        observed_application STRING NOT NULL COMMENT 'the exporter''s own label; none where it gave none',
        service              STRING NOT NULL COMMENT 'IANA service of the server side',
        category             STRING NOT NULL COMMENT 'category of the service',
        registry_version     STRING NOT NULL COMMENT 'version of the IANA registries',
        agreement            STRING NOT NULL COMMENT 'same, differs or unobserved',
        flows                BIGINT NOT NULL COMMENT 'flow records',
        bytes                BIGINT NOT NULL COMMENT 'bytes both ways'
    """,
    partition_by=("event_date",),
    identities=("flows and bytes over all rows of a day = flows and bytes of flows on that day",),
    sample_query="SELECT observed_application, service, SUM(bytes) AS bytes FROM reclassification"
    " WHERE agreement = 'differs' GROUP BY ALL ORDER BY bytes DESC LIMIT 20",
)

TRAFFIC_TYPES = Table(
    name="traffic_types",
    grain="UTC day × end of the flow × protocol × port × service × category",
    answers="Which ports and services does the traffic of either end use, and how many customers stand behind each?",
    writer="list_traffic.py",
    ddl="""
        event_date DATE NOT NULL    COMMENT 'UTC day of the flows'' start, the partition',
        flow_end   STRING NOT NULL  COMMENT 'src or dst: every flow stands in one row of each',
        is_server  BOOLEAN NOT NULL COMMENT 'the end that the flow has its service from: one of both, of each flow',
        protocol   INT NOT NULL     COMMENT 'IANA protocol number',
        port       INT              COMMENT 'port of the end, below 49152; null for others, for protocols without, and for a client''s that nobody registered where the server''s is registered',
        service    STRING NOT NULL  COMMENT 'service of the flow where the end is the server, else what IANA registers for the port; unassigned or dynamic where it is none',
        category   STRING NOT NULL  COMMENT 'category of the flow',
        customers  BIGINT NOT NULL  COMMENT 'customers behind the row, at least: subscribers or addresses without a lease, whichever are more; an internal flow counts for its source',
        flows      BIGINT NOT NULL  COMMENT 'flow records',
        bytes      BIGINT NOT NULL  COMMENT 'bytes both ways'
    """,
    partition_by=("event_date",),
    identities=(
        "flows and bytes of either end, and of the servers, over all rows of a day = those of flows on that day",
    ),
    sample_query="SELECT port, protocol, service, SUM(bytes) AS bytes FROM traffic_types"
    " WHERE flow_end = 'dst' AND port IS NOT NULL GROUP BY ALL ORDER BY bytes DESC LIMIT 20",
)

REMOTE_NETWORKS = Table(
    name="remote_networks",
    grain="UTC day × network outside",
    answers="Which networks does traffic go to and come from, and how many customers use each?",
    writer="list_traffic.py",
    ddl="""
        event_date DATE NOT NULL   COMMENT 'UTC day of the flows'' start, the partition',
        network    STRING NOT NULL COMMENT 'prefix of the outside address: /24 of IPv4, /48 of IPv6; others for those that one customer alone used on the day',
        customers  BIGINT          COMMENT 'customers behind the row, at least, 2 or more; null for others',
        flows      BIGINT NOT NULL COMMENT 'flow records',
        bytes      BIGINT NOT NULL COMMENT 'bytes both ways'
    """,
    partition_by=("event_date",),
    identities=("flows and bytes over all rows of a day = those of flows with one own end on that day",),
    sample_query="SELECT network, SUM(bytes) AS bytes FROM remote_networks WHERE network <> 'others'"
    " GROUP BY network ORDER BY bytes DESC LIMIT 20",
)

CUSTOMER_DAILY = Table(
    name="customer_daily",
    grain="customer × local day",
    answers="What did each customer use on each day?",
    writer="roll_up_customers.py",
    ddl="""
        local_date           DATE NOT NULL      COMMENT 'day in the provider''s zone, the partition',
        customer             STRING NOT NULL    COMMENT 'token of the subscriber (sub_...), or of the address (ip_...) where no lease covers it',
        customer_basis       STRING NOT NULL    COMMENT 'lease, address or source: how the customer was found',
        plan                 STRING NOT NULL    COMMENT 'plan, none where unknown',
        region               STRING NOT NULL    COMMENT 'region, none where unknown',
        bytes_up             BIGINT NOT NULL    COMMENT 'bytes the customer sent',
        bytes_down           BIGINT NOT NULL    COMMENT 'bytes the customer received',
        packets_up           BIGINT NOT NULL    COMMENT 'packets the customer sent',
        packets_down         BIGINT NOT NULL    COMMENT 'packets the customer received',
        connections          BIGINT NOT NULL    COMMENT 'flows that began on the day',
        distinct_start_times BIGINT NOT NULL    COMMENT 'distinct start times of those flows',
        active_hours         INT NOT NULL       COMMENT 'hours of the day with any traffic',
        flow_seconds         DOUBLE NOT NULL    COMMENT 'seconds its flows lasted within the day, added up',
        input_macs           ARRAY<STRING>      COMMENT 'distinct tokens of its input MAC addresses, sorted',
        peers_sketch         BINARY             COMMENT 'HLL sketch of the other ends; merge with hll_union_agg',
        bytes_by_category    MAP<STRING,BIGINT> COMMENT 'bytes both ways by category',
        bytes_by_hour        ARRAY<BIGINT>      COMMENT 'bytes both ways by hour elapsed since local midnight, 23 to 25 entries'
    """,
    partition_by=("local_date",),
    stats_columns=("customer",),
    checks={"volumes_not_negative": "bytes_up >= 0 AND bytes_down >= 0 AND packets_up >= 0 AND packets_down >= 0"},
    identities=(
        "bytes_up + bytes_down = sum of bytes_by_category = sum of bytes_by_hour",
        "sum over customers = sum over flows, internal flows counted twice, transit none",
    ),
    sample_query="SELECT customer, SUM(bytes_up + bytes_down) AS bytes FROM customer_daily GROUP BY customer",
)

CUSTOMER_SCORES = Table(
    name="customer_scores",
    grain="customer × as_of × scheme",
    answers="Which customers are worth most, which need attention, and which may be lost?",
    writer="score_customers.py",
    ddl="""
        as_of             DATE NOT NULL         COMMENT 'local day after the last one looked at, a partition',
        scheme            STRING NOT NULL       COMMENT 'rfm, rfm_r or ufm, a partition',
        customer          STRING NOT NULL       COMMENT 'token of the customer',
        window_days       INT NOT NULL          COMMENT 'days looked at, ending before as_of',
        status            STRING NOT NULL       COMMENT 'scored, new or inactive: only the scored are cut',
        recency_days      INT                   COMMENT 'days from the last activity to as_of',
        frequency         BIGINT                COMMENT 'active days (rfm, rfm_r) or distinct start times (ufm)',
        monetary_bytes    BIGINT                COMMENT 'bytes both ways (Usage in ufm)',
        connections       BIGINT                COMMENT 'distinct input MAC addresses, or flows, by setting (Count in ufm)',
        recency_score     INT                   COMMENT '1 to 5, rfm and rfm_r',
        frequency_score   INT                   COMMENT '1 to 5; 1 to 4 in ufm',
        monetary_score    INT                   COMMENT '1 to 5; 1 to 4 in ufm',
        connections_score INT                   COMMENT '1 to 4, ufm',
        score             INT                   COMMENT 'rfm code such as 543, or the ufm sum 3 to 12',
        level             STRING NOT NULL       COMMENT 'segment name (rfm, rfm_r) or ufm level; new or inactive',
        value_level       STRING                COMMENT 'No Value, Low, Medium or High, by quartile of the score',
        cuts              MAP<STRING,ARRAY<DOUBLE>> COMMENT 'cuts used, by measure',
        customers_cut     BIGINT NOT NULL       COMMENT 'customers the cuts were taken over',
        source_version    BIGINT NOT NULL       COMMENT 'version of customer_daily that was read'
    """,
    partition_by=("as_of", "scheme"),
    stats_columns=("customer",),
    identities=("score in ufm = monetary_score + frequency_score + connections_score",),
    sample_query="SELECT level, COUNT(*) AS customers FROM customer_scores WHERE scheme = 'ufm' GROUP BY level",
)

SUBSCRIBERS = Table(
    name="subscribers",
    grain="one subscriber, as the provider delivered it last",
    answers="Which plan, region and contract has a customer?",
    writer="load_provider.py",
    ddl="""
        customer          STRING NOT NULL COMMENT 'token of the subscriber (sub_...)',
        plan              STRING NOT NULL COMMENT 'plan, as in plans',
        region            STRING NOT NULL COMMENT 'region of the subscriber',
        signup_date       DATE NOT NULL   COMMENT 'start of the subscription',
        contract          STRING          COMMENT 'month-to-month, one-year or two-year',
        payment           STRING          COMMENT 'means of payment',
        marketing_consent BOOLEAN NOT NULL COMMENT 'may be approached with offers'
    """,
    sample_query="SELECT plan, COUNT(*) AS subscribers FROM subscribers GROUP BY plan",
)

LEASES = Table(
    name="leases",
    grain="one address held by one subscriber over one stretch of time",
    answers="Who held an address at a moment?",
    writer="load_provider.py",
    ddl="""
        address    STRING NOT NULL    COMMENT 'token of the address (ip_...)',
        customer   STRING NOT NULL    COMMENT 'token of the subscriber (sub_...)',
        valid_from TIMESTAMP NOT NULL COMMENT 'first moment, UTC',
        valid_to   TIMESTAMP          COMMENT 'first moment after, UTC; null while it lasts'
    """,
    restricted=True,
    checks={"ends_after_start": "valid_to IS NULL OR valid_to > valid_from"},
    sample_query="SELECT COUNT(DISTINCT address) AS addresses FROM leases WHERE valid_to IS NULL",
)

LEASE_SPANS = Table(
    name="lease_spans",
    grain="one address over one stretch of time, held by one subscriber",
    answers="Who held an address at a moment, where overlapping leases are settled?",
    writer="load_provider.py",
    ddl="""
        address    STRING NOT NULL    COMMENT 'token of the address (ip_...)',
        customer   STRING NOT NULL    COMMENT 'token of the subscriber (sub_...) whose lease began last',
        plan       STRING NOT NULL    COMMENT 'plan of the subscriber, none where unknown',
        region     STRING NOT NULL    COMMENT 'region of the subscriber, none where unknown',
        valid_from TIMESTAMP NOT NULL COMMENT 'first moment, UTC',
        valid_to   TIMESTAMP NOT NULL COMMENT 'first moment after, UTC; the year 9999 while it lasts'
    """,
    restricted=True,
    checks={"ends_after_start": "valid_to > valid_from"},
    identities=("stretches of one address do not overlap",),
    sample_query="SELECT COUNT(*) AS held_now FROM lease_spans WHERE year(valid_to) = 9999",
)

PLANS = Table(
    name="plans",
    grain="one plan",
    answers="What does a plan hold, and what does it cost?",
    writer="load_provider.py",
    ddl="""
        plan             STRING NOT NULL COMMENT 'name of the plan',
        monthly_price    DOUBLE NOT NULL COMMENT 'price a month, in the provider''s currency',
        volume_gigabytes DOUBLE          COMMENT 'volume a month, 10^9 bytes; null for unlimited',
        down_mbps        DOUBLE NOT NULL COMMENT 'rate to the customer, 10^6 bits a second',
        up_mbps          DOUBLE NOT NULL COMMENT 'rate from the customer, 10^6 bits a second'
    """,
    checks={  # what is no number is greater than all others, infinity too
        "price_is_a_number": "monthly_price >= 0 AND monthly_price < DOUBLE('Infinity')",
        "volume_is_positive": "volume_gigabytes IS NULL OR (volume_gigabytes > 0 AND NOT isnan(volume_gigabytes))",
        "rates_are_positive": "down_mbps > 0 AND up_mbps > 0 AND NOT (isnan(down_mbps) OR isnan(up_mbps))",
    },
    sample_query="SELECT * FROM plans ORDER BY monthly_price",
)

CHURN_EVENTS = Table(
    name="churn_events",
    grain="one subscriber who left",
    answers="Who left, and when?",
    writer="load_provider.py",
    ddl="""
        customer   STRING NOT NULL COMMENT 'token of the subscriber (sub_...)',
        churn_date DATE NOT NULL   COMMENT 'last day of the subscription',
        reason     STRING          COMMENT 'reason as the provider recorded it'
    """,
    sample_query="SELECT DATE_TRUNC('month', churn_date) AS month, COUNT(*) FROM churn_events GROUP BY 1",
)

COMPLAINTS = Table(
    name="complaints",
    grain="one complaint",
    answers="Who complained, when, about what?",
    writer="load_provider.py",
    ddl="""
        customer       STRING NOT NULL COMMENT 'token of the subscriber (sub_...)',
        complaint_date DATE NOT NULL   COMMENT 'day of the complaint',
        topic          STRING          COMMENT 'topic as the provider recorded it'
    """,
    sample_query="SELECT topic, COUNT(*) AS complaints FROM complaints GROUP BY topic",
)

CUSTOMER_SEGMENTS = Table(
    name="customer_segments",
    grain="customer × as_of",
    answers="What kind of user is each customer?",
    writer="assign_segments.py",
    ddl="""
        as_of           DATE NOT NULL    COMMENT 'local day after the last one looked at, the partition',
        customer        STRING NOT NULL  COMMENT 'token of the customer',
        segment         STRING NOT NULL  COMMENT 'name of the segment, from the profile of its centre',
        segment_number  INT NOT NULL     COMMENT 'number of the centre in its model; says nothing across versions',
        distance        DOUBLE NOT NULL  COMMENT 'distance to the centre in the space of the model, standard deviations unless it is raw',
        active_days     INT NOT NULL     COMMENT 'active days in the window',
        window_days     INT NOT NULL     COMMENT 'days looked at, ending before as_of',
        model           STRING NOT NULL  COMMENT 'name of the registered model',
        model_version   STRING NOT NULL  COMMENT 'its version',
        source_version  BIGINT NOT NULL  COMMENT 'version of customer_daily that was read'
    """,
    partition_by=("as_of",),
    stats_columns=("customer",),
    checks={"distance_not_negative": "distance >= 0"},
    identities=("(as_of, customer) is unique", "one model version for each as_of"),
    sample_query="SELECT as_of, segment, COUNT(*) AS customers FROM customer_segments GROUP BY ALL ORDER BY ALL",
)

SEGMENT_MIGRATIONS = Table(
    name="segment_migrations",
    grain="two dates × segment on the first × segment on the second",
    answers="Who moved from which segment to which?",
    writer="assign_segments.py",
    ddl="""
        from_as_of         DATE NOT NULL   COMMENT 'first date, a partition',
        to_as_of           DATE NOT NULL   COMMENT 'second date, a partition',
        from_segment       STRING NOT NULL COMMENT 'segment on the first date; none for customers that were in none',
        to_segment         STRING NOT NULL COMMENT 'segment on the second date; none likewise',
        customers          BIGINT NOT NULL COMMENT 'customers who were in the one and are in the other',
        share_of_from      DOUBLE NOT NULL COMMENT 'part of all who were in from_segment, 0 to 1',
        from_model_version STRING          COMMENT 'version of the model on the first date',
        to_model_version   STRING          COMMENT 'version on the second date: the same, moves between answers of two versions are not told'
    """,
    partition_by=("to_as_of", "from_as_of"),
    checks={"share_within_whole": "share_of_from > 0 AND share_of_from <= 1"},
    identities=("customers over to_segment = rows of customer_segments on from_as_of in from_segment",),
    sample_query="SELECT from_segment, to_segment, customers, share_of_from FROM segment_migrations"
    " WHERE from_segment <> to_segment ORDER BY customers DESC",
)

CHURN_SCORES = Table(
    name="churn_scores",
    grain="customer × as_of",
    answers="Who is likely to leave soon, and why?",
    writer="score_churn.py",
    ddl="""
        as_of            DATE NOT NULL      COMMENT 'local day after the last one looked at, the partition',
        customer         STRING NOT NULL    COMMENT 'token of the subscriber (sub_...)',
        label_days       INT NOT NULL       COMMENT 'days from as_of on that the probability is about',
        probability      DOUBLE NOT NULL    COMMENT 'probability to leave in these days, 0 to 1',
        threshold        DOUBLE NOT NULL    COMMENT 'probability from which a customer is at risk: where flagging pays at the costs in conf',
        is_at_risk       BOOLEAN NOT NULL   COMMENT 'the decision: probability >= threshold',
        base_probability DOUBLE NOT NULL    COMMENT 'probability where nothing is known of a customer; base and the contributions of all columns sum to probability',
        reasons          ARRAY<STRUCT<feature: STRING, contribution: DOUBLE, reason: STRING>> COMMENT 'columns that move the probability most, the strongest first: Shapley value and value in words',
        model            STRING NOT NULL    COMMENT 'name of the registered model',
        model_version    STRING NOT NULL    COMMENT 'its version',
        source_version   BIGINT NOT NULL    COMMENT 'version of customer_daily that was read',
        scored_at        TIMESTAMP NOT NULL COMMENT 'when, UTC'
    """,
    partition_by=("as_of",),
    stats_columns=("customer", "probability"),
    checks={"is_probability": "probability >= 0 AND probability <= 1"},
    identities=("is_at_risk = (probability >= threshold)",),
    sample_query="SELECT customer, probability, reasons[0].reason AS reason FROM churn_scores"
    " WHERE is_at_risk ORDER BY probability DESC LIMIT 20",
)

MICRO_TRENDS = Table(
    name="micro_trends",
    grain="customer, segment or plan × category × as_of",
    answers="How does the use of a category go, and where did it change?",
    writer="find_micro_trends.py",
    ddl="""
        as_of             DATE NOT NULL   COMMENT 'local day after the last one looked at, a partition',
        scope_kind        STRING NOT NULL COMMENT 'customer, segment, or plan where there are no segments; a partition',
        scope             STRING NOT NULL COMMENT 'token of the customer, or name of the segment or plan',
        category          STRING NOT NULL COMMENT 'category of traffic; all for their sum',
        peers             STRING          COMMENT 'segment or plan that a customer is compared with',
        weeks_counted     INT NOT NULL    COMMENT 'whole weeks that are told from: those since the first with activity of the scope',
        week_starts       ARRAY<DATE>     COMMENT 'their first local days, oldest first; weeks of seven days, the last ends before as_of',
        weekly_bytes      ARRAY<BIGINT>   COMMENT 'bytes of the category in these weeks, both ways; of a segment or plan, a member seen in the week',
        median_bytes      DOUBLE NOT NULL COMMENT 'median of them',
        recent_bytes      DOUBLE NOT NULL COMMENT 'median of the recent ones',
        slope_per_week    DOUBLE          COMMENT 'Theil-Sen slope of the natural logarithm of weekly bytes',
        slope_low         DOUBLE          COMMENT 'lower limit of its 95 % confidence interval (Sen)',
        slope_high        DOUBLE          COMMENT 'upper limit',
        growth_per_week   DOUBLE          COMMENT 'part by which use grows a week: exp(slope_per_week) - 1',
        confidence        DOUBLE          COMMENT '1 less the p of no trend (Mann-Kendall), 0 to 1',
        direction         STRING          COMMENT 'rising, falling or flat',
        line_bytes        DOUBLE          COMMENT 'bytes of the last week on the line of the trend',
        scatter           DOUBLE          COMMENT 'robust standard deviation about the line, natural log units',
        recent_share      DOUBLE          COMMENT 'part of the scope''s bytes in the recent weeks',
        earlier_share     DOUBLE          COMMENT 'part in the weeks before them; null where there are none',
        share_shift       DOUBLE          COMMENT 'recent_share - earlier_share: against the own past',
        peers_share       DOUBLE          COMMENT 'recent_share of the peers',
        peers_share_shift DOUBLE          COMMENT 'recent_share - peers_share: against the peers',
        change_week       DATE            COMMENT 'first day of the week from which the level is another (Pettitt); null where no change counts',
        change_ratio      DOUBLE          COMMENT 'median weekly bytes from then on over those before',
        change_confidence DOUBLE          COMMENT '1 less the p of no change, 0 to 1; a steady trend is a change too',
        untold_reason     STRING          COMMENT 'too few weeks, no recent use or too little volume (never of all), where no trend is told',
        source_version    BIGINT NOT NULL COMMENT 'version of customer_daily that was read'
    """,
    partition_by=("as_of", "scope_kind"),
    stats_columns=("scope",),
    identities=(
        "(as_of, scope_kind, scope, category) is unique",
        "weekly_bytes of all = sum of weekly_bytes of the other categories, of customers",
        "a trend is told exactly where untold_reason is null",
    ),
    sample_query="SELECT category, direction, COUNT(*) AS customers FROM micro_trends"
    " WHERE as_of = (SELECT MAX(as_of) FROM micro_trends) AND scope_kind = 'customer' GROUP BY ALL ORDER BY ALL",
)

PLAN_FIT = Table(
    name="plan_fit",
    grain="subscriber × as_of",
    answers="Is a customer's plan the right size, and which one would be?",
    writer="recommend_services.py",
    ddl="""
        as_of                 DATE NOT NULL   COMMENT 'local day after the last one looked at, the partition',
        customer              STRING NOT NULL COMMENT 'token of the subscriber (sub_...)',
        plan                  STRING NOT NULL COMMENT 'plan the customer had on the day before as_of',
        weeks_counted         INT NOT NULL    COMMENT 'whole weeks that are told from: those since the first with activity',
        cycle_gigabytes       ARRAY<DOUBLE>   COMMENT 'volume of the last billing cycles, both ways, 10^9 bytes, oldest first; cycles are counted back from as_of',
        volume_p50            DOUBLE          COMMENT 'median over weeks of the week''s volume, taken as a cycle''s, 10^9 bytes',
        volume_p95            DOUBLE          COMMENT '95th percentile of the same',
        utilisation_p50       DOUBLE          COMMENT 'volume_p50 / volume of the plan; null for unlimited',
        utilisation_p95       DOUBLE          COMMENT 'volume_p95 / volume of the plan',
        pace_gigabytes        DOUBLE          COMMENT 'volume of a cycle as it goes now: geometric mean of the recent weeks'' median and of all weeks brought along the trend, and no less than what the last two whole cycles both held',
        utilisation           DOUBLE          COMMENT 'pace_gigabytes / volume of the plan',
        over_limit_weeks      INT             COMMENT 'latest weeks in a row above the limit of the plan''s volume, since the plan was first seen',
        most_over_limit_weeks INT             COMMENT 'longest such streak',
        peak_down_mbps_p50    DOUBLE          COMMENT 'median over active days under the plan: what the busiest hour''s mean rate to the customer was at least, 10^6 bits a second: all of the hour but what the whole day went the other way',
        peak_down_mbps_p95    DOUBLE          COMMENT '95th percentile of the same',
        peak_up_mbps_p50      DOUBLE          COMMENT 'the same from the customer; mostly 0, for an hour is not told each way',
        peak_up_mbps_p95      DOUBLE          COMMENT '95th percentile of the same',
        down_utilisation_p95  DOUBLE          COMMENT 'peak_down_mbps_p95 / rate of the plan, a lower bound',
        up_utilisation_p95    DOUBLE          COMMENT 'peak_up_mbps_p95 / rate of the plan, a lower bound',
        upsize_confidence     DOUBLE          COMMENT 'probability that the pace is above the limit of the plan''s volume, or the busiest hour above that of its rate on more than one day in twenty: the surest of them',
        upsize_causes         ARRAY<STRING>   COMMENT 'what is too small, surely enough, the surest first: volume, rate-down, rate-up',
        advice                STRING          COMMENT 'up, down or stay',
        confidence            DOUBLE          COMMENT 'probability that the plan is too small, to go up; that the smaller one is large enough, to go down; that the plan is, to stay',
        suggested_plan        STRING          COMMENT 'cheapest plan that covers the p95, or the largest in what is surest short; the own one to stay',
        suggested_gigabytes   DOUBLE          COMMENT 'its volume; null for unlimited',
        price_difference      DOUBLE          COMMENT 'its price a month less that of the own plan',
        untold_reason         STRING          COMMENT 'too few weeks, no recent use (also of a subscriber of long standing with no active week, but perhaps the last) or unknown plan, where nothing is advised'
    """,
    partition_by=("as_of",),
    stats_columns=("customer",),
    identities=("one row for each subscriber on as_of", "an advice is told exactly where untold_reason is null"),
    sample_query="SELECT plan, suggested_plan, COUNT(*) AS customers FROM plan_fit"
    " WHERE as_of = (SELECT MAX(as_of) FROM plan_fit) AND advice = 'up' GROUP BY ALL",
)

CATEGORY_ASSOCIATIONS = Table(
    name="category_associations",
    grain="rule of association × as_of",
    answers="Which categories do customers use together?",
    writer="recommend_services.py",
    ddl="""
        as_of      DATE NOT NULL   COMMENT 'local day after the last one looked at, the partition',
        antecedent ARRAY<STRING>   COMMENT 'categories that are used, sorted',
        consequent STRING NOT NULL COMMENT 'category that is often used beside them',
        support    DOUBLE NOT NULL COMMENT 'part of all customers who use all of them',
        confidence DOUBLE NOT NULL COMMENT 'part of those with the antecedent who use the consequent',
        lift       DOUBLE NOT NULL COMMENT 'confidence over the part of all customers who use the consequent'
    """,
    partition_by=("as_of",),
    sample_query="SELECT antecedent, consequent, lift FROM category_associations"
    " WHERE as_of = (SELECT MAX(as_of) FROM category_associations) ORDER BY lift DESC LIMIT 20",
)

RECOMMENDATIONS = Table(
    name="recommendations",
    grain="customer × as_of × rank",
    answers="What should be recommended to a customer, and why?",
    writer="recommend_services.py",
    ddl="""
        as_of             DATE NOT NULL   COMMENT 'local day after the last one looked at, the partition',
        customer          STRING NOT NULL COMMENT 'token of the subscriber (sub_...)',
        rank              INT NOT NULL    COMMENT '1 for the first to come with',
        kind              STRING NOT NULL COMMENT 'retention, plan up, plan down, service or no change',
        service           STRING NOT NULL COMMENT 'plan or service; no change where all is well as it is',
        reason            STRING NOT NULL COMMENT 'why, in words; every number in it stands in evidence',
        evidence          ARRAY<STRUCT<source: STRING, item: STRING, measure: STRING, value: DOUBLE, shown: STRING>> COMMENT 'numbers of the reason in their order: table, category or day of the row where there are several, column, value, and as written; shares as percent',
        price_difference  DOUBLE          COMMENT 'change of the monthly price; null where it is not known',
        confidence        DOUBLE          COMMENT 'of the plan''s fit, of the category''s trend, or the probability to leave, 0 to 1; null where a count or a lack is the reason',
        rule              STRING NOT NULL COMMENT 'rule it follows from',
        rules_version     STRING NOT NULL COMMENT 'version of the reviewed table of rules',
        association       STRING          COMMENT 'supporting evidence: categories used, from which this one follows often',
        association_lift  DOUBLE          COMMENT 'lift of that association, as in category_associations',
        ufm_level         STRING          COMMENT 'level of the newest ufm scores up to as_of',
        churn_probability DOUBLE          COMMENT 'newest churn score up to as_of whose days are not over by then',
        churn_as_of       DATE            COMMENT 'as_of of that score',
        is_at_risk        BOOLEAN NOT NULL COMMENT 'decision of the same; false where there is none',
        complaints        BIGINT NOT NULL COMMENT 'complaints of the days looked back for',
        is_suppressed     BOOLEAN NOT NULL COMMENT 'offers of more were held back, for risk or complaints',
        may_approach      BOOLEAN NOT NULL COMMENT 'the customer may be approached with it, by the consent at the time of the run: marketing (retention, plan up, service) needs it, a smaller plan does not, no change is nothing to come with',
        peers             STRING          COMMENT 'segment, or plan where there are no segments'
    """,
    partition_by=("as_of",),
    stats_columns=("customer",),
    checks={"is_probability": "confidence IS NULL OR (confidence >= 0 AND confidence <= 1)"},
    identities=(
        "(as_of, customer, rank) is unique, ranks count from 1",
        "no change stands alone",
        "every customer with an advice in plan_fit; of the others those alone who get an offer to stay",
    ),
    sample_query="SELECT service, reason FROM recommendations WHERE may_approach"
    " AND as_of = (SELECT MAX(as_of) FROM recommendations) ORDER BY confidence DESC LIMIT 20",
)

TRUTH_CUSTOMERS = Table(
    name="truth_customers",
    grain="one subscriber of a simulation",
    answers="Synthetic: which segment, plan fit and churn were planted for a simulated customer?",
    writer="simulate_telemetry.py",
    ddl="""
        customer          STRING NOT NULL  COMMENT 'token of the subscriber (sub_...)',
        segment           STRING NOT NULL  COMMENT 'planted segment',
        plan_fit          STRING NOT NULL  COMMENT 'steady, outgrowing, too small, too large, falling or bump',
        flows_per_day     DOUBLE NOT NULL  COMMENT 'mean flows a day while nothing trends, the activity level',
        monthly_gigabytes DOUBLE NOT NULL  COMMENT 'mean volume of 30 days while nothing trends, 10^9 bytes',
        signup_date       DATE NOT NULL    COMMENT 'start of the subscription',
        churn_date        DATE             COMMENT 'last day of the subscription; null where it outlasts the simulation',
        decline_date      DATE             COMMENT 'first day of the planted decline; null where there is none',
        plan              STRING NOT NULL  COMMENT 'plan the customer has',
        final_utilisation DOUBLE NOT NULL  COMMENT 'expected volume of 30 days as on the last day, over the volume of the plan',
        ideal_plan        STRING NOT NULL  COMMENT 'cheapest plan that keeps final_utilisation at 0.9 or below; else the largest',
        needs_upsize      BOOLEAN NOT NULL COMMENT 'still subscribed, and final_utilisation above 0.9'
    """,
    identities=("one row for each row of subscribers, where a simulation delivered them",),
    sample_query="SELECT segment, COUNT(*) AS customers FROM truth_customers GROUP BY segment",
)

TRUTH_CUSTOMER_WEEKS = Table(
    name="truth_customer_weeks",
    grain="subscriber × week of a simulation",
    answers="Synthetic: how likely was a simulated customer to leave in a week, and how much use was planted?",
    writer="simulate_telemetry.py",
    ddl="""
        customer          STRING NOT NULL  COMMENT 'token of the subscriber (sub_...)',
        week              INT NOT NULL     COMMENT 'week from 0',
        week_start        DATE NOT NULL    COMMENT 'first local day of the week',
        is_subscribed     BOOLEAN NOT NULL COMMENT 'a customer on week_start',
        expected_bytes    DOUBLE NOT NULL  COMMENT 'expected bytes of the week, both ways',
        utilisation       DOUBLE NOT NULL  COMMENT 'expected volume of 30 such days over the volume of the plan, without bumps and gaps',
        fall              DOUBLE NOT NULL  COMMENT 'how far use had fallen at week_start, natural log units',
        recent_complaints INT NOT NULL     COMMENT 'complaints of the four weeks before',
        churn_probability DOUBLE NOT NULL  COMMENT 'true probability to leave in the week, given subscribed at week_start; all it depends on is known by then',
        has_churned       BOOLEAN NOT NULL COMMENT 'the last day of the subscription lies in the week'
    """,
    sample_query="SELECT week, AVG(churn_probability) FROM truth_customer_weeks WHERE is_subscribed GROUP BY week",
)

TRUTH_CUSTOMER_CATEGORIES = Table(
    name="truth_customer_categories",
    grain="subscriber × category of a simulation",
    answers="Synthetic: which share and which trend of a category were planted for a simulated customer?",
    writer="simulate_telemetry.py",
    ddl="""
        customer       STRING NOT NULL COMMENT 'token of the subscriber (sub_...)',
        category       STRING NOT NULL COMMENT 'planted category of traffic',
        flow_share     DOUBLE NOT NULL COMMENT 'share of the flows while nothing trends',
        byte_share     DOUBLE NOT NULL COMMENT 'share of the bytes while nothing trends',
        slope_per_week DOUBLE NOT NULL COMMENT 'trend of the flows, natural log units a week; a decline of the whole customer comes on top',
        trend          STRING NOT NULL COMMENT 'rising, falling or flat: sign of slope_per_week',
        trend_from     DATE NOT NULL   COMMENT 'first local day of the trend',
        trend_until    DATE NOT NULL   COMMENT 'local day it ends; flat after'
    """,
    sample_query="SELECT category, trend, COUNT(*) AS customers FROM truth_customer_categories GROUP BY ALL",
)

TRUTH_SERVICES = Table(
    name="truth_services",
    grain="one server of a simulation whose port is registered for another service",
    answers="Synthetic: which service truly runs where the registry names another?",
    writer="simulate_telemetry.py",
    ddl="""
        server             STRING NOT NULL COMMENT 'remote address, from ranges that nobody holds',
        protocol           INT NOT NULL    COMMENT 'IANA protocol number',
        port               INT NOT NULL    COMMENT 'server port',
        true_service       STRING NOT NULL COMMENT 'service that runs there',
        registered_service STRING NOT NULL COMMENT 'service IANA registers for the port',
        category           STRING NOT NULL COMMENT 'planted category of the true service'
    """,
    sample_query="SELECT true_service, registered_service, COUNT(*) AS servers FROM truth_services GROUP BY ALL",
)

TRUTH_LEASES = Table(
    name="truth_leases",
    grain="one address held by one subscriber over one stretch of time, in a simulation",
    answers="Synthetic: who truly held an address, however the provider's table has it?",
    writer="simulate_telemetry.py",
    ddl="""
        address    STRING NOT NULL    COMMENT 'token of the address (ip_...)',
        customer   STRING NOT NULL    COMMENT 'token of the subscriber (sub_...)',
        valid_from TIMESTAMP NOT NULL COMMENT 'first moment, UTC',
        valid_to   TIMESTAMP          COMMENT 'first moment after, UTC; null while it lasts',
        fault      STRING NOT NULL    COMMENT 'how it was delivered: none, missing, stale (ended late) or open (never ended)'
    """,
    restricted=True,
    sample_query="SELECT fault, COUNT(*) AS leases FROM truth_leases GROUP BY fault",
)

PROVIDER_TABLES = (SUBSCRIBERS, LEASES, PLANS, CHURN_EVENTS, COMPLAINTS)
WORKING_TABLES = (RUN_LOCK, LAKE_FACTS)  # they keep runs right, and answer nobody's question
TRUTH_TABLES = (TRUTH_CUSTOMERS, TRUTH_CUSTOMER_WEEKS, TRUTH_CUSTOMER_CATEGORIES, TRUTH_SERVICES, TRUTH_LEASES)
GOLD_TABLES = (  # what analysts ask: what an export holds where nothing is named
    TRAFFIC_BY_WINDOW,
    SCOPE_LOAD,
    PEAK_TIMES,
    HOUR_BY_WEEKDAY,
    RECLASSIFICATION,
    TRAFFIC_TYPES,
    REMOTE_NETWORKS,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATIONS,
    CHURN_SCORES,
    MICRO_TRENDS,
    PLAN_FIT,
    CATEGORY_ASSOCIATIONS,
    RECOMMENDATIONS,
)
ALL_TABLES = (
    FLOWS,
    FLOWS_QUARANTINE,
    INGEST_LOG,
    DAY_LOG,
    IANA_SERVICES,
    IANA_PROTOCOLS,
    TRAFFIC_BY_WINDOW,
    SCOPE_LOAD,
    PEAK_TIMES,
    HOUR_BY_WEEKDAY,
    RECLASSIFICATION,
    TRAFFIC_TYPES,
    REMOTE_NETWORKS,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    *PROVIDER_TABLES,
    LEASE_SPANS,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATIONS,
    CHURN_SCORES,
    MICRO_TRENDS,
    PLAN_FIT,
    CATEGORY_ASSOCIATIONS,
    RECOMMENDATIONS,
    *TRUTH_TABLES,
)
