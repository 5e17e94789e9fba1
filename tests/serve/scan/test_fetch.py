"""The download stage opens public addresses alone, within limits, and keeps what it fetched."""

import contextlib
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from model.engine import CORES
from model.photo import PhotoError
from serve.advert import Advert, Judge
from serve.scan import address, fetch
from serve.scan.address import is_public
from serve.scan.error import ScanError
from serve.scan.fetch import Fetcher, keeps_out
from serve.scan.read import Row
from tests.serve.scan.adverts import results, room_for

PUBLIC = "93.184.215.14"
DEAD = "93.184.215.15"
PICTURE = b"\xff\xd8\xffbytes"


class Site(ThreadingHTTPServer):
    """A web site on this computer that stands for every public one; `pages` are answers by path, `asked` what was."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: list[str] = []
        self.addresses: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.headers['Host']}{self.path}")
        pages = self.server.pages[self.path]
        status, headers, content = pages.pop(0) if len(pages) > 1 else pages[0]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)
            if headers.get("X-Slow"):
                time.sleep(float(headers["X-Slow"]))

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Every name resolves to a public address, and connections to that end at the site."""
    with Site() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

        def connect(where: tuple[str, int], timeout: float) -> socket.socket:
            server.addresses.append(where[0])
            if where[0] == DEAD:
                raise TimeoutError("timed out")
            connection = socket.socket()
            connection.settimeout(timeout)
            connection.connect(server.server_address)
            return connection

        monkeypatch.setattr(socket, "create_connection", connect)
        resolve_to(monkeypatch, [PUBLIC])
        monkeypatch.setattr(fetch, "PAUSE", 0.0)
        monkeypatch.setattr(fetch, "WAITS", (0.0, 0.0))
        yield server
        server.shutdown()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names resolve to the answers one after the other, then to the last; returns the names that were asked."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (each, port)) for each in answers[min(len(asked), len(answers)) - 1]]

    monkeypatch.setattr(address.socket, "getaddrinfo", resolve)
    return asked


def refused(fetcher: Fetcher, url: str) -> str:
    found = fetcher.fetch(url)
    assert isinstance(found, PhotoError)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)  # noqa: S301 - it crosses a cluster
    return str(found)


@pytest.mark.parametrize(
    "private",
    [
        "127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1",  # noqa: S104
        "169.254.169.254", "100.64.0.1", "100.127.255.254", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:100.64.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a00:1::1",
        "2001:0:7f00:1::1", "2001:db8::1", "nonsense",
    ],
)  # fmt: skip
def test_no_address_but_a_public_one_is_opened(
    private: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_public(private)
    resolve_to(monkeypatch, [private])
    assert "not a public address" in refused(Fetcher(tmp_path), "http://shop.example/1.jpg")
    resolve_to(monkeypatch, [PUBLIC, private])  # one bad answer among good ones is enough
    assert "not a public address" in refused(Fetcher(tmp_path), "http://shop.example/1.jpg")
    assert site.asked == []


@pytest.mark.parametrize("public", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "2002:808:808::"])
def test_public_addresses_are_public(public: str) -> None:
    assert is_public(public)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]", "localhost"]
)
def test_this_computer_is_refused_however_it_is_written(host: str, tmp_path: Path) -> None:
    assert "not" in refused(Fetcher(tmp_path), f"http://{host}:1/1.jpg")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example/1.jpg", "http://", "http://[", "http://a:b/", "http://a/\ud800", "1.jpg"],
)
def test_what_is_no_web_address_is_refused(url: str, tmp_path: Path) -> None:
    assert "address" in refused(Fetcher(tmp_path), url)


def test_a_picture_is_fetched_once_and_kept_as_received(site: Site, tmp_path: Path) -> None:
    site.pages["/a%20b.jpg?x=1"] = [(200, {}, PICTURE)]
    fetcher = Fetcher(tmp_path)
    for _ in range(2):
        file = fetcher.fetch("http://shop.example/a b.jpg?x=1")
        assert isinstance(file, Path)
        assert file.read_bytes() == PICTURE
    assert site.asked == ["shop.example/a%20b.jpg?x=1"]
    assert site.addresses == [PUBLIC]


