"""Which clustering of a sweep is best: the floor first, then stability, then silhouette, and of near ones the finer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Standing:
    """Where a clustering stands.

    Attributes:
        passes: whether it may win at all.
        is_stable: whether its bootstrap ARI reaches what is asked for.
        bootstrap_ari: decides among those that are not stable.
        silhouette: of the space that all have in common; decides among the stable ones.
        segments: how many there are.
        reason: why it is refused, or what it is ranked by, in words.
    """

    passes: bool
    is_stable: bool
    bootstrap_ari: float
    silhouette: float
    segments: int
    reason: str

    def order(self, near_best: float) -> tuple[bool, float, int, float]:
        """To sort by, the best last. Stable ones with silhouettes from ``near_best`` up go by their segments."""
        is_near = self.is_stable and self.silhouette >= near_best
        steady = math.inf if self.is_stable else self.bootstrap_ari
        return (self.passes, steady, self.segments if is_near else 0, self.silhouette)


def standing(metrics: Metrics, segments: int, smallest_share: float, stability: float) -> Standing:
    """Where a clustering with these metrics stands.

    Stability divides into stable and not; among the stable ones the silhouette decides. A bootstrap ARI of .99 against
    one of .96 says nothing about which of the two divides customers better. Among those that are not stable, the
    bootstrap ARI goes before the silhouette.

    Args:
        metrics: ``smallest_share``, ``bootstrap_ari`` and ``common_silhouette``, the last two None where they cannot be
            told.
        segments: how many there are.
        smallest_share: floor; a smaller smallest segment is refused.
        stability: bootstrap ARI from which a clustering counts as stable.
    """
    share, ari, silhouette = (metrics.get(name) for name in ("smallest_share", "bootstrap_ari", "common_silhouette"))
    if share is None or silhouette is None or ari is None:
        return Standing(
            passes=False,
            is_stable=False,
            bootstrap_ari=0.0,
            silhouette=-1.0,
            segments=segments,
            reason="refused: all in one segment",
        )
    is_stable = ari >= stability
    if share < smallest_share:
        reason = f"refused: the smallest segment holds {share:.2%}, the floor is {smallest_share:.2%}"
    else:
        word = "stable" if is_stable else "not stable"
        reason = f"{word}: bootstrap ARI {ari:.3f}, silhouette {silhouette:.3f}"
    return Standing(share >= smallest_share, is_stable, ari, silhouette, segments, reason)


def best_silhouette(standings: Sequence[Standing]) -> int | None:
    """Position of the stable clustering with the greatest silhouette, which ``ranking`` measures others by."""
    stable = [at for at, each in enumerate(standings) if each.passes and each.is_stable]
    return max(stable, key=lambda at: standings[at].silhouette, default=None)


def ranking(standings: Sequence[Standing], margin: float) -> list[int]:
    """Positions from the best to the last, equals in the order they come in.

    Stable clusterings whose silhouettes lie within ``margin`` of the best one's divide customers equally well: the one
    with more segments says more about them, and goes first. Where silhouettes hardly differ at all, that is the one
    with the most segments that are large enough and stable.
    """
    best = best_silhouette(standings)
    near_best = (0.0 if best is None else standings[best].silhouette) - margin
    return sorted(range(len(standings)), key=lambda at: standings[at].order(near_best), reverse=True)
