"""Countries, states and where an address on the internet lies (a few networks, enough to try the rules)."""

from __future__ import annotations

import ipaddress
from typing import Final

COUNTRIES: Final = frozenset(
    """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW""".split()
)
STATES: Final = {
    "US": frozenset(
        """AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH
        OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI AA AE AP""".split()
    ),
    "CA": frozenset("AB BC MB NB NL NS NT NU ON PE QC SK YT".split()),
}
PROHIBITED: Final = frozenset({"CU", "IR", "KP", "SD", "SY"})
NETWORKS: Final = {
    "216.239.32.0/19": "US",
    "95.24.0.0/13": "RU",
    "190.92.112.0/20": "CU",
    "198.51.100.0/24": "RU",  # reserved for documentation: a foreign client
    "203.0.113.0/24": "CU",  # reserved for documentation: a prohibited one
}
_NETWORKS: Final = tuple((ipaddress.ip_network(n), country) for n, country in NETWORKS.items())


def country_of(address: str) -> str:
    """Two letters; unknown networks are at home."""
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return "US"
    return next((country for network, country in _NETWORKS if ip in network), "US")


def within(address: str, ranges: str) -> bool:
    """Whether the address is in a comma-separated list of networks; an empty list allows all, nonsense nobody."""
    listed = [r.strip() for r in ranges.split(",") if r.strip()]
    try:
        ip = ipaddress.ip_address(address)
        return not listed or any(ip in ipaddress.ip_network(r, strict=False) for r in listed)
    except ValueError:
        return False
