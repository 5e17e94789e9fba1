"""The client is polite, patient within bounds, and takes no more than it can hold."""

import time
from itertools import pairwise
from typing import Any

import pytest

from training.collect import client as module
from training.collect.client import Client, FetchError, UnreachableError
from training.collect.found import CollectError


@pytest.fixture
def client() -> Client:
    return Client("someone@example.org", pause=0)


def test_it_says_who_it_is(web: Any, client: Client) -> None:
    client.get(web.picture("/a.jpg"))
    Client(pause=0).get(web.url + "/a.jpg")
    given, nameless = (asked.headers["User-Agent"] for asked in web.asked)
    assert given.startswith("schreger/")
    assert given.endswith("(dataset collect; someone@example.org)")
    assert nameless.endswith("(dataset collect; no contact given)")


@pytest.mark.parametrize("contact", ["two\nlines", "naïve"])
def test_a_contact_that_no_header_holds_is_refused(contact: str) -> None:
    with pytest.raises(CollectError, match="plain ASCII"):
        Client(contact)


def test_requests_to_one_host_keep_their_distance(web: Any) -> None:
    client = Client(pause=0.1)
    for path in ("/a.jpg", "/b.jpg", "/c.jpg"):
        client.get(web.picture(path))
    times = [asked.at for asked in web.asked]
    assert web.paths() == ["/a.jpg", "/b.jpg", "/c.jpg"]
    assert all(later - earlier > 0.09 for earlier, later in pairwise(times))


def test_another_host_need_not_wait(web: Any) -> None:
    client = Client(pause=60)
    web.picture("/a.jpg")
    start = time.monotonic()
    client.get(web.url + "/a.jpg")
    client.get(web.url.replace("127.0.0.1", "localhost") + "/a.jpg")
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_to_wait_is_obeyed(web: Any, client: Client, reply: Any, status: int) -> None:
    web.faults["/a.jpg"] = [reply(status=status, headers={"Retry-After": "1"})]
    assert client.get(web.picture("/a.jpg")) == web.pages["/a.jpg"].body
    first, second = web.asked
    assert second.at - first.at >= 1


