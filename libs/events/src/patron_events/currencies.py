"""How many decimals a currency has (ISO 4217).

The table stands here, not in a library: amounts are recorded in minor units for good, so a number that moves with
a release would change what was recorded. (CLDR, behind `babel`, has 0 for RSD, LBP or ALL, because that is how
prices are shown; ISO 4217 has 2.)
"""

from typing import Final

_WITHOUT: Final = (
    "ADP BEF BIF BYB BYR CLP DJF ESP GNF GRD ISK ITL JPY KMF KRW LUF MGF PYG PTE RWF TPE TRL UGX UYI VND VUV "
    "XAF XOF XPF"
)
_NONE: Final = frozenset(_WITHOUT.split())
_THREE: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_FOUR: Final = frozenset({"CLF", "UYW"})


def decimals(currency: str) -> int:
    """Say how many decimals a currency has; withdrawn ones as they had at their end, unknown ones 2."""
    if currency in _NONE:
        return 0
    if currency in _THREE:
        return 3
    return 4 if currency in _FOUR else 2
