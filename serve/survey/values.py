"""Prices, currencies, quantities and dates as sellers write them: read plainly, or not at all."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta

SIGNS = {
    "US$": "USD", "€": "EUR", "EURO": "EUR", "£": "GBP", "₫": "VND", "฿": "THB", "₽": "RUB", "₹": "INR", "R$": "BRL",
}  # fmt: skip
"""Signs that mean one currency; others ($, ¥, kr) stay as written."""

NUMBER = re.compile(r"\d[\d.,'\s]*\d|\d")
MULTIPLIED = re.compile(r"\d\s?([km]|mn|mio|mil|tr|thousand|million|lakh|crore)\b|\d\s?[千万萬亿億]", re.I)
"""Short for thousands or millions, in which way depends on the language: $1k is not read as 1."""

FIRST_YEAR = 1990
"""No advert was posted on the Web before."""

THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,' ])\d{3}(\1\d{3})*([.,]\d{1,2})?")


def read_number(text: str) -> float | None:
    """The one number above 0 in a text such as `EUR 1.200,50`; None where there is none, or several.

    Three digits after a sign are thousands, one or two after the last sign are a fraction: 1.200 is 1200.
    """
    plain = unicodedata.normalize("NFKC", text).replace("٬", ",").replace("٫", ".")
    found = NUMBER.findall(plain)
    if len(found) != 1 or MULTIPLIED.search(plain) or re.search(rf"-\s*{re.escape(found[0])}", plain):
        return None
    digits = re.sub(r"\s", " ", found[0])
    if thousands := THOUSANDS.fullmatch(digits):
        fraction = thousands[3] or ""
        whole = re.sub(r"\D", "", digits.removesuffix(fraction))
        digits = f"{whole}{fraction}"
    try:
        return float(digits.replace(",", ".")) or None
    except ValueError:
        return None


def read_currency(currency: str, price: str) -> str:
    """The currency's code, or its sign as written; from the price where none is given. Empty if there is none."""
    given = currency.strip() or re.sub(r"[\d.,'\s-]+", "", price)
    upper = unicodedata.normalize("NFKC", given).strip().upper()
    return SIGNS.get(upper, upper if len(upper) <= 4 else "")


def read_date(text: str) -> date | None:
    """The day of an ISO 8601 date or time, UTC or with an offset; other orders of day and month are not guessed.

    None, too, for a day on which nothing can have been posted: before the Web, or to come (somewhere it is tomorrow).
    """
    try:
        day = datetime.fromisoformat(text.strip().replace("/", "-")).date()
    except ValueError:
        return None
    return day if day.year >= FIRST_YEAR and day <= datetime.now(UTC).date() + timedelta(days=1) else None


def read_degrees(text: str, most: float) -> float | None:
    """A latitude or longitude from -most to most, in decimal degrees."""
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if abs(degrees) <= most else None
