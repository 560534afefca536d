"""The network that an address lies in: remote addresses are cut to it wherever they leave ``flows``."""


def prefix_of(address: str) -> str:
    """SQL for the network of the column ``address``: /24 of IPv4, /48 of IPv6 as RFC 5952 writes it.

    Spark, Databricks and DuckDB understand it alike.
    """
    long = f"regexp_extract({address}, '^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):', 1)"
    short = f"regexp_extract({address}, '^(.*?)::', 1)"
    six = f"CASE WHEN {long} <> '' THEN {long} ELSE {short} END"
    return (
        f"CASE WHEN {address} LIKE '%:%' THEN concat(regexp_replace({six}, '(:0)+$', ''), '::/48') "
        f"ELSE concat(regexp_extract({address}, '^([0-9]+[.][0-9]+[.][0-9]+)[.]', 1), '.0/24') END"
    )
