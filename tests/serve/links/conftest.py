"""Photos that scikit-image ships, and what sellers do to photos before they post them again."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

FOLDER = Path(skimage.data.__file__).parent
NAMES = ("astronaut", "brick", "chelsea", "coffee", "coins", "motorcycle_left")


@pytest.fixture(scope="session")
def original() -> Callable[[str], Image.Image]:
    return lambda name: Image.open(FOLDER / f"{name}.png").convert("RGB")


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a picture as a file below the test's folder."""

    def write(image: Image.Image, name: str, **options: object) -> Path:
        file, content = tmp_path / name, io.BytesIO()
        image.save(content, {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[name.rpartition(".")[2]], **options)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.getvalue())
        return file

    return write
