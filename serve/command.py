"""How a command runs: its room is loaded when it is asked for, and what goes wrong is one sentence."""

from __future__ import annotations

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from model.errors import SchregerError

EXTRAS = {
    "serve.casebook": "casebook",
    "serve.case_adverts": "casebook,scan",
    "serve.case_report": "casebook,report",
    "serve.match": "links",
    "serve.review": "scan",
    "serve.scan": "scan,cluster",
    "serve.survey": "survey",
}
"""What to install for the commands of a module, by how its name begins; the others need what trains."""

OK, OUR_FAULT, WRONG_USE, SOME_UNREADABLE, TAMPERED, STOPPED = 0, 1, 2, 3, 4, 130


class Item(StrEnum):
    """Which photos show one item."""

    none = "none"
    folder = "folder"


BundleOption = Annotated[
    str, typer.Option("--bundle", metavar="BUNDLE", help="Name of a shipped bundle, or a bundle's folder.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", envvar="SCHREGER_DATA", help="Folder with manifest.csv and photos/.")
]


def run(module: str, function: str = "command", /, **options: Any) -> None:
    """Load a room's module, run its command and leave with the exit status that it returns."""
    try:
        status = getattr(importlib.import_module(module), function)(**options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("model", "training", "serve"):
            raise
        extras = next((extra for room, extra in EXTRAS.items() if module.startswith(room)), "train,collect")
        _leave(f"This command needs {error.name}, which is not installed: pip install 'schreger[{extras}]'.", WRONG_USE)
    except SchregerError as error:
        _leave(str(error), WRONG_USE)
    except KeyboardInterrupt:
        _leave("Stopped.", STOPPED)
    except BrokenPipeError:  # whoever reads stdout has seen enough
        raise typer.Exit(OK) from None
    raise typer.Exit(status or OK)


def _leave(sentence: str, status: int) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(status)
