"""LRP as a user meets it: hand-solved networks, conservation, peers, and what it leaves behind."""

import gc
import weakref

import pytest
import torch
from captum.attr import LRP
from torch import Tensor, nn

from audit.input_spec import InputSpec, SpeechInput
from audit.kinds import import_file
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

RULES = ("composite", "epsilon", "zplus", "gamma", "alphabeta")
UNIT = SpeechInput(16000, 3.0, "melspectrogram", {})
RNG = SampleRng([])


def model_of(module: nn.Module, emotions: int, spec: InputSpec = UNIT) -> TorchModel:
    return TorchModel(module.eval(), spec, tuple("abcdefgh"[:emotions]), name="mine")


def linear(weight: list[list[float]], bias: list[float] | None = None) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=bias is not None)
    layer.weight.data = torch.tensor(weight)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


def small_cnn(*, bias: bool) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, bias=bias),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, bias=bias),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * 3 * 2, 10, bias=bias),
            nn.ReLU(),
            nn.Linear(10, 4, bias=bias),
        ).eval()


@pytest.fixture
def cells() -> Tensor:
    return torch.rand(4, 1, 16, 12, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def targets() -> Tensor:
    return torch.tensor([0, 1, 2, 3])


def test_a_network_solved_by_hand() -> None:
    module = nn.Sequential(linear([[1.0, -1.0], [2.0, 1.0]], [0.0, 4.0]), nn.ReLU(), linear([[5.0, 3.0], [1.0, 1.0]]))
    # Hidden: relu(1 - 2) = 0 and relu(2 + 2 + 4) = 8; logit 24, shared 2 : 2 : 4 among both inputs and the bias.
    found = lrp(model_of(module, 2), torch.tensor([[1.0, 2.0]]), torch.tensor([0]), RNG, rule="epsilon")
    torch.testing.assert_close(found.values, torch.tensor([[6.0, 6.0]]), rtol=1e-5, atol=0)
    torch.testing.assert_close(found.measures["absorbed"], torch.tensor([0.5]), rtol=1e-5, atol=0)
    assert found.measures["conservation"].item() < 1e-5


def test_a_residual_sum_solved_by_hand() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branch = linear([[-3.0, 0.0], [0.0, 2.0]])
            self.head = linear([[1.0, 1.0], [1.0, -1.0]])

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head((self.branch(inputs) + 4 * inputs).relu_())

    # 4 - 3 = 1 and 8 + 4 = 12: in proportion each input gets its own sum; by sides, the branch of -3 gets nothing.
    inputs, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([0])
    for rule in ("epsilon", "composite"):
        found = lrp(model_of(Residual(), 2), inputs, targets, RNG, rule=rule)
        torch.testing.assert_close(found.values, torch.tensor([[1.0, 12.0]]), rtol=1e-4, atol=0)


def test_a_maximum_gives_all_to_its_winner_and_a_mean_to_each_its_part() -> None:
    class Pools(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return torch.cat([nn.functional.max_pool1d(inputs, 2).flatten(1), inputs.mean(-1)], 1)

    inputs = torch.tensor([[[1.0, 3.0, 2.0, 0.5]]])
    model = model_of(Pools(), 3)
    of_maximum = lrp(model, inputs, torch.tensor([1]), RNG, rule="epsilon").values
    torch.testing.assert_close(of_maximum, torch.tensor([[[0.0, 0.0, 2.0, 0.0]]]))
    of_mean = lrp(model, inputs, torch.tensor([2]), RNG, rule="epsilon").values
    torch.testing.assert_close(of_mean, inputs / 4, rtol=1e-5, atol=0)


def test_epsilon_without_biases_is_gradient_times_input(cells: Tensor, targets: Tensor) -> None:
    module = small_cnn(bias=False)
    found = lrp(model_of(module, 4), cells, targets, RNG, rule="epsilon", epsilon=1e-9).values
    leaf = cells.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(module(leaf).gather(1, targets[:, None]).sum(), leaf)
    torch.testing.assert_close(found, gradient * cells, rtol=1e-4, atol=1e-6)


def test_epsilon_equals_captum_on_a_plain_network(cells: Tensor, targets: Tensor) -> None:
    ours = lrp(model_of(small_cnn(bias=True), 4), cells, targets, RNG, rule="epsilon", epsilon=1e-9).values

    class Plain(nn.Module):
        """The same network without nn.Flatten, for which captum has no rule."""

        def __init__(self) -> None:
            super().__init__()
            self.maps, self.head = small_cnn(bias=True)[:6], small_cnn(bias=True)[7:]

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(torch.flatten(self.maps(inputs), 1))

    theirs = LRP(Plain().eval()).attribute(cells.clone().requires_grad_(), targets).detach()
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_a_resnet18_without_biases_conserves_the_whole_logit(rule: str, repository: object, mels: Tensor) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = import_file(repository / "models/resnet18.py").build(
            emotions=6, width=64 if rule == "composite" else 16
        )
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_var.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0))
    module.head.bias.data.zero_()
    # alphabeta makes relevance of either sign grow from layer to layer, and with it what epsilon swallows.
    epsilon = 1e-9 if rule == "alphabeta" else 1e-6
    found = lrp(model_of(module, 6), mels[:2], torch.tensor([0, 1]), RNG, rule=rule, epsilon=epsilon)
    logits = module(mels[:2]).detach()[torch.arange(2), torch.tensor([0, 1])]
    assert ((found.values.sum((1, 2, 3)) - logits).abs() < 1e-3 * logits.abs()).all()
    assert (found.measures["absorbed"].abs() < 1e-6).all()


