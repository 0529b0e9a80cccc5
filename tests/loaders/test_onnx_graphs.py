"""Graphs around their operations: constants, sizes, choices, functions, names, and what is never converted."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, parser

from audit.loaders.onnx_graph.convert import converted
from audit.loaders.onnx_graph.table import NotConvertedError

from .onnx_cases import Case, case, check, due

IMAGE = (2, 3, 5, 6)
SIZES = [
    case("c = Constant<value_float=1.5>(); y = Add(x, c)", x=(3, 4)),
    case("c = Constant<value_floats=[1.5, 2.0, 0.0, 3.0]>(); y = Add(x, c)", x=(3, 4)),
    case("c = Constant<value_ints=[-1, 2]>(); y = Reshape(x, c)", x=(3, 4)),
    case("s = Shape(x); c = ConstantOfShape(s); d = Cos(c); y = Add(x, d)", x=(3, 4)),
    case("s = Shape<start=1>(x); y = Expand(w, s)", x=(3, 4), w=1.5, refused="does not depend on the input"),
    case("s = Size(x); f = Cast<to=1>(s); y = Div(x, f)", x=(3, 4)),
    case(
        "s = Shape<start=-1>(x); n = Squeeze(s); r = Range(o, n, l); f = Cast<to=1>(r); y = Mul(x, f)",
        x=(3, 4),
        o=np.array(0),
        l=np.array(1),
    ),
    case("s = Shape(x); n = Gather(s, i); h = Div(n, t); y = Slice(x, o, h, a)", x=IMAGE, i=[3], t=[2], o=[0], a=[3]),
    case(
        "m = ReduceMean<keepdims=0>(x); u = Unsqueeze(m, a); i = Cast<to=7>(u); y = Tile(x, i)",
        x=(3,),
        a=[0],
        refused="Tile by values that depend on the input's",
    ),
    case("y = MeanVarianceNormalization(x)", x=IMAGE),
    case("y = MeanVarianceNormalization<axes=[2, 3]>(x)", x=IMAGE),
    case("y = Shrink<lambd=0.5, bias=0.1>(x)", x=(3, 4), refused="Shrink"),
    case("y = RMSNormalization(x, w)", 23, x=(3, 4), w=(4,)),
    case("z = Relu(x); y = RMSNormalization<axis=0, epsilon=0.1>(z, w)", 23, x=(3, 4), w=(3, 4)),
    case("y = Attention(x, x, x)", 23, x=(2, 2, 3, 4)),
    case("y = RandomNormalLike(x)", x=(3, 4), refused="RandomNormalLike, which draws by chance"),
    case("n = NonZero(x); y = Cast<to=1>(n)", x=(3, 4), refused="NonZero"),
    case("y = Hardmax(x)", x=(3, 4), refused="Hardmax"),
]


@pytest.mark.parametrize("case", SIZES, ids=str)
def test_constants_sizes_and_functions_become_part_of_the_network(case: Case) -> None:
    check(case)


def model_of(text: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17, "own" : 1]>\n{text}')


def same(model: onnx.ModelProto, *shape: int) -> None:
    x = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = converted(model, "y").eval()(x)
    torch.testing.assert_close(found, torch.from_numpy(due(model, x.numpy())), atol=1e-5, rtol=0)


def choice(condition: str) -> onnx.ModelProto:
    return model_of(
        "net (float[n, 3] x) => (float[n, 3] y) <int64 two = {2}, int64[1] ax = {0}> {"
        + condition
        + """
            y = If (c) <
                then_branch = wide () => (float[n, 3] t) { t = Relu(x) },
                else_branch = thin () => (float[n, 3] e) { z = Neg(x)  e = Exp(z) }
            >
        }"""
    )


@pytest.mark.parametrize("value", [0, 1])
def test_a_choice_by_a_constant_keeps_the_branch_it_names(value: int) -> None:
    same(choice(f"k = Constant<value_int={value}>()  c = Cast<to=9>(k)"), 3, 3)


def test_a_choice_by_the_size_of_the_batch_is_made_for_each_batch() -> None:
    model = choice("s = Shape<start=0, end=1>(x)  q = Squeeze(s, ax)  c = Greater(q, two)")
    network = converted(model, "y").eval()
    for count in (1, 2, 3, 5):
        x = torch.rand(count, 3)
        torch.testing.assert_close(network(x), torch.from_numpy(due(model, x.numpy())), atol=1e-6, rtol=0)


def test_a_choice_by_the_values_of_the_input_is_refused() -> None:
    with pytest.raises(NotConvertedError, match="If, which depends on the input's values"):
        converted(choice("m = ReduceMax<keepdims=0>(x)  c = Cast<to=9>(m)"), "y")


def test_a_loop_is_refused_by_its_name() -> None:
    model = model_of(
        """net (float[n, 3] x) => (float[n, 3] y) <int64 count = {2}, bool go = {1}> {
            y = Loop (count, go, x) <
                body = once (int64 i, bool c, float[n, 3] a) => (bool d, float[n, 3] b) {
                    d = Identity(c)  b = Add(a, a)
                }
            >
        }"""
    )
    with pytest.raises(NotConvertedError, match="Loop"):
        converted(model, "y")


def test_functions_that_the_file_defines_are_written_out() -> None:
    model = model_of(
        """net (float[n, 3] x) => (float[n, 3] y) { h = own.twice(x)  y = own.twice(h) }
        <domain: "own", opset_import: ["" : 17]>
        twice (a) => (c) { b = Add(a, a)  c = Tanh(b) }"""
    )
    same(model, 4, 3)


def test_operations_of_another_domain_are_refused_with_it() -> None:
    with pytest.raises(NotConvertedError, match=r"FusedThing of own"):
        converted(model_of("net (float[n, 3] x) => (float[n, 3] y) { y = own.FusedThing(x) }"), "y")


def test_weights_that_are_inputs_as_well_stay_weights() -> None:
    same(
        model_of("net (float[n, 3] x, float[3] w) => (float[n, 3] y) <float[3] w = {1, 2, 3}> { y = Mul(x, w) }"), 4, 3
    )


@pytest.mark.parametrize("names", ["type training pop", "a-b a.b a_b_2", "a_2 a a-", "0 // ä"])
def test_any_name_of_a_node_will_do(names: str) -> None:
    first, second, third = names.split()
    nodes = [
        helper.make_node("Relu", ["x"], ["h"], name=first),
        helper.make_node("Exp", ["h"], ["g"], name=second),
        helper.make_node("Tanh", ["g"], ["y"], name=third),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:])
    same(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), 4, 3)


def test_sparse_weights_are_refused() -> None:
    model = model_of("net (float[n, 3] x) => (float[n, 3] y) { y = Mul(x, w) }")
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [2.0])
    places = helper.make_tensor("i", TensorProto.INT64, [1], [1])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [3]))
    with pytest.raises(NotConvertedError, match="sparse weights"):
        converted(model, "y")


def test_feature_maps_are_known_behind_a_convolution_alone() -> None:
    model = model_of(
        """net (float[n, 4, 4, 1] x) => (float[n, 3] y) <float[3, 1, 3, 3] w, float[3, 3] v> {
            t = Transpose<perm=[0, 3, 1, 2]>(x)
            c = Conv(t, w)
            r = Relu(c)
            b = Transpose<perm=[0, 2, 3, 1]>(r)
            m = ReduceMean<axes=[1, 2], keepdims=0>(b)
            y = MatMul(m, v)
        }"""
    )
    network = converted(model, "y")
    assert {step.outputs[0] for step in network.steps if step.is_map} == {"c", "r"}
