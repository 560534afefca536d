"""The benchmark's input: synthetic flows of a provider of two days, as 48-column nfdump text."""

from pathlib import Path

from pyspark.sql import SparkSession

from telflow.session import build_session
from telflow.settings import Settings, load_settings
from telflow.simulate.run import simulate

DAYS = 2
FLOWS_PER_CUSTOMER_DAY = 40.0
NOISE_SHARE = 0.2
FILES_PER_DAY = 4
FEWEST_CUSTOMERS = 16
START = "2024-01-09"
PIECE_BYTES = 1 << 24


def bench_settings(folder: Path, rows: int) -> Settings:
    """The local settings, with a provider of about ``rows`` flows, input and lake below ``folder``."""
    customers = max(round(rows * (1 - NOISE_SHARE) / (DAYS * FLOWS_PER_CUSTOMER_DAY)), FEWEST_CUSTOMERS)
    return load_settings(
        "local",
        [
            f"lake.root={folder / 'lake'}",
            f"privacy.key_file={folder / 'key'}",
            f"ingest.input={folder / f'input-{rows}'}",
            f"simulate.customers={customers}",
            f"simulate.days={DAYS}",
            f"simulate.flows_per_customer_day={FLOWS_PER_CUSTOMER_DAY}",
            f"simulate.noise_share={NOISE_SHARE}",
            f"simulate.files_per_day={FILES_PER_DAY}",
            f"simulate.start='{START}'",
        ],
    )


def write_input(spark: SparkSession, settings: Settings) -> None:
    """Write the flows and what the provider delivers beside them, unless they are there."""
    simulate(spark, settings.simulate, settings.network.zone, Path(settings.ingest.input))


def write_input_alone(settings: Settings) -> None:
    """``write_input`` with a session of its own."""
    spark = build_session(settings.spark, "telflow-bench-input")
    write_input(spark, settings)
    spark.stop()


def flow_files(settings: Settings) -> list[Path]:
    """The flow files of the input."""
    return sorted(Path(settings.ingest.input).glob("*.csv"))


def read_once(settings: Settings) -> int:
    """Bytes of the flow files, all read: afterwards every reader finds them in the page cache."""
    size = 0
    for path in flow_files(settings):
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                size += len(piece)
    return size
