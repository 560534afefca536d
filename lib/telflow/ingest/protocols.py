"""Protocol names of exporters as IANA protocol numbers.

The names are the keywords of the IANA registry (protocol-numbers, version of 2025) without case, and the spellings
that ``getprotobyname`` tables, nfdump, Argus and Suricata print for the same protocols.
"""

from collections.abc import Mapping
from typing import Final

IANA_KEYWORDS: Final = (
    "hopopt icmp igmp ggp ipv4 st tcp cbt egp igp bbn-rcc-mon nvp-ii pup argus emcon xnet chaos udp mux dcn-meas hmp "
    "prm xns-idp trunk-1 trunk-2 leaf-1 leaf-2 rdp irtp iso-tp4 netblt mfe-nsp merit-inp dccp 3pc idpr xtp ddp "
    "idpr-cmtp tp++ il ipv6 sdrp ipv6-route ipv6-frag idrp rsvp gre dsr bna esp ah i-nlsp swipe narp min-ipv4 tlsp "
    "skip ipv6-icmp ipv6-nonxt ipv6-opts any-host cftp any-network sat-expak kryptolan rvd ippc any-file sat-mon visa "
    "ipcv cpnx cphb wsn pvp br-sat-mon sun-nd wb-mon wb-expak iso-ip vmtp secure-vmtp vines iptm nsfnet-igp dgp tcf "
    "eigrp ospfigp sprite-rpc larp mtp ax.25 ipip micp scc-sp etherip encap any-encryption gmtp ifmp pnni pim aris "
    "scps qnx a/n ipcomp snp compaq-peer ipx-in-ip vrrp pgm any-0-hop l2tp ddx iatp stp srp uti smp sm ptp isis fire "
    "crtp crudp sscopmce iplt sps pipe sctp fc rsvp-e2e-ignore mobility udplite mpls-in-ip manet hip shim6 wesp rohc "
    "ethernet aggfrag nsh homa bit-emu"
)  # in the order of their numbers, from 0

ALIASES: Final = {
    "ip": 0,
    "icmpv4": 1,
    "icmp4": 1,
    "ipencap": 4,
    "ip-encap": 4,
    "st2": 5,
    "bbnrcc": 10,
    "nvp": 11,
    "xerox-idp": 22,
    "dcn": 19,
    "ip6": 41,
    "6in4": 41,
    "ipv6-crypt": 50,
    "ipv6-auth": 51,
    "ipsec-esp": 50,
    "ipsec-ah": 51,
    "mobile": 55,
    "min-ip": 55,
    "icmp6": 58,
    "icmpv6": 58,
    "ipv6icmp": 58,
    "icmp-v6": 58,
    "nonxt": 59,
    "ipopts": 60,
    "ospf": 89,
    "ospfv3": 89,
    "ax25": 93,
    "ip-in-ip": 94,
    "ipinip": 94,
    "ethip": 97,
    "ipcmp": 108,
    "carp": 112,
    "l2tpv3": 115,
    "is-is": 124,
    "isis over ipv4": 124,
    "fibre-channel": 133,
    "mobility header": 135,
    "mobility-header": 135,
    "udp-lite": 136,
    "mplsip": 137,
    "mpls-in-ip": 137,
    "ethernet-pt": 143,
}

# nfdump 1.7.1 shortens names to five letters and calls protocol 4 what IANA calls 94 (src/lib/output_util.c)
NFDUMP_NAMES: Final = {
    "ipip": 4,
    "bbn": 10,
    "nvpii": 11,
    "encom": 14,
    "xns": 22,
    "trnk1": 23,
    "trnk2": 24,
    "leaf1": 25,
    "leaf2": 26,
    "iso-4": 29,
    "netbk": 30,
    "mfesp": 31,
    "meinp": 32,
    "rte6": 43,
    "frag6": 44,
    "mhrp": 48,
    "inlsp": 52,
    "mobil": 55,
    "nohe6": 59,
    "opts6": 60,
    "host": 61,
    "net": 63,
    "satnt": 64,
    "klan": 65,
    "fs": 68,
    "satm": 69,
    "bsatm": 76,
    "sunnd": 77,
    "wbmon": 78,
    "wbexp": 79,
    "isoip": 80,
    "svmtp": 82,
    "ttp": 84,
    "nsigp": 85,
    "s-rpc": 90,
    "os": 94,
    "sccsp": 96,
    "cpqpp": 110,
    "ipxip": 111,
    "0hop": 114,
    "isis4": 124,
    "mhead": 135,
    "udp-l": 136,
}

NUMBERS: Final = {keyword: number for number, keyword in enumerate(IANA_KEYWORDS.split())} | ALIASES

PORT_PROTOCOLS: Final = (6, 17, 33, 132, 136)  # TCP, UDP, DCCP, SCTP, UDP-Lite
ICMP_PROTOCOLS: Final = (1, 58)


def protocol_number(text: str, own_names: Mapping[str, int] | None = None) -> int | None:
    """Number of a protocol given by number or name; None where no such IP protocol is known.

    Args:
        text: number or name, in any case, blanks around it allowed.
        own_names: names of one tool that go before the registry's, in lower case.
    """
    name = text.strip().lower()
    if name.isascii() and name.isdigit() and len(name) <= 9:
        return int(name)
    if own_names is not None and name in own_names:
        return own_names[name]
    return NUMBERS.get(name)
