"""Photos that installed packages ship."""

from importlib.util import find_spec
from pathlib import Path


def shipped(name: str) -> bytes:
    """A photo that comes with gradio."""
    spec = find_spec("gradio")
    assert spec
    assert spec.origin
    return (Path(spec.origin).parent / "media_assets/images" / name).read_bytes()