@pytest.mark.parametrize("rule", RULES)
def test_with_biases_what_they_absorb_makes_up_the_rest(rule: str, resnet: TorchModel, mels: Tensor) -> None:
    chosen = torch.tensor([0, 2, 4, 5])
    found = lrp(resnet, mels, chosen, RNG, rule=rule)
    assert resnet.module is not None
    logits = resnet.module(mels).detach().gather(1, chosen[:, None]).squeeze(1)
    error = (found.values.sum((1, 2, 3)) + found.measures["absorbed"] * logits - logits).abs() / logits.abs()
    assert (error < 1e-3).all()
    torch.testing.assert_close(found.measures["conservation"], error, rtol=0, atol=1e-3)
    assert (found.measures["absorbed"].abs() > 1e-3).all()


def test_a_batch_norm_is_part_of_its_convolution(cells: Tensor, targets: Tensor) -> None:
    module = small_cnn(bias=True)
    norm = nn.BatchNorm2d(8)
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
        tensor.normal_(generator=torch.Generator().manual_seed(4))
    normed = nn.Sequential(*module[:4], norm, *module[4:]).eval()
    folded = small_cnn(bias=True)
    scale = norm.weight.data / torch.sqrt(norm.running_var + norm.eps)
    folded[3].weight.data = module[3].weight.data * scale[:, None, None, None]
    folded[3].bias.data = (module[3].bias.data - norm.running_mean) * scale + norm.bias.data
    for rule in RULES:
        ours = lrp(model_of(normed, 4), cells, targets, RNG, rule=rule).values
        by_hand = lrp(model_of(folded, 4), cells, targets, RNG, rule=rule).values
        torch.testing.assert_close(ours, by_hand, rtol=1e-3, atol=1e-6)


def test_the_composite_explains_decibels_and_normalised_inputs_as_the_unit_interval(targets: Tensor) -> None:
    class Scaled(nn.Module):
        """The network behind inputs in other units: value / scale + shift is what its first layer was made for."""

        def __init__(self, scale: float, shift: float) -> None:
            super().__init__()
            self.scale, self.shift = scale, shift
            self.network = small_cnn(bias=True)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.network(inputs / self.scale + self.shift)

    unit = torch.rand(4, 1, 16, 12, generator=torch.Generator().manual_seed(2))
    expected = lrp(model_of(small_cnn(bias=True), 4), unit, targets, RNG).values
    decibel = SpeechInput(16000, 3.0, "melspectrogram", {"scaling": "decibel"})
    assert decibel.bounds == (-80.0, 0.0)
    found = lrp(model_of(Scaled(80.0, 1.0), 4, decibel), unit * 80 - 80, targets, RNG).values
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_a_softmax_at_the_end_changes_nothing(cells: Tensor, targets: Tensor) -> None:
    bare = lrp(model_of(small_cnn(bias=True), 4), cells, targets, RNG).values
    capped = lrp(model_of(nn.Sequential(small_cnn(bias=True), nn.Softmax(1)), 4), cells, targets, RNG).values
    torch.testing.assert_close(capped, bare, rtol=1e-6, atol=1e-9)


