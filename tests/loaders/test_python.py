"""The python loader: functions that are models, and functions that build them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.manifest import load_model
from audit.model import Model, as_found, gradient, log_odds

CODE = """
import functools
import numpy as np
import torch
from torch import nn

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(40, 3)) / 6


def logits(inputs):
    assert isinstance(inputs, np.ndarray) and inputs.dtype == np.float32
    return inputs @ WEIGHTS

def probabilities(inputs, *, sharpness=1.0):
    powers = np.exp(sharpness * logits(inputs))
    return powers / powers.sum(1, keepdims=True)

def softened(inputs, by):
    return logits(inputs) / by

def in_torch(inputs):
    return torch.tanh(inputs @ torch.from_numpy(WEIGHTS).to(inputs))

def in_torch_from_numpy(inputs):
    return in_torch(torch.from_numpy(inputs)).requires_grad_()

def detached(inputs):
    return in_torch(inputs.detach())

def listed_in_torch(inputs):
    return in_torch(inputs).tolist()

def listed(inputs):
    return logits(inputs).tolist()

def build(width):
    return lambda inputs: logits(inputs) * width

def build_torch(*, width=1.0):
    return lambda inputs: in_torch(inputs) * width

def network(hidden=5):
    torch.rand(3)
    return nn.Sequential(nn.Linear(40, hidden), nn.Dropout(), nn.ReLU(), nn.Linear(hidden, 3))

class Machine:
    def __init__(self, width=2.0):
        self.width = width

    def __call__(self, inputs):
        return logits(inputs) * self.width

machine = Machine(3.0)
trained = network()

def decorator(function):
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner

@decorator
def decorated(inputs):
    return logits(inputs)

def named_like_the_loaders_own(inputs, *, function, where, signature):
    return logits(inputs) * (function + where + signature)

def fails(inputs):
    raise ValueError("no such thing\\nand more")

def fails_to_build():
    raise OSError("no file")

def number(inputs):
    return 3.0

def words(inputs):
    return [["a", "b", "c"]] * len(inputs)

def mapping(inputs):
    return {"anger": 1.0}

def nothing(inputs):
    return None

