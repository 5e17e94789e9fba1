"""Text in pictures is read when it is asked for, once a picture, and counts as it does when adverts are vetted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from model.classifier import Classifier
from serve.advert import ocr, vet_all
from serve.advert.read import read_adverts
from serve.scan import scanner
from serve.scan.error import ScanError
from tests.serve.scan.adverts import results

Scan = Callable[..., int]


@pytest.mark.skipif(not ocr.can_read(), reason="needs the extra ocr")
def test_verdicts_are_those_of_vet_with_text_read(
    tmp_path: Path, scan: Scan, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.new("RGB", (640, 240), "white")
    ImageDraw.Draw(image).text((40, 80), "Carved ivory", "black", ImageFont.load_default(64))
    image.save(tmp_path / "text.png")
    Image.new("RGB", (320, 240), "olive").save(tmp_path / "plain.png")
    (tmp_path / "broken.png").write_bytes(b"broken")
    adverts = tmp_path / "adverts.csv"
    adverts.write_text(
        "id,title,pictures\n1,A figure,plain.png;broken.png;text.png\n2,,text.png\n3,A clock,plain.png\n"
    )
    read, read_text = [], ocr.read_text
    monkeypatch.setattr(scanner, "read_text", lambda picture: read.append(picture) or read_text(picture))

    assert scan(adverts, tmp_path / "out", ocr=True) == 3  # for want of a picture
    assert sorted(read) == sorted((tmp_path / name).read_bytes() for name in ("text.png", "plain.png"))
    found = [(row["verdict"], row["answer"], row["reasons"], row["error"] or "") for row in results(tmp_path / "out")]
    assert found == [
        (verdict.verdict, verdict.answer, [reason.sentence for reason in verdict.reasons], verdict.error)
        for verdict in vet_all(read_adverts(adverts), classifier)
    ]
    assert [any("“ivory”" in reason for reason in reasons) for _, _, reasons, _ in found] == [True, True, False]

    with pytest.raises(ScanError, match="with --ocr: name another folder"):
        scan(adverts, tmp_path / "out")
    scan(adverts, tmp_path / "plain")
    with pytest.raises(ScanError, match="without --ocr: name another folder"):
        scan(adverts, tmp_path / "plain", ocr=True)


def test_without_the_reader_it_says_what_to_install(
    tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "LIBRARY", "a_library_that_nobody_has")
    (tmp_path / "adverts.csv").write_text("id,title\n1,\n")
    with pytest.raises(ocr.OcrError, match=r"\[ocr\]', or leave out --ocr\.$"):
        scan(tmp_path / "adverts.csv", tmp_path / "out", ocr=True)
    assert not (tmp_path / "out").exists()


def test_a_scan_from_before_text_could_be_read_goes_on(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "adverts.csv").write_text("id,title\n1,\n")
    assert scan(tmp_path / "adverts.csv", tmp_path / "out") == 0
    claim: dict[str, Any] = json.loads((tmp_path / "out/scan.json").read_text())
    del claim["ocr"]
    (tmp_path / "out/scan.json").write_text(json.dumps(claim))
    assert scan(tmp_path / "adverts.csv", tmp_path / "out") == 0
