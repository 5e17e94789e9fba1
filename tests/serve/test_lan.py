"""The page for phones on the same network: an address, a code for each device, a certificate."""

import hashlib
import os
import re
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from serve import lan
from serve.lan import Codes, LanError, is_loopback, lan_address, reached_at
from serve.texts import load_texts

HTML = {"accept": "text/html"}


class Server(NamedTuple):
    """A page that asks for a code, on this computer alone for the test, and what it said when it was ready."""

    process: "subprocess.Popen[str]"
    url: str
    said: str
    code: str
    temporary: Path

    def next_code(self) -> str:
        assert self.process.stderr
        return code_in(self.process.stderr.readline())


def code_in(line: str) -> str:
    code = re.fullmatch(r"Code for the next device: (\d{4} \d{4})\n", line)
    assert code, line
    return code[1]


@contextmanager
def running(temporary: Path, tls: bool, host: str = "127.0.0.1", lan: bool = True) -> Iterator[Server]:
    # Whichever address it has on the network, the test reaches it from this computer.
    program = "import serve.app; serve.app.reached_at = lambda _: '127.0.0.1'; "
    program += f"serve.app.serve(host={host!r}, port=0, lan={lan}, tls={tls})"
    env = {**os.environ, "TMPDIR": str(temporary), "PYTHONIOENCODING": "utf-8"}
    options: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", "env": env}
    with subprocess.Popen([sys.executable, "-c", program], **options) as process:
        try:
            assert process.stderr
            said = ""
            for line in process.stderr:
                said += line
                if "Code" in line:
                    break
            url = re.search(r"is ready: (https?://127\.0\.0\.1:\d+)\n", said)
            assert url, said
            yield Server(process, url[1], said, code_in(said.splitlines(keepends=True)[-1]), temporary)
        finally:
            process.kill()


def test_a_code_lets_one_device_in_and_no_other(tmp_path: Path) -> None:
    with running(tmp_path, tls=False) as server, httpx.Client(base_url=server.url, timeout=60) as phone:
        assert len(server.said.splitlines()) > 10  # the QR code
        assert phone.get("/", headers=HTML).headers["location"] == "/code"
        for refused in (
            phone.get("/en"),
            phone.get("/config"),
            phone.post("/gradio_api/upload", files={"files": b"x"}),
        ):
            assert refused.status_code == 401
        asked = phone.get("/code", headers={"accept-language": "ar"})
        assert load_texts("ar")["code_help"] in asked.text
        assert 'dir="rtl"' in asked.text
        assert "default-src 'self'" in asked.headers["content-security-policy"]
        for wrong in ("00000000" if server.code != "0000 0000" else "1", "", "\u0660", "x" * 5000):
            assert phone.post("/code", data={"code": wrong}).status_code == 403
        assert phone.get("/en").status_code == 401

        entered = phone.post("/code", data={"code": server.code})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict"} <= {*entered.headers["set-cookie"].split("; ")}
        assert phone.get("/en").status_code == 200
        following = server.next_code()
        with httpx.Client(base_url=server.url, timeout=60) as other:
            assert other.post("/code", data={"code": server.code}).status_code == 403
            assert other.post("/code", data={"code": following}).status_code == 303


def test_a_page_that_others_can_reach_asks_for_a_code_though_nobody_asked_for_it(tmp_path: Path) -> None:
    with running(tmp_path, tls=False, host="0.0.0.0", lan=False) as server:  # noqa: S104
        assert httpx.get(f"{server.url}/en", timeout=60).status_code == 401
        assert httpx.get(f"{server.url}/en", headers=HTML, timeout=60).headers["location"] == "/code"


def test_a_self_signed_certificate_names_the_address_and_its_fingerprint_is_shown(tmp_path: Path) -> None:
    with running(tmp_path, tls=True) as server:
        (certificate,) = server.temporary.rglob("certificate.pem")
        assert stat.S_IMODE(certificate.with_name("key.pem").stat().st_mode) == 0o600
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest().upper()
        assert ":".join(re.findall("..", digest)) in server.said
        context = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(base_url=server.url, verify=context, timeout=60) as phone:
            entered = phone.post("/code", data={"code": server.code})
            assert "Secure" in entered.headers["set-cookie"].split("; ")
            assert phone.get("/en").status_code == 200


def test_a_code_is_used_up(capsys: pytest.CaptureFixture[str]) -> None:
    codes = Codes()
    codes.announce()
    code = code_in(capsys.readouterr().err).replace(" ", "")
    assert not codes.use(code[::-1] + "0")
    assert codes.use(code)
    assert not codes.use(code)


def test_without_a_network_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan, "ELSEWHERE", ("127.0.0.1",))
    with pytest.raises(LanError, match=r"^This computer is on no network; [^.]+\.$"):
        lan_address()


def test_an_address_says_who_can_reach_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "fe80::1")))  # noqa: S104
    assert reached_at("192.168.1.2") == "192.168.1.2"
    monkeypatch.setattr(lan, "lan_address", lambda: "192.168.1.3")
    assert reached_at("0.0.0.0") == reached_at("::") == "192.168.1.3"  # noqa: S104
