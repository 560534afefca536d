"""The comment lines at the head of a Zeek log, which say how the lines below them are to be read.

Logs that were put one behind the other bring a head each, which need not name the same columns, or the same log.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from telflow.ingest.layout import Layout, UnknownFormatError, missing_columns
from telflow.ingest.zeek import CONN, TSV

KEYS: Final = ("separator", "set_separator", "empty_field", "unset_field", "path", "fields")
HEAD_LINE: Final = re.compile(rb"^#(%s)\b[^\n]*" % "|".join(KEYS).encode(), re.MULTILINE)
COMMENTS: Final = re.compile(rb"(?:^#[^\n]*(?:\n|\Z))+", re.MULTILINE)
LONGEST_LINE: Final = 1 << 16


def with_head_line(told: Mapping[str, str], line: str) -> dict[str, str]:
    """What a head has said so far and what ``line`` adds to it; ``#separator`` begins another head."""
    found = re.match(r"#([a-z_]+)(.*)", line)
    if found is None or found[1] not in KEYS:
        return dict(told)
    key, rest = found[1], found[2]
    if key == "separator":
        return {key: rest.strip()}
    separator = told.get("separator", "\\x09")
    mark = unescaped(separator)
    return {**told, key: rest.removeprefix(mark) if mark and rest.startswith(mark) else rest[1:]}


def unescaped(text: str) -> str:
    r"""The separator that ``\x09`` stands for; nothing where ``text`` stands for none."""
    try:
        return text.encode().decode("unicode_escape")
    except UnicodeDecodeError:
        return ""


def layout_below(told: Mapping[str, str], layout: Layout, path: str) -> Layout:
    """How the lines below a head are to be read.

    Raises:
        UnknownFormatError: the head names no columns, not all that are needed, or a separator that is not supported.
    """
    if "fields" not in told:
        raise UnknownFormatError(f"{path} has a head of Zeek's without a #fields line, which names the columns")
    separator = unescaped(told.get("separator", "\\x09"))
    if len(separator) != 1 or not separator.isascii() or separator in "\r\n#":
        raise UnknownFormatError(
            f"{path} is a Zeek log whose #separator {told.get('separator')} is not supported: "
            "write it with one ASCII character, such as \\x09"
        )
    columns: list[str] = []
    for name in told["fields"].split(separator):
        columns.append(name if name not in columns else f"{name}#{len(columns)}")
    is_skipped = told.get("path", CONN).strip() != CONN
    missing = [] if is_skipped else missing_columns(TSV, columns)
    if missing:
        raise UnknownFormatError(f"{path} looks like zeek_tsv but has no column {', '.join(missing)}")
    return replace(
        layout,
        columns=tuple(columns),
        separator=separator,
        unset=(told.get("unset_field", "-").strip(), told.get("empty_field", "(empty)").strip()),
        set_separator=told.get("set_separator") or ",",
        is_skipped=is_skipped,
    )


@dataclass
class HeadWatch:
    """Looks over a whole file for heads that say other things than its first.

    Attributes:
        differs: whether one was found.
    """

    differs: bool = False
    seen: dict[bytes, bytes] = field(default_factory=dict)
    held: bytes = b""

    def add(self, piece: bytes) -> None:
        """Take in the next piece of the file."""
        if self.differs:
            return
        data = self.held + piece
        end = data.rfind(b"\n") + 1
        self.held = data[end : end + LONGEST_LINE]
        for line in HEAD_LINE.finditer(data, 0, end):
            told = line[0].rstrip()
            self.differs |= self.seen.setdefault(line[1], told) != told


@dataclass
class HeadReader:
    """Reads the heads within a file, block after block.

    Attributes:
        layout: how the lines that come next are to be read.
        told: what the head before them said.
    """

    layout: Layout
    told: dict[str, str] = field(default_factory=dict)

    def parts(self, block: bytes) -> Iterator[tuple[bytes, Layout]]:
        """The parts of ``block`` between heads, each with how to read it."""
        start = 0
        for comments in COMMENTS.finditer(block):
            if HEAD_LINE.search(comments[0]):
                if comments.start() > start:
                    yield block[start : comments.start()], self.layout
                start = comments.start()
                self.read(comments[0])
        if start < len(block):
            yield block[start:], self.layout

    def read(self, comments: bytes) -> None:
        """Take in the comment lines of a head; below one that is not supported, no line can be read."""
        for line in comments.decode("utf-8", "replace").splitlines():
            self.told = with_head_line(self.told, line)
        try:
            self.layout = layout_below(self.told, self.layout, "")
        except UnknownFormatError:
            self.layout = replace(self.layout, columns=(), is_skipped=False)
