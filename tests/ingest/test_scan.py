"""Files as they come: stored in any way, cut, empty, hostile."""

import bz2
import errno
import gzip
import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from telflow.errors import InputError
from telflow.ingest.detect import detect_layout
from telflow.ingest.files import find_files
from telflow.ingest.identity import KnownFiles
from telflow.ingest.kernel import line_blocks, parse_chunk, parse_lines
from telflow.ingest.layout import Layout
from telflow.ingest.scan import FileScan, scan_file
from tests.ingest.helpers import ANY, CONTEXT, FILE_ID, line_48, parse, parse_file, text_48
from tests.ingest.test_formats import (
    ARGUS_HEADER,
    ARGUS_LINE,
    GOFLOW2,
    NFSTREAM_HEADER,
    NFSTREAM_LINE,
    SURICATA,
    ZEEK_LINE,
    json_lines,
    zeek,
)

TEXT = text_48(*(line_48(ibyt=str(number)) for number in range(300))).encode()


JSON_RECORDS: dict[str, tuple[dict[str, Any], str]] = {  # and the field that names the exporter
    "goflow2": (GOFLOW2, "sampler_address"),
    "suricata": (SURICATA, "host"),
    "zeek": (
        {"ts": 1709251200.125, "id.orig_h": "10.0.0.7", "id.resp_h": "192.0.2.1", "proto": "tcp", "conn_state": "SF"},
        "_node_name",
    ),
}


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize(
    ("content", "compression"),
    [
        (TEXT, "none"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:]), "gzip"),
        (bz2.compress(TEXT), "bzip2"),
        (bz2.compress(TEXT[:5000]) + bz2.compress(TEXT[5000:]), "bzip2"),
        (zstd(TEXT), "zstd"),
        (zstd(TEXT[:5000]) + zstd(TEXT[5000:]), "zstd"),
    ],
)
def test_every_compression_holds_the_same_file(tmp_path: Path, content: bytes, compression: str) -> None:
    path = tmp_path / "flows.00:00:00[1]*.csv"
    path.write_bytes(content)
    scan, flows, counts = parse_file(path)
    assert (scan.compression, scan.status, scan.message) == (compression, "kept", None)
    assert scan.content_hash == hashlib.sha256(TEXT).hexdigest()
    assert scan.file_id == int(scan.content_hash, 16) >> 194
    assert (scan.content_bytes, scan.lines_read, counts.lines) == (len(TEXT), 301, 301)
    assert flows["src_bytes"].to_pylist() == list(range(300))
    assert flows["flow_id"].to_pylist() == [scan.file_id + line for line in range(2, 302)]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT, 0)[:30_000],
        zstd(TEXT * 9)[:-9],
        bz2.compress(TEXT * 60, 1)[:-9],
        gzip.compress(TEXT) + b"x",
        bz2.compress(TEXT) + b"x",
        bz2.compress(TEXT) + bz2.compress(TEXT)[:-9],
        bz2.compress(TEXT) + bz2.compress(TEXT).replace(b"1AY&SY", b"1AY&Sy"),
    ],
)
def test_what_is_readable_of_a_cut_file_goes_through(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(content)
    scan, flows, counts = parse_file(path)
    assert scan.status == "cut"
    assert "fetch it again" in str(scan.message)
    assert counts.lines == scan.lines_read > 0
    assert len(flows) == counts.kept > 0


def test_a_file_that_is_cut_before_its_first_byte_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(TEXT)[:12])
    assert parse_file(path)[0].status == "unreadable"


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"")])
def test_an_empty_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(content)
    scan, _, _ = parse_file(path)
    assert (scan.status, scan.chunks, scan.lines_read) == ("empty", (), 0)
    assert "empty" in str(scan.message)


def test_a_header_alone_is_a_file_without_flows(tmp_path: Path) -> None:
    path = tmp_path / "header.csv"
    path.write_text(text_48())
    scan, flows, counts = parse_file(path)
    assert (scan.status, len(flows), counts.comment, counts.lines) == ("kept", 0, 1, 1)


