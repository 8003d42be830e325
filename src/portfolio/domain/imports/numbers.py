"""Numbers as files write them, to the last digit. What can be read in two ways is refused."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from portfolio.domain.imports.records import MEND_IT, RowRefused
from portfolio.domain.money import DECIMALS, EXACT, LIMIT

SAY_THE_SIGN = "give --decimal="
"""What a remedy says where a comma may be the decimal sign."""


def may_be_swapped(text: str) -> bool:
    """Return whether what is no number may be one with a decimal comma, or with points for thousands.

    >>> may_be_swapped("1.234.567"), may_be_swapped("1,5"), may_be_swapped("n/a")
    (True, True, False)
    """
    return "," in text or _GROUPED.fullmatch(text.translate(_SWAPPED)) is not None


_PLAIN = re.compile(r"[+-]?(?:\d{1,60}\.?\d{0,60}|\.\d{1,60})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_SHORT = re.compile(r"-?\d+(?:\.\d*)?", re.ASCII)
# No group of thousands begins with 0: 0.001 is never 1, whatever the decimal sign is said to be.
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?P<fraction>\.\d{0,60})?", re.ASCII)
_SPACED = re.compile(
    r"[+-]?[1-9]\d{0,2}(?P<mark>[ \u00a0\u202f'\u2019])\d{3}(?:(?P=mark)\d{3})*(?:[.,]\d{0,60})?", re.ASCII
)
_SIGNED = re.compile(
    r"(?P<minus>-?)(?P<sign>[^\d.,+\-\s()\u2010-\u2015\u2212]{0,4})\s*"
    r"(?P<number>\S++(?:[ \u00a0\u202f]\d{3}[\d.,]*)*)",
    re.ASCII,
)
_USUAL_MONEY = re.compile(
    r"(-?)(?:[A-Z]{0,3}[€$£])?(\d{1,15}|[1-9]\d{0,2}(?:,\d{3}){1,4}(?=\.))(\.\d{0,18})?",
    re.ASCII,
)
# Signs before amounts, and the currencies that each may stand for.
_DOLLARS = {"USD", "USDC", "USDT", "ARS", "AUD", "BMD", "CAD", "CLP", "COP", "HKD", "MXN", "NZD", "SGD", "TWD"}
_SIGNS = {
    "$": _DOLLARS, "US$": _DOLLARS & {"USD", "USDC", "USDT"}, "€": {"EUR"}, "£": {"GBP"}, "₹": {"INR"}, "₩": {"KRW"},
    "¥": {"JPY", "CNY"}, "JP¥": {"JPY"}, "CN¥": {"CNY"}, "CA$": {"CAD"}, "C$": {"CAD"}, "A$": {"AUD"}, "AU$": {"AUD"},
    "NZ$": {"NZD"}, "HK$": {"HKD"}, "S$": {"SGD"}, "SG$": {"SGD"}, "MX$": {"MXN"}, "NT$": {"TWD"}, "R$": {"BRL"},
    "₺": {"TRY"}, "₴": {"UAH"}, "₽": {"RUB"}, "₦": {"NGN"}, "₱": {"PHP"}, "฿": {"THB"}, "₫": {"VND"}, "₪": {"ILS"},
}  # fmt: skip
_SIGNED_CURRENCIES = frozenset(currency for currencies in _SIGNS.values() for currency in currencies)
_DIGITS = frozenset("0123456789")
_SWAPPED = str.maketrans(",.", ".,")


def number_in(text: str, decimal: str | None = None, said: str | None = None) -> Decimal:
    """Return the number of a text; ``decimal`` is the decimal sign, None where nobody has said so.

    ``said`` is what the file has, where a currency's sign was before it.

    >>> number_in("1,000,000.00"), number_in("1e-08"), number_in("0,15", ","), number_in("(1 000.5)")
    (Decimal('1000000.00'), Decimal('1E-8'), Decimal('0.15'), Decimal('-1000.5'))

    Raises:
        RowRefused: no number, or one that could be read in two ways (``1,204``).
    """
    if decimal != "," and len(text) <= DECIMALS + 1 and _SHORT.fullmatch(text):
        return Decimal(text)  # as nearly all are, and too short for more digits
    bare, said = _bare(text), said or text
    dotted = bare.translate(_SWAPPED) if decimal == "," else bare
    if not _PLAIN.fullmatch(dotted):
        grouped = _GROUPED.fullmatch(dotted)
        if grouped is None:
            is_unsaid = decimal is None and may_be_swapped(bare)
            remedy = f"if a comma is the decimal sign, {SAY_THE_SIGN}," if is_unsaid else MEND_IT
            raise RowRefused(f"{said[:40]!r} is not a number", remedy)
        if decimal is None and grouped["fraction"] is None and dotted.count(",") == 1:
            raise RowRefused(f"{said!r} has a comma that may be the decimal sign", f"{SAY_THE_SIGN}, or --decimal=.")
        dotted = dotted.replace(",", "")
    value = Decimal(dotted)
    if value.adjusted() >= LIMIT.adjusted() and value:
        raise RowRefused(f"{said[:40]!r} is out of range: amounts stay below 1e20")
    return value


def _bare(text: str) -> str:
    """Return a number without what spreadsheets add: brackets about one below zero, a blank or apostrophe at thousands.

    >>> _bare("(5)"), _bare("1 234'567"), _bare("1'234'567.8")
    ('-5', "1 234'567", '1234567.8')
    """
    text = _unbracketed(text)
    spaced = _SPACED.fullmatch(text)
    return text if spaced is None else text.replace(spaced["mark"], "")


def _unbracketed(text: str) -> str:
    return f"-{text[1:-1]}" if text.startswith("(") and text.endswith(")") else text


def amount_in(text: str, decimal: str | None = None, said: str | None = None) -> Decimal:
    """Return an amount, which the ledger can keep: at most 18 decimals.

    Raises:
        RowRefused: as ``number_in``, or finer than that.
    """
    if decimal != "," and len(text) <= DECIMALS + 1 and _SHORT.fullmatch(text):
        return Decimal(text)  # as there; it is asked here too, as a call for each amount of a file takes its time
    value = number_in(text, decimal, said)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent < -DECIMALS and value != value.quantize(Decimal(1).scaleb(-DECIMALS), context=EXACT):
        raise RowRefused(f"{(said or text)[:40]!r} is finer than {DECIMALS} decimals, which the ledger cannot keep")
    return value


@lru_cache(maxsize=64)  # a row's own are asked for again and again
def money_in(text: str, decimal: str | None = None) -> Decimal:
    """Return an amount that may have a currency's sign before it.

    >>> money_in("-€597.49"), money_in("CA$10"), money_in("$95,000.00"), money_in("($1 234.50)")
    (Decimal('-597.49'), Decimal('10'), Decimal('95000.00'), Decimal('-1234.50'))
    """
    usual = None if decimal == "," else _USUAL_MONEY.fullmatch(text)
    if usual is not None:
        minus, whole, fraction = usual.groups()
        return Decimal(f"{minus}{whole.replace(',', '')}{fraction or ''}")
    found = _SIGNED.fullmatch(_unbracketed(text))
    if found is None:
        raise RowRefused(f"{text[:40]!r} is not an amount of money")
    return amount_in(found["minus"] + found["number"], decimal, text)


def is_money_of(text: str, currency: str) -> bool:
    """Return whether the sign before an amount, if it has one, can be that of a currency.

    >>> is_money_of("-€5", "EUR"), is_money_of("5", "EUR"), is_money_of("EUR 30.50", "USD")
    (True, True, False)
    """
    if not text or text[0] in _DIGITS or (text[1:2] in _DIGITS and currency in _SIGNS.get(text[0], ())):
        return True  # before a digit is no sign, or one that it may be: so are nearly all
    found = _SIGNED.fullmatch(_unbracketed(text))
    sign = found["sign"] if found is not None else ""
    if not sign or sign.upper() == currency:
        return True
    if sign in _SIGNS:
        return currency in _SIGNS[sign]
    return not (len(sign) == 3 and sign.isascii() and sign.isalpha()) and currency not in _SIGNED_CURRENCIES


def readings(text: str) -> dict[str, Decimal]:
    """Return what a number of a sentence may be, by the decimal sign."""
    found = {}
    for sign in (".", ","):
        try:
            found[sign] = amount_in(text, sign)
        except RowRefused:
            continue
    return found
