"""What the customers of each segment are like: means in natural units, and how far these lie from everybody's."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.segments.fit import evened
from telflow.segments.model import Floats, Preparation
from telflow.segments.names import segment_names

DEVIATION: Final = "_deviation"


@dataclass(frozen=True)
class Profiles:
    """Profiles of the clusters of a model, in the order of their numbers.

    Attributes:
        features: columns of the two tables.
        names: of the clusters.
        customers: in each.
        means: of each feature, natural units, (k, features); nan where a cluster holds nobody.
        deviations: of the mean of the evened-out feature from everybody's, in standard deviations, likewise.
    """

    features: tuple[str, ...]
    names: tuple[str, ...]
    customers: tuple[int, ...]
    means: Floats
    deviations: Floats

    def centres_table(self) -> pd.DataFrame:
        """A row a segment: name, number, customers, share, the mean of each feature, and its deviation."""
        total = max(sum(self.customers), 1)
        table = pd.DataFrame(
            {
                "segment": self.names,
                "segment_number": range(len(self.names)),
                "customers": self.customers,
                "share": [customers / total for customers in self.customers],
            }
        )
        for at, feature in enumerate(self.features):
            table[feature] = self.means[:, at]
            table[feature + DEVIATION] = self.deviations[:, at]
        return table


def cluster_profiles(clustered: DataFrame, k: int, even: Preparation) -> Profiles:
    """Profiles of the clusters in ``prediction``.

    Args:
        clustered: ``prediction`` (int) and the features of ``even``, natural units.
        k: number of clusters.
        even: the preparation ``log_standard`` of all customers; deviations are taken in its units.
    """
    features = even.features
    columns = [F.avg(name).alias(name) for name in features]
    columns += [
        F.avg(evened(name, scale)).alias(name + DEVIATION) for name, scale in zip(features, even.scales, strict=True)
    ]
    found = clustered.groupBy("prediction").agg(F.count(F.lit(1)).alias("customers"), *columns).collect()
    rows: dict[int, Any] = {row["prediction"]: row for row in found}
    means, level = np.full((k, len(features)), np.nan), np.full((k, len(features)), np.nan)
    for number, row in rows.items():
        means[number] = [row[name] for name in features]
        level[number] = [row[name + DEVIATION] for name in features]
    deviations = (level - np.asarray(even.means)) / np.asarray(even.deviations)
    names = segment_names([dict(zip(features, np.nan_to_num(each), strict=True)) for each in deviations])
    customers = tuple(int(rows[number]["customers"]) if number in rows else 0 for number in range(k))
    return Profiles(features, names, customers, means, deviations)
