"""The composer: makes one web app of what people reach by browser, and runs it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from model.taxonomy import load_taxonomy
from serve.api.keys import read_keys
from serve.extras import to_install
from serve.lan import Codes, is_loopback, lan_address, make_certificate, reached_at, show_qr
from serve.practice import open_practice
from serve.server import ServeError, listen, run, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import FastAPI, Request, Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from model.classifier import Classifier
    from serve.api.keys import Keys
    from serve.casebook import Casebook, CaseFile, User
    from serve.links import Known
    from serve.page.desk import Desk
    from serve.page.tray import Tray
    from serve.practice import Practice
    from serve.review import ReviewDesk


def serve(
    host: str | None = None,
    port: int = 7860,
    bundle: str = "lite2",
    lan: bool = False,
    tls: bool = False,
    casebook: str | None = None,
    keys: Path | None = None,
    practice: Path | None = None,
    api: bool = False,
    api_keys: Path | None = None,
    api_rate: int = 600,
    match_hashes: Sequence[Path] = (),
    match_index: Path | None = None,
    review: Path | None = None,
    adverts: Path | None = None,
    decisions: Path | None = None,
    pictures_root: Path | None = None,
) -> None:
    """Serve the page until Ctrl-C; port 0 takes a free one. Says where it is in one line on stderr.

    Without a host it is this computer alone, with `lan` its address on the network. Everybody is asked for name and
    password where there is a casebook; elsewhere each device is asked for a code, unless nobody but this computer can
    reach the page. With `tls` it is served with a certificate of its own. `practice` names labelled photos to practise
    with. With `api` programs are answered below /v1: those that have a key of the file `api_keys`, with at most
    `api_rate` requests a minute; else any of this computer. Pictures that they want matched are
    looked for in the hash lists `match_hashes` and in the folder `match_index`. `review` is a scan of
    `adverts`: those under review are shown with their pictures, and what is decided is added to `decisions`.

    Raises:
        ServeError: The address, the port or the casebook cannot be used, or the API would be open to others.
        CasebookError: The casebook cannot be opened.
        KeysError: The keys of the API cannot be used.
        ReviewError, ScanFolderError, ScanError, AdvertFileError: There is nothing to review, or no place for decisions.
        LinksError: A hash list or the index cannot be read.
        LanError: There is no network, or no certificate can be made.
        BundleError, EngineError: The bundle cannot be loaded.
        PracticeError, ManifestError: There is nothing to practise with.
    """
    host = host or (lan_address() if lan else "127.0.0.1")
    cases = _open(casebook, keys) if casebook else None
    with (
        listen(host, port) as listener,
        tempfile.TemporaryDirectory(prefix="schreger-") as own,
    ):
        bound = listener.getsockname()[0]
        programs = _keys_for(bound, api_keys) if api else None
        address, is_open = reached_at(bound), lan or not is_loopback(bound)
        certificate = make_certificate(Path(own), address) if tls else None
        uploads = Path(own) / "uploads"
        # Gradio reads these when it is loaded; the folder is ours alone and goes when the server does.
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(uploads), "HF_HUB_OFFLINE": "1"}
        from model.classifier import Classifier

        if threading.current_thread() is threading.main_thread():
            _stop_like_ctrl_c()
        classifier = Classifier.load(bundle)
        exercise = open_practice(practice, load_taxonomy()) if practice else None
        waiting = _review(review, adverts, decisions, pictures_root) if review else None
        codes = Codes() if is_open and not cases else None
        app: ASGIApp = build_app(classifier, uploads, codes, tls, cases, exercise, waiting)
        if not (codes or cases):
            app = _of_this_computer(app, bound)
        if api:
            from serve.api.api import build_api
            from serve.api.limits import Limits

            known = _known(match_hashes, match_index, classifier) if match_hashes or match_index else None
            answering: ASGIApp = build_api(classifier, programs, Limits(a_minute=api_rate), known)
            app = _beside(app, answering if programs is not None else _of_this_computer(answering, bound))
        url = url_of(address, listener.getsockname()[1], tls)

        def announce() -> None:
            sys.stderr.write(f"schreger is ready: {url}\n")
            if certificate:
                sys.stderr.write(f"SHA-256 of its certificate, which browsers do not know: {certificate[2]}\n")
            if is_open:
                show_qr(url)
            if is_open and cases and not tls:
                sys.stderr.write("Passwords and photos cross the network unencrypted; --tls encrypts them.\n")
            if codes:
                codes.announce()
            sys.stderr.flush()

        run(app, listener, announce, certificate)


def build_app(
    classifier: Classifier,
    uploads: Path,
    codes: Codes | None = None,
    tls: bool = False,
    casebook: Casebook | None = None,
    practice: Practice | None = None,
    review: ReviewDesk | None = None,
) -> FastAPI:
    """The web app with all its settings; `uploads` is the folder in GRADIO_TEMP_DIR. `codes` let devices in, or a
    casebook its users.
    """
    import gradio as gr
    from fastapi import FastAPI

    from serve.page.door import MAX_BYTES, Door
    from serve.page.gate import Gate
    from serve.page.page import ICON, STYLE, build_page, head, samples
    from serve.page.tray import Tray

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    app.add_route("/", _to_language)
    tray = Tray(classifier, uploads, samples(), keeps_originals=casebook is not None)
    page = build_page(tray, practice, _add_cases(app, tray, casebook) if casebook else None, review)
    # Gradio warns of an app with several pages that server-side rendering is off, though it was not asked for.
    warnings.filterwarnings("ignore", "SSR mode is not supported")
    fonts = ("system-ui", "sans-serif")
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=gr.themes.Default(primary_hue="teal", neutral_hue="stone", font=fonts, font_mono=("monospace",)),
        css_paths=STYLE,
        favicon_path=str(ICON),
        head=head(),
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=MAX_BYTES,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        mcp_server=False,
    )
    page.has_launched = True  # mounting leaves it off, and with it the check that a path lies within the uploads
    app.add_middleware(Door)
    if casebook:
        from serve.casebook import Users
        from serve.page.signin import SignIn

        app.add_middleware(SignIn, users=Users(casebook))
    elif codes:

        def use(code: str) -> bool:
            if right := codes.use(code):
                codes.announce()
            return right

        app.add_middleware(Gate, use=use, secure=tls)
    return app


def _stop_like_ctrl_c() -> None:
    """However it is stopped, by a terminal that is closed too, the folder of uploads goes; nohup stays as it is."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _keys_for(address: str, file: Path | None) -> Keys | None:
    """The keys that the API asks for at this address; None where it asks for none.

    Raises:
        ServeError: Others than this computer reach the address, and there are no keys.
        KeysError: The file cannot be used.
    """
    if file is not None:
        return read_keys(file)
    if not is_loopback(address):
        raise ServeError("Others can reach this address, so --api needs --api-keys FILE; see schreger api-key --help.")
    return None


