"""How a command runs: its room is loaded when it is asked for, and what goes wrong is one sentence."""

from __future__ import annotations

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from model.errors import SchregerError
from serve.extras import extra_of, to_install

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
        extra = "cluster" if options.get("ray") else extra_of(module)  # it brings what a scan needs, too
        leave(f"This command needs {error.name}, which is not installed: {to_install(extra)}.", WRONG_USE)
    except SchregerError as error:
        leave(str(error), WRONG_USE)
    except KeyboardInterrupt:
        leave("Stopped.", STOPPED)
    except BrokenPipeError:  # whoever reads stdout has seen enough
        raise typer.Exit(OK) from None
    raise typer.Exit(status or OK)


def leave(sentence: str, status: int) -> NoReturn:
    """Say a sentence on stderr and end with the exit status."""
    typer.echo(sentence, err=True)
    raise typer.Exit(status)
