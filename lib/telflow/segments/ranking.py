"""Which clustering of a sweep is best: the floor first, then stability, then silhouette."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Standing:
    """Where a clustering stands.

    Attributes:
        passes: whether it may win at all.
        is_stable: whether its bootstrap ARI reaches what is asked for.
        silhouette: the greater the better among equals.
        reason: why it is refused, or what it is ranked by, in words.
    """

    passes: bool
    is_stable: bool
    silhouette: float
    reason: str

    @property
    def order(self) -> tuple[bool, bool, float]:
        """To sort by, the best last."""
        return (self.passes, self.is_stable, self.silhouette)


def standing(metrics: Metrics, smallest_share: float, stability: float) -> Standing:
    """Where a clustering with these metrics stands.

    Stability divides into stable and not; among the stable ones the silhouette decides. A bootstrap ARI of .99 against
    one of .96 says nothing about which of the two divides customers better.

    Args:
        metrics: ``smallest_share``, ``bootstrap_ari`` and ``silhouette``, the last two None where they cannot be told.
        smallest_share: floor; a smaller smallest segment is refused.
        stability: bootstrap ARI from which a clustering counts as stable.
    """
    share, ari, silhouette = (metrics.get(name) for name in ("smallest_share", "bootstrap_ari", "silhouette"))
    if share is None or silhouette is None or ari is None:
        return Standing(passes=False, is_stable=False, silhouette=-1.0, reason="refused: all customers in one segment")
    is_stable = ari >= stability
    if share < smallest_share:
        reason = f"refused: the smallest segment holds {share:.2%}, the floor is {smallest_share:.2%}"
        return Standing(passes=False, is_stable=is_stable, silhouette=silhouette, reason=reason)
    word = "stable" if is_stable else "not stable"
    reason = f"{word}: bootstrap ARI {ari:.3f}, silhouette {silhouette:.3f}"
    return Standing(passes=True, is_stable=is_stable, silhouette=silhouette, reason=reason)


def best(standings: Iterable[Standing]) -> int | None:
    """Position of the best of those that pass, the first of equals; None where all are refused."""
    passing = [(each.order, -at) for at, each in enumerate(standings) if each.passes]
    return -max(passing)[1] if passing else None
