"""The scoring schemes by name: what each cuts, where, and how it counts a value that lies on a cut."""

from dataclasses import dataclass

QUINTILES = (0.2, 0.4, 0.6, 0.8)
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Scheme:
    """A way to score customers by the quantiles of their measures.

    Attributes:
        name: name in settings and in customer_scores.
        measures: measures that are cut, as named in customer_scores, and the columns they are taken from.
        probabilities: quantiles at which a measure is cut; one level more than that.
        is_exact: True for type-7 quantiles (linear interpolation, the default of R and NumPy); False for one customer's
            value at most a ten-thousandth of all ranks away, at a third of the cost.
        cut_offset: added to every quantile.
        is_right_open: True where a value on a cut belongs to the level above it.
    """

    name: str
    measures: dict[str, str]
    probabilities: tuple[float, ...]
    is_exact: bool
    cut_offset: float = 0.0
    is_right_open: bool = False

    @property
    def levels(self) -> int:
        """Number of levels of a measure."""
        return len(self.probabilities) + 1


RECENCY_FREQUENCY_MONETARY = {
    "recency_days": "recency_days",
    "frequency": "active_days",
    "monetary_bytes": "monetary_bytes",
}

RFM = Scheme("rfm", RECENCY_FREQUENCY_MONETARY, QUINTILES, is_exact=False)

RFM_R = Scheme("rfm_r", RECENCY_FREQUENCY_MONETARY, QUINTILES, is_exact=True, cut_offset=1.0, is_right_open=True)
"""As the R package rfm (0.3.0) cuts: a level begins at the quantile plus one and ends before the next level's begin.
Among whole numbers that is the same as ``value > quantile`` while quantiles are whole; where one falls between two
numbers, the number above it still belongs to the lower level (quantile 296.4, cut 297.4: 297 is below)."""

UFM = Scheme(
    "ufm",
    {"monetary_bytes": "monetary_bytes", "frequency": "start_times", "connections": "connections"},
    QUARTILES,
    is_exact=True,
)

SCHEMES = {scheme.name: scheme for scheme in (RFM, RFM_R, UFM)}
