"""Probabilities in a server's JSON."""

import json

import pytest

from audit.errors import ModelError
from audit.loaders.answered import probabilities_in

LABELS = ("anger", "joy", "neutral")
ONE = [0.2, 0.5, 0.3]
TWO = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
NAMED = {"neutral": 0.3, "anger": 0.2, "joy": 0.5}
SCORED = [{"label": "joy", "score": 0.5}, {"score": 0.3, "label": "neutral"}, {"label": "anger", "score": 0.2}]


@pytest.mark.parametrize(
    ("answer", "where", "due"),
    [
        (ONE, None, [ONE]),
        ([ONE], None, [ONE]),
        (TWO, None, TWO),
        (NAMED, None, [ONE]),
        ([NAMED, NAMED], None, [ONE, ONE]),
        (SCORED, None, [ONE]),
        ([SCORED], None, [ONE]),
        ([SCORED, SCORED], None, [ONE, ONE]),
        ({"probabilities": TWO, "took": 3}, None, TWO),
        ({"probabilities": NAMED}, None, [ONE]),
        ({"result": {"scores": ONE}}, "result.scores", [ONE]),
        ({"predictions": TWO}, "predictions", TWO),
        ({"predictions": [{"scores": NAMED}, {"scores": ONE}]}, "predictions.scores", [ONE, ONE]),
        ([{"out": ONE}], "0.out", [ONE]),
        ([{"out": row} for row in TWO], "out", TWO),
        ([1, 0, 0], None, [[1, 0, 0]]),
    ],
)
def test_probabilities_are_found_in_the_order_of_the_labels(answer: object, where: str | None, due: object) -> None:
    found = probabilities_in(json.dumps(answer).encode(), where, LABELS, len(due))
    assert found.tolist() == due


@pytest.mark.parametrize(
    ("answer", "where", "count", "told"),
    [
        (ONE, None, 2, "1 answers came back for 2 clips"),
        (TWO, None, 1, "2 answers came back for 1 clips"),
        ([0.5, 0.5], None, 1, "holds 2 probabilities, and the manifest names 3 emotions"),
        ({"anger": 0.5, "calm": 0.5}, None, 1, r"names anger, calm; the manifest's emotions are anger, joy, neutral"),
        (NAMED | {"calm": 0.0}, None, 1, "names neutral, anger, joy, calm; .*`rename:`"),
        (SCORED[:2], None, 1, "names joy, neutral; "),
        ({"scores": ONE}, None, 1, r"holds a mapping with scores where .*: `probabilities: scores`"),
        ({"model": "v2", "output": {"scores": ONE}}, None, 1, r": `probabilities: output\.scores`"),
        ([{"id": "7", "scores": ONE}], None, 1, r": `probabilities: scores`"),
        (
            {"emotion": "anger", "clip": "a.wav"},
            None,
            1,
            "names one emotion alone: answer with the probability of each",
        ),
        ("anger", None, 1, "names one emotion alone"),
        ({"anger": "0.5", "joy": "0.5", "neutral": "0"}, None, 1, "written as text: answer with numbers"),
        ({"scores": ONE}, "score", 1, r"no 'score' on the way to `probabilities: score`; did you mean 'scores'\?"),
        ({"a": [ONE]}, "a.3", 1, r"no '3' on the way to `probabilities: a\.3`"),
        ({"a": 3}, "a.b", 1, r"no 'b' on the way .* \(3\)"),
        ("anger", None, 1, 'holds "anger" where probabilities are due'),
        (None, None, 1, "holds null where"),
        ([], None, 1, "0 answers came back for 1 clips"),
        ({}, None, 1, "holds a mapping with nothing where"),
        ([True, False, False], None, 1, r"holds \[true, false, false\] where"),
        (["0.2", "0.5", "0.3"], None, 1, "where probabilities are due"),
        ([0.2, None, 0.3], None, 1, "where probabilities are due"),
        ([float("nan"), 0.5, 0.5], None, 1, r"holds \[nan, 0\.5, 0\.5\]; finite numbers are due"),
        ([10**400, 0, 0], None, 1, r"finite numbers are due"),
        ([{"label": "anger", "score": "high"}] * 3, None, 1, "names anger; "),
        ([{**item, "score": "high"} for item in SCORED], None, 1, r"holds \['high', .*; finite numbers are due"),
    ],
)
def test_anything_else_says_what_came_back(answer: object, where: str | None, count: int, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        probabilities_in(json.dumps(answer).encode(), where, LABELS, count)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[0.2, 0.5", b"\xff\xfe\x00", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_quoted(body: bytes) -> None:
    with pytest.raises(ModelError, match=r"the answer is no JSON but '.{0,90}'; answer with"):
        probabilities_in(body, None, LABELS, 1)
