"""What sanity tests find out: maps that ignore what the network learned, that follow a constant, or that are drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from audit.checks.session import Session
from audit.model import BlackBox
from audit.suite import Use

from ..toys import EMOTIONS, SPEC, learned, pictures, session
from .trials import check_of, standing, trial


@pytest.mark.parametrize("name", ["gradient", "lrp", "smoothgrad", "integrated_gradients", "lime"])
def test_a_map_of_what_the_network_learned_is_another_without_it(
    name: str, use: Callable[[str], Use], toys: Session
) -> None:
    found, _, _ = standing(check_of(use(name), "parameter_randomisation"), toys)
    one = trial(found, "parameter_randomisation")
    assert one.outcome == "PASS"
    assert one.value < 0.5


def test_an_edge_detector_that_ignores_the_network_fails(use: Callable[[str], Use], toys: Session) -> None:
    found, _, _ = standing(check_of(use("energy"), "parameter_randomisation", "seed_stability"), toys)
    one = trial(found, "parameter_randomisation")
    assert (one.outcome, one.value) == ("FAIL", pytest.approx(1.0))
    assert trial(found, "seed_stability").outcome == "PASS"
    assert found.outcome == "FAIL"
    assert "fails parameter randomisation: its maps hardly change" in found.reason
    # Of a network that has forgotten everything, its map is worth just as much.
    assert trial(found, "parameter_randomisation/worth").value == pytest.approx(0.0)


def test_a_map_that_is_drawn_is_not_stable(use: Callable[[str], Use], toys: Session) -> None:
    found, _, _ = standing(check_of(use("noise"), "seed_stability"), toys)
    one = trial(found, "seed_stability")
    assert one.outcome == "FAIL"
    assert one.value == pytest.approx(0.2, abs=0.05)
    assert "fails seed stability: its maps come out otherwise" in found.reason


@pytest.mark.parametrize("name", ["lime", "smoothgrad"])
def test_methods_that_draw_enough_are_stable(name: str, use: Callable[[str], Use], toys: Session) -> None:
    found, _, _ = standing(check_of(use(name), "seed_stability"), toys)
    one = trial(found, "seed_stability")
    assert one.outcome == "PASS"
    assert one.value < 1.0, "the second draw is another one"


@pytest.mark.parametrize("name", ["gradient", "lime", "gradcam", "lrp", "smoothgrad", "integrated_gradients"])
def test_a_constant_that_the_network_takes_off_again_changes_no_map(
    name: str, use: Callable[[str], Use], toys: Session
) -> None:
    found, _, _ = standing(check_of(use(name), "input_shift"), toys)
    one = trial(found, "input_shift")
    assert one.outcome == "PASS", one
    assert one.value > 0.95


def test_gradient_times_input_follows_the_constant(use: Callable[[str], Use], toys: Session) -> None:
    found, _, _ = standing(check_of(use("gradient_times_input"), "input_shift"), toys)
    assert trial(found, "input_shift").outcome == "FAIL"
    assert found.outcome == "FAIL"


def test_a_layer_that_the_suite_names_is_found_in_the_shifted_network_too(toys: Session) -> None:
    gradcam = Use("saliency", "gradcam", {"layer": "4"})
    found, _, run = standing(check_of(gradcam, "input_shift"), toys)
    assert run.untested == {}
    assert trial(found, "input_shift").outcome == "PASS"


def test_a_map_of_the_network_is_another_after_shuffled_labels(use: Callable[[str], Use], toys: Session) -> None:
    test = Use("sanity", "label_shuffle", {"epochs": 200, "learning_rate": 0.003})
    found, _, run = standing(check_of(use("lrp"), test), toys)
    assert run.untested == {}
    assert trial(found, "label_shuffle").outcome == "PASS"
    found, _, _ = standing(check_of(use("energy"), test), toys)
    assert trial(found, "label_shuffle").outcome == "FAIL"


def test_of_a_model_without_parameters_what_cannot_be_asked_is_told_and_does_not_count(
    use: Callable[[str], Use],
) -> None:
    module = learned()
    box = BlackBox(lambda given: module(torch.from_numpy(given)).numpy(), SPEC, EMOTIONS, name="box")
    check = check_of(use("lime"), "parameter_randomisation", "label_shuffle", "seed_stability", "input_shift")
    found, _, run = standing(check, session(box, *pictures(24, seed=11)))
    assert set(run.untested["lime"]) == {"parameter_randomisation", "label_shuffle"}
    one = trial(found, "parameter_randomisation")
    assert (one.outcome, one.value, one.n) == ("ERROR", None, 0)
    assert one.reason == "model 'box' shows no parameters"
    assert trial(found, "label_shuffle").outcome == "ERROR"
    assert trial(found, "input_shift").outcome == "PASS"
    assert found.outcome == "PASS"
    assert found.reason == ""
