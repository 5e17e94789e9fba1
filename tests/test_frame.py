"""The frame holds: the wheel is whole, the runtime is light, the walls stand, one command tests all."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
ROOMS = ("model", "training", "serve")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)


def succeed(*command: str | Path, cwd: Path = ROOT) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy_rooms(target: Path, *without: str) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, target / room, ignore=shutil.ignore_patterns("__pycache__", *without))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left behind in the working tree."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    copy_rooms(source)
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    succeed(sys.executable, "-m", "pip", "wheel", "-q", *offline, "-w", target, source)
    return next(target.glob("schreger-*.whl"))


def test_the_wheel_holds_the_rooms_with_all_their_data_and_nothing_else(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())
    assert held == {str(path.relative_to(ROOT)) for path in files if path.suffix not in {".pyc", ".safetensors"}}


@pytest.mark.parametrize("pattern", ["taxonomy/*.yaml", "**/legal_status.csv", "bundles/*/*.onnx"])
def test_the_model_has_the_data_that_an_answer_needs(pattern: str) -> None:
    assert list((ROOT / "model").glob(pattern))


def test_the_wheel_works_when_installed_elsewhere(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    venv.create(home)
    python = home / "bin" / "python"
    site = Path(succeed(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))  # the dependencies, so that nothing is fetched
    succeed(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)

    assert succeed(python, "-c", "import model; print(model.__file__)", cwd=tmp_path).startswith(str(site))
    assert PYPROJECT["project"]["version"] in succeed(home / "bin" / "schreger", "--version", cwd=tmp_path)
    succeed(home / "bin" / "schreger", "bundle", "verify", cwd=tmp_path)


# The light runtime

IMPORT_ALL = """
import importlib, pkgutil, sys
for room in ("model", "serve"):
    for module in pkgutil.walk_packages([room], room + "."):
        if module.name not in {"model.network", "model.backbones"} and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(*sorted({"albumentations", "sklearn", "timm", "torch", "torchvision"} & sys.modules.keys()))
"""


def test_what_runs_for_people_imports_no_torch() -> None:
    assert succeed(sys.executable, "-c", IMPORT_ALL).split() == []


@pytest.mark.soak
def test_a_fresh_machine_serves_within_three_minutes_and_without_torch(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    shutil.copytree(ROOT, fresh, ignore=shutil.ignore_patterns(".venv", ".git", "runs", "__pycache__", "*.egg-info"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if "MAKE" not in key and "MFLAGS" not in key}
    command = ["make", "demo", f"ARGS=--port {port}"]
    with subprocess.Popen(command, cwd=fresh, env=environment, start_new_session=True) as demo:
        try:
            assert answers(f"http://127.0.0.1:{port}", within_s=180, of=demo)
        finally:
            os.killpg(demo.pid, signal.SIGTERM)
    assert run(fresh / ".venv/bin/python", "-c", "import torch").returncode == 1


def answers(url: str, within_s: float, of: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and of.poll() is None:
        try:
            with urlopen(url, timeout=10) as page:
                return int(page.status) == 200
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    return False


# The walls

BREACHES = [
    ("rooms", "model.breach", "training"),
    ("rooms", "model.breach", "serve"),
    ("rooms", "training.breach", "serve"),
    ("rooms", "serve.breach", "training"),
    ("doors", "serve.page", "serve.api"),
    ("doors", "serve.casebook", "serve.page"),
    ("doors", "serve.scan", "serve.app"),
    ("network", "model.breach", "model.network"),
    ("network", "serve.breach", "model.backbones"),
    ("torch", "model.breach", "torch"),
    ("torch", "serve.breach", "timm"),
    ("collect", "training.breach", "requests"),
    ("engine", "model.breach", "onnxruntime"),
    ("engine", "training.breach", "openvino"),
    ("photo", "serve.breach", "PIL"),
    ("encoding", "serve.breach", "charset_normalizer"),
    ("words", "serve.breach", "opencc"),
    ("ocr", "serve.breach", "rapidocr_onnxruntime"),
    ("gradio", "serve.breach", "gradio"),
    ("limits", "serve.breach", "limits"),
    ("lan", "serve.breach", "segno"),
    ("report", "serve.breach", "typst"),
    ("fastapi", "serve.breach", "fastapi"),
    ("metrics", "serve.api.breach", "prometheus_client"),
    ("casebook", "serve.breach", "sqlalchemy"),
    ("links", "serve.breach", "faiss"),
    ("links", "serve.links.breach", "pdqhash"),
    ("store", "serve.breach", "fsspec"),
    ("cluster", "serve.scan", "ray"),
    ("survey", "serve.breach", "duckdb"),
]


@pytest.mark.parametrize(("contract", "importer", "imported"), BREACHES)
def test_a_breach_of_a_wall_is_found(contract: str, importer: str, imported: str, tmp_path: Path) -> None:
    copy_rooms(tmp_path, "bundles")
    if imported.partition(".")[0] in ROOMS:
        module_file(tmp_path, imported).touch()
    with module_file(tmp_path, importer).open("a") as file:
        file.write(f"\nimport {imported}\n")
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = run(lint_imports, "--no-logo", "--no-cache", "--contract", contract, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{importer} -> {imported} (l." in done.stdout


def module_file(root: Path, module: str) -> Path:
    """The file of a module, or where a new one would be."""
    path = root.joinpath(*module.split("."))
    package = path / "__init__.py"
    return package if package.exists() else path.with_suffix(".py")


def test_every_wall_has_a_breach_that_proves_it() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == {contract for contract, *_ in BREACHES}


# The tools


def test_ci_is_make_test_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in script if line and not line.startswith("#")] == ["exec make test"]


def test_a_browser_can_be_driven(browser: "Browser") -> None:
    page = browser.new_page()
    page.set_content("<button onclick=\"this.textContent = 'عاج'\">ivory</button>")
    page.get_by_role("button").click()
    assert page.get_by_role("button").inner_text() == "عاج"