def ragged(inputs):
    return [[1.0], [1.0, 2.0]] * (len(inputs) // 2)

def one_clip(inputs):
    return logits(inputs)[0]

def too_few(inputs):
    return logits(inputs)[:, :2]

def builds_an_array():
    return WEIGHTS

def needs_two(inputs, second):
    return logits(inputs)
"""
MANIFEST = """version: 1
model: own
loader: {loader}
source: code.py:{function}
arguments: {{{arguments}}}
input: {{sampling_rate: 1000, seconds: 0.04, representation: waveform}}
emotions: [anger, joy, neutral]
"""
DIFFERENTIABLE = "{python: {differentiable: true}}"
WEIGHTS = np.random.default_rng(0).normal(size=(40, 3)) / 6


def load(folder: Path, function: str, arguments: str = "", loader: str = "python") -> Model:
    (folder / "code.py").write_text(CODE)
    path = folder / "m.model.yaml"
    path.write_text(MANIFEST.format(function=function, arguments=arguments, loader=loader))
    return load_model(path)


def clips(count: int) -> torch.Tensor:
    return torch.rand(count, 40, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(
    ("function", "arguments", "factor"),
    [
        ("logits", "", 1.0),
        ("listed", "", 1.0),
        ("decorated", "", 1.0),
        ("softened", "by: 2.0", 0.5),
        ("build", "width: 4.0", 4.0),
        ("Machine", "", 2.0),
        ("Machine", "width: 0.5", 0.5),
        ("machine", "", 3.0),
        ("named_like_the_loaders_own", "function: 1, where: 2, signature: 3", 6.0),
    ],
)
@pytest.mark.parametrize("count", [1, 32])
def test_a_function_is_the_model_or_builds_it(
    tmp_path: Path, function: str, arguments: str, factor: float, count: int
) -> None:
    model = load(tmp_path, function, arguments)
    found = model.logits(clips(count))
    np.testing.assert_allclose(found, clips(count).numpy() @ WEIGHTS * factor, atol=1e-5)
    assert torch.equal(model.logits(clips(count)), found)
    assert (model.differentiable, model.module, model.emotions) == (False, None, ("anger", "joy", "neutral"))
    assert model.note == f"black box: {function} answers in numpy, without gradients"


def test_probabilities_do_not_go_through_softmax_twice(tmp_path: Path) -> None:
    model = load(tmp_path, "probabilities", "sharpness: 2.0")
    due = torch.softmax(2.0 * torch.from_numpy(clips(32).numpy() @ WEIGHTS), 1)
    assert model.activation == "softmax"
    np.testing.assert_allclose(model.logits(clips(32)).softmax(1), due, atol=1e-5)


@pytest.mark.parametrize(("function", "width"), [("in_torch", 1.0), ("build_torch", 1.0), ("build_torch", 2.0)])
def test_a_differentiable_function_gives_its_gradients(tmp_path: Path, function: str, width: float) -> None:
    model = load(tmp_path, function, "" if width == 1.0 else f"width: {width}", DIFFERENTIABLE)
    inputs, targets = clips(4).double(), torch.tensor([0, 1, 2, 0])
    assert model.differentiable
    own = torch.tanh(inputs @ torch.from_numpy(WEIGHTS)) * width
    torch.testing.assert_close(model.logits(inputs), own)
    found, step = gradient(model, inputs, targets), 1e-6
    for clip, cell in ((0, 3), (1, 17), (2, 39)):
        loss = []
        for sign in (1, -1):
            moved = inputs.clone()
            moved[clip, cell] += sign * step
            with torch.no_grad():
                loss.append(log_odds(model.logits(moved), targets).sum())
        assert float(found[clip, cell]) == pytest.approx(float(loss[0] - loss[1]) / (2 * step), rel=1e-5, abs=1e-8)


def test_a_network_is_lent_in_evaluation_mode_and_left_alone(tmp_path: Path) -> None:
    for function, arguments in (("network", "hidden: 7"), ("trained", "")):
        model = load(tmp_path, function, arguments)
        assert model.differentiable
        assert model.module is not None
        before = {name: value.clone() for name, value in model.module.state_dict().items()}
        with as_found(model) as lent:
            assert torch.equal(lent.logits(clips(4)), lent.logits(clips(4)))
            gradient(lent, clips(4), torch.zeros(4, dtype=torch.long))
        for name, value in model.module.state_dict().items():
            assert torch.equal(value, before[name])


def test_building_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    load(tmp_path, "network")
    before = torch.get_rng_state()
    load(tmp_path, "network")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_function_that_answers_in_torch_needs_no_declaration_for_its_numbers(tmp_path: Path) -> None:
    model = load(tmp_path, "in_torch_from_numpy")
    np.testing.assert_allclose(model.logits(clips(4)), np.tanh(clips(4).numpy() @ WEIGHTS), atol=1e-5)
    assert not model.differentiable


@pytest.mark.parametrize(
    ("function", "arguments", "told"),
    [
        ("fails", "", r"code\.py:fails\(inputs \(4, 40\)\) raised ValueError: no such thing$"),
        ("fails_to_build", "", r"code\.py:fails_to_build\(\) raised OSError: no file$"),
        ("number", "", r"code\.py:number returned \(\) for 4 inputs; .* \(4, 3\)"),
        ("one_clip", "", r"one_clip returned \(3,\) for 4 inputs; .* \(4, 3\)"),
        ("too_few", "", r"too_few returned \(4, 2\) for 4 inputs"),
        (
            "words",
            "",
            r"words returned text, \w+; .* of each of 3 labels is due, an array of \(4, 3\) numbers",
        ),
        ("mapping", "", "mapping returned dict; the probability or logit of"),
        ("nothing", "", "nothing returned NoneType; the probability or logit of"),
        ("ragged", "", "ragged returned rows of unequal length"),
        ("builds_an_array", "", r"builds_an_array\(\) returned a ndarray; as `arguments` give all its parameters"),
        (
            "needs_two",
            "",
            r"needs_two\(inputs, second\) takes neither .*argument: 'second'\); give every parameter .*`arguments:",
        ),
        (
            "logits",
            "by: 2",
            r"logits\(inputs\) takes neither .*\(by=2\) alone \(got an unexpected keyword argument 'by'",
        ),
        ("logit", "", r"no function 'logit'; did you mean 'logits'\?"),
    ],
)
def test_a_function_that_does_not_fit_says_what_it_did(
    tmp_path: Path, function: str, arguments: str, told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        load(tmp_path, function, arguments)


def test_a_function_declared_differentiable_that_is_not_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"listed_in_torch returned a list; with `differentiable`, a tensor is due"):
        load(tmp_path, "listed_in_torch", "", DIFFERENTIABLE)
    model = load(tmp_path, "detached", "", DIFFERENTIABLE)
    with pytest.raises(ModelError, match="detached: no gradient gets from its answers to its inputs; take out detach"):
        gradient(model, clips(4), torch.zeros(4, dtype=torch.long))


def test_a_python_model_needs_a_source(tmp_path: Path) -> None:
    path = tmp_path / "m.model.yaml"
    path.write_text("\n".join(line for line in MANIFEST.splitlines() if "source" not in line and "arg" not in line))
    path.write_text(path.read_text().format(loader="python"))
    with pytest.raises(ModelError, match=r"loader python needs `source: file\.py:function`"):
        load_model(path)
