"""Prices, currencies and dates are read plainly, or not at all."""

from datetime import UTC, date, datetime, timedelta

import pytest

from serve.survey.values import read_currency, read_date, read_degrees, read_number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("35", 35), ("€ 1.200,50", 1200.5), ("1,200", 1200), ("1 200,5", 1200.5), ("1'200.50", 1200.5), ("٣٥", 35),
        ("12 500 000 ₫", 12_500_000), ("0.500", 0.5), ("1,5", 1.5), ("１２", 12), ("USD 1,234,567.89", 1234567.89),
        ("25,- €", 25), ("35kr", 35),
    ],
)  # fmt: skip
def test_a_plain_price_is_read(written: str, number: float) -> None:
    assert read_number(written) == number


@pytest.mark.parametrize("written", ["", "ask", "120-150", "10 for 20", "-5", "3.5.1", "0", "$1k", "2 mil", "3万"])
def test_what_is_not_one_number_above_0_is_not_guessed(written: str) -> None:
    assert read_number(written) is None


@pytest.mark.parametrize(
    ("currency", "price", "code"),
    [
        ("eur", "5", "EUR"), ("", "£99", "GBP"), ("", "US$ 35.00", "USD"), ("", "$5", "$"), ("", "35", ""),
        ("", "50 € VB", "EUR"), ("", "£50 ono", "GBP"), ("", "$5,000 OBO", "$"), ("", "USD $5", "USD"),
        ("", "50 eur firm", "EUR"), ("", "50 ONO", ""), ("", "35kr", "KR"), ("", "5 or best offer", ""),
        ("R$", "5", "BRL"), ("Euro", "5", "EUR"),
    ],
)  # fmt: skip
def test_a_sign_is_a_currency_only_where_it_means_one(currency: str, price: str, code: str) -> None:
    assert read_currency(currency, price) == code


def test_a_date_is_read_where_day_and_month_cannot_be_confused() -> None:
    assert read_date("2025-05-01T23:00:00Z") == read_date("2025/05/01") == date(2025, 5, 1)
    assert read_date("01/05/2025") is read_date("") is None


def test_a_day_on_which_nothing_can_have_been_posted_is_none() -> None:
    today = datetime.now(UTC).date()
    assert read_date(str(today)) == today
    assert read_date("0001-01-01") is read_date(str(today + timedelta(days=2))) is None


@pytest.mark.parametrize("written", ["", "north", "nan", "inf", "90.5"])
def test_a_latitude_that_is_on_no_globe_is_none(written: str) -> None:
    assert read_degrees(written, 90) is None
