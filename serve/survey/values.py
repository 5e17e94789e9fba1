"""Prices, currencies, quantities and dates as sellers write them: read plainly, or not at all."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

SIGNS = {"US$": "USD", "€": "EUR", "£": "GBP", "₫": "VND", "฿": "THB", "₽": "RUB", "₹": "INR", "R$": "BRL"}
"""Signs that mean one currency; others ($, ¥, kr) stay as written."""

NUMBER = re.compile(r"\d[\d.,'\s]*\d|\d")
THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,' ])\d{3}(\1\d{3})*([.,]\d{1,2})?")


def read_number(text: str) -> float | None:
    """The one number in a text such as `EUR 1.200,50`; None where there is none, or several.

    Three digits after a sign are thousands, one or two after the last sign are a fraction: 1.200 is 1200.
    """
    plain = unicodedata.normalize("NFKC", text).replace("٬", ",").replace("٫", ".")
    found = NUMBER.findall(plain)
    if len(found) != 1 or re.search(rf"-\s*{re.escape(found[0])}", plain):
        return None
    digits = re.sub(r"\s", " ", found[0])
    if thousands := THOUSANDS.fullmatch(digits):
        fraction = thousands[3] or ""
        whole = re.sub(r"\D", "", digits.removesuffix(fraction))
        return float(f"{whole}{fraction.replace(',', '.')}")
    try:
        return float(digits.replace(",", "."))
    except ValueError:
        return None


def read_currency(currency: str, price: str) -> str:
    """The currency's code, or its sign as written; from the price where none is given. Empty if there is none."""
    given = currency.strip() or re.sub(r"[\d.,'\s-]+", "", price)
    upper = unicodedata.normalize("NFKC", given).strip().upper()
    return SIGNS.get(upper, upper if len(upper) <= 4 else "")


def read_date(text: str) -> date | None:
    """The day of an ISO 8601 date or time, UTC or with an offset; other orders of day and month are not guessed."""
    try:
        return datetime.fromisoformat(text.strip().replace("/", "-")).date()
    except ValueError:
        return None
