"""The API under 200 clients at a time for two minutes: no error but 429, and no growth in memory."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

CLIENTS = 200
SECONDS = 120
WARM = 30
"""Seconds after which the memory is first read: by then every buffer has its size."""


def resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def ask(number: int, url: str, pictures: list[bytes], seen: Counter[int | str], until: float) -> None:
    """One client, which comes back when it was told to."""
    chosen = random.Random(number)  # noqa: S311
    async with httpx.AsyncClient(timeout=120) as client:
        while time.monotonic() < until:
            files = [("pictures", chosen.choice(pictures)) for _ in range(chosen.randint(1, 3))]
            data = {"title": "Carved ivory figure", "text": "antique, free shipping " * chosen.randint(1, 20)}
            try:
                answered = await client.post(f"{url}/v1/vet", data=data, files=files)
            except httpx.TransportError as error:
                seen[repr(error)] += 1
                continue
            seen[answered.status_code] += 1
            if answered.status_code == 429:
                await asyncio.sleep(int(answered.headers["retry-after"]) * chosen.random())


async def press(url: str, process: int, pictures: list[bytes]) -> tuple[Counter[int | str], list[float]]:
    """All clients together; gives how many answers had which status, and the memory over time in MB."""
    seen: Counter[int | str] = Counter()
    memory: list[float] = []
    until = time.monotonic() + SECONDS
    clients = [asyncio.create_task(ask(number, url, pictures, seen, until)) for number in range(CLIENTS)]
    await asyncio.sleep(WARM)
    while time.monotonic() < until:
        memory.append(resident_mb(process))
        await asyncio.sleep(5)
    await asyncio.gather(*clients)
    return seen, memory


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_the_api_stands_two_hundred_clients_for_two_minutes(tmp_path: Path) -> None:
    import gradio

    images = Path(gradio.__file__).parent / "media_assets" / "images"
    pictures = [*(file.read_bytes() for file in sorted(images.glob("*.jpg"))), b"no photo", b""]
    program = "from serve.app import serve; serve(port=0, api=True)"
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=env) as server:
        try:
            assert server.stderr
            url = server.stderr.readline().split()[-1]
            seen, memory = asyncio.run(press(url, server.pid, pictures))
            metrics = httpx.get(f"{url}/v1/metrics", timeout=60).text
        finally:
            server.kill()
    figures = f"answers by status: {dict(seen)}; memory in MB: {memory[0]:.0f} to {memory[-1]:.0f}"
    sys.stderr.write(f"{figures}, most {max(memory):.0f}\n")
    assert set(seen) <= {200, 429}
    assert seen[200] > CLIENTS
    assert "schreger_waiting 0.0" in metrics
    half = len(memory) // 2
    assert max(memory[half:]) < 1.05 * max(memory[:half]) + 10
