"""How many decimals a currency has (ISO 4217).

The table stands here, not in a library: amounts are recorded in minor units for good, so a number that moves with
a release would change what was recorded. (CLDR, behind `babel`, has 0 for RSD, LBP or ALL, because that is how
prices are shown; ISO 4217 has 2.)
"""

from collections.abc import Mapping
from typing import Final

_WITHOUT: Final = (
    "ADP BEF BIF BYB BYR CLP DJF ESP GNF GRD ISK ITL JPY KMF KRW LUF MGF PYG PTE RWF TPE TRL UGX UYI VND VUV "
    "XAF XOF XPF"
)
_USUAL: Final = 2
UNUSUAL: Final[Mapping[int, frozenset[str]]] = {
    0: frozenset(_WITHOUT.split()),
    3: frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}),
    4: frozenset({"CLF", "UYW"}),
}
"""Currencies by their decimals; all others have 2."""
_DECIMALS: Final = {currency: places for places, group in UNUSUAL.items() for currency in group}


def decimals(currency: str) -> int:
    """Say how many decimals a currency has; withdrawn ones as they had at their end, unknown ones 2."""
    return _DECIMALS.get(currency, _USUAL)
