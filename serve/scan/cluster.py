"""The same scan on a Ray cluster: one task reads rows, a worker on each computer does the rest, and we write.

Ray gives a worker that died its part again; parts come back in any order, each whole.
"""

from __future__ import annotations

import json
import logging
import os
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas
import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from serve.scan.error import ScanError
from serve.scan.parts import ROWS
from serve.scan.scanner import Scanner

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from serve.scan.parts import Record
    from serve.scan.read import Row
    from serve.scan.scanner import Work

LOCAL = "local"
READER_CORES = 0
"""The reader takes no core from the workers; with as many as they have it would become one with the first of them."""


def scan_on_cluster(address: str, work: Work, rows: Callable[[], Iterator[Row]]) -> Generator[Record]:
    """Records of the rows, part by part.

    Args:
        address: Of the cluster; `local` starts one on this computer.
        work: What to scan with. Its bundle, the input and the pictures must be found under the same names everywhere.
        rows: Gives the rows to do; called on the cluster, by one task.

    Raises:
        ScanError: There is no cluster at the address, or it failed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if address == LOCAL else None,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ScanError(f"There is no Ray cluster at {address!r}: name another with --ray, or leave it out.") from error
    try:
        blocks = _parts(work, rows).iter_batches(
            batch_size=None, batch_format="pandas", prefetch_batches=0
        )  # none ahead: a part would wait here, unwritten, for the next one
        for records in (each for block in blocks for each in block["records"]):
            yield from json.loads(records)
    except ray.exceptions.RayError as error:
        raise ScanError(f"The cluster failed; the same command goes on. It says: {_last_line(error)}") from error
    finally:
        ray.shutdown()


def _parts(work: Work, rows: Callable[[], Iterator[Row]]) -> Any:
    """A Ray dataset with a row for each part, its records as JSON."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1  # bytes: each part goes to a worker, and comes back, as soon as it is there
    nodes: list[Any] = ray.nodes()  # type: ignore[no-untyped-call]
    cores = [int(node["Resources"]["CPU"]) for node in nodes if node["Alive"] and "CPU" in node["Resources"]]
    if not cores:
        raise ScanError("The Ray cluster has no computer with a free core.")
    parts = ray.data.read_datasource(_Parts(rows), num_cpus=READER_CORES, override_num_blocks=1)
    return parts.map_batches(
        _Worker,
        fn_constructor_args=[work],
        batch_size=1,
        batch_format="pandas",
        num_cpus=min(cores),  # a worker uses every core of its computer, as a scan without Ray does
        compute=ray.data.ActorPoolStrategy(size=len(cores)),
    )


class _Parts(Datasource):
    """The read stage, and the download stage: one task, since rows are in order and hosts are asked one by one."""

    def __init__(self, rows: Callable[[], Iterator[Row]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rows = rows

    def estimate_inmemory_data_size(self) -> None:
        """Unknown."""

    def get_read_tasks(self, *_: object, **__: object) -> list[ReadTask]:
        return [ReadTask(self._read, BlockMetadata(None, None, None, None))]

    def _read(self) -> Iterator[Any]:
        for _, of_part in groupby(self._rows(), lambda row: row.number // ROWS):
            yield pandas.DataFrame({"rows": [list(of_part)]})


class _Worker:
    """The other stages but writing."""

    def __init__(self, work: Work) -> None:
        self._scanner = Scanner.of(work)

    def __call__(self, parts: Any) -> Any:
        return {"records": [json.dumps(list(self._scanner.scan(rows))) for rows in parts["rows"]]}


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
