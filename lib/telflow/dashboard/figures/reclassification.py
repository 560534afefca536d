"""The way from an exporter's label to a service and its category."""

from collections.abc import Mapping

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.figures.shapes import sankey
from telflow.dashboard.style import REST, Figure, Look, layout

LARGEST = 12  # applications and services each
LARGEST_CATEGORIES = 8


def label(observed: str) -> str:
    """An exporter's label, in words where there is none."""
    return "no label" if observed == "none" else observed


def folded(names: pl.Series, sizes: pl.Series, most: int = LARGEST) -> Mapping[str, str]:
    """Each name as itself where it is among the ``most`` largest, else as the rest."""
    sums = pl.DataFrame({"name": names, "size": sizes}).group_by("name").agg(pl.col("size").sum())
    ordered = sums.sort(["size", "name"], descending=[True, False]).get_column("name").to_list()
    return {name: name if at < most else REST for at, name in enumerate(ordered)}


def sankey_figure(shown: pl.DataFrame, look: Look) -> Figure:
    """Bytes from label to service to category.

    Args:
        shown: ``observed``, ``service``, ``category``, ``bytes``.
        look: colours; links have their category's.
    """
    sizes = shown.get_column("bytes")
    left, middle = (folded(shown.get_column(name), sizes) for name in ("observed", "service"))
    right = folded(shown.get_column("category"), sizes, LARGEST_CATEGORIES)
    flows: dict[tuple[str, str, str], int] = {}
    for observed, service, category, volume in shown.select("observed", "service", "category", "bytes").iter_rows():
        way = (label(left[observed]), middle[service], right[category])
        flows[way] = flows.get(way, 0) + volume
    columns = [list(dict.fromkeys(way[at] for way in flows)) for at in range(3)]
    place = {
        (at, name): number for number, (at, name) in enumerate((at, name) for at in range(3) for name in columns[at])
    }
    colours = look.colour_by_name(columns[2])
    nodes = [(name, colours[name] if at == 2 else look.faint) for at, name in place]
    links = [
        (source, target, float(size), f"{colours[category]}66")
        for (source, target, category), size in link_sizes(flows, place).items()
    ]
    return {"data": [sankey(nodes, links, units.volume, look)], "layout": layout(look, 560)}


def link_sizes(
    flows: Mapping[tuple[str, str, str], int], place: Mapping[tuple[int, str], int]
) -> dict[tuple[int, int, str], int]:
    """Sizes of the links between neighbouring columns, by source, target and category."""
    sums: dict[tuple[int, int, str], int] = {}
    for (observed, service, category), volume in flows.items():
        for source, target in (((0, observed), (1, service)), ((1, service), (2, category))):
            key = (place[source], place[target], category)
            sums[key] = sums.get(key, 0) + volume
    return sums
