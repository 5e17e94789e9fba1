"""`schreger survey` counts what a scan found, corrects it, and says what it could not use."""

import csv
import io
import json
import re
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from model.errors import SchregerError
from model.taxonomy import load_taxonomy
from serve.advert import Advert
from serve.advert.combination import load_combination
from serve.advert.reasons import explain
from serve.advert.signals import Subject, measure
from serve.advert.words import find_words
from serve.survey.adverts import join
from serve.surveying import command as survey_of

Alarm = Callable[..., dict[str, Any]]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def clear(own: str, **cells: Any) -> dict[str, Any]:
    return {"id": own, "platform": "A", "seller": f"other {own}", **cells}


def many(alarm: Alarm, alarms: int, others: int, platform: str = "A") -> list[dict[str, Any]]:
    """Adverts of a platform, each by its own seller."""
    flagged = [alarm(f"{platform} alarm {n}", platform=platform, seller=f"seller {n}") for n in range(alarms)]
    return flagged + [clear(f"{platform} clear {n}", platform=platform) for n in range(others)]


# Figures


def test_labels_correct_the_raw_count_in_each_stratum(files: Any, alarm: Alarm) -> None:
    """Of A's 20 alarms half are true and of its 180 others one in nine is missed; B's are all true."""
    a, b = many(alarm, 20, 180), many(alarm, 10, 90, platform="B")
    files.write([*a, *b])
    of_a = [{"id": each["id"], "label": "ivory" if n % 2 else "bone"} for n, each in enumerate(a[:20])]
    of_a += [{"id": each["id"], "label": "0" if n % 9 else "ivory_inlay"} for n, each in enumerate(a[20:])]
    of_b = [{"id": each["id"], "label": "1"} for each in b[:10]] + [
        {"id": each["id"], "label": "no"} for each in b[10:]
    ]
    status, _ = files.survey(labels=files.table("labels.csv", ["id", "label"], [*of_a, *of_b]))
    assert status == 0
    first, second = files.read("prevalence")
    assert [first[name] for name in ("stratum", "subject", "method", "alarms")] == ["A", "tusk_ivory", "labels", "20"]
    assert float(first["offers"]) == pytest.approx(10 + 20)  # all labelled: known, not estimated
    assert float(first["offers_low"]) == pytest.approx(30) == pytest.approx(float(first["offers_high"]))
    assert float(second["share"]) == pytest.approx(0.1)
    assert float(second["per_alarm"]) == pytest.approx(1)


def test_without_labels_known_error_rates_correct_and_strange_policies_do_not(files: Any, alarm: Alarm) -> None:
    files.write(many(alarm, 40, 960))
    files.survey()
    (row,) = files.read("prevalence")
    assert row["method"] == "error rates"
    assert float(row["share_low"]) < float(row["share"]) < float(row["share_high"])
    files.write([each | {"policy": "mine/1"} for each in many(alarm, 40, 960)])
    _, out = files.survey()
    (row,) = files.read("prevalence")
    assert (row["method"], row["share"], row["share_high"]) == ("", "", "")
    assert "not corrected" in (out / "index.html").read_text()


