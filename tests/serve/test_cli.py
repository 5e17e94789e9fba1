"""The command line says what it offers, starts light, and ends with a status and a sentence, never a traceback."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from model.bundle import METRICS, NETWORK, load_bundle, write_description
from serve import extras
from serve.extras import to_install

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
HEAVY = {
    "PIL",
    "albumentations",
    "alembic",
    "cryptography",
    "fastapi",
    "gradio",
    "numpy",
    "onnxruntime",
    "openvino",
    "sqlalchemy",
    "timm",
    "torch",
}


def one_sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """What was said on stderr, once it is one plain sentence."""
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith(".\n")
    assert "Traceback" not in done.stderr
    return done.stderr.rstrip()


# What it offers


def test_the_version_is_printed(schreger: Run) -> None:
    done = schreger("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"schreger {VERSION}\n", "")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            (),
            (
                "classify",
                "serve",
                "train",
                "evaluate",
                "bundle",
                "casebook",
                "dataset",
                "--version",
                "Exit status",
                "3 finished",
                "`casebook report`",
                "130 when",
            ),
        ),
        (("serve",), ("Serve the page for photos, to open in a browser.", "--lan", "--casebook", "--api", "--review")),
        (("classify",), ("PATH", "--out", "--item", "--top", "--bundle", "--json", "--quiet", "default: lite2")),
        (("bundle",), ("show", "verify")),
        (
            ("casebook",),
            ("init", "upgrade", "list", "show", "add", "correct", "note", "verify", "head", "export", "import"),
        ),
        (("casebook", "add"), ("CASE", "PHOTO", "--casebook", "--keys", "--by", "--new", "--title", "--item")),
        (("dataset",), ("collect", "check", "heaps", "split")),
        (
            ("dataset", "collect"),
            ("folder", "csv", "label-studio", "casebook", "met", "smithsonian", "inaturalist", "gbif", "commons"),
        ),
        (
            ("dataset", "collect", "met"),
            ("--objects", "--medium", "--label", "--out", "--limit", "--contact", "--pause"),
        ),
    ],
)
def test_help_names_everything_and_fits_80_columns(schreger: Run, command: tuple[str, ...], words: tuple[str]) -> None:
    done = schreger(*command, "--help")
    assert done.returncode == 0
    assert [word for word in words if word not in done.stdout] == []
    assert [line for line in done.stdout.splitlines() if len(line) > 80 or "…" in line] == []


@pytest.mark.parametrize("command", [(), ("bundle",), ("casebook",), ("dataset",), ("dataset", "collect")])
def test_without_a_command_there_is_help(schreger: Run, command: tuple[str, ...]) -> None:
    done = schreger(*command)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.rstrip() == schreger(*command, "--help").stdout.rstrip()


@pytest.mark.parametrize("arguments", [["--version"], ["classify", "--help"]])
def test_a_start_imports_nothing_heavy(arguments: list[str]) -> None:
    script = "import sys; from serve.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert HEAVY & {name.partition(".")[0] for name in done.stderr.split()} == set()


# How it ends


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["classify"],
        ["classify", "--nonsense", "photo.jpg"],
        ["classify", "photo.jpg", "--top", "-1"],
        ["classify", "photo.jpg", "--item", "box"],
        ["bundle", "nonsense"],
    ],
)
def test_wrong_use_is_status_2_and_says_where_help_is(schreger: Run, arguments: list[str]) -> None:
    done = schreger(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--help' for help." in done.stderr
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["classify", "photo.jpg", "--bundle"], ["bundle", "show"], ["bundle", "verify"]])
@pytest.mark.parametrize("name", ["nonsense", "no such\nfolder", b"\xff"])
def test_a_bundle_that_is_not_there_is_status_2(schreger: Run, command: list[str], name: str | bytes) -> None:
    done = schreger(*command, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert one_sentence(done).startswith("There is no bundle at")


def ending_with(error: str) -> "subprocess.CompletedProcess[str]":
    """The command when what it does raises an error."""
    script = f"""
