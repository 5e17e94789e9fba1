"""From an advert to a verdict that says why; pictures are as their findings say."""

import csv
import io
import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.classifier import Classifier
from model.finding import Finding
from model.photo import PhotoError
from serve.advert import Advert, Verdict, ocr, vet
from serve.advert.combination import Combination, Rate, load_combination, threshold_for
from serve.advert.policy import FILE as POLICY
from serve.advert.policy import PolicyError, load_policy, thresholds
from serve.advert.vet import Judge
from serve.cli import app

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def judge(classifier: Classifier) -> Judge:
    return Judge(classifier, load_policy(), read=False)


@pytest.fixture
def finding(classifier: Classifier) -> Callable[..., Finding]:
    """The finding of a photo that shows one thing with a probability, and goods otherwise."""

    def make(key: str, probability: float) -> Finding:
        rest = dict.fromkeys(classifier.classes, 0.0) | {"goods": 1 - probability} | {key: probability}
        ranked = tuple(sorted(rest.items(), key=lambda item: -item[1]))
        return Finding(key, "recognised", probability, ranked, 0.5, (), classifier.bundle.id)

    return make


def kinds(verdict: Verdict) -> set[str]:
    return {reason.kind for reason in verdict.reasons}


def test_an_offer_of_ivory_in_words_and_picture_is_blocked(judge: Judge, finding: Callable[..., Finding]) -> None:
    advert = Advert("1", title="Antique carved ivory netsuke, signed ivory figure", text="Buy now, free shipping")
    verdict = judge(advert, [finding("ivory", 0.98)])
    assert (verdict.verdict, verdict.answer) == ("block", "ivory")
    assert {"named", "picture", "object", "offer", "legal"} <= kinds(verdict)
    assert any("“ivory”" in reason.sentence for reason in verdict.reasons)


def test_what_a_picture_does_not_show_is_not_blocked_for_its_words(
    judge: Judge, finding: Callable[..., Finding]
) -> None:
    words = "Antique carved ivory netsuke, signed ivory figure"
    for title, means, verdict in (
        (words, "goods", "review"),
        (words, "ivory", "block"),
        ("Pangolin pendant necklace silver", "metal", "review"),
        ("Carved rhino horn libation cup, rhino horn", "horn", "review"),
    ):
        assert judge(Advert("1", title=title), [finding(means, 0.97)]).verdict == verdict
    assert judge(Advert("1", title=words), []).verdict == "block"
    assert judge(Advert("1", title="Dried pangolin scales, pangolin scale figure carved"), []).verdict == "review"


def test_pictures_say_nothing_of_what_the_network_does_not_know(judge: Judge, finding: Callable[..., Finding]) -> None:
    verdict = judge(Advert("1", title="Carved rhino horn libation cup"), [finding("horn", 0.9)])
    (picture,) = (reason for reason in verdict.reasons if reason.kind == "picture")
    assert (verdict.answer, picture.weight) == ("rhino_horn", 0)
    assert "does not know" in picture.sentence


def test_rhino_horn_is_not_spoken_of_where_no_word_names_it(judge: Judge, finding: Callable[..., Finding]) -> None:
    for title in ("Carved ox bone netsuke", "A fine old clock, free shipping", ""):
        for shown in ([finding("bone", 0.97)], [finding("ivory", 0.3), finding("wood", 0.9)]):
            verdict = judge(Advert("1", title=title), shown)
            assert verdict.verdict == "clear"
            assert not any("rhino" in reason.sentence for reason in verdict.reasons)
    (picture,) = (reason for reason in verdict.reasons if reason.kind == "picture")
    assert picture.sentence.endswith("(likeliest: ivory of any animal, 30%).")


def test_of_what_is_neither_named_nor_known_to_the_network_nothing_is_said(
    classifier: Classifier, finding: Callable[..., Finding]
) -> None:
    judge = Judge(classifier, load_policy().model_copy(update={"subjects": ("rhino_horn",)}), read=False)
    assert "picture" not in kinds(judge(Advert("1", title="Carved ox bone netsuke"), [finding("bone", 0.97)]))
    assert "picture" in kinds(judge(Advert("1", title="Carved rhino horn"), [finding("bone", 0.97)]))


def test_an_everyday_word_does_not_silence_a_picture(judge: Judge, finding: Callable[..., Finding]) -> None:
    for title in ("Netsuke", "Bracelet for sale", "Antique, free shipping"):
        assert judge(Advert("1", title=title), [finding("ivory", 0.999)]).verdict == "review"
    for title in ("Ivory coloured dress", "Plastic bangle", "At the museum"):
        assert judge(Advert("1", title=title), [finding("ivory", 0.999)]).verdict == "clear"


def test_what_sellers_say_of_themselves_is_told_and_does_not_count(judge: Judge) -> None:
    without, told = (judge(Advert("1", title="Carved figure", seller_text=text), []) for text in ("", "Mammoth ivory"))
    (reason,) = set(told.reasons) - set(without.reasons)
    assert (reason.kind, reason.weight) == ("seller_text", 0)
    assert "“Mammoth ivory”" in reason.sentence
    assert (told.verdict, told.score, told.answer) == (without.verdict, without.score, without.answer)