def test_a_batch_of_one_equals_a_batch_of_eight(resnet: TorchModel) -> None:
    inputs = torch.rand(8, 1, 128, 94, generator=torch.Generator().manual_seed(6))
    chosen = torch.arange(8) % 6
    together = lrp(resnet, inputs, chosen, RNG)
    for i in range(8):
        alone = lrp(resnet, inputs[i : i + 1], chosen[i : i + 1], RNG)
        torch.testing.assert_close(alone.values, together.values[i : i + 1], rtol=0, atol=1e-5)
        for name, measure in alone.measures.items():
            torch.testing.assert_close(measure, together.measures[name][i : i + 1], rtol=0, atol=1e-5)


def test_two_runs_are_equal_to_the_last_bit(resnet: TorchModel, mels: Tensor, targets: Tensor) -> None:
    first, second = (lrp(resnet, mels, targets, RNG) for _ in range(2))
    assert torch.equal(first.values, second.values)
    assert torch.equal(first.measures["conservation"], second.measures["conservation"])


def test_model_inputs_and_random_state_are_left_as_found(resnet: TorchModel, mels: Tensor, targets: Tensor) -> None:
    module = resnet.module
    assert module is not None
    module.stages[0].train()
    module.head.weight.grad = torch.ones_like(module.head.weight)
    handle = module.stem.register_forward_hook(lambda *_: None)
    modes = [m.training for m in module.modules()]
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    keys = [set(vars(m)) for m in module.modules()]
    before, random = mels.clone(), torch.get_rng_state()
    lrp(resnet, mels, targets, RNG)
    assert [m.training for m in module.modules()] == modes
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())
    assert [set(vars(m)) for m in module.modules()] == keys
    assert torch.equal(module.head.weight.grad, torch.ones_like(module.head.weight))
    assert all(p.grad is None for name, p in module.named_parameters() if name != "head.weight")
    assert list(module.stem._forward_hooks) == [handle.id]
    assert torch.equal(mels, before)
    assert torch.equal(torch.get_rng_state(), random)


def test_the_graph_is_exported_once_and_reads_the_weights_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    module = linear([[1.0, 2.0], [3.0, 4.0]])
    model, inputs, target = model_of(module, 2), torch.tensor([[1.0, 1.0]]), torch.tensor([0])
    torch.testing.assert_close(lrp(model, inputs, target, RNG).values, torch.tensor([[1.0, 2.0]]), rtol=1e-5, atol=0)
    monkeypatch.setattr(torch.export, "export", lambda *_: pytest.fail("exported twice"))
    module.weight.data.mul_(3.0)
    torch.testing.assert_close(lrp(model, inputs, target, RNG).values, torch.tensor([[3.0, 6.0]]), rtol=1e-5, atol=0)


def test_the_graph_does_not_keep_a_module_alive() -> None:
    module = linear([[1.0, 2.0], [3.0, 4.0]])
    lrp(model_of(module, 2), torch.tensor([[1.0, 1.0]]), torch.tensor([0]), RNG)
    gone = weakref.ref(module)
    del module
    gc.collect()
    assert gone() is None


def test_passes_are_booked(resnet: TorchModel, mels: Tensor, targets: Tensor) -> None:
    lrp(resnet, mels, targets, RNG)
    before = resnet.ledger.total
    lrp(resnet, mels, targets, RNG)
    after = resnet.ledger.total
    assert after.forward_samples - before.forward_samples == 4
    assert after.backward_samples - before.backward_samples == 4
