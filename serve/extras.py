"""What only some commands need: the extra that brings it, and the command that installs an extra here."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

EXTRAS = {
    "serve.casebook": "casebook",
    "serve.case_adverts": "casebook,scan",
    "serve.case_report": "report",
    "serve.match": "links",
    "serve.review": "scan",
    "serve.scan": "scan",
    "serve.survey": "survey",
    "training.collect": "collect",
}
"""What the commands of a module need, by how its name begins; the others need what trains."""

ROOT = Path(__file__).parents[1]


def extra_of(module: str) -> str:
    """The extra that a command's module needs."""
    return next((extra for room, extra in EXTRAS.items() if module.startswith(room)), "train")


def to_install(extra: str) -> str:
    """The command that installs an extra. A checkout is named by its folder: by its name, a stranger's might come."""
    here = (ROOT / "pyproject.toml").is_file()
    source = ("-e", f"{_short(ROOT)}[{extra}]") if here else (f"schreger[{extra}]",)
    return shlex.join([_short(Path(sys.executable)), "-m", "pip", "install", *source])


def _short(path: Path) -> str:
    """A path as it is told from where the command runs, if it is below there."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
