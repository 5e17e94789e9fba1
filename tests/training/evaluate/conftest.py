"""What several tests look at: one whole evaluation, and a bundle that is wrong all the time."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Command = Callable[..., Result]


@pytest.fixture(scope="session")
def evaluated(schreger: Command, run: Path, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of an evaluation with all that can be asked for, and what was printed."""
    out = tmp_path_factory.mktemp("evaluated") / "deep" / "out"
    words = ("--manifest", toy / "manifest.csv", "--split", "test", "--bundle", run / "bundle", "--out", out)
    done = schreger("evaluate", *words, "--baseline", "--robustness", "--leave-one-source-out", "--sheets")
    assert done.exit_code == 0, done.stderr
    return out, done.stdout


@pytest.fixture(scope="session")
def worse(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with its classes in another order, so that it is wrong all the time."""
    folder = Path(shutil.copytree(run / "bundle", tmp_path_factory.mktemp("worse") / "bundle"))
    described = json.loads((folder / "bundle.json").read_text())
    described["classes"] = described["classes"][1:] + described["classes"][:1]
    (folder / "bundle.json").write_text(json.dumps(described))
    return folder
