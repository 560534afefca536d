"""Pictures show each row."""

import pandas as pd
from matplotlib.patches import Rectangle

from telflow.analysts.plots import bars


def test_rows_with_one_label_have_bars_of_their_own() -> None:
    table = pd.DataFrame({"scope": ["all", "web", "all"], "gigabytes": [3.0, 2.0, 1.0]})
    axes = bars(table, "scope", "gigabytes", unit="GB", title="t").axes[0]
    drawn = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    places = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in drawn}
    labels = {
        round(place): label.get_text() for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    }
    assert places == {2: 3.0, 1: 2.0, 0: 1.0}  # the first on top
    assert labels == {2: "all", 1: "web", 0: "all"}