import serve.classify, serve.cli
from model.errors import SchregerError
def broken(**options): raise {error}
serve.classify.command = broken
serve.cli.main()
"""
    return subprocess.run(
        [sys.executable, "-c", script, "classify", "photo.jpg"], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        ("RuntimeError('It broke.')", 1, "our fault; please report it: RuntimeError: It broke."),
        ("ModuleNotFoundError(name='serve.gone')", 1, "our fault; please report it"),
        ("ModuleNotFoundError(name='torch')", 2, "This command needs torch, which is not installed: "),
        ("SchregerError('There is no such thing.')", 2, "There is no such thing."),
        ("KeyboardInterrupt", 130, "Stopped."),
        ("BrokenPipeError", 0, ""),
    ],
)
def test_each_way_to_fail_has_its_status_and_a_sentence(error: str, status: int, sentence: str) -> None:
    done = ending_with(error)
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == bool(sentence)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "missing", "extra"),
    [
        (["scan", "in", "--out", "out"], "fsspec", "scan"),
        (["scan", "in", "--out", "out", "--ray", "local"], "fsspec", "cluster"),
        (["survey", "in", "--adverts", "a.csv", "--out", "out"], "fsspec", "survey"),
        (["match", "in", "--out", "out.csv"], "faiss", "links"),
        (["dataset", "collect", "met", "--out", "out"], "requests", "collect"),
        (["train", "--out", "out"], "torch", "train"),
    ],
)
def test_what_is_not_installed_is_named_with_the_one_extra_that_brings_it(
    words: list[str], missing: str, extra: str
) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; from serve.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    said, python = one_sentence(done).split(": ")
    assert said == f"This command needs {missing}, which is not installed"
    assert python.endswith(f"python -m pip install -e '.[{extra}]'.")


def test_an_extra_comes_from_the_checkout_and_only_without_one_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert to_install("scan") == f"{sys.executable} -m pip install -e '{ROOT}[scan]'"
    monkeypatch.setattr(extras, "ROOT", tmp_path)
    assert to_install("scan") == f"{sys.executable} -m pip install 'schreger[scan]'"


@pytest.mark.parametrize(
    ("option", "mode"),
    [
        ("--keys", "--casebook"),
        ("--api-keys", "--api"),
        ("--api-rate", "--api"),
        ("--match-hashes", "--api"),
        ("--match-index", "--api"),
        ("--adverts", "--review"),
        ("--decisions", "--review"),
        ("--pictures-root", "--review"),
    ],
)
def test_an_option_of_serve_that_would_be_ignored_is_refused(schreger: Run, option: str, mode: str) -> None:
    done = schreger("serve", option, "1")
    assert (done.returncode, one_sentence(done)) == (2, f"{option} needs {mode}.")


def test_serve_takes_settings_of_the_environment_and_names_what_to_change_of_an_address(schreger: Run) -> None:
    done = schreger("serve", "--host", "203.0.113.9", env={"SCHREGER_API_KEYS": "k", "SCHREGER_CASEBOOK_KEYS": "k"})
    assert done.returncode == 2
    assert one_sentence(done).endswith("; name another address with --host.")


# Bundles


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to be damaged."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "copy"))


def test_show_says_what_a_bundle_is_knows_and_scored(schreger: Run, bundle_folder: Path) -> None:
    bundle = load_bundle(bundle_folder)
    done = schreger("bundle", "show", bundle_folder)
    assert (done.returncode, done.stderr) == (0, "")
    described = bundle.description
    known = [bundle.id, described.backbone, str(described.input.size), *described.classes]
    known.append(f"answers from {described.certainty.threshold:.2f}, for at most 5% wrong")
    metrics = json.loads((bundle_folder / METRICS).read_text())
    scored = [name for figures in metrics.values() for name in figures]
    assert scored
    assert [word for word in known + scored if word not in done.stdout] == []


def test_show_promises_nothing_that_was_not_proven(schreger: Run, copy: Path) -> None:
    described = load_bundle(copy).description
    certainty = described.certainty.model_copy(update={"target_error": None})
    (copy / METRICS).write_text('{"val": {"AUC": {"value": 1.0, "low": null, "high": null, "n": 4}}}')
    write_description(copy, described.model_copy(update={"certainty": certainty}))
    done = schreger("bundle", "show", copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert ", with too few right answers to promise a share of wrong ones" in done.stdout
    assert "val: AUC 1.000 (-, n=4)\n" in done.stdout


def test_a_bundle_that_is_whole_is_verified(schreger: Run, bundle_folder: Path, copy: Path) -> None:
    assert schreger("bundle", "verify", bundle_folder).returncode == 0
    done = schreger("bundle", "verify", copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert load_bundle(bundle_folder).id in done.stdout


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("command", [["bundle", "verify"], ["bundle", "show"], ["classify", "photo.jpg", "--bundle"]])
def test_one_damaged_bit_is_found_and_its_file_named(schreger: Run, copy: Path, command: list[str]) -> None:
    damage(copy / NETWORK)
    done = schreger(*command, copy)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{copy / NETWORK} was altered or damaged" in one_sentence(done)


@pytest.mark.parametrize("name", [NETWORK, METRICS])
def test_a_missing_file_is_named(schreger: Run, copy: Path, name: str) -> None:
    (copy / name).unlink()
    done = schreger("bundle", "verify", copy)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{copy / name} cannot be read: No such file or directory" in one_sentence(done)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 2}', b"\xff\xfe", b"null"])
def test_a_description_that_is_none_is_said_plainly(schreger: Run, copy: Path, content: bytes) -> None:
    (copy / "bundle.json").write_bytes(content)
    done = schreger("bundle", "verify", copy)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(copy / "bundle.json") in one_sentence(done)
