"""Job: months of synthetic flow telemetry with a known truth, as files, and the truth as tables of the lake.

Nothing in it is about real people or a real network.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from telflow.cli import job_parser, open_job, run_script
from telflow.errors import OutputFolderError
from telflow.simulate.lake import write_truth
from telflow.simulate.run import simulate
from telflow.tables import FLOWS, TRUTH_CUSTOMERS


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--output", type=Path, help="folder to write into (default: the setting ingest.input)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    output = arguments.output or Path(job.settings.ingest.input)
    if job.lake.exists(FLOWS) and not job.lake.exists(TRUTH_CUSTOMERS):
        raise OutputFolderError(
            f"{job.lake.root} holds records that are not synthetic: give these a lake of their own, --set lake.root=..."
        )
    began = time.monotonic()

    written = simulate(job.spark, job.settings.simulate, job.settings.network.zone, output)
    with job.alone():
        rows = write_truth(job.lake, job.settings.simulate, job.settings.network.zone, job.tokenizer)

    what = "already there" if written.was_there else f"written in {time.monotonic() - began:.0f} s"
    print(
        f"Synthetic telemetry {what}: {output}: {written.flows:,} flows "
        f"({written.flows - written.customer_flows:,} of them noise), {written.files:,} files, "
        f"{written.size_bytes / 1e6:,.0f} MB; provider's tables in {output / 'provider'}, truth in {output / 'truth'}"
    )
    for name, count in rows.items():
        print(f"  {name}: {count:,} rows of synthetic truth in {job.lake.root}")
    return 0


if __name__ == "__main__":
    run_script(main)
