"""Contact sheets: a page that shows what was found, its small photos beside it, nothing fetched from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from model.photo import PhotoError, open_photo, thumbnail
from training.check.issue import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model.manifest import Row
    from training.check.issue import Issue
    from training.check.look import Looks

    Block = tuple[str, Sequence[Row], str | None]  # a sentence, the photos that it is about, the label suggested

PAGE, THUMBS, TEMPLATE = "report.html", "thumbs", Path(__file__).with_name("sheets.html")
SIDE = 160
SHOWN_ISSUES, SHOWN_PHOTOS = 200, 12
"""More than this of a kind, or of an issue, are told by report.csv alone."""


def write_sheets(issues: Sequence[Issue], looks: Looks, locate: Callable[[Row], Path], out: Path) -> None:
    """Write the page and the folder of small photos that it shows."""
    (out / THUMBS).mkdir(exist_ok=True)
    names = {row: f"{sha256[:16]}.webp" for row, sha256 in zip(looks.rows, looks.table["sha256"].tolist(), strict=True)}

    def thumb(row: Row) -> str | None:
        file = out / THUMBS / names[row] if row in names else None
        shown = file and (file.exists() or _write_thumbnail(locate(row), file))
        return f"{THUMBS}/{names[row]}" if shown else None

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = page.render(sections=list(_sections(issues)), thumb=thumb, photos=len(looks.rows) + len(looks.unreadable))
    (out / PAGE).write_text(text, encoding="utf-8")


def _sections(issues: Sequence[Issue]) -> Iterator[dict[str, Any]]:
    """What the page says of each kind that was found."""
    for kind, (severity, title) in KINDS.items():
        of_kind = [issue for issue in issues if issue.kind == kind]
        if of_kind:
            in_sets = kind == "likely_label_error"
            blocks = _by_labels(of_kind) if in_sets else [(each.sentence, each.rows, None) for each in of_kind]
            shown = [_block(*block) for block in blocks[:SHOWN_ISSUES]]
            beyond = len(blocks) - len(shown)
            yield {"kind": kind, "severity": severity, "title": title, "count": len(of_kind), "blocks": shown,
                   "beyond": beyond}  # fmt: skip


def _block(sentence: str, rows: Sequence[Row], suggested: str | None) -> dict[str, Any]:
    shown = rows[:SHOWN_PHOTOS]
    return {"sentence": sentence, "rows": shown, "suggested": suggested, "beyond": len(rows) - len(shown)}


def _by_labels(issues: Sequence[Issue]) -> list[Block]:
    """Label errors by given and suggested label, the largest set first."""
    pairs = defaultdict(list)
    for issue in issues:
        pairs[issue.rows[0].label, issue.suggested].append(issue.rows[0])
    largest_first = sorted(pairs.items(), key=lambda item: -len(item[1]))
    return [(f"{given} → {suggested} ({len(rows)})", rows, suggested) for (given, suggested), rows in largest_first]


def _write_thumbnail(photo: Path, file: Path) -> bool:
    try:
        file.write_bytes(thumbnail(open_photo(photo, 2 * SIDE).pixels, SIDE))
    except PhotoError:
        return False
    return True
