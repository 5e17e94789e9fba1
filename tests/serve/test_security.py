"""docs/security.md is true: its settings are those of the code."""

from pathlib import Path

import pytest

from serve.casebook.password import SHORTEST
from serve.page import door, gate, page, sessions, signin, tray

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("a session ends without use after", f"{sessions.IDLE // 60} minutes"),
        ("a session ends in any case after", f"{sessions.WHOLE // 3600} hours"),
        ("wrong passwords for one name", f"{signin.OF_A_NAME.amount} in {signin.OF_A_NAME.multiples} minutes"),
        (
            "tries to sign in from one address",
            f"{signin.OF_AN_ADDRESS.amount} in {signin.OF_AN_ADDRESS.multiples} minutes",
        ),
        ("pause after a wrong password or code", f"{signin.PAUSE:.0f} second"),
        ("pause after a wrong password or code", f"{gate.PAUSE:.0f} second"),
        ("size of a photo", f"{door.MAX_BYTES // 10**6} MB"),
        ("photos of one item", f"{tray.MAX_PHOTOS}"),
        ("photos sent by one user, or one address", f"{door.OFTEN.amount} a minute"),
        ("questions asked by one user, or one address", f"{door.OFTEN.amount} a minute"),
        ("items that wait for an answer", f"{page.WAITING}"),
        ("size of a form or a question", f"{door.MAX_WORDS // 2**10} kB"),
        ("uploads and answers are gone", f"{tray.KEPT // 60} minutes after their last use"),
    ],
)
def test_a_setting_is_as_the_document_says(setting: str, value: str) -> None:
    assert f"| {setting} | {value} |" in DOCUMENT.read_text(encoding="utf-8")


def test_a_password_and_a_change_of_user_are_as_the_document_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"at least {SHORTEST} letters" in text
    assert f"within {sessions.CHECKED} seconds" in text
    assert {name.title() for name in door.HEADERS} <= {
        name for name in text.replace("`", " ").replace(":", " ").split() if "-" in name
    }
