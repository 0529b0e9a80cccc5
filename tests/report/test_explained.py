"""What the pages say of saliency maps: which are struck through and why, what moved them, where to harden."""

from __future__ import annotations

import json
import re
from pathlib import Path

from audit.kinds import import_file

PAGES = import_file(Path(__file__).with_name("pages.py"))
KNOWN_TAGS, Page, pages = PAGES.KNOWN_TAGS, PAGES.Page, PAGES.pages
document, redrawn = PAGES.document, PAGES.redrawn


def test_a_method_that_has_not_earned_its_place_is_struck_through_with_the_reason(failed_report: Path) -> None:
    stands = {row["method"]: row for row in document(failed_report)["standings"]}
    assert {row["outcome"] for row in stands.values()} == {"PASS", "UNSURE", "FAIL", "ERROR"}
    for page in pages(failed_report):
        text = page.path.read_text(encoding="utf-8")
        struck = set(re.findall("<s>(.*?)</s>", text))
        assert struck == {name for name, row in stands.items() if row["outcome"] in ("UNSURE", "FAIL")}
        for name in struck:
            assert f"{name} has not earned its place: {stands[name]['reason']}" in page.text
        for name in re.findall("<s>.*?</s>(.*?)</th>", text):
            assert "has not earned its place" in name
        (refused,) = [row for row in stands.values() if row["outcome"] == "ERROR"]
        assert f"{refused['method']} gave no maps: {refused['reason']}." in page.text


def test_every_trial_stands_on_the_index_with_its_outcome(failed_report: Path) -> None:
    text = (failed_report / "index.html").read_text(encoding="utf-8")
    table = re.search('<table class="trials">(.*?)</table>', text, re.DOTALL)
    assert table is not None
    outcomes = re.findall(r"</span> (PASS|FAIL|UNSURE|ERROR)</span></td><th", table[1].replace("\n", ""))
    rows = document(failed_report)["standings"]
    assert outcomes == [word for row in rows for word in (row["outcome"], *(t["outcome"] for t in row["trials"]))]


def test_a_map_of_a_struck_method_is_dimmed_and_its_picture_says_why(failed_report: Path) -> None:
    text = (failed_report / "emotion/anger.html").read_text(encoding="utf-8")
    figures = re.findall(r'<figure class="picture struck">(.*?)</figure>', text, re.DOTALL)
    assert figures
    for figure in figures:
        assert re.search("<s>(gradcam|smoothgrad)</s>", figure)
        assert "fails" in figure or "not shown" in figure
        label = re.search('aria-label="(.*?)"', figure)
        assert label is not None
        assert "has not earned its place" in label[1]


def test_an_exhibit_says_how_much_of_the_mask_stays_and_shows_three_maps_of_it(failed_report: Path) -> None:
    for row in document(failed_report)["exhibits"]:
        page = Page(failed_report / "emotion" / f"{row['emotion']}.html")
        stays = f"{100 * row['moved']['stays']:.0f}% are the same under {row['perturbation']['check']}"
        assert stays in page.text
        assert "chance would leave 20%." in page.text
        assert {f"../{row['moved'][name]}" for name in ("clean", "perturbed", "difference")} <= set(page.links)
        assert f"../{row['audio']['only']}" in page.links


def test_a_method_that_gave_no_map_of_a_perturbed_clip_is_told_of(failed_report: Path, tmp_path: Path) -> None:
    none = {"clean": None, "perturbed": None, "difference": None, "stays": None, "by_chance": 0.2, "reason": "<NaN>"}
    exhibits = [{**row, "moved": none} for row in document(failed_report)["exhibits"]]
    redrawn(failed_report, tmp_path / "refused", exhibits=exhibits)
    assert "gave no map under fgsm at 0.0025: <NaN>." in Page(tmp_path / "refused/emotion/anger.html").text


def test_where_to_harden_is_one_figure_with_its_data_on_every_emotion_page(failed_report: Path) -> None:
    for page in pages(failed_report)[1:]:
        text = page.path.read_text(encoding="utf-8")
        (figure,) = re.findall('<figure class="harden">(.*?)</figure>', text, re.DOTALL)
        assert len(re.findall('<rect class="(?:salient|least)"', figure)) == 2 * 4
        assert figure.count('<tr><th scope="row">') + figure.count('<tr class="struck"><th scope="row">') == 4
    assert "is not decided" in Page(failed_report / "emotion/fear.html").text
    assert "reaches further in the most salient 20%" in Page(failed_report / "emotion/anger.html").text
    assert "Harden" not in " ".join(Page(failed_report / "index.html").ids)


def test_an_audit_from_before_maps_had_to_earn_their_place_is_still_drawn(failed_report: Path, tmp_path: Path) -> None:
    audit = document(failed_report)
    new = ("only_picture", "moved")
    exhibits = [{key: value for key, value in row.items() if key not in new} for row in audit["exhibits"]]
    for row in exhibits:
        row["audio"] = {name: path for name, path in row["audio"].items() if name != "only"}
    old = ("conservation", "r2", "faithfulness", "faithfulness_over_random", "chance")
    metrics = [row for row in audit["metrics"] if row["kind"] != "saliency" or row["metric"] in old]
    metrics = [row for row in metrics if "/" not in row["measure"] or row["measure"].startswith("probability_drop/")]
    metrics = [{**row, "measure": row["measure"].removeprefix("probability_drop/")} for row in metrics]
    metrics = [row for row in metrics if row["method"] != "energy"]
    verdicts = [{k: v for k, v in row.items() if k not in ("by", "region", "after")} for row in audit["verdicts"]]
    page = redrawn(failed_report, tmp_path / "old", exhibits=exhibits, metrics=metrics, verdicts=verdicts, standings=[])
    assert "<s>" not in page.path.read_text(encoding="utf-8")
    assert "Probability drop is the probability the predicted emotion loses" in page.text
    assert "hidden otherwise: floor, noise, blur" in page.text
    emotion = Page(tmp_path / "old/emotion/fear.html")
    assert "What the perturbation does to the map" not in emotion.text
    assert "Where to harden" not in emotion.text


def test_a_hostile_method_is_text_wherever_its_maps_are_told_of(failed_report: Path, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(5)>\"'{{7*7}}"
    text = json.dumps(document(failed_report)).replace('"smoothgrad"', json.dumps(hostile))
    redrawn(failed_report, tmp_path / "method", **json.loads(text))
    for page in pages(tmp_path / "method"):
        assert [tag for tag, _ in page.tags if tag == "img"] == []
        assert {tag for tag, _ in page.tags} <= KNOWN_TAGS
        assert hostile in page.text
