"""`schreger serve` in a process of its own, as Gradio leaves event loops open."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Served(NamedTuple):
    """Where it is, and its process."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def served(temporary: Path, **options: Any) -> Iterator[Served]:
    """Serve with these options at a free port, with `temporary` for what it puts away; killed at the end."""
    program = f"from pathlib import *; from serve.app import serve; serve(port=0, **{options!r})"
    env = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr
            said = process.stderr.readline()
            assert "is ready: " in said, said + process.stderr.read()
            yield Served(said.split()[-1], process)
        finally:
            process.kill()