def test_a_last_line_that_is_cut_marks_the_file() -> None:
    whole = parse(text_48(line_48(), line_48()).removesuffix("\n"))
    assert (whole.counts.kept, whole.is_cut) == (2, False)
    cut = parse(text_48(line_48(), line_48())[:-40])
    assert (cut.counts.kept, cut.rejects["reason"].to_pylist(), cut.is_cut) == (1, ["unparsable"], True)
    bad_but_whole = parse(text_48(line_48(), line_48(sa="x")).removesuffix("\n"))
    assert not bad_but_whole.is_cut


@pytest.mark.parametrize(
    "content",
    [
        TEXT.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + TEXT,
        TEXT.replace(b"\n", b"\n\n"),
        TEXT + b"\n\n",
    ],
)
def test_line_ends_marks_and_blank_lines_do_not_matter(content: bytes) -> None:
    assert parse(content).flows["src_bytes"].to_pylist() == list(range(300))


@pytest.mark.parametrize(
    "line",
    [
        b"\x00" * 50,
        b"\xff\xfe garbage \x80",
        b'"' + line_48().encode(),
        b"x" * 10_000_000,
        b"," * 47,
        line_48().encode().replace(b"TCP", b"T\x00CP"),
        line_48().encode().replace(b"10.0.0.7", b"10.0.\xff.7"),
    ],
)
def test_a_hostile_line_costs_only_itself(line: bytes) -> None:
    block = parse(text_48(line_48()).encode() + line + b"\n" + line_48().encode() + b"\n")
    assert (block.counts.kept, block.counts.quarantined) == (2, 1)
    assert block.rejects["line"].to_pylist() == [3]
    assert len(block.rejects["raw"][0].as_py()) <= 4096


@pytest.mark.parametrize(
    "line",
    [
        b"\x00" * 50,
        b"\xff\xfe garbage \x80",
        b"{}",
        b'"x"',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"x" * 1_000_000,
        rb'{"src_addr": "\ud800", "ts": "\udc00", "event_type": "flow"}',
    ],
)
@pytest.mark.parametrize("name", ["goflow2", "suricata", "zeek"])
def test_a_hostile_line_costs_only_itself_in_json_too(name: str, line: bytes) -> None:
    record = json_lines(JSON_RECORDS[name][0]).encode()
    block = parse(record + line + b"\n" + record)
    assert (block.counts.kept, block.rejects["line"].to_pylist()) == (2, [2])


@pytest.mark.parametrize("name", ["goflow2", "suricata", "zeek"])
@pytest.mark.parametrize(
    "value", ["\ud800", "x\ud800", "x\ud800\ud800", "\udc00y", "😀", "a\0b", 6, 6.0, 1.5, True, [1], None]
)
def test_a_value_is_the_same_beside_a_line_that_is_no_record(name: str, value: Any) -> None:
    record, field = JSON_RECORDS[name]
    text = json_lines(record, record | {field: value})
    alone, beside = (parse(data).flows["exporter"].to_pylist() for data in (text, text + "x\n"))
    assert (len(alone), alone) == (2, beside)


@pytest.mark.parametrize("text", [r'{"\ud800": 1}', r'{"_path": "\ud800", "ts": 1}'])
def test_half_a_character_in_a_file_of_no_format_can_be_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "flows.json"
    path.write_text(text + "\n")
    scan, _, _ = parse_file(path)
    assert (scan.status, "?" in str(scan.message).encode().decode()) == ("unknown_format", True)