def test_a_dress_in_ivory_is_clear_and_says_why(judge: Judge, finding: Callable[..., Finding]) -> None:
    verdict = judge(Advert("1", title="Ivory lace wedding dress size 12 for sale"), [finding("textile", 0.97)])
    assert verdict.verdict == "clear"
    assert kinds(verdict) & {"harmless_context", "harmless"}


def test_words_alone_name_the_answer_and_without_any_it_is_empty(judge: Judge) -> None:
    assert judge(Advert("1", text="boar tusk and walrus tusk"), []).answer == "tusk_ivory"
    assert judge(Advert("1", text="a fine old clock"), []).answer is None


def test_bone_in_words_and_ivory_in_the_picture_is_a_reason(judge: Judge, finding: Callable[..., Finding]) -> None:
    advert = Advert("1", title="Carved ox bone figure")
    claimed, shown = judge(advert, [finding("bone", 0.9)]), judge(advert, [finding("ivory", 0.999)])
    assert (claimed.verdict, shown.verdict) == ("clear", "review")
    contradiction = next(reason for reason in shown.reasons if reason.kind == "contradiction")
    assert "“ox bone”" in contradiction.sentence
    assert contradiction.kind not in kinds(claimed)


def test_a_picture_speaks_for_itself_where_no_word_does(judge: Judge, finding: Callable[..., Finding]) -> None:
    verdict = judge(Advert("1"), [finding("ivory", 0.999)])
    assert (verdict.verdict, verdict.answer) == ("review", "ivory")
    assert judge(Advert("1"), [finding("pangolin_scale", 0.999)]).answer == "pangolin_scale"


def test_the_worst_of_several_pictures_counts_and_their_difference_is_said(
    judge: Judge, finding: Callable[..., Finding]
) -> None:
    several = judge(Advert("1"), [finding("goods", 1.0), finding("ivory", 0.999), finding("wood", 0.9)])
    assert several.verdict == "review"
    assert any("differ: 1 of 3" in reason.sentence for reason in several.reasons)
    agreed = judge(Advert("1"), [finding("ivory", 0.99)] * 2)
    assert any("2 pictures agree" in reason.sentence for reason in agreed.reasons)


def test_a_code_word_and_a_hidden_word_are_told_as_such(judge: Judge) -> None:
    assert {"named", "code"} <= kinds(judge(Advert("1", text="非洲料 手串 包邮"), []))
    assert "hidden" in kinds(judge(Advert("1", text="carved iv0ry"), []))


def test_other_things_than_ivory_are_answered_too(judge: Judge, finding: Callable[..., Finding]) -> None:
    scales = judge(Advert("1", text="dried pangolin scales, pangolin scale powder"), [finding("pangolin_scale", 0.95)])
    assert (scales.verdict != "clear", scales.answer) == (True, "pangolin_scale")


def test_a_missing_picture_is_an_error_and_the_words_still_count(classifier: Classifier, tmp_path: Path) -> None:
    advert = Advert("1", title="Carved ivory netsuke and ivory figure", pictures=(tmp_path / "gone.jpg",))
    verdict = vet(advert, classifier, read=False)
    assert isinstance(verdict.findings[0], PhotoError)
    assert "Picture 1" in verdict.error
    assert "named" in kinds(verdict)


