"""How figures look: colours from the settings, one layout for all, light and dark."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from telflow.dashboard.units import scaled

Figure = dict[str, Any]
Scheme = Literal["light", "dark"]
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
REST = "all others"


@dataclass(frozen=True)
class Look:
    """Colours of a figure.

    Attributes:
        colours: of series, in order.
        accent: of the one series that matters.
    """

    colours: tuple[str, ...]
    accent: str
    scheme: Scheme = "light"

    @property
    def ink(self) -> str:
        """Colour of text."""
        return "#212529" if self.scheme == "light" else "#e9ecef"

    @property
    def faint(self) -> str:
        """Colour of axes' text and of what is compared with."""
        return "#5c6770" if self.scheme == "light" else "#a6b0b9"

    @property
    def line(self) -> str:
        """Colour of grid lines."""
        return "#e3e7ea" if self.scheme == "light" else "#3b4148"

    @property
    def surface(self) -> str:
        """Colour of what a figure stands on."""
        return "#ffffff" if self.scheme == "light" else "#242424"

    def colour_by_name(self, names: Sequence[str]) -> Mapping[str, str]:
        """A colour for each of ``names`` in order; what comes after the last colour, and the rest, is grey."""
        grey = "#9aa5ae" if self.scheme == "light" else "#737d86"
        own = [name for name in names if name != REST]
        coloured = dict(zip(own, self.colours, strict=False))
        return {name: coloured.get(name, grey) for name in names}

    @property
    def sequential(self) -> list[list[object]]:
        """Colour scale from little to much, of one hue that also prints in grey."""
        weak = "#f4f7fa" if self.scheme == "light" else "#2b3036"
        strong = blend(self.accent, "#000000", 0.35) if self.scheme == "light" else blend(self.accent, "#ffffff", 0.55)
        return [[0.0, weak], [0.5, blend(weak, self.accent, 0.6)], [1.0, strong]]


def blend(colour: str, other: str, part: float) -> str:
    """``colour`` (#rrggbb) moved by ``part`` (0 to 1) towards ``other``."""
    channels = [(int(colour[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(own + (far - own) * part):02x}" for own, far in channels)


def shades(colour: str) -> list[str]:
    """Ten shades of ``colour`` from light to dark, as Mantine wants them, the colour itself being the seventh."""
    lighter = [blend(colour, "#ffffff", part) for part in (0.92, 0.8, 0.64, 0.48, 0.32, 0.16)]
    return [*lighter, colour, *[blend(colour, "#000000", part) for part in (0.14, 0.28, 0.42)]]


def axis(look: Look, title: str = "", **more: Any) -> dict[str, Any]:
    """An axis with its ``title``, which gives the unit."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": look.faint}, "standoff": 8},
        "gridcolor": look.line,
        "linecolor": look.line,
        "zeroline": False,
        "tickfont": {"size": 12, "color": look.faint},
        "automargin": True,
        **more,
    }


def bytes_axis(look: Look, title: str, **more: Any) -> dict[str, Any]:
    """An axis of bytes, in SI prefixes."""
    return axis(look, title, **{"tickformat": "~s", "ticksuffix": "B", "rangemode": "tozero", **more})


def layout(look: Look, height: int = 320, **more: Any) -> dict[str, Any]:
    """What all figures have in common, with ``more`` over it."""
    return {
        "height": height,
        "font": {"family": FONT, "size": 13, "color": look.ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "colorway": list(look.colours),
        "hoverlabel": {"bgcolor": look.surface, "font": {"color": look.ink, "family": FONT}, "bordercolor": look.line},
        "legend": {"orientation": "h", "y": -0.18, "x": 0, "traceorder": "normal", "font": {"size": 12}},
        "uirevision": "kept",
        **more,
    }


def with_unit_ticks(figure: Figure) -> Figure:
    """``figure`` with a space between number and unit on every axis of bytes or rates, and on its colour bar.

    Plotly writes 2Gbit/s and has no setting for a space, so ticks are chosen here. Such an axis does not zoom, as its
    ticks would not follow.
    """
    shown: dict[str, Any] = {}
    for name, drawn in figure["layout"].items():
        if isinstance(drawn, dict) and drawn.get("tickformat") == "~s":
            top = (drawn.get("range") or [0, highest(figure, name)])[1]
            most = 4 if name.startswith("x") else 6  # words stand side by side along x
            shown[name] = {**drawn, **unit_ticks(top, drawn.get("ticksuffix", ""), most), "fixedrange": True}
    data = [with_bar_ticks(trace) for trace in figure["data"]]
    return {**figure, "data": data, "layout": {**figure["layout"], **shown}}


def with_bar_ticks(trace: Figure) -> Figure:
    """``trace`` with the ticks of its colour bar, where that shows bytes or rates."""
    bar = trace.get("colorbar") or {}
    if bar.get("tickformat") != "~s":
        return trace
    top = max((value for row in trace["z"] for value in row if value is not None), default=0)
    return {**trace, "colorbar": {**bar, **unit_ticks(top, bar.get("ticksuffix", ""))}}


def highest(figure: Figure, name: str) -> float:
    """The greatest value on the axis ``name``, such as yaxis2, bars and areas on top of one another added up."""
    letter, own = name[0], name[0] + name.removeprefix(f"{name[0]}axis")
    is_stacked = figure["layout"].get("barmode") in ("stack", "relative")
    sums: dict[object, float] = {}
    most = 0.0
    for trace in figure["data"]:
        if trace.get(f"{letter}axis", letter) != own or letter not in trace:
            continue
        adds = "stackgroup" in trace or (is_stacked and trace["type"] == "bar")
        for place, value in zip(trace["x" if letter == "y" else "y"], trace[letter], strict=False):
            if not isinstance(value, int | float):
                continue
            sums[place] = (sums.get(place, 0.0) if adds else 0.0) + value
            most = max(most, sums[place])
    return most


def unit_ticks(top: float, unit: str, most: int = 6) -> dict[str, Any]:
    """Round ticks from 0 to ``top`` with their prefix and ``unit``."""
    if top <= 0:
        return {"tickmode": "array", "tickvals": [0], "ticktext": [f"0 {unit}"], "tickformat": "", "ticksuffix": ""}
    rough = top / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * part for part in (1, 2, 2.5, 5, 10) if power * part >= rough * 0.999)
    values = [step * number for number in range(math.floor(top / step * 1.001) + 1)]
    texts = [tick_text(value, unit) for value in values]
    return {"tickmode": "array", "tickvals": values, "ticktext": texts, "tickformat": "", "ticksuffix": ""}


def tick_text(value: float, unit: str) -> str:
    """``value`` with its prefix and ``unit``, without digits that say nothing."""
    number, prefix = scaled(value)
    return f"{number:.4g} {prefix}{unit}"
