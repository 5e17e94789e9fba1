"""Contact sheets: a page that shows what was found, its small photos beside it, nothing fetched from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from model.photo import PhotoError, open_photo, thumbnail
from training.check.issue import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from model.manifest import Row
    from training.check.issue import Issue
    from training.check.look import Looks

PAGE, THUMBS, TEMPLATE = "report.html", "thumbs", Path(__file__).with_name("sheets.html")
SIDE = 160
SHOWN_ISSUES, SHOWN_PHOTOS = 200, 12
"""More than this of a kind, or of an issue, are told by report.csv alone."""


def write_sheets(issues: Sequence[Issue], looks: Looks, locate: Callable[[Row], Path], out: Path) -> None:
    """Write the page and the folder of small photos that it shows."""
    (out / THUMBS).mkdir(exist_ok=True)
    names = {row: f"{sha256[:16]}.webp" for row, sha256 in zip(looks.rows, looks.table["sha256"].tolist(), strict=True)}

    def photo(row: Row, suggested: str | None) -> dict[str, Any]:
        name = names.get(row)
        if name and not (out / THUMBS / name).exists():
            name = name if _write_thumbnail(locate(row), out / THUMBS / name) else None
        return {"row": row, "suggested": suggested, "thumb": f"{THUMBS}/{name}" if name else None}

    def block(sentence: str, shown: Iterable[tuple[Row, str | None]]) -> dict[str, Any]:
        photos = list(shown)
        beyond = max(0, len(photos) - SHOWN_PHOTOS)
        return {"sentence": sentence, "photos": [photo(*each) for each in photos[:SHOWN_PHOTOS]], "beyond": beyond}

    sections = []
    for kind, (severity, title) in KINDS.items():
        of_kind = [issue for issue in issues if issue.kind == kind]
        blocks = (
            _by_labels(of_kind)
            if kind == "likely_label_error"
            else [(issue.sentence, [(row, None) for row in issue.rows]) for issue in of_kind]
        )
        if blocks:
            shown = [block(*each) for each in blocks[:SHOWN_ISSUES]]
            beyond = len(blocks) - len(shown)
            sections.append({"kind": kind, "severity": severity, "title": title, "count": len(of_kind),
                             "blocks": shown, "beyond": beyond})  # fmt: skip
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = page.render(sections=sections, photos=len(looks.rows) + len(looks.unreadable))
    (out / PAGE).write_text(text, encoding="utf-8", errors="replace")


def _by_labels(issues: Sequence[Issue]) -> list[tuple[str, list[tuple[Row, str | None]]]]:
    """Label errors by given and suggested label, the largest set first."""
    pairs = defaultdict(list)
    for issue in issues:
        pairs[issue.rows[0].label, issue.suggested].append((issue.rows[0], issue.suggested))
    largest_first = sorted(pairs.items(), key=lambda item: -len(item[1]))
    return [(f"{given} → {suggested} ({len(photos)})", photos) for (given, suggested), photos in largest_first]


def _write_thumbnail(photo: Path, file: Path) -> bool:
    try:
        file.write_bytes(thumbnail(open_photo(photo, 2 * SIDE).pixels, SIDE))
    except PhotoError:
        return False
    return True
