"""Small files in hand, parsed as the jobs parse them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from telflow.ingest.detect import detect_layout
from telflow.ingest.kernel import Counts, ParsedBlock, parse_chunk, parse_lines
from telflow.ingest.nfdump import COLUMNS_48
from telflow.ingest.record import ParseContext
from telflow.ingest.scan import FileScan, scan_file
from telflow.privacy.tokens import Tokenizer
from telflow.settings import SourceSettings

TOKENIZER = Tokenizer(bytes.fromhex("5a" * 32))
OWN = ("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "2001:db8:aa::/48")
CONTEXT = ParseContext(TOKENIZER, OWN)
ANY = SourceSettings(match="*")
FILE_ID = 1 << 40

RECORD_48 = dict.fromkeys(COLUMNS_48, "0") | {
    "ts": "2024-03-01 00:00:00",
    "te": "2024-03-01 00:00:02",
    "td": "2.250",
    "sa": "10.0.0.7",
    "da": "198.51.100.9",
    "sp": "50000",
    "dp": "443",
    "pr": "TCP",
    "flg": "...AP.SF",
    "ipkt": "4",
    "ibyt": "700",
    "ismc": "02:00:00:00:00:01",
    "odmc": "00:00:00:00:00:00",
    "idmc": "00:00:00:00:00:00",
    "osmc": "00:00:00:00:00:00",
    "ra": "192.0.2.1",
    "tr": "1970-01-01 00:00:00.000",
}


def line_48(**values: str) -> str:
    """A line of nfdump's 48 columns."""
    return ",".join((RECORD_48 | values).values())


def text_48(*lines: str) -> str:
    """A whole file of nfdump's 48 columns."""
    return "\n".join([",".join(COLUMNS_48), *lines]) + "\n"


def parse(data: str | bytes, source: SourceSettings = ANY, context: ParseContext = CONTEXT) -> ParsedBlock:
    """What becomes of a file that holds ``data``."""
    content = data.encode() if isinstance(data, str) else data
    layout = detect_layout(content[:65_536], source, "sample")
    block = parse_lines(content, layout, 1, FILE_ID, context)
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    assert block.counts.lines == lines
    assert block.counts.kept == len(block.flows)
    assert block.counts.quarantined == len(block.rejects)
    return block


def rows(data: str | bytes, source: SourceSettings = ANY, context: ParseContext = CONTEXT) -> list[dict[str, Any]]:
    """Rows of a file of which every record is kept."""
    block = parse(data, source, context)
    assert block.rejects.to_pylist() == []
    found: list[dict[str, Any]] = block.flows.to_pylist()
    return found


def reasons(data: str | bytes, source: SourceSettings = ANY, context: ParseContext = CONTEXT) -> list[str]:
    """Reasons of the rejected lines of a file, in their order."""
    found: list[str] = parse(data, source, context).rejects["reason"].to_pylist()
    return found


def parse_file(
    path: Path, source: SourceSettings = ANY, chunk_bytes: int = 32_000_000
) -> tuple[FileScan, pa.Table, Counts]:
    """Scan and parse a file: the scan, all flows, and the counts of all lines."""
    scan = scan_file(path, source, chunk_bytes)
    blocks = [block for chunk in scan.chunks for block in parse_chunk(chunk, CONTEXT)]
    flows = pa.concat_tables([block.flows for block in blocks]) if blocks else pa.table({})
    counts = Counts(
        *(
            sum(getattr(block.counts, name) for block in blocks)
            for name in ("kept", "quarantined", "trailer", "comment", "skipped")
        )
    )
    return scan, flows, counts


def utc(text: str) -> datetime:
    """An ISO time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
