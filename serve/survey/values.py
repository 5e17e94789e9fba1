"""Prices, currencies, quantities and dates as sellers write them: read plainly, or not at all."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta

SIGNS = {
    "US$": "USD", "€": "EUR", "EURO": "EUR", "£": "GBP", "₫": "VND", "฿": "THB", "₽": "RUB", "₹": "INR", "R$": "BRL",
}  # fmt: skip
"""Signs that mean one currency; others ($, ¥, kr) stay as written."""

CODES = """
    AED AFN AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
    CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
    IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
    SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF
    XCD XCG XOF XPF YER ZAR ZMW ZWG EURO FT KČ KR LEI RM RP RS TL ZŁ Đ ГРН РУБ 元 円
"""
"""What names a currency beside a price: codes of ISO 4217 (without ALL and TOP, which are words), and short forms."""

LETTER = r"[^\W\d_]"
CURRENCY = re.compile(
    rf"(?:(?<!{LETTER}){LETTER}{{1,2}})?[$¢-¥฿₠-⃀]|(?<!{LETTER})(?:{'|'.join(CODES.split())})(?!{LETTER})"
)

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
    found = unicodedata.normalize("NFKC", currency).strip().upper()
    if not found:
        named = CURRENCY.findall(unicodedata.normalize("NFKC", price).upper())
        found = min(named, key=lambda name: (name not in SIGNS, not name.isalpha()), default="")  # USD rather than $
    return SIGNS.get(found, found if len(found) <= 4 else "")


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
