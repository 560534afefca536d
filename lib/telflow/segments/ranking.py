"""Which clustering of a sweep is best: the floor first, then stability, then silhouette."""

import math
from collections.abc import Iterable, Mapping
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
        reason: why it is refused, or what it is ranked by, in words.
    """

    passes: bool
    is_stable: bool
    bootstrap_ari: float
    silhouette: float
    reason: str

    @property
    def order(self) -> tuple[bool, float, float]:
        """To sort by, the best last."""
        return (self.passes, math.inf if self.is_stable else self.bootstrap_ari, self.silhouette)


def standing(metrics: Metrics, smallest_share: float, stability: float) -> Standing:
    """Where a clustering with these metrics stands.

    Stability divides into stable and not; among the stable ones the silhouette decides. A bootstrap ARI of .99 against
    one of .96 says nothing about which of the two divides customers better. Among those that are not stable, the
    bootstrap ARI goes before the silhouette.

    Args:
        metrics: ``smallest_share``, ``bootstrap_ari`` and ``common_silhouette``, the last two None where they cannot be
            told.
        smallest_share: floor; a smaller smallest segment is refused.
        stability: bootstrap ARI from which a clustering counts as stable.
    """
    share, ari, silhouette = (metrics.get(name) for name in ("smallest_share", "bootstrap_ari", "common_silhouette"))
    if share is None or silhouette is None or ari is None:
        return Standing(
            passes=False, is_stable=False, bootstrap_ari=0.0, silhouette=-1.0, reason="refused: all in one segment"
        )
    is_stable = ari >= stability
    if share < smallest_share:
        reason = f"refused: the smallest segment holds {share:.2%}, the floor is {smallest_share:.2%}"
    else:
        word = "stable" if is_stable else "not stable"
        reason = f"{word}: bootstrap ARI {ari:.3f}, silhouette {silhouette:.3f}"
    return Standing(share >= smallest_share, is_stable, ari, silhouette, reason)


def best(standings: Iterable[Standing]) -> int | None:
    """Position of the best of those that pass, the first of equals; None where all are refused."""
    passing = [(each.order, -at) for at, each in enumerate(standings) if each.passes]
    return -max(passing)[1] if passing else None
