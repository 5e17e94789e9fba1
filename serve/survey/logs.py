"""Information logs for enforcement: for each cluster or seller, what was offered where and when, and what was found."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from serve.advert.read import picture_paths
from serve.survey.page import kind_of_image, named, write_log_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from serve.advert import Advert
    from serve.survey.adverts import Joined, Row

    ToPdf = Callable[[dict[str, Any], Mapping[str, bytes]], bytes]

LARGEST_SCREENSHOT = 10_000_000
LIMITS = (
    "These are suspicions from photos and words, found by a program. A person decides; a laboratory confirms.",
    "A photo does not show the species of worked ivory, its age, where it is from, or whether it is legal.",
    "A sha256 shows that a file is the one that was examined, not that it was what the seller showed.",
    "Claims such as antique or certified are the seller's own words; they are neither proof nor guilt.",
)
TO_FILL = (
    "analyst",
    "second reviewer",
    "analyst's view",
    "law possibly engaged",
    "handed over to, when, how",
    "outcome",
)


def write_logs(joined: Joined, folder: Path, root: Path, to_pdf: ToPdf | None = None) -> list[dict[str, Any]]:
    """Write every log as JSON, as a page and as PDF, and give what each is about, those with most alarms first.

    Args:
        joined: The adverts; those with an alarm are logged.
        folder: Where the logs go; logs of an earlier survey there are removed.
        root: The folder below which screenshots lie that the advert file names in a column `screenshot`.
        to_pdf: Makes the PDF file of a log and its screenshots (files by name); without it there is none.
    """
    folder.mkdir(exist_ok=True)
    for pattern in ("log-*.json", "log-*.html", "log-*.pdf"):
        for old in folder.glob(pattern):
            old.unlink()
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in joined.rows:
        groups[_party(row)].append(row)
    made = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "made_by": f"schreger {version('schreger')}"}
    index = []
    for party, rows in groups.items():
        if any(row.subject for row in rows):
            log, screenshots = _log(party, rows, joined, made, root)
            _write(log, screenshots, folder, to_pdf)
            index.append({key: log[key] for key in ("log", "about", "sellers", "alarms", "adverts_in_survey")})
    return sorted(index, key=lambda each: (-each["alarms"], each["log"]))


def _party(row: Row) -> tuple[str, ...]:
    """Whom a log is about: the cluster, or else the seller, or else the advert alone."""
    if row.cluster:
        return ("cluster", row.cluster)
    return ("seller", row.platform, row.seller) if row.seller else ("advert", row.id)


def _log(
    party: tuple[str, ...], rows: list[Row], joined: Joined, made: Mapping[str, str], root: Path
) -> tuple[dict[str, Any], dict[str, bytes]]:
    flagged = [row for row in rows if row.subject]
    days = sorted(row.posted.isoformat() for row in flagged if row.posted)
    screenshots: dict[str, bytes] = {}
    name = sha256("\0".join(party).encode("utf-8", "backslashreplace")).hexdigest()[:12]
    log = {
        "log": f"log-{name}",
        **made,
        "about": f"{party[0]} {party[-1]}" + (f" on {party[1]}" if party[0] == "seller" else ""),
        "sellers": sorted({f"{row.seller} on {row.platform}" for row in rows if row.seller}),
        "first_posted": days[0] if days else None,
        "last_posted": days[-1] if days else None,
        "adverts_in_survey": len(rows),
        "alarms": len(flagged),
        "adverts": [
            _advert(*joined.alarms[row.id], root, screenshots)
            | {"contradiction": row.contradiction, "expert_label": joined.words.get(row.id)}
            for row in flagged
        ],
        "limits": LIMITS,
        "to_fill_in": dict.fromkeys(TO_FILL, ""),
    }
    return log, screenshots


def _advert(advert: Advert, found: Mapping[str, Any], root: Path, screenshots: dict[str, bytes]) -> dict[str, Any]:
    """What the seller wrote, word for word, and what was found; a screenshot is read into `screenshots`."""
    names = ("id", "platform", "seller", "url", "title", "text", "seller_text", "price", "currency", "location",
             "language", "posted_at")  # fmt: skip
    written = {name: getattr(advert, name) for name in names} | {"quantity": advert.other.get("quantity", "")}
    judged = {name: found[name] for name in ("verdict", "score", "answer", "reasons", "error", "bundle", "policy")}
    return {
        **written,
        **judged,
        "name": named(found["answer"] or ""),
        "pictures": [
            picture | {"name": named(picture["answer"]) if picture["answer"] else None} for picture in found["pictures"]
        ],
        "screenshot": _screenshot(advert.other.get("screenshot", ""), root, screenshots),
    }


def _screenshot(name: str, root: Path, screenshots: dict[str, bytes]) -> dict[str, Any] | None:
    """Name, size and sha256 of a screenshot; None if none is named."""
    for file in picture_paths([name], root):
        try:
            content = file.read_bytes()
        except OSError as error:
            return {"file": name, "error": f"It cannot be read: {error.strerror or error}."}
        if kind_of_image(content) and len(content) <= LARGEST_SCREENSHOT:
            screenshots[name] = content
        return {"file": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
    return None


def _write(log: dict[str, Any], screenshots: Mapping[str, bytes], folder: Path, to_pdf: ToPdf | None) -> None:
    """One log in every form that is handed over."""
    text = json.dumps(log, ensure_ascii=False, indent=1)
    (folder / f"{log['log']}.json").write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
    write_log_page(log, screenshots, folder / f"{log['log']}.html")
    if to_pdf:
        (folder / f"{log['log']}.pdf").write_bytes(to_pdf(log, screenshots))