def test_a_server_that_asks_to_wait_long_is_left_for_later(web: Any, client: Client, reply: Any) -> None:
    web.pages["/a.jpg"] = reply(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(UnreachableError, match="asks to wait 3600 seconds; run the command again later"):
        client.get(web.url + "/a.jpg")
    assert len(web.asked) == 1


@pytest.mark.parametrize("words", ["soon", "", "-1", "9" * 5000, "Mon, 99 Foo 0000 00:00:00 GMT", "1e9"])
def test_a_server_that_asks_to_wait_in_other_words_is_asked_again(
    web: Any, client: Client, reply: Any, words: str
) -> None:
    web.faults["/a.jpg"] = [reply(status=429, headers={"Retry-After": words})]
    assert client.get(web.picture("/a.jpg")) == web.pages["/a.jpg"].body


def test_what_may_pass_is_tried_again(web: Any, client: Client, reply: Any) -> None:
    address = web.picture("/a.jpg")
    whole = web.pages["/a.jpg"].body
    web.faults["/a.jpg"] = [reply(status=500), reply(whole, cut=True), reply(status=429)]
    assert client.get(address) == whole
    assert len(web.asked) == 4


def test_waits_grow_from_try_to_try(web: Any, reply: Any) -> None:
    web.faults["/a.jpg"] = [reply(status=500)] * 3
    Client(pause=0.1).get(web.picture("/a.jpg"))
    times = [asked.at for asked in web.asked]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[1] > 0.19
    assert waits[2] > 0.39


def test_what_does_not_pass_is_given_up(web: Any, client: Client, reply: Any) -> None:
    web.pages["/a.jpg"] = reply(status=502)
    with pytest.raises(UnreachableError, match="answers 502, 5 times in a row"):
        client.get(web.url + "/a.jpg")
    assert len(web.asked) == 5


@pytest.mark.parametrize("status", [204, 304, 400, 403, 404, 410, 999])
def test_a_no_is_a_no(web: Any, client: Client, reply: Any, status: int) -> None:
    web.pages["/a.jpg"] = reply(status=status)
    with pytest.raises(FetchError, match=f"answers {status}"):
        client.get(web.url + "/a.jpg")
    assert len(web.asked) == 1


def test_when_everything_is_out_of_reach_it_stops(web: Any, client: Client, reply: Any) -> None:
    web.pages["/a.jpg"] = reply(status=500)
    for _ in range(19):
        with pytest.raises(UnreachableError):
            client.get(web.url + "/a.jpg")
    with pytest.raises(CollectError, match="20 requests in a row have failed") as raised:
        client.get(web.url + "/a.jpg")
    assert not isinstance(raised.value, FetchError)


def test_a_body_without_end_is_left(web: Any, client: Client, reply: Any) -> None:
    web.pages["/a.jpg"] = reply(endless=True)
    with pytest.raises(FetchError, match="more than 50 MB"):
        client.get(web.url + "/a.jpg")


def test_a_body_that_drips_is_left(web: Any, client: Client, reply: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SECONDS", 0.3)
    web.pages["/a.jpg"] = reply(bytes(100), drip=0.05)
    with pytest.raises(FetchError, match=r"more than 0.3 seconds"):
        client.get(web.url + "/a.jpg")


def test_a_redirect_is_followed_without_its_body(web: Any, client: Client, reply: Any) -> None:
    web.picture("/a.jpg")
    web.pages["/old.jpg"] = reply(status=302, headers={"Location": "/a.jpg"}, endless=True)
    assert client.get(web.url + "/old.jpg") == web.pages["/a.jpg"].body


def test_a_redirect_without_end_is_left(web: Any, client: Client, reply: Any) -> None:
    web.pages["/a.jpg"] = reply(status=302, headers={"Location": "/a.jpg"})
    with pytest.raises(FetchError, match="leads on and on"):
        client.get(web.url + "/a.jpg")
    assert len(web.asked) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/a.jpg", "data:,x", "http://["])
def test_a_redirect_off_the_web_is_not_followed(web: Any, client: Client, reply: Any, location: str) -> None:
    web.pages["/a.jpg"] = reply(status=302, headers={"Location": location})
    with pytest.raises(FetchError):
        client.get(web.url + "/a.jpg")
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://example.org/a.jpg", "a.jpg", "", "http://", "http://[", "javascript:1"]
)
def test_what_is_not_of_the_web_is_not_asked_for(client: Client, address: str) -> None:
    with pytest.raises(FetchError, match="is not an http or https address"):
        client.get(address)


@pytest.mark.parametrize("address", ["http://.:1/", f"http://{'a' * 300}.invalid/", "http://x\0y/", "http://xn--0/"])
def test_an_address_that_is_none_is_an_error_and_no_crash(client: Client, address: str) -> None:
    with pytest.raises(FetchError):
        client.get(address)


def test_an_answer_of_another_shape_is_named(web: Any, client: Client, reply: Any) -> None:
    class Hits(module.Shape):
        total: int

    web.pages["/bad"], web.pages["/other"] = reply(b"<html>"), reply(b'{"total": "many"}')
    for path, fault in (("/bad", "JSON: "), ("/other", "total: ")):
        with pytest.raises(CollectError, match=f"in a form that is not known here .{fault}"):
            client.ask(Hits, web.url + path)


def test_an_error_does_not_tell_a_key(web: Any, client: Client) -> None:
    with pytest.raises(FetchError) as raised:
        client.get(web.url + "/a.jpg", api_key="secret")
    assert "secret" not in str(raised.value)
    web.close()
    with pytest.raises(UnreachableError) as unreachable:
        client.get(web.url + "/a.jpg", api_key="secret")
    assert "secret" not in str(unreachable.value)
