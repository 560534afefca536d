"""Every format this package reads, by its name."""

from typing import Final

from telflow.ingest import argus, aws_vpc, cicflowmeter, goflow2, nfdump, nfstream, suricata, zeek
from telflow.ingest.layout import Format

NFCAPD: Final = "nfcapd"  # nfdump's binary files: the program itself prints them as one of its two csv forms

FORMATS: Final[dict[str, Format]] = {
    "nfdump_csv48": nfdump.CSV48,
    "nfdump_csv175": nfdump.CSV175,
    "nfdump_csv_fast": nfdump.CSV_FAST,
    "goflow2": goflow2.FORMAT,
    "zeek_tsv": zeek.TSV,
    "zeek_json": zeek.JSON,
    "argus": argus.FORMAT,
    "aws_vpc": aws_vpc.FORMAT,
    "nfstream": nfstream.FORMAT,
    "cicflowmeter": cicflowmeter.FORMAT,
    "suricata": suricata.FORMAT,
}
FORMAT_NAMES: Final = (*FORMATS, NFCAPD)