def test_a_url_is_never_opened(classifier: Classifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("an address was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    advert = Advert(
        "1", url="http://127.0.0.1/a.jpg", text="ivory http://127.0.0.1", pictures=("http://127.0.0.1/a.jpg",)
    )
    assert "Picture 1" in vet(advert, classifier, read=False).error


def test_the_threshold_is_the_lowest_that_is_precise_enough_at_the_base_rate() -> None:
    rates = [Rate(0.9, 0.5, 0.001), Rate(0.5, 0.8, 0.01), Rate(0.1, 1.0, 0.5)]
    assert threshold_for(rates, precision=0.7, base_rate=0.03) == 0.5  # 0.8 x 0.03 / (0.8 x 0.03 + 0.01 x 0.97) = 0.71
    assert threshold_for(rates, precision=0.7, base_rate=0.005) == 0.9
    assert threshold_for(rates, precision=0.99, base_rate=0.001) is None


def test_a_lower_base_rate_asks_for_more() -> None:
    combination: Combination = load_combination()
    usual, rare, rarest = (load_policy().model_copy(update={"base_rate": rate}) for rate in (0.03, 0.01, 0.0001))
    assert thresholds(rare, combination).review > thresholds(usual, combination).review
    with pytest.raises(PolicyError, match="no threshold reaches a precision of 85%: lower `review`"):
        thresholds(rarest, combination)


@pytest.mark.parametrize(
    "change", ["review: 2", "reveiw: 0.5", "block: 0.1", "subjects: [unicorn]", "subjects: []", "[", "base_rate: x"]
)
def test_a_policy_that_makes_no_sense_is_refused_in_words(classifier: Classifier, tmp_path: Path, change: str) -> None:
    lines = {"version": "own", "base_rate": "0.03", "review": "0.8", "block": "0.9", "subjects": "[ivory]"}
    key, _, value = change.partition(": ")
    file = tmp_path / "policy.yaml"
    file.write_text("\n".join(f"{name}: {said}" for name, said in (lines | {key: value}).items()), encoding="utf-8")
    with pytest.raises(PolicyError, match="policy"):
        load_policy(file, classifier.taxonomy)


def test_a_changed_policy_cannot_pass_for_the_shipped_one(tmp_path: Path) -> None:
    file, shipped = tmp_path / "policy.yaml", POLICY.read_text(encoding="utf-8")
    file.write_text(shipped, encoding="utf-8")
    assert load_policy(file) == load_policy()
    changed = shipped.replace("base_rate: 0.03", "base_rate: 0.3")
    file.write_text(changed, encoding="utf-8")
    with pytest.raises(PolicyError, match="give it one of its own"):
        load_policy(file)
    file.write_text(changed.replace('version: "2"', "version: mine"), encoding="utf-8")
    assert load_policy(file).base_rate == 0.3


def test_the_command_writes_a_row_for_every_advert_and_says_what_it_could_not_read(
    schreger: Run, tmp_path: Path
) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text("id,text,pictures,shelf\na,carved ivory netsuke,none.jpg,7\na,a clock,,8\n", encoding="utf-8")
    done = schreger("vet", file)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 3
    assert [row["id"] for row in rows] == ["a", "a"]
    assert [row["shelf"] for row in rows] == ["7", "8"]
    assert all(row["error"] for row in rows)
    assert all(row["policy"] and row["bundle"] for row in rows)
    assert "Vetted 2" in done.stderr


def test_addresses_and_a_root_that_is_not_there_are_said_plainly(tmp_path: Path) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text("id,pictures\n1,https://example.org/a.jpg\n", encoding="utf-8")
    vetted = CliRunner().invoke(app, ["vet", str(file), "--no-ocr"])
    assert vetted.exit_code == 3
    assert "addresses are not opened" in vetted.stdout
    refused = CliRunner().invoke(app, ["vet", str(file), "--pictures-root", str(tmp_path / "none")])
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "There is no folder" in refused.stderr


def test_what_is_no_advert_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    for name, said in (
        (".", "is a folder; `schreger scan` takes folders of pictures."),
        ("empty.csv", "is empty."),
        ("none.csv", "cannot be read: No such file or directory."),
    ):
        file = tmp_path / name
        refused = CliRunner().invoke(app, ["vet", str(file)])
        assert (refused.exit_code, refused.stderr) == (2, f"'{file}' {said}\n")


def test_text_in_pictures_that_cannot_be_read_is_refused_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "LIBRARY", "a_library_that_nobody_has")
    file = tmp_path / "adverts.csv"
    file.write_text("id,title\n1,a clock\n", encoding="utf-8")
    refused = CliRunner().invoke(app, ["vet", str(file), "--ocr"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("What reads text in pictures is not installed: ")
    assert refused.stderr.endswith("[ocr]', or leave out --ocr.\n")
    assert CliRunner().invoke(app, ["vet", str(file)]).exit_code == 0


def test_the_command_vets_one_advert_from_its_words_and_pictures(schreger: Run, photos: list, tmp_path: Path) -> None:
    picture = tmp_path / f"photo.{photos[0].ending}"
    picture.write_bytes(photos[0].content)
    done = schreger("vet", picture, "--title", "Ivory Coast football shirt", "--json", "--no-ocr")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "clear"
    done = schreger("vet", "--title", "Carved ox bone netsuke", "--text", "35 g, free shipping", picture, "--no-ocr")
    assert "It claims to be something else: “ox bone”." in done.stdout
    assert "rhino" not in done.stdout
    assert schreger("vet", picture, picture).returncode == schreger("vet").returncode == 2


@pytest.mark.skipif(not ocr.can_read(), reason="needs the extra ocr")
def test_text_in_a_picture_is_read(classifier: Classifier, tmp_path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 240), "white")
    ImageDraw.Draw(image).text((40, 80), "Carved ivory", "black", ImageFont.load_default(64))
    image.save(tmp_path / "text.png")
    assert "named" in kinds(vet(Advert("1", pictures=(tmp_path / "text.png",)), classifier))


def test_the_figures_are_the_same_again_on_a_few_sellers(data_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    if not (data_dir / "adverts/posts.csv").is_file():
        pytest.skip("needs posts: adverts/posts.csv in SCHREGER_DATA")
    from benchmarks import adverts

    posts = adverts.read_posts(data_dir, None, sellers=20)[0]
    first, again = (adverts.cross_validated(posts, (), repeats=1) for _ in range(2))
    assert posts.labels.sum() >= 20
    assert (first == again).all()
    assert first[0][posts.labels == 1].mean() > first[0][posts.labels == 0].mean() + 0.3