def test_every_redirect_is_checked_anew(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/away"] = [(302, {"Location": "http://inside.example/secret"}, b"")]
    site.pages["/secret"] = [(200, {}, b"secret")]
    asked = resolve_to(monkeypatch, [PUBLIC], ["10.0.0.1"])
    assert "not a public address" in refused(Fetcher(tmp_path), "http://shop.example/away")
    assert asked == ["shop.example", "inside.example"]
    assert site.asked == ["shop.example/away"]
    for location in ("file:///etc/passwd", "//[::1]/x", "gopher://a.example/"):
        site.pages["/away"] = [(307, {"Location": location}, b"")]
        resolve_to(monkeypatch, [PUBLIC], ["::1"])
        refused(Fetcher(tmp_path), "http://shop.example/away")
    site.pages["/round"] = [(301, {"Location": "/round"}, b"")]
    resolve_to(monkeypatch, [PUBLIC])
    assert "more than" in refused(Fetcher(tmp_path), "http://shop.example/round")


def test_a_name_that_changes_its_address_is_not_followed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/1.jpg"] = [(200, {}, PICTURE)]
    asked = resolve_to(monkeypatch, [PUBLIC], ["127.0.0.1"])  # what a second look would find
    assert isinstance(Fetcher(tmp_path).fetch("http://rebind.example/1.jpg"), Path)
    assert (asked, site.addresses) == (["rebind.example"], [PUBLIC])


def test_size_and_time_are_limited(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    site.pages["/large"] = [(200, {"Content-Length": "5000000"}, b"")]
    site.pages["/unsaid"] = [(200, {"Content-Length": "", "Transfer-Encoding": "identity"}, bytes(5000))]
    site.pages["/slow"] = [(200, {"Content-Length": "900", "X-Slow": "2"}, b"begins")]
    site.pages["/cut"] = [(200, {"Content-Length": "900"}, b"begins")]
    began = time.monotonic()
    assert "limit" in refused(Fetcher(tmp_path), "http://shop.example/large")
    assert "limit" in refused(Fetcher(tmp_path), "http://shop.example/unsaid")
    assert "broke off" in refused(Fetcher(tmp_path), "http://shop.example/cut")
    assert "--retry" in refused(Fetcher(tmp_path), "http://shop.example/slow")
    assert time.monotonic() - began < 20
    assert list(tmp_path.iterdir()) == []


def test_what_may_pass_is_tried_again_and_what_will_not_is_not(site: Site, tmp_path: Path) -> None:
    site.pages["/busy"] = [(503, {}, b""), (429, {"Retry-After": "0"}, b""), (200, {}, PICTURE)]
    site.pages["/gone"] = [(404, {}, b"")]
    assert isinstance(Fetcher(tmp_path).fetch("http://shop.example/busy"), Path)
    assert "404" in refused(Fetcher(tmp_path), "http://shop.example/gone")
    assert len(site.asked) == 4


def test_a_host_is_asked_one_thing_at_a_time_with_a_pause(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "PAUSE", 0.1)
    for number in range(4):
        site.pages[f"/{number}"] = [(200, {}, PICTURE)]
    fetcher, began = Fetcher(tmp_path), time.monotonic()
    threads = [threading.Thread(target=fetcher.fetch, args=(f"http://shop.example/{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(site.asked) == 4
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        (["noindex, nofollow"], True), (["NoAI"], True), (["nofollow"], False), (["schreger: noimageai"], True),
        (["otherbot: noindex"], False), (["nofollow", "noimageindex"], True), ([], False),
        (["max-image-preview:large, noai"], True), (["noindex, unavailable_after: 25 Jun 2030"], True),
        (["unavailable_after: Wed, 25 Jun 2030 15:00:00 GMT, noai"], True), (["max-snippet: 20, nofollow"], False),
        (["otherbot: nofollow, noindex"], False), (["otherbot: noindex, Schreger: noai"], True),
    ],
)  # fmt: skip
def test_robots_headers_are_respected(tags: list[str], kept: bool, site: Site, tmp_path: Path) -> None:
    assert keeps_out(tags) == kept
    if len(tags) == 1:
        site.pages["/1.jpg"] = [(200, {"X-Robots-Tag": tags[0]}, PICTURE)]
        assert isinstance(Fetcher(tmp_path).fetch("http://shop.example/1.jpg"), PhotoError) == kept


def test_a_scan_with_fetch_judges_what_it_downloaded(site: Site, tmp_path: Path, photos: list[Any], scan: Any) -> None:
    site.pages["/1.jpg"] = [(200, {}, photos[0].content)]
    site.pages["/2.jpg"] = [(404, {}, b"")]
    adverts = tmp_path / "adverts.csv"
    adverts.write_text("id,pictures\n1,http://shop.example/1.jpg\n2,http://shop.example/2.jpg\n")
    assert scan(adverts, tmp_path / "out", fetch=True) == 3
    good, bad = results(tmp_path / "out")
    assert good["pictures"][0]["answer"] or good["pictures"][0]["status"]
    assert "404" in bad["error"]
    site.pages["/2.jpg"] = [(200, {}, photos[0].content)]
    assert scan(adverts, tmp_path / "out", fetch=True, retry=True) == 0
    assert len(site.asked) == 3


def test_a_full_disk_stops_the_scan_and_is_no_fault_of_an_advert(
    site: Site, tmp_path: Path, photos: list[Any], scan: Any
) -> None:
    site.pages["/1.jpg"] = [(200, {}, photos[0].content)]
    adverts = tmp_path / "adverts.csv"
    adverts.write_text("id,pictures\n1,http://shop.example/1.jpg\n")
    with room_for(1000), pytest.raises(ScanError, match=r"fetched.*cannot be written: File too large; what"):
        scan(adverts, tmp_path / "out", fetch=True)
    assert scan(adverts, tmp_path / "out", fetch=True) == 0


def test_what_is_no_picture_is_not_kept(site: Site, tmp_path: Path) -> None:
    site.pages["/1.jpg"] = [(200, {}, b"<!doctype html>Are you a robot?"), (200, {}, b""), (200, {}, PICTURE)]
    for _ in range(2):
        assert "no picture" in refused(Fetcher(tmp_path), "http://shop.example/1.jpg")
    assert isinstance(Fetcher(tmp_path).fetch("http://shop.example/1.jpg"), Path)


def test_a_host_that_is_down_is_given_up_and_costs_the_others_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/1.jpg"] = [(200, {}, PICTURE)]
    fetcher = Fetcher(tmp_path)
    resolve_to(monkeypatch, [DEAD])
    said = [refused(fetcher, f"http://dead.example/{number}.jpg") for number in range(9)]
    assert site.addresses == [DEAD] * 5
    assert all("--retry" in each for each in said)
    resolve_to(monkeypatch, [PUBLIC])
    assert isinstance(fetcher.fetch("http://shop.example/1.jpg"), Path)
    assert isinstance(Fetcher(tmp_path).fetch("http://dead.example/1.jpg"), Path)  # as --retry does


def test_a_host_that_asks_for_a_pause_is_not_asked_for_another_picture(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WAITS", ())
    site.pages["/busy"] = [(429, {"Retry-After": "1"}, b"")]
    site.pages["/1.jpg"] = [(200, {}, PICTURE)]
    fetcher = Fetcher(tmp_path)
    assert "429" in refused(fetcher, "http://shop.example/busy")
    began = time.monotonic()
    assert isinstance(fetcher.fetch("http://shop.example/1.jpg"), Path)
    assert time.monotonic() - began > 0.8


def test_an_address_in_many_adverts_is_asked_for_once(site: Site, tmp_path: Path) -> None:
    site.pages["/1.jpg"] = [(200, {}, PICTURE)]
    rows = (Row(number, Advert(str(number), pictures=("http://shop.example/1.jpg",))) for number in range(40))
    assert len(list(Fetcher(tmp_path).rows(rows))) == 40
    assert len(site.asked) == 1


def test_a_scan_that_is_stopped_ends_its_downloads_soon(
    site: Site, tmp_path: Path, scan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Judge, "__call__", stop)
    site.pages["/busy"] = [(503, {"Retry-After": "50"}, b"")]
    without = 20 * CORES + 8  # so many pass before the first is judged
    pictures = ["" if number < without else "http://shop.example/busy" for number in range(without + 40)]
    lines = [f"{number},{each}" for number, each in enumerate(pictures)]
    (tmp_path / "adverts.csv").write_text("\n".join(["id,pictures", *lines]))
    threads, began = set(threading.enumerate()), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        scan(tmp_path / "adverts.csv", tmp_path / "out", fetch=True)
    assert time.monotonic() - began < 20
    assert not [each for each in set(threading.enumerate()) - threads if each.name.startswith("ThreadPool")]
    assert len(site.asked) <= 1
