"""From drafts to rows of the table: what is sound is kept, the rest gets its reason."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from telflow.ingest.addresses import Ends, encode, exporters, mac_tokens, numbers, resolve_ends, strings
from telflow.ingest.record import COUNTERS, FLOW_SCHEMA, ParseContext, fault, is_sound


@dataclass(frozen=True)
class Finished:
    """What became of the records of a block.

    Attributes:
        flows: rows, columns as in ``FLOW_SCHEMA``.
        faults: ``place`` (position of the record in the block's records) and ``reason`` of the rejected.
        skipped: records that are no finished flow.
    """

    flows: pa.Table
    faults: pl.DataFrame
    skipped: int


def finish(
    draft: pl.DataFrame,
    is_missing: pl.Series,
    flow_ids: npt.NDArray[np.int64],
    source_format: str,
    context: ParseContext,
) -> Finished:
    """Judge drafts and make rows of the sound ones.

    Args:
        draft: columns of ``DRAFT``.
        is_missing: per record, whether a field that the format cannot do without is not there.
        flow_ids: identity of each record.
        source_format: name of the format.
        context: what records are judged by.
    """
    ends = resolve_ends(draft["src_ip"], draft["dst_ip"], context)
    is_counted = ~draft["is_skipped"].fill_null(value=False)
    sound = draft.select(is_sound(context)).to_series() & ~ends.src_is_bad & ~ends.dst_is_bad
    faults = find_faults(draft, is_missing, ends, is_counted & ~sound, context)
    keep = sound & is_counted
    flows = build_rows(draft, ends, flow_ids, source_format, context)
    if not keep.all():
        flows = flows.filter(keep.to_arrow())
    return Finished(flows, faults, int((~is_counted).sum()))


def find_faults(
    draft: pl.DataFrame, is_missing: pl.Series, ends: Ends, is_faulty: pl.Series, context: ParseContext
) -> pl.DataFrame:
    """``place`` and ``reason`` of the faulty drafts."""
    if not is_faulty.any():
        return pl.DataFrame(schema={"place": pl.Int64, "reason": pl.String})
    judged = draft.with_columns(
        is_missing.alias("is_missing"),
        ends.src_is_bad.alias("src_is_bad"),
        ends.dst_is_bad.alias("dst_is_bad"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("place"),
    )
    return judged.filter(is_faulty).select("place", fault(context).alias("reason"))


def build_rows(
    draft: pl.DataFrame, ends: Ends, flow_ids: npt.NDArray[np.int64], source_format: str, context: ParseContext
) -> pa.Table:
    """Rows of the table; those of drafts that are not sound hold nonsense and are to be left out."""
    scaled = scale(draft)
    start, end = scaled["start_time"], scaled["end_time"]
    initiator = scaled["opened_by_src"].cast(pl.Int8).to_arrow()
    columns = {
        "event_date": start.dt.date().to_arrow(),
        "flow_id": pl.Series(flow_ids).to_arrow(),
        "start_time": start.dt.replace_time_zone("UTC").to_arrow(),
        "end_time": end.dt.replace_time_zone("UTC").to_arrow(),
        "exporter": exporters(scaled["exporter"], context),
        "src_ip": ends.src_ip,
        "dst_ip": ends.dst_ip,
        "src_mac": mac_tokens(scaled["src_mac"], context.tokenizer),
        "dst_mac": mac_tokens(scaled["dst_mac"], context.tokenizer),
        "observed_application": repeated(scaled["observed_application"]),
        "source_format": repeated(pl.repeat(source_format, len(scaled), dtype=pl.String, eager=True)),
        "is_src_own": ends.is_src_own.to_arrow(),
        "is_dst_own": ends.is_dst_own.to_arrow(),
        "initiator": strings(pl.Series(["dst", "src"])).take(initiator),
    }
    arrays = [columns[field.name] if field.name in columns else scaled[field.name].to_arrow() for field in FLOW_SCHEMA]
    safe = [array.cast(field.type, safe=False) for array, field in zip(arrays, FLOW_SCHEMA, strict=True)]
    return pa.Table.from_arrays(safe, schema=FLOW_SCHEMA)


def scale(draft: pl.DataFrame) -> pl.DataFrame:
    """The drafts, bytes and packets times the sampling rate."""
    if bool((draft["sampling_rate"] == 1).all()):
        return draft
    return draft.with_columns(pl.col(counter) * pl.col("sampling_rate") for counter in COUNTERS)


def repeated(values: pl.Series) -> pa.Array:
    """Strings of which few are distinct, as Arrow's plain strings."""
    if values.null_count() == len(values):
        return pa.nulls(len(values), pa.string())
    codes, distinct = encode(values)
    return strings(distinct).take(numbers(codes))