def test_known_error_rates_are_of_the_shipped_verdicts(
    schreger: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    """Whoever ships other verdicts measures their errors too: `benchmarks/survey.py --fit`."""
    adverts, scanned, out = tmp_path / "adverts.csv", tmp_path / "scan", tmp_path / "out"
    adverts.write_text("id,title\na,Carved ivory netsuke and ivory figure\nb,A clock\n", encoding="utf-8")
    assert schreger("scan", adverts, "--out", scanned).returncode == 0
    done = schreger("survey", scanned, "--adverts", adverts, "--out", out)
    assert done.returncode == 0, done.stderr
    content = json.loads((out / "survey.json").read_text())
    policies = set(pyarrow.parquet.read_table(scanned / "part-00000.parquet")["policy"].to_pylist())
    assert policies == {content["error_rates"]["policy"]}
    assert [row["method"] for row in content["tables"]["prevalence"]] == ["error rates"]


def test_strata_are_those_of_the_file_and_never_pooled(files: Any, alarm: Alarm) -> None:
    adverts = [
        each | {"stratum": "found by a word" if n % 2 else "followers"} for n, each in enumerate(many(alarm, 6, 60))
    ]
    files.write(adverts)
    files.survey()
    assert [row["stratum"] for row in files.read("prevalence")] == ["followers", "found by a word"]
    assert sum(int(row["adverts"]) for row in files.read("verdicts")) == 66


def test_no_name_of_a_seller_is_a_formula_in_a_spreadsheet(files: Any, alarm: Alarm) -> None:
    name = '=HYPERLINK("http://a.example","ivory")'
    files.write([*many(alarm, 2, 10), alarm("a", seller=name)])
    files.survey()
    assert {row["seller"][:3] for row in files.read("sellers")} == {"'=H", "sel"}


def test_each_subject_is_corrected_by_itself(files: Any, alarm: Alarm) -> None:
    birds = [alarm(f"bird {n}", answer="psittacus_erithacus", seller=f"b{n}") for n in range(5)]
    files.write([*many(alarm, 10, 85), *birds])
    labels = [{"id": f"bird {n}", "label": "psittacus_erithacus"} for n in range(5)]
    labels += [{"id": f"A alarm {n}", "label": "none"} for n in range(10)]
    labels += [{"id": f"A clear {n}", "label": "none"} for n in range(85)]
    files.survey(labels=files.table("labels.csv", ["id", "label"], labels))
    parrots, ivory = files.read("prevalence")
    assert (parrots["subject"], float(parrots["offers"])) == ("psittaciformes", pytest.approx(5))
    assert (ivory["subject"], ivory["offers"], float(ivory["offers_high"])) == ("tusk_ivory", "", pytest.approx(0))


def test_a_sample_drawn_by_verdict_is_weighed_by_verdict(files: Any, alarm: Alarm) -> None:
    """All 30 alarms about parrots are labelled and one clear advert in ten, of which two in ten are missed ivory."""
    birds = [alarm(f"bird {n}", answer="psittacus_erithacus", seller=f"b{n}") for n in range(30)]
    files.write([*birds, *(clear(f"c{n}") for n in range(200))])
    labels = [{"id": f"bird {n}", "label": "1", "stratum": "block"} for n in range(30)]
    labels += [{"id": f"c{n}", "label": "ivory" if n < 4 else "0", "stratum": "clear"} for n in range(20)]
    files.survey(labels=files.table("labels.csv", ["id", "label", "stratum"], labels))
    offers = {row["subject"]: float(row["offers"]) for row in files.read("prevalence")}
    assert offers == {"psittaciformes": pytest.approx(30), "tusk_ivory": pytest.approx(40)}


def test_value_is_given_by_currency_and_in_one(files: Any, alarm: Alarm) -> None:
    prices = [("US$ 10", ""), ("20", "USD"), ("€ 1.000,00", ""), ("ask", ""), ("7", "")]
    adverts = [alarm(f"a{n}", price=price, currency=code) for n, (price, code) in enumerate(prices)]
    files.write([*adverts, *(clear(f"c{n}", price="99", currency="USD") for n in range(50))])
    files.survey(
        rates=files.table(
            "rates.csv", ["currency", "rate"], [{"currency": "USD", "rate": 1}, {"currency": "EUR", "rate": 1.085}]
        )
    )
    rows = {row["currency"]: row for row in files.read("values")}
    assert {code: (row["asked"], row["value"]) for code, row in rows.items()} == {
        "all": ("", "1115.0"), "USD": ("30.0", "30.0"), "EUR": ("1000.0", "1085.0"), "": ("7.0", ""),
    }  # fmt: skip
    assert (
        float(rows["USD"]["offered_low"])
        < 30 * float(files.read("prevalence")[0]["per_alarm"])
        < float(rows["USD"]["offered_high"])
    )


def test_a_rate_may_be_given_by_a_sign(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a", price="50 € VB"), alarm("b", price="7", currency="€"), alarm("c", price="5")])
    files.survey(rates=files.table("rates.csv", ["currency", "rate"], [{"currency": "€", "rate": 1}]))
    assert {row["currency"]: row["value"] for row in files.read("values")} == {"all": "57.0", "EUR": "57.0", "": ""}
    with pytest.raises(SchregerError, match="code or sign"):
        files.survey(rates=files.table("rates.csv", ["currency", "rate"], [{"currency": "", "rate": 1}]))


def test_numbers_with_three_decimals_are_no_thousands(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a"), alarm("b"), clear("c")])
    prices = {"a": 10.5, "b": 149.995, "c": 1.25}
    json_lines, parquet = files.folder / "adverts.jsonl", files.folder / "adverts.parquet"
    json_lines.write_text("\n".join(json.dumps({"id": own, "price": price}) for own, price in prices.items()))
    typed = pyarrow.array([Decimal(f"{price:.3f}") for price in prices.values()], pyarrow.decimal128(6, 3))
    pyarrow.parquet.write_table(pyarrow.table({"id": list(prices), "price": typed}), parquet)
    for file in (json_lines, parquet):
        survey_of(
            files.folder / "scan", file, out=files.folder / "out", labels=None, rates=None, links=None, quiet=True
        )
        table = pyarrow.parquet.read_table(files.folder / "out/adverts.parquet").to_pylist()
        assert {row["id"]: row["price"] for row in table} == prices


def test_columns_of_the_files_own_are_known_in_capitals(files: Any, alarm: Alarm) -> None:
    (files.folder / "shot.png").write_bytes(PNG)
    own = {
        "Quantity": "3",
        "Stratum": "found by a word",
        "Latitude": "21",
        "LONGITUDE": "105",
        "Screenshot": "shot.png",
    }
    files.write([alarm("a", **own)])
    _, out = files.survey()
    (row,) = pyarrow.parquet.read_table(out / "adverts.parquet").to_pylist()
    assert [row[name.lower()] for name in list(own)[:4]] == [3, "found by a word", 21, 105]
    (log,) = (json.loads(file.read_text()) for file in (out / "logs").glob("*.json"))
    assert log["adverts"][0]["screenshot"]["bytes"] == len(PNG)


def test_text_that_utf_8_cannot_hold_is_surveyed_as_it_was_scanned(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a\\ud83d"), clear("b")])
    adverts = files.folder / "adverts.jsonl"
    adverts.write_text('{"id": "a\\ud83d", "seller": "shop \\ud83d", "stratum": "\\ud83d"}\n{"id": "b"}\n')
    given: dict[str, Any] = {"labels": None, "rates": None, "links": None, "quiet": True}
    assert survey_of(files.folder / "scan", adverts, out=files.folder / "out", **given) == 0
    assert [row["seller"] for row in files.read("sellers")] == ["shop \\ud83d"]


def test_specimens_weeks_and_places_are_counted_with_their_uncertainty(files: Any, alarm: Alarm) -> None:
    days = ["2025-03-03", "2025-03-09T23:00:00Z", "2025-03-10", "3/4/25"]
    adverts = [alarm(f"a{n}", posted_at=day, quantity="3", location="Hanoi") for n, day in enumerate(days)]
    files.write([*adverts, *(clear(f"c{n}") for n in range(50))])
    files.survey()
    assert [(row["week"], row["alarms"]) for row in files.read("weeks")] == [("2025-03-03", "2"), ("2025-03-10", "1")]
    (specimens,), (place,) = files.read("classes"), files.read("locations")
    assert (specimens["class"], specimens["specimens"]) == ("ivory", "12.0")
    assert float(specimens["offered_low"]) < float(specimens["offered"]) < float(specimens["offered_high"])
    assert (place["location"], place["alarms"]) == ("Hanoi", "4")


def test_contradictions_sellers_and_clusters_are_listed(files: Any, alarm: Alarm) -> None:
    taxonomy, words = load_taxonomy(), find_words("carved ox bone netsuke")
    subject = Subject.of("tusk_ivory", taxonomy)
    why = explain(words, measure(words, [0.93], subject), [0.93], subject, load_combination(), taxonomy)
    adverts = [
        alarm("a", reasons=[reason.sentence for reason in why]),
        alarm("b", platform="B", seller="t"),
        clear("c"),
    ]
    files.write(adverts)
    links = [{"id": own, "cluster": "7", "reason": "same picture"} for own in ("a", "b", "c")]
    files.survey(links=files.table("links.csv", ["id", "cluster", "reason"], links))
    assert [row["id"] for row in files.read("contradictions")] == ["a"]
    assert [(row["platform"], row["seller"], row["alarms"]) for row in files.read("sellers")] == [
        ("A", "s", "1"),
        ("B", "t", "1"),
    ]
    (cluster,) = files.read("clusters")
    assert [cluster[name] for name in ("cluster", "adverts", "alarms", "sellers", "platforms")] == [
        "7",
        "3",
        "2",
        "3",
        "A, B",
    ]


def test_an_advert_is_in_the_cluster_that_most_adverts_share_and_is_counted_once(files: Any, alarm: Alarm) -> None:
    files.write([*map(alarm, "abcd"), clear("e")])
    # of a, one picture is that of b and c, another that of d; a picture linked to nothing has a number of its own
    pictures = [("a", 4), ("a", 1), ("b", 1), ("c", 1), ("d", 4), ("d", 9), ("e", 8)]
    links = [{"id": own, "cluster": number} for own, number in pictures]
    files.survey(links=files.table("links.csv", ["id", "cluster"], links))
    assert [(row["cluster"], row["adverts"]) for row in files.read("clusters")] == [("1", "3")]  # d is left alone
    (verdicts,) = (row for row in files.read("verdicts") if row["stratum"] == "A")
    assert (verdicts["block"], verdicts["distinct_alarms"]) == ("4", "2")


# Information logs


def test_a_log_says_what_where_when_with_hashes_and_findings(files: Any, alarm: Alarm) -> None:
    (files.folder / "shot.png").write_bytes(PNG)
    text = "ox bone <script>alert(1)</script>"
    files.write([
        alarm("a1", text=text, posted_at="2025-03-03", location="Hanoi", price="$5", screenshot="shot.png"),
        alarm("a2", posted_at="2025-03-09", screenshot="../../etc/passwd"), clear("c", seller="s"),
        alarm("b", seller=""),
    ])  # fmt: skip
    _, out = files.survey()
    logs = [json.loads(file.read_text()) for file in (out / "logs").glob("*.json")]
    assert sorted(log["about"] for log in logs) == ["advert b", "seller s on A"]
    log = max(logs, key=lambda each: each["alarms"])
    first, second = log["adverts"]
    assert (log["first_posted"], log["last_posted"], log["adverts_in_survey"]) == ("2025-03-03", "2025-03-09", 3)
    assert (first["text"], first["location"], first["price"]) == (text, "Hanoi", "$5")
    assert first["pictures"][0]["sha256"] == "ab" * 32
    assert first["screenshot"] == {"file": "shot.png", "bytes": len(PNG), "sha256": sha256(PNG).hexdigest()}
    assert "cannot be read" in second["screenshot"]["error"]
    page = (out / "logs" / f"{log['log']}.html").read_text()
    assert "<script>" not in page
    assert "data:image/png;base64," in page


def test_a_log_has_the_experts_own_word_and_the_name_of_what_was_found(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a")])
    _, out = files.survey(labels=files.table("labels.csv", ["id", "label"], [{"id": "a", "label": "bone"}]))
    (log,) = (json.loads(file.read_text()) for file in (out / "logs").glob("*.json"))
    advert = log["adverts"][0]
    named = (advert["answer"], advert["name"], advert["pictures"][0]["name"], advert["expert_label"])
    assert named == ("ivory", "elephant or mammoth ivory", "elephant or mammoth ivory", "bone")


def test_a_log_of_an_advert_that_states_nothing_has_no_empty_heading(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a", platform="", seller=""), alarm("b")])
    _, out = files.survey()
    pages = {file: file.read_text() for file in (out / "logs").glob("*.html")}
    assert sorted("As advertised" in page for page in pages.values()) == [False, True]


def test_a_seller_cannot_turn_what_stands_behind_the_name(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a", seller="\u202eyrovi")])
    _, out = files.survey()
    for page in (out / "index.html", *(out / "logs").glob("*.html")):
        assert "\u202e" not in page.read_text()
        assert "‹U+202E›yrovi" in page.read_text()


def test_every_log_is_found_from_the_page(files: Any, alarm: Alarm) -> None:
    files.write(many(alarm, 25, 0))
    _, out = files.survey()
    linked = re.findall(r'href="(logs/[^"]+)"', (out / "index.html").read_text())
    assert sorted(linked) == sorted(f"logs/{file.name}" for file in (out / "logs").glob("*.html"))
    assert len(linked) == 25


def test_logs_of_an_earlier_survey_do_not_stay(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a"), alarm("b", seller="t")])
    _, out = files.survey()
    before = {file.name for file in (out / "logs").iterdir()}
    (out / "logs" / "my notes.html").touch()
    files.write([alarm("a"), clear("b")])
    files.survey()
    after = {file.name for file in (out / "logs").iterdir()}
    assert len(before) == 4
    assert len(after & before) == 2
    assert after - before == {"my notes.html"}


# What cannot be used


def test_what_is_left_out_is_counted(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a", price="ask"), alarm("a"), alarm(""), clear("only scanned"), clear("c")])
    lines = (files.folder / "adverts.csv").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("only scanned")]
    (files.folder / "adverts.csv").write_text("\n".join([*kept, "only advertised,B,s,"]))
    labels = files.table("labels.csv", ["id", "label"], [{"id": "unknown", "label": "0"}, {"id": "c", "label": ""}])
    status, out = files.survey(labels=labels)
    content = json.loads((out / "survey.json").read_text())
    assert status == 3
    assert list(content["left_out"].values()) == [2, 1, 1, 1]
    assert content["adverts"] == 2


def test_what_could_not_be_read_is_counted_by_column_and_the_advert_kept(files: Any, alarm: Alarm) -> None:
    cells = [
        {"price": "0", "posted_at": "0001-01-01", "seller": "", "quantity": "two", "latitude": "nan"},
        {"price": "$1k", "posted_at": "2099-01-01", "location": "Hanoi"},
        {"price": "¥ 5", "posted_at": "2025-03-03", "error": "It cannot be opened."},
    ]
    files.write([*(alarm(f"a{n}", **each) for n, each in enumerate(cells)), clear("c", price="$ 5")])
    rates = files.table("rates.csv", ["currency", "rate"], [{"currency": "$", "rate": 1}])
    status, out = files.survey(rates=rates)
    content = json.loads((out / "survey.json").read_text())
    assert {name: tuple(found.values()) for name, found in content["fields"].items()} == {
        "price": (2, 2, 0), "posted_at": (1, 2, 1), "location": (1, 0, 3), "seller": (3, 0, 1),
        "quantity": (0, 1, 3), "latitude": (0, 1, 3), "currency": (1, 1, 0),
    }  # fmt: skip
    assert (status, content["adverts"], content["scan_errors"]) == (0, 4, 1)
    page = " ".join((out / "index.html").read_text().split())
    assert "of 1 of 3 alarms; the others state none that could be read" in page
    assert "1 of 3 alarms have a day" in page


def test_what_is_not_corrected_has_no_limit_either(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a", policy="mine/1", posted_at="2025-03-03", price="5", location="Hanoi"), clear("c")])
    files.survey()
    for table in ("weeks", "locations"):
        (row,) = files.read(table)
        assert (row["alarms"], row["offers"], row["offers_low"], row["offers_high"]) == ("1", "", "", "")
    (price,) = files.read("values")
    assert (price["median_price"], price["highest_price"], price["offered_low"]) == ("5.0", "5.0", "")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([{"id": "a", "label": "ivroy"}], "'ivroy'"),
        ([{"id": "a", "label": "1"}, {"id": "a", "label": "0"}], "in two ways"),
        ([{"id": "c", "label": "yes"}], "write a class"),
        ([{"id": "a", "label": "0", "stratum": "site X"}], "column stratum"),
    ],
)
def test_a_label_that_cannot_be_used_is_named(files: Any, alarm: Alarm, labels: Any, words: str) -> None:
    files.write([alarm("a"), alarm("b", answer="psittacus_erithacus"), clear("c")])
    with pytest.raises(SchregerError, match=words):
        files.survey(labels=files.table("labels.csv", ["id", "label", "stratum"], labels))


@pytest.mark.parametrize("rate", ["much", "0", "-1", "inf", "nan", ""])
def test_a_rate_that_is_no_number_above_0_is_named(files: Any, alarm: Alarm, rate: str) -> None:
    files.write([alarm("a")])
    rows = [{"currency": "USD", "rate": 1}, {"currency": "EUR", "rate": rate}]
    with pytest.raises(SchregerError, match="'EUR'"):
        files.survey(rates=files.table("rates.csv", ["currency", "rate"], rows))


def test_files_that_are_no_scan_or_table_are_named(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a")])
    with pytest.raises(SchregerError, match="no column cluster"):
        files.survey(links=files.table("links.csv", ["id", "group"], []))
    (files.folder / "scan/part-00001.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(SchregerError, match=r"part-00001\.parquet"):
        files.survey()
    for part in (files.folder / "scan").iterdir():
        part.unlink()
    with pytest.raises(SchregerError, match="schreger scan"):
        files.survey()


def test_texts_of_adverts_without_an_alarm_are_not_held() -> None:
    found = {"verdict": "clear", "score": 0.0, "answer": None, "reasons": []}
    adverts = (Advert(str(number), text=f"{number}" * 1_000_000) for number in range(10, 40))
    tracemalloc.start()
    joined = join(adverts, {str(number): found for number in range(10, 40)}, {}, {}, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(joined.rows) == 30
    assert peak < 15_000_000


def test_parts_are_read_in_the_order_of_their_numbers(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a"), clear("a")])
    for number, name in enumerate(("part-99999", "part-100000")):
        for ending in ("parquet", "json"):
            (files.folder / f"scan/part-{number:05}.{ending}").rename(files.folder / f"scan/{name}.{ending}")
    files.survey()
    (verdicts,) = files.read("verdicts")
    assert verdicts["block"] == "1"


def test_adverts_may_lie_in_whatever_was_scanned(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a"), clear("b")])
    with (files.folder / "adverts.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    parquet, tar = files.folder / "adverts.parquet", files.folder / "adverts.tar"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), parquet)
    with tarfile.open(tar, "w") as members:
        for number, row in enumerate(rows):
            content = json.dumps(row).encode()
            member = tarfile.TarInfo(f"{number}.json")
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    given: dict[str, Any] = {"labels": None, "rates": None, "links": None, "quiet": True}
    for adverts in (parquet, tar):
        out = files.folder / adverts.name.replace(".", "-")
        assert survey_of(files.folder / "scan", adverts, out=out, **given) == 0
        assert json.loads((out / "survey.json").read_text())["adverts"] == 2
        (log,) = (out / "logs").glob("*.json")
        assert json.loads(log.read_text())["sellers"] == ["s on A"]


def test_a_folder_that_cannot_be_written_is_named(files: Any, alarm: Alarm) -> None:
    files.write([alarm("a")])
    (files.folder / "file").touch()
    with pytest.raises(SchregerError, match="cannot be written"):
        files.survey(out=files.folder / "file")


def test_the_command_ends_with_a_status_and_a_sentence(
    schreger: Callable[..., "subprocess.CompletedProcess[str]"], files: Any, alarm: Alarm, tmp_path: Path
) -> None:
    files.write([alarm("a"), clear("c", location="北京 [bold]", posted_at="2025-03-03")])
    options = ("--adverts", tmp_path / "adverts.csv", "--out", tmp_path / "out")
    done = schreger("survey", tmp_path / "scan", *options)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Adverts: 2, strata: 1; ")
    labels = tmp_path / "nope.csv"
    done = schreger("survey", tmp_path / "scan", *options, "--labels", labels)
    assert (done.returncode, done.stderr) == (
        2,
        f"'{labels}' cannot be read as a table: No such file or directory.\n",
    )
    done = schreger("survey", tmp_path, *options)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
