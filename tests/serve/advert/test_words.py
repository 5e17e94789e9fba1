"""The lexicon finds its words in eight languages however they are hidden, and knows when they mean something else."""

import time

import pytest

from model.taxonomy import load_taxonomy
from model.taxonomy.tree import LANGUAGES
from serve.advert.lexicon import Entry, load_lexicon
from serve.advert.signals import Subject, measure
from serve.advert.words import find_words

NAMES = ("named", "code", "cover")


def meanings(text: str) -> set[str | None]:
    """What a text names in earnest."""
    return {word.entry.means for word in find_words(text) if word.entry.kind in NAMES and word.harmless_by is None}


def entries(*kinds: str) -> list[Entry]:
    return [entry for entry in load_lexicon() if entry.kind in kinds]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_a_language_is_found_as_the_lexicon_writes_it(language: str) -> None:
    mine = [entry for entry in entries(*NAMES) if entry.language == language]
    assert len(mine) >= 15
    assert [entry.words for entry in mine if entry.means not in meanings(entry.words)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_of_every_kind(language: str) -> None:
    kinds = {"named", "code", "cover", "legal", "object", "craft", "offer", "talk", "harmless", "colour"}
    assert kinds <= {entry.kind for entry in load_lexicon() if entry.language == language}


def test_words_mean_what_the_taxonomy_has() -> None:
    taxonomy = load_taxonomy()
    assert [entry for entry in load_lexicon() if entry.means is not None and entry.means not in taxonomy] == []


@pytest.mark.parametrize(
    "text",
    [
        "carved ivory netsuke",
        "statuette en ivoire sculpté",
        "figura tallada en marfil",
        "estatueta esculpida em marfim",
        "تمثال من العاج للبيع",
        "象牙手串 包邮",
        "bangili ya pembe za ndovu inauzwa",
        "bán vòng ngà voi",
    ],
)
def test_ivory_is_named_in_each_language(text: str) -> None:
    assert "ivory" in meanings(text)


@pytest.mark.parametrize(
    "text",
    [
        "ivory lace wedding dress",
        "cotton sofa in ivory",
        "made in Ivory Coast",
        "plastic piano with ivory keys",
        "an academic in his ivory tower",
        "robe de mariée ivoire",
        "voyage en Côte d'Ivoire",
        "vestido de novia marfil",
        "Costa de Marfil",
        "vestido marfim",
        "Costa do Marfim",
        "فستان زفاف عاج",
        "ساحل العاج",
        "象牙白连衣裙",
        "象牙海岸",
        "gauni la harusi rangi ya pembe za ndovu",
        "váy cưới màu ngà",
        "Bờ Biển Ngà",
    ],
)
def test_a_harmless_context_takes_the_meaning_away(text: str) -> None:
    assert not meanings(text) & {"ivory", "ivory_inlay", "tusk_ivory"}


def test_a_context_further_off_does_not_make_a_word_harmless() -> None:
    assert "ivory" in meanings(
        "Carved ivory netsuke of a rat. It comes with the silk bag of its first owner and a dress"
    )


@pytest.mark.parametrize(
    "text",
    [
        "iv0ry", "1vory", "!vory", "lvory", "i v o r y", "i.v.o.r.y", "iv_ory", "iv.ory", "iv ory", "iv🐘ory",
        "iv\u200bory", "іvоrу", "ng@ voi", "n.g.à v.o.i", "marf1l", "m a r f i m", "象.牙", "象🐘牙", "象 牙",
    ],
)  # fmt: skip
def test_what_sellers_do_to_hide_ivory_is_seen_and_said(text: str) -> None:
    hidden = [word for word in find_words(f"netsuke {text} 35 g") if word.hidden]
    assert [word.entry.means for word in hidden] == ["ivory"]


@pytest.mark.parametrize(
    "text", ["IVORY", "ｉｖｏｒｙ", "𝐢𝐯𝐨𝐫𝐲", "#CarvedIvory", "ivory's", "i̶v̶o̶r̶y̶", "(ivory)", "sale!Ivory"]
)
def test_another_way_to_write_is_no_disguise(text: str) -> None:
    assert [word.hidden for word in find_words(text) if word.entry.means == "ivory"] == [False]


@pytest.mark.parametrize("unseen", ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200f", "\u202e"])
@pytest.mark.parametrize("word", ["ivory", "象牙", "vòng ngà", "عاج", "العاج"])
def test_signs_that_nobody_sees_hide_no_word_and_are_not_shown(word: str, unseen: str) -> None:
    (found,) = [each for each in find_words(word[:-1] + unseen + word[-1]) if each.entry.means == "ivory"]
    assert (found.shown, found.hidden) == (word.removeprefix("ال"), True)


def test_a_soft_hyphen_hides_no_context() -> None:
    plain, hyphenated = (find_words(f"ivory for a {word} dress") for word in ("wedding", "wed\u00adding"))
    assert any(word.entry.kind == "colour" for word in plain)
    assert [word.entry for word in hyphenated] == [word.entry for word in plain]


def test_traditional_and_simplified_characters_are_the_same_words() -> None:
    assert meanings("鶴頂紅") == meanings("鹤顶红") == {"hornbill_casque"}
    assert meanings("黃料") == meanings("黄料") == {"ivory"}


def test_vietnamese_is_read_without_its_accents_where_that_makes_no_other_word() -> None:
    assert meanings("vay te te") == {"pangolin_scale"}
    assert meanings("vong nga voi") == {"ivory"}
    assert meanings("đi Nga du lịch") == set()


@pytest.mark.parametrize(
    "text",
    [
        "Tượng ngà voi, cần bán gấp",
        "vòng hạt ngà voi",
        "bạn mua vòng ngà voi",
        "Real ivory netsuke not fake",
        "100% genuine ivory bangle, not plastic",
        "Genuine elephant ivory not resin bracelet",
        "不是塑料 象牙手串",
        "ivory card case",
        "ivory paper knife",
        "Look at my ivory netsuke",
        "talla de marfil",
        "IvoryNetsuke",
    ],
)
def test_a_word_that_is_another_denied_or_part_of_a_phrase_is_no_context(text: str) -> None:
    assert any(match.entry.kind == "named" and match.harmless_by is None for match in find_words(text))
    assert not {match.entry.kind for match in find_words(text)} & {"colour", "plastic", "talk", "cover"}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("ox bone netsuke", "bone"),
        ("faux ivory bangle", "resin"),
        ("tagua nut carving", "tagua"),
        ("marfil vegetal", "tagua"),
        ("仿象牙", "resin"),
        ("ivoire végétal", "tagua"),
        ("sừng trâu", "antler"),
    ],
)
def test_a_claim_to_be_something_else_is_not_ivory(text: str, means: str) -> None:
    assert meanings(text) == {means}


def test_words_are_not_found_across_sentences_or_inside_words() -> None:
    assert meanings("He fed the ox. Ivoryton is a village; I, Vory, am here.") == set()


@pytest.mark.parametrize("claim", ["antique", "pre-1947", "certificate", "CITES permit", "mammoth"])
def test_claims_to_be_lawful_are_told_word_for_word(claim: str) -> None:
    assert claim in [word.shown for word in find_words(f"With {claim}, from an estate.") if word.entry.kind == "legal"]


def test_any_text_is_read_without_complaint() -> None:
    for text in ("", "\0", "\ud800", "🐘" * 500, "\u202eivory", "a" * 50_000, "1" * 999, "؟!،" * 40):
        find_words(text)


def test_a_text_of_nothing_but_trade_words_takes_time_in_proportion_to_its_length() -> None:
    taxonomy = load_taxonomy()
    ivory = Subject.of("tusk_ivory", taxonomy)

    def seconds(text: str) -> float:
        began = time.process_time()
        measure(find_words(text), [], ivory)
        return time.process_time() - began

    seconds("象牙")
    assert seconds("象牙" * 8000) < 40 * seconds("象牙" * 800)  # by pairs it would be a hundred times
