"""Gates: what each metric can be asked, and what is said where it cannot."""

from pathlib import Path

import pytest

from audit.errors import SuiteError
from audit.suite import read_suite

CHECKS = {
    "clean": "{check: clean, gates: [GATE]}",
    "corruption": "{check: corruption, method: gaussian_noise, sweep: {sigma: [0.01, 0.1]}, gates: [GATE]}",
    "attack": "{check: attack, method: fgsm, sweep: {epsilon: [0.01, 0.1]}, gates: [GATE]}",
    "saliency": "{check: saliency, method: [lime, gradcam], gates: [GATE]}",
}


def read(folder: Path, kind: str, gate: str, *, groups: bool = True) -> None:
    file = folder / "x.audit.yaml"
    head = "version: 1\nsuite: s\n" + ("groups: {simple: [anger]}\n" if groups else "")
    file.write_text(head + "checks: [" + CHECKS[kind].replace("GATE", gate) + "]\n")
    read_suite(file)


@pytest.mark.parametrize(
    ("kind", "gate"),
    [
        ("clean", "{metric: uar, min: 0.5}"),
        ("clean", "{metric: ece, max: 0.1}"),
        ("clean", "{metric: precision, per: emotion, min: 0.5}"),
        ("clean", "{metric: recall, per: group, min: 0.5}"),
        ("corruption", "{metric: f1, per: emotion, at: 0.01, min: 0}"),
        ("corruption", "{metric: drop, at: 1e-2, max: -0.1}"),
        ("corruption", "{metric: curve_area, min: 0.5}"),
        ("attack", "{metric: critical_epsilon, per: emotion, min: 0.02, max: 2}"),
        ("saliency", "{metric: conservation, of: lime, max: 0.001}"),
        ("saliency", "{metric: localisation, of: gradcam, per: emotion, min: 0.5}"),
    ],
)
def test_what_a_metric_has_can_be_asked(tmp_path: Path, kind: str, gate: str) -> None:
    read(tmp_path, kind, gate)


@pytest.mark.parametrize(
    ("kind", "gate", "told"),
    [
        ("clean", "{metric: acuracy, min: 0.5}", "did you mean 'accuracy'"),
        ("clean", "{min: 0.5}", "needs the key 'metric'"),
        ("clean", "accuracy >= 0.5", "must be a gate"),
        ("clean", "{metric: accuracy}", "needs a limit"),
        ("clean", "{metric: accuracy, min: 0.9, max: 0.8}", "nothing could pass"),
        ("clean", "{metric: accuracy, min: 85}", "85 % is 0.85"),
        ("clean", "{metric: accuracy, min: '0.85'}", "a number, not the text"),
        ("clean", "{metric: accuracy, min: .nan}", "a number, not nan"),
        ("clean", "{metric: accuracy, max: .inf}", "a number, not inf"),
        ("clean", "{metric: recall, min: 0.5}", "over all emotions use uar"),
        ("clean", "{metric: f1, min: 0.5}", "over all emotions use macro_f1"),
        ("clean", "{metric: accuracy, per: emotion, min: 0.5}", "is its recall"),
        ("clean", "{metric: uar, per: group, min: 0.5}", "cannot be asked per group"),
        ("clean", "{metric: uar, per: speaker, min: 0.5}", "emotion or group"),
        ("clean", "{metric: accuracy, at: 0.1, min: 0.5}", "a clean check has none"),
        ("clean", "{metric: accuracy, of: lime, min: 0.5}", "only gates of such a check"),
        ("clean", "{metric: drop, max: 0.5}", "checks of kind corruption, attack"),
        ("corruption", "{metric: accuracy, min: 0.5}", "one of the sweep's values of sigma (0.01, 0.1)"),
        ("corruption", "{metric: accuracy, at: 0.02, min: 0.5}", "the nearest is 0.01"),
        ("corruption", "{metric: critical_epsilon, min: 0.5}", "checks of kind attack"),
        ("corruption", "{metric: curve_area, at: 0.1, min: 0.5}", "over the whole sweep"),
        ("attack", "{metric: critical_epsilon, min: -1}", "lies at least 0"),
        ("attack", "{metric: critical_epsilon, min: 0.2}", "beyond the largest epsilon of the sweep, 0.1"),
        ("clean", "{metric: accuracy, min: 0.5, floor: above_chanc}", "did you mean 'above_chance'"),
        ("saliency", "{metric: faithfulness, min: 0.1}", "needs the key 'of'"),
        ("saliency", "{metric: faithfulness, of: gradcm, min: 0.1}", "did you mean 'gradcam'"),
        ("saliency", "{metric: faithfulness, of: lime, at: 0.2, min: 0.1}", "names a value of a sweep"),
        ("saliency", "{metric: faithfulness, of: lime, per: group, min: 0.1}", "per must be emotion, not"),
        ("saliency", "{metric: accuracy, of: lime, min: 0.1}", "one of kind saliency has: faithfulness"),
    ],
)
def test_what_a_metric_has_not_is_refused(tmp_path: Path, kind: str, gate: str, told: str) -> None:
    with pytest.raises(SuiteError) as caught:
        read(tmp_path, kind, gate)
    assert told in caught.value.message
    assert caught.value.line == 4


def test_a_gate_per_group_needs_groups(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="the suite has no groups"):
        read(tmp_path, "clean", "{metric: accuracy, per: group, min: 0.5}", groups=False)
