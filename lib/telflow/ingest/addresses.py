"""Addresses of a block: checked, brought to one spelling, and the own side's turned into tokens.

All of it is done once for each distinct address, then taken back to the records by number.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from telflow.ingest.record import ParseContext, normalise_address
from telflow.privacy.tokens import Kind, Tokenizer

CACHED_ADDRESSES: Final = 1 << 18
MAC_FORM: Final = re.compile(r"(?:[0-9a-f]{12}|[0-9a-f]{1,2}(?:[:-][0-9a-f]{1,2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})")
OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
PLAIN_IPV4: Final = rf"^{OCTET}\.{OCTET}\.{OCTET}\.{OCTET}$"
NOTHING: Final = "^[^\\s\\S]"  # a pattern that no text matches
NO_MAC: Final = "00:00:00:00:00:00"

cached_address = lru_cache(maxsize=CACHED_ADDRESSES)(normalise_address)
token_caches: WeakKeyDictionary[Tokenizer, dict[tuple[Kind, str], str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Ends:
    """Both ends of the records of a block.

    Attributes:
        src_ip, dst_ip: token on the own side and of link-local IPv6, else the address; null where it is none.
        is_src_own, is_dst_own: whether the end is on the own side.
        src_is_bad, dst_is_bad: whether the text is no address.
    """

    src_ip: pa.Array
    dst_ip: pa.Array
    is_src_own: pl.Series
    is_dst_own: pl.Series
    src_is_bad: pl.Series
    dst_is_bad: pl.Series


def resolve_ends(sources: pl.Series, destinations: pl.Series, context: ParseContext) -> Ends:
    """Check and name both ends of each record."""
    codes, distinct = encode(pl.concat([sources, destinations]))
    src_codes, dst_codes = codes[: len(sources)], codes[len(sources) :]
    address, is_own = resolve(distinct, context.own_prefixes)
    if context.every_source_is_own:
        # any address is somebody's, and its token beside itself in the answer would tell who
        shown = with_tokens(address, np.ones(len(distinct), np.bool_), context.tokenizer)
        is_src_own, is_dst_own = pl.Series(np.ones(len(sources), np.bool_)), pl.Series(np.zeros(len(sources), np.bool_))
    else:
        shown = with_tokens(address, is_own | is_link_local(address), context.tokenizer)
        is_src_own, is_dst_own = pl.Series(is_own[src_codes]), pl.Series(is_own[dst_codes])
    is_bad = address.is_null().to_numpy()
    texts = strings(shown)
    return Ends(
        src_ip=texts.take(numbers(src_codes)),
        dst_ip=texts.take(numbers(dst_codes)),
        is_src_own=is_src_own,
        is_dst_own=is_dst_own,
        src_is_bad=pl.Series(is_bad[src_codes]),
        dst_is_bad=pl.Series(is_bad[dst_codes]),
    )


def encode(values: pl.Series) -> tuple[npt.NDArray[np.int32], pl.Series]:
    """Number of each value in the list of the distinct ones, and that list; a null is a value of its own."""
    arrow = values.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    encoded = arrow.dictionary_encode(null_encoding="encode")
    # by way of Polars: pyarrow's own conversions import pandas, which costs each worker a second
    codes = pl.Series(pl.from_arrow(encoded.indices)).to_numpy()
    return codes, pl.Series(pl.from_arrow(encoded.dictionary), dtype=pl.String)


def strings(values: pl.Series) -> pa.Array:
    """The values as Arrow's plain strings, which Spark reads."""
    return values.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def numbers(codes: npt.NDArray[np.int32]) -> pa.Array:
    """Codes for Arrow to take values by."""
    return pl.Series(codes).to_arrow()


def is_link_local(address: pl.Series) -> npt.NDArray[np.bool_]:
    """Which addresses lie in fe80::/10: no provider's prefix, but often made of a MAC address (RFC 4291)."""
    return address.str.contains("^fe[89ab]").fill_null(value=False).to_numpy()


