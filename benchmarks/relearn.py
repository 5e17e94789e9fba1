"""What becomes of old classes and of a new one when a bundle learns it by `schreger train --from`.

A shipped bundle forgets a class, wholly: its row of the head and its exemplars. Then it learns that class from its
train photos alone. Both are judged on validation photos, beside the bundle that learned all classes together. The
backbone was tuned with the class among others, so that a class of which it has seen nothing will be learned less well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from model.bundle import (
    DEFAULT,
    EXEMPLARS,
    NETWORK,
    RECIPE,
    SELF_CHECK,
    Bundle,
    find_bundle,
    load_bundle,
    write_description,
)
from model.classifier import Classifier
from model.exemplars import Exemplars, read_exemplars, write_exemplars
from model.manifest import Row, read_manifest
from training.export import read_head, replace_head
from training.extend import extend
from training.recipe_file import read_recipe


def main() -> None:
    """Relearn each class and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", nargs="*", default=["resin", "horn", "amber"], help="(default: %(default)s)")
    parser.add_argument("--bundle", default=DEFAULT, help="shipped name or folder (default: %(default)s)")
    options = parser.parse_args()
    if not (name := os.environ.get("SCHREGER_DATA")):
        print("relearn needs photos: set SCHREGER_DATA to a folder with manifest.csv", file=sys.stderr)
        return
    data, whole = Path(name), load_bundle(find_bundle(options.bundle))
    rows = read_manifest(data / "manifest.csv")
    val = [row for row in rows if row.split == "val" and row.label in whole.description.classes]
    print("| class | train photos | others before | others after | others, whole | class after | class, whole |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for key in options.classes:
        mine = [row for row in rows if row.label == key and row.split in ("train", "val")]
        with TemporaryDirectory() as folder:
            less, more = Path(folder, "less"), Path(folder, "more")
            forget(whole, key, less)
            with redirect_stdout(sys.stderr):
                extend(load_bundle(less), read_recipe(less / RECIPE), mine, data, more, final=False)
            judged = [judge(bundle, val, data, key) for bundle in (less, more, whole.folder)]
        (before, _), (after, learned), (others, known) = judged
        count = sum(row.split == "train" for row in mine)
        print(
            f"| {key} | {count} | {before:.3f} | {after:.3f} | {others:.3f} | {learned:.3f} | {known:.3f} |", flush=True
        )


def forget(bundle: Bundle, key: str, folder: Path) -> None:
    """Copy a bundle to a folder and take one class out of it."""
    classes = bundle.description.classes
    gone = classes.index(key)
    kept = np.array([number for number in range(len(classes)) if number != gone])
    shutil.copytree(bundle.folder, folder)
    model = onnx.load(bundle.network)
    weight, bias = read_head(model)
    replace_head(model, weight[kept], bias[kept])
    onnx.save(model, folder / NETWORK)
    known = read_exemplars(bundle.exemplars, len(classes))
    others = known.labels != gone
    labels = np.searchsorted(kept, known.labels[others])
    write_exemplars(Exemplars(known.embeddings[others], known.norms[others], labels), folder / EXEMPLARS)
    (folder / SELF_CHECK).unlink(missing_ok=True)  # it is of the head with all classes
    fewer = tuple(classes[number] for number in kept)
    write_description(folder, bundle.description.model_copy(update={"classes": fewer}))


def judge(folder: Path, rows: list[Row], data: Path, key: str) -> tuple[float, float]:
    """Share right of the photos of other classes, and of this one."""
    answers = Classifier.load(str(folder)).stream(data / row.file for row in rows)
    right = np.array([answer[1].top[0][0] == row.label for answer, row in zip(answers, rows, strict=True)])  # type: ignore[index]
    its_own = np.array([row.label == key for row in rows])
    return float(right[~its_own].mean()), float(right[its_own].mean())


if __name__ == "__main__":
    main()
