"""Random numbers that any worker can draw again: hashes of what they are about, with no state between them."""

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def bits(seed: int, stream: str, *keys: ArrayLike) -> NDArray[np.uint64]:
    """64 random bits for each combination of ``keys`` (integers, broadcast), by SplitMix64's finaliser."""
    state = np.array([zlib.crc32(f"{seed}|{stream}".encode())], dtype=np.uint64)
    for key in keys:
        state = scramble(state * GOLDEN + np.atleast_1d(np.asarray(key, dtype=np.int64)).astype(np.uint64))
    return scramble(state + GOLDEN)


def scramble(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def uniform(seed: int, stream: str, *keys: ArrayLike) -> Floats:
    """Numbers in [0, 1)."""
    return (bits(seed, stream, *keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(seed: int, stream: str, *keys: ArrayLike) -> Floats:
    """Standard normal numbers (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(seed, f"{stream} radius", *keys)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(seed, f"{stream} angle", *keys)))


def integer(seed: int, stream: str, low: int, high: int, *keys: ArrayLike) -> Integers:
    """Whole numbers from ``low`` to ``high`` - 1."""
    return np.asarray(low + np.floor(uniform(seed, stream, *keys) * (high - low)), dtype=np.int64)


def choice(seed: int, stream: str, weights: ArrayLike, *keys: ArrayLike) -> Integers:
    """Positions in ``weights``, drawn in proportion to them."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    at = uniform(seed, stream, *keys) * cumulative[-1]
    return np.asarray(np.minimum(np.searchsorted(cumulative, at, side="right"), len(cumulative) - 1), dtype=np.int64)


def generator(seed: int, kind: str, *keys: int) -> np.random.Generator:
    """A generator of its own for the unit of work named by ``kind`` and ``keys``."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, zlib.crc32(kind.encode()), *keys))))