def resolve(distinct: pl.Series, prefixes: Sequence[str]) -> tuple[pl.Series, npt.NDArray[np.bool_]]:
    """The one spelling of each address, null where it is none, and whether it lies inside ``prefixes``."""
    networks = [ipaddress.ip_network(prefix, strict=False) for prefix in prefixes]
    is_plain = distinct.str.contains(PLAIN_IPV4).fill_null(value=False).to_numpy()
    own_pattern = ipv4_pattern([network for network in networks if isinstance(network, ipaddress.IPv4Network)])
    is_own = distinct.str.contains(own_pattern).fill_null(value=False).to_numpy() & is_plain
    others = np.flatnonzero(~is_plain)
    if not len(others):
        return distinct, is_own
    found = [None if text is None else cached_address(text) for text in distinct.gather(others).to_list()]
    is_own[others] = [address is not None and is_inside(address, networks) for address in found]
    return distinct.clone().scatter(others, pl.Series(found, dtype=pl.String)), is_own


def ipv4_pattern(networks: Sequence[ipaddress.IPv4Network]) -> str:
    """Pattern that the addresses inside any of ``networks`` match, and no other address does."""
    return f"^(?:{'|'.join(map(network_pattern, networks))})" if networks else NOTHING


def network_pattern(network: ipaddress.IPv4Network) -> str:
    """Pattern of the beginnings of a network's addresses: its whole octets, then each value its last one can have."""
    whole, bits = divmod(network.prefixlen, 8)
    octets = list(network.network_address.packed)
    fixed = "".join(rf"{octet}\." for octet in octets[:whole])
    if not bits:
        return fixed if whole < 4 else fixed.removesuffix(r"\.") + "$"
    values = "|".join(str(value) for value in range(octets[whole], octets[whole] + (1 << (8 - bits))))
    return rf"{fixed}(?:{values})" + (r"\." if whole < 3 else "$")


@lru_cache(maxsize=CACHED_ADDRESSES)
def parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(address)


def is_inside(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether an address lies in one of the networks."""
    return any(parsed(address) in network for network in networks)


def with_tokens(address: pl.Series, is_own: npt.NDArray[np.bool_], tokenizer: Tokenizer) -> pl.Series:
    """The addresses, a token in the place of each that is the own side's."""
    own = np.flatnonzero(is_own & address.is_not_null().to_numpy())
    if not len(own):
        return address
    tokens = cached_tokens("ip", address.gather(own).to_list(), tokenizer)
    return address.clone().scatter(own, pl.Series(tokens, dtype=pl.String))


def exporters(values: pl.Series, context: ParseContext) -> pa.Array:
    """Names and addresses of exporters; a token for an address on the own side, as the flow's own ends have it."""
    if values.null_count() == len(values):
        return pa.nulls(len(values), pa.string())
    codes, distinct = encode(values)
    address, is_own = resolve(distinct, context.own_prefixes)
    is_token = is_own | is_link_local(address)
    shown = with_tokens(address, is_token, context.tokenizer).zip_with(pl.Series(is_token), distinct)
    return strings(shown).take(numbers(codes))


def cached_tokens(kind: Kind, values: Sequence[str], tokenizer: Tokenizer) -> list[str]:
    """Tokens of ``values``, each made once in the life of the process."""
    cache = token_caches.setdefault(tokenizer, {})
    if len(cache) > CACHED_ADDRESSES:
        cache.clear()
    new = [value for value in dict.fromkeys(values) if (kind, value) not in cache]
    cache.update(zip(((kind, value) for value in new), tokenizer.tokens(kind, new), strict=True))
    return [cache[kind, value] for value in values]


def mac_tokens(values: pl.Series, tokenizer: Tokenizer) -> pa.Array:
    """Token of each MAC address; null where there is none, it is all zero, or the text is no MAC address."""
    if values.null_count() == len(values) or bool((values == NO_MAC).all()):
        return pa.nulls(len(values), pa.string())
    codes, distinct = encode(values)
    normal = [None if text is None else normalise_mac(text) for text in distinct.to_list()]
    known = [text for text in normal if text is not None]
    tokens = iter(cached_tokens("mac", known, tokenizer))
    shown = [None if text is None else next(tokens) for text in normal]
    return strings(pl.Series(shown, dtype=pl.String)).take(numbers(codes))


@lru_cache(maxsize=CACHED_ADDRESSES)
def normalise_mac(text: str) -> str | None:
    """A MAC address in lower case with colons; None where ``text`` is none, or is all zero."""
    lower = text.strip().lower()
    if not MAC_FORM.fullmatch(lower):
        return None
    parts = re.split("[:-]", lower)
    digits = "".join(part.zfill(2) for part in parts) if len(parts) == 6 else lower.replace(".", "")
    mac = ":".join(digits[place : place + 2] for place in range(0, 12, 2))
    return None if mac == NO_MAC else mac