def test_a_file_of_one_huge_line_is_of_no_format(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    path.write_bytes(b"{" + b"x" * 10_000_000)
    assert parse_file(path)[0].status == "unknown_format"


def test_utf_16_is_told(tmp_path: Path) -> None:
    path = tmp_path / "utf16.csv"
    path.write_bytes(TEXT.decode().encode("utf-16"))
    scan, _, _ = parse_file(path)
    assert (scan.status, "save it as UTF-8" in str(scan.message)) == ("unknown_format", True)


def test_a_file_that_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    folder = tmp_path / "flows.csv"
    folder.mkdir()
    assert scan_file(folder, ANY, 1000).status == "unreadable"


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    gone = tmp_path / "gone.csv"
    scan = scan_file(gone, ANY, 1000)
    assert (scan.status, scan.size_bytes, "No such file" in str(scan.message)) == ("unreadable", 0, True)
    assert KnownFiles([]).unknown([gone]) == [gone]


def test_what_may_not_be_looked_at_is_told_and_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("closed/a.csv", "open/b.csv", "hidden/c.csv")
    for name in names:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x")
    list_folder, is_file = os.scandir, Path.is_file

    def refuse_to_list(path: str) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return list_folder(path)

    def refuse_to_tell(path: Path) -> bool:
        if path.parent.name == "hidden":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(os, "scandir", refuse_to_list)
    monkeypatch.setattr(Path, "is_file", refuse_to_tell)
    found = find_files([str(tmp_path)])
    assert found == [tmp_path / "closed", tmp_path / "hidden/c.csv", tmp_path / "open/b.csv"]
    assert scan_file(found[0], ANY, 1000).status == "unreadable"


def test_thousands_of_files_are_found_and_told_apart(tmp_path: Path) -> None:
    contents = {"csv": text_48(line_48()), "log": zeek(ZEEK_LINE), "json": json_lines(GOFLOW2)}
    for number in range(2001):
        folder = tmp_path / f"day={number % 30:02}"
        folder.mkdir(exist_ok=True)
        kind = list(contents)[number % 3]
        (folder / f"{number:04}.{kind}").write_text(contents[kind])
    found = find_files([str(tmp_path), str(tmp_path / "day=0*" / "*.json")])
    assert len(found) == 2001
    formats = Counter((path.suffix, scan_file(path, ANY, 1 << 20).source_format) for path in found)
    assert formats == {(".csv", "nfdump_csv48"): 667, (".log", "zeek_tsv"): 667, (".json", "goflow2"): 667}


def test_files_are_found_by_name_folder_and_glob(tmp_path: Path) -> None:
    names = ["b.csv", "a:1.csv", "day/c[1].csv", "day/.hidden", "day/_SUCCESS", "provider/leases.csv", "truth/t.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    everything = [tmp_path / name for name in ("a:1.csv", "b.csv", "day/c[1].csv")]
    assert find_files([str(tmp_path)]) == everything
    assert find_files([str(tmp_path / "day/c[1].csv"), str(tmp_path / "*.csv")]) == everything
    assert find_files([str(tmp_path / "**/*.csv")])[-1] == tmp_path / "truth/t.csv"
    with pytest.raises(InputError, match="names no flow file"):
        find_files([str(tmp_path / "*.json")])


SAMPLES = {
    "nfdump": text_48(line_48(), line_48(sp="x"), *(line_48(ibyt=str(number)) for number in range(9))).encode(),
    "zeek": zeek(*([ZEEK_LINE] * 5), "broken", ZEEK_LINE).encode(),
    "goflow2": json_lines(*(GOFLOW2 | {"bytes": number} for number in range(20))).encode() + b'{"cut": ',
    "argus": "\n".join([ARGUS_HEADER, *([ARGUS_LINE] * 9)]).encode(),
    "nfstream": "\n".join([NFSTREAM_HEADER, *([NFSTREAM_LINE] * 9)]).encode(),
}


@pytest.mark.parametrize("name", list(SAMPLES))
@settings(deadline=None, max_examples=25)
@given(chunk_bytes=st.integers(1, 4000))
def test_a_file_is_the_same_in_any_chunks(
    tmp_path_factory: pytest.TempPathFactory, name: str, chunk_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{name}.csv"
    path.write_bytes(SAMPLES[name])
    whole, cut = scan_file(path, ANY, 1 << 30), scan_file(path, ANY, chunk_bytes)
    assert (len(whole.chunks), whole.lines_read) == (1, cut.lines_read)
    assert sum(chunk.length or 0 for chunk in cut.chunks) == len(SAMPLES[name])
    assert rows_and_rejects(whole) == rows_and_rejects(cut)


def rows_and_rejects(scan: FileScan) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All that a file's chunks hold."""
    blocks = [block for chunk in scan.chunks for block in parse_chunk(chunk, CONTEXT)]
    flows = [row for block in blocks for row in block.flows.to_pylist()]
    return flows, [row for block in blocks for row in block.rejects.to_pylist()]


@given(pieces=st.lists(st.binary(min_size=1, max_size=30)), block_bytes=st.integers(1, 50))
def test_blocks_hold_every_byte_and_end_where_lines_end(pieces: list[bytes], block_bytes: int) -> None:
    blocks = list(line_blocks(pieces, block_bytes))
    assert b"".join(blocks) == b"".join(pieces)
    assert all(block.endswith(b"\n") for block in blocks[:-1])


def scan_layout(name: str) -> Layout:
    """Layout of one of the samples."""
    return detect_layout(SAMPLES[name], ANY, name)


LINES = st.one_of(
    st.just(line_48().encode()),
    st.sampled_from([b"", b"Summary", b"1,2,3,4,5,6", b"No matching flows", b",", b'"', b"{}", b"#x", b"\r"]),
    st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")),
    st.integers(0, 47).map(lambda at: ",".join(v for i, v in enumerate(line_48().split(",")) if i != at).encode()),
    st.builds(lambda name, text: line_48(**{name: text}).encode(), st.sampled_from(["sp", "td", "pr"]), st.text()).map(
        lambda line: line.replace(b"\n", b"")
    ),
)


@pytest.mark.parametrize("name", list(SAMPLES))
@settings(deadline=None)
@given(lines=st.lists(LINES, max_size=12), is_open=st.booleans())
def test_every_line_is_counted_once(name: str, lines: list[bytes], is_open: bool) -> None:
    layout = scan_layout(name)
    data = b"\n".join(lines) + (b"" if is_open else b"\n")
    block = parse_lines(data, layout, 7, 1 << 20, CONTEXT)
    expected = data.count(b"\n") + (1 if data and not data.endswith(b"\n") else 0)
    assert block.counts.lines == expected
    assert (block.counts.kept, block.counts.quarantined) == (len(block.flows), len(block.rejects))
    numbers = [*(flow_id - (1 << 20) for flow_id in block.flows["flow_id"].to_pylist())]
    assert not set(numbers) & set(block.rejects["line"].to_pylist())
    assert all(7 <= number < 7 + expected for number in [*numbers, *block.rejects["line"].to_pylist()])


def test_a_bad_line_in_a_large_block_costs_only_itself() -> None:
    lines = [line_48(ibyt=str(number)) for number in range(3000)]
    bad = {700: "x", 1500: line_48(sp="x"), 2999: line_48() + ",1"}
    text = text_48(*(bad.get(place, line) for place, line in enumerate(lines)))
    block = parse(text)
    assert block.rejects["line"].to_pylist() == [place + 2 for place in bad]
    assert block.rejects["raw"].to_pylist() == list(bad.values())
    assert block.flows["src_bytes"].to_pylist() == [place for place in range(3000) if place not in bad]
    numbers = [flow_id - FILE_ID for flow_id in block.flows["flow_id"].to_pylist()]
    assert numbers == [place + 2 for place in range(3000) if place not in bad]


def test_a_zstd_file_may_hold_frames_that_are_to_be_skipped(tmp_path: Path) -> None:
    skippable = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00note"
    for content in (skippable + zstd(TEXT), zstd(TEXT) + skippable, zstd(TEXT[:5000]) + skippable + zstd(TEXT[5000:])):
        path = tmp_path / "flows.zst"
        path.write_bytes(content)
        scan, flows, _ = parse_file(path)
        assert (scan.compression, scan.status, len(flows)) == ("zstd", "kept", 300)