def _review(scan: Path, adverts: Path | None, decisions: Path | None, root: Path | None) -> ReviewDesk:
    if not (adverts and decisions):
        raise ServeError("For --review, name the file that was scanned (--adverts) and one for --decisions.")
    from serve.reviewing import open_review

    try:
        return open_review(scan, adverts, decisions, root)
    except ModuleNotFoundError as error:
        raise ServeError(f"--review needs {error.name}: {to_install('scan')}.") from None


def _known(hashes: Sequence[Path], index: Path | None, classifier: Classifier) -> Known:
    try:
        from serve.links import read_known
    except ModuleNotFoundError as error:
        raise ServeError(f"Matching pictures needs {error.name}: {to_install('links')}.") from None
    return read_known(hashes, index, classifier.bundle.id)


def _of_this_computer(app: ASGIApp, address: str) -> ASGIApp:
    """An app that asks nobody who they are, for requests to this computer alone: another website, which a browser here
    has open, may give its own name this computer's address, and would read along.
    """
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return TrustedHostMiddleware(app, ["localhost", "127.0.0.1", "[::1]", address])


def _beside(page: ASGIApp, api: ASGIApp) -> ASGIApp:
    """The page, and beside it the API below /v1, which the page's door and codes do not stand before."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_api = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (api if is_for_api else page)(scope, receive, send)

    return app


def _open(where: str, keys: Path | None) -> Casebook:
    """The casebook that the page writes to, once it is sure that it can, and that somebody may sign in."""
    try:
        from serve.casebook import Users, open_casebook
        from serve.casebook.keys import KEYS
    except ModuleNotFoundError as error:
        raise ServeError(f"--casebook needs {error.name}: {to_install('casebook')}.") from None
    casebook = open_casebook(where, keys or KEYS)
    casebook.keys.key(casebook.id)
    if all(user.disabled for user in Users(casebook).all()):
        raise ServeError("Nobody may sign in yet: add a user with `schreger casebook user add NAME --role officer`.")
    return casebook


def _add_cases(app: FastAPI, tray: Tray, casebook: Casebook) -> Callable[[User], Desk]:
    """Add the pages of cases, and what keeps users apart; a desk for each of them."""
    from serve.page.cases import Cases
    from serve.page.desk import Desk
    from serve.page.own import Own

    desk_of = partial(Desk, casebook)
    app.router.routes.extend(Cases(desk_of, tray, _reporter(casebook, tray.classifier)).routes)
    app.add_middleware(Own, tray=tray)
    return desk_of


def _reporter(casebook: Casebook, classifier: Classifier) -> Callable[[CaseFile, str], bytes] | None:
    """Writes the report of a case in a language; None where what typesets it is not installed."""
    try:
        from serve.case_report import write
    except ModuleNotFoundError:
        return None
    return lambda file, language: write(casebook, classifier, file, language)[0]


def _to_language(request: Request) -> Response:
    from fastapi.responses import RedirectResponse

    from serve.texts import choose_language

    language = choose_language(request.headers.get("accept-language", ""), request.cookies.get("language"))
    return RedirectResponse(language, 303, {"vary": "accept-language, cookie"})
