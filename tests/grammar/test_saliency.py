"""What is particular to a saliency check: scores, sanity tests, regions, the confined attack, and gates on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import SuiteError
from audit.gate_id import gate_slug
from audit.suite import Check, NamedRegion, read_suite

HEAD = "version: 1\nsuite: s\nchecks:\n  - check: saliency\n    method: [lrp, {lime: {samples: 64}}]\n"


def check_of(folder: Path, body: str) -> Check:
    path = folder / "x.audit.yaml"
    path.write_text(HEAD + body)
    return read_suite(path).checks[0]


def refusal(folder: Path, body: str) -> str:
    with pytest.raises(SuiteError) as caught:
        check_of(folder, body)
    return str(caught.value)


def test_scores_sanity_tests_regions_and_a_confined_attack_are_read(tmp_path: Path) -> None:
    check = check_of(
        tmp_path,
        """\
    faithfulness: [{deletion: {steps: 4, fill: [blur, floor]}}, road, probability_drop]
    sanity: [{parameter_randomisation: {stages: 2, most: 0.4}}]
    sanity_samples: 8
    regions:
      hum: {hertz: [0, 120]}
      corner: {rows: [0, 4], columns: [2, 6]}
    confined: {fgsm: {epsilon: [0.01]}}
""",
    )
    assert check.measures == ("deletion/blur", "deletion/floor", "road", "probability_drop/mean")
    assert (check.measure(), check.measure("road"), check.masked) == ("deletion/blur", "road", 0.2)
    assert [(use.name, use.parameters) for use in check.sanity] == [
        ("parameter_randomisation", {"stages": 2, "most": 0.4})
    ]
    assert check.sanity_samples == 8
    assert check.regions == (
        NamedRegion("hum", hertz=(0.0, 120.0)),
        NamedRegion("corner", rows=(0, 4), columns=(2, 6)),
    )
    assert check.confined is not None
    assert check.confined.parameters == {"epsilon": (0.01,)}


def test_sanity_tests_are_on_unless_the_suite_takes_them_away(tmp_path: Path) -> None:
    assert len(check_of(tmp_path, "").sanity) == 3
    assert check_of(tmp_path, "    sanity: []\n").sanity == ()


def test_gates_may_ask_by_score_in_a_region_and_after_a_sanity_test(tmp_path: Path) -> None:
    check = check_of(
        tmp_path,
        """\
    faithfulness: [probability_drop, deletion]
    regions: {hum: {hertz: [0, 120]}}
    gates:
      - {metric: faithfulness_over_random, of: lrp, by: deletion, min: 0.0}
      - {metric: localisation, of: lrp, region: hum, max: 0.1}
      - {metric: overlap, of: lime, after: seed_stability, min: 0.6}
""",
    )
    assert [(gate.by, gate.region, gate.after) for gate in check.gates] == [
        ("deletion", None, None),
        (None, "hum", None),
        (None, None, "seed_stability"),
    ]
    assert [gate_slug(gate) for gate in check.gates] == [
        "faithfulness-over-random-of-lrp-by-deletion",
        "localisation-of-lrp-in-hum",
        "overlap-of-lime-after-seed-stability",
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    faithfulness: [delation]\n", "did you mean 'deletion'?"),
        ("    faithfulness: [road, road]\n", "'road' is named twice"),
        ("    sanity: [seed_stabilty]\n", "did you mean 'seed_stability'?"),
        ("    regions: {hum: {herz: [0, 120]}}\n", "unknown key 'herz'; did you mean 'hertz'?"),
        ("    regions: {hum: {}}\n", "region 'hum' is all of the input"),
        ("    regions: {hum: {hertz: [120]}}\n", "2 items"),
        ("    regions: {hum: {hertz: [120, 0]}}\n", "hertz of region 'hum' end before they begin: 120, 0"),
        ("    regions: {hum: {hertz: [0, 9], rows: [0, 2]}}\n", "the two do not mix"),
        ("    confined: fgsm\n", "needs the key 'epsilon'"),
        ("    confined: {fgsm: {epsilon: [0.01, 0.02]}}\n", "fgsm takes one epsilon above 0"),
        (
            "    gates: [{metric: faithfulness, of: lrp, by: deletion, min: 0}]\n",
            "no faithfulness score 'deletion' (it has: probability_drop)",
        ),
        ("    gates: [{metric: localisation, of: lrp, region: hum, max: 1}]\n", "no region 'hum' (it has: none)"),
        ("    gates: [{metric: conservation, of: lrp, by: road, max: 1}]\n", "conservation takes no `by`"),
        ("    gates: [{metric: similarity, of: lrp, max: 1}]\n", "similarity needs `after:`"),
        ("    gates: [{metric: overlap, of: lrp, after: input_shif, min: 1}]\n", "did you mean 'input_shift'?"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, body: str, told: str) -> None:
    assert told in refusal(tmp_path, body)


def test_a_method_of_ones_own_cannot_take_a_baselines_name(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from audit.kinds import saliency\n\n\n@saliency()\ndef random(model, inputs, targets, rng):\n    ...\n"
    )
    path = tmp_path / "x.audit.yaml"
    path.write_text("version: 1\nsuite: s\nchecks:\n  - check: saliency\n    method: own.py:random\n")
    with pytest.raises(SuiteError, match="cannot be called 'random'"):
        read_suite(path)
