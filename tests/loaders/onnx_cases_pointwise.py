"""Operations on each number by itself, and activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .onnx_cases import Case, case, drawn

SHAPE = (3, 4)
ABOVE = drawn(3, 4, low=1.1, high=3.0)
WITHIN = drawn(3, 4, low=-0.9, high=0.9)
POSITIVE = drawn(3, 4, low=0.1, high=3.0)
ANY = [
    "Abs",
    "Neg",
    "Exp",
    "Sign",
    "Floor",
    "Ceil",
    "Round",
    "Sin",
    "Cos",
    "Tan",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Erf",
    "Identity",
    "Relu",
    "Sigmoid",
    "Tanh",
]
ACTIVATIONS = ["Softplus", "Softsign", "LeakyRelu", "ThresholdedRelu", "Elu", "Celu", "Selu", "HardSigmoid", "Dropout"]
BOTH = ["Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"]
CHANNELS: dict[str, Any] = {"w": (4,), "x": SHAPE}

CASES: list[Case] = [
    *(case(f"y = {kind}(x)", x=(3, 4)) for kind in [*ANY, *ACTIVATIONS]),
    *(case(f"y = {kind}(x)", x=WITHIN) for kind in ("Asin", "Acos", "Atanh")),
    *(case(f"y = {kind}(x)", x=POSITIVE) for kind in ("Sqrt", "Reciprocal", "Log")),
    case("y = Acosh(x)", x=ABOVE),
    case("y = Round(x)", x=np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32), jumps=True),
    case("y = Sign(x)", jumps=True, x=np.array([-2.5, 0.0, 0.5], np.float32)),
    # In time with what is equal: half of the numbers are.
    *(case(f"b = {kind}(x, w); y = Cast<to=1>(b)", x=np.array([1, 2, 3], np.float32), w=2.0) for kind in BOTH),
    case("b = Less(x, w); c = Cast<to=1>(b); y = Mul(c, x)", **CHANNELS),
    case("b = Greater(x, w); c = Less(x, v); d = And(b, c); y = Cast<to=1>(d)", x=SHAPE, w=-1.0, v=1.0),
    case("b = Greater(x, w); c = Less(x, v); d = Or(b, c); y = Cast<to=1>(d)", x=SHAPE, w=1.0, v=-1.0),
    case("b = Greater(x, w); c = Less(x, v); d = Xor(b, c); y = Cast<to=1>(d)", x=SHAPE, w=1.0, v=0.5),
    case("b = Greater(x, w); d = Not(b); y = Cast<to=1>(d)", x=SHAPE, w=1.0),
    case("b = IsNaN(x); y = Cast<to=1>(b)", x=np.array([1.0, np.nan, np.inf], np.float32)),
    case("b = Greater(x, w); y = Where(b, x, v)", x=SHAPE, w=0.2, v=(4,)),
    case("y = Where(b, x, v)", x=SHAPE, b=np.array([[True], [False], [True]]), v=0.5),
    *(case(f"y = {kind}(x, w)", opset, **CHANNELS) for kind in ("Add", "Sub", "Mul") for opset in (7, 13, 17)),
    *(case(f"y = {kind}(w, x)", x=SHAPE, w=(1, 4)) for kind in ("Add", "Sub", "Mul")),
    *(
        case(f"y = {kind}<axis=1, broadcast=1>(x, w)", 6, x=(2, 3, 4), w=(3,), refused="broadcasting")
        for kind in ("Add", "Sub", "Mul", "Div", "Pow")
    ),
    case("y = Div(w, x)", x=POSITIVE, w=(4,)),
    case("y = Div(x, w)", x=SHAPE, w=drawn(4, low=0.5)),
    # Of integers, division cuts off, below zero too.
    case("i = Cast<to=7>(x); j = Div(i, w); y = Cast<to=1>(j)", x=drawn(3, 4, low=-9, high=9), w=[2, 3, -2, -4]),
    case("y = Pow(x, w)", x=SHAPE, w=2.0),
    case("y = Pow(x, w)", x=SHAPE, w=np.int64(3)),
    case("y = Pow(x, w)", x=POSITIVE, w=(4,)),
    case("y = Pow(w, x)", x=SHAPE, w=drawn(4, low=0.5)),
    case("i = Cast<to=7>(x); j = Pow(i, w); y = Cast<to=1>(j)", x=drawn(3, 4, low=0, high=9), w=2.0),
    case("y = Mod<fmod=1>(x, w)", x=drawn(3, 4, low=-9, high=9), w=drawn(4, low=-3)),
    case("i = Cast<to=7>(x); j = Mod(i, w); y = Cast<to=1>(j)", x=drawn(3, 4, low=-9, high=9), w=[2, 3, -2, -4]),
    case(
        "i = Cast<to=7>(x); j = Mod<fmod=1>(i, w); y = Cast<to=1>(j)", x=drawn(3, 4, low=-9, high=9), w=[2, 3, -2, -4]
    ),
    *(case(f"y = {kind}(x, w, v)", x=SHAPE, w=(4,), v=(3, 1)) for kind in ("Max", "Min", "Sum", "Mean")),
    *(case(f"y = {kind}(x)", x=SHAPE) for kind in ("Max", "Min", "Sum", "Mean")),
    case("y = Clip(x, w, v)", x=SHAPE, w=-1.0, v=0.5),
    case("y = Clip(x, , v)", x=SHAPE, v=0.5),
    case("y = Clip(x, w)", x=SHAPE, w=0.5),
    case("y = Clip(x)", x=SHAPE),
    case("y = Clip<min=-1.0, max=0.5>(x)", 6, x=SHAPE),
    case("y = Clip<max=0.5>(x)", 6, x=SHAPE),
    # Where the ends cross, the upper one holds.
    case("y = Clip(x, w, v)", x=SHAPE, w=1.0, v=0.5),
    *(case(f"i = Cast<to={to}>(x); y = Cast<to=1>(i)", x=drawn(3, 4, low=-9, high=9)) for to in (3, 5, 6, 7, 9, 11)),
    case("i = Cast<to=2>(x); y = Cast<to=1>(i)", x=drawn(3, 4, low=0, high=9)),
    case("i = Cast<to=10>(x); y = Cast<to=1>(i)", x=SHAPE),
    case("i = Cast<to=8>(x); y = Cast<to=1>(i)", x=SHAPE, refused="Cast with type 8"),
    case("i = CastLike(x, w); y = Cast<to=1>(i)", x=SHAPE, w=[1]),
    case("y = Dropout(x, w)", x=SHAPE, w=0.5),
    case("y = Dropout(x, w, v)", x=SHAPE, w=0.5, v=np.array(False)),
    case("y = Dropout(x, w, v)", x=SHAPE, w=0.5, v=np.array(True), refused="Dropout with training mode"),
    case("y = Dropout<ratio=0.3>(x)", 7, x=SHAPE),
    case("z, m = Dropout(x); c = Cast<to=1>(m); y = Add(z, c)", x=SHAPE, refused="its mask as an output"),
    case('y = Einsum<equation="ij,kj->ik">(x, w)', x=SHAPE, w=(2, 4)),
    case('y = Einsum<equation="...ij,...jk->...ik">(x, w)', x=(2, 3, 4), w=(2, 4, 2)),
    case('y = Einsum<equation="ij->j">(x)', x=SHAPE),
    case("y = LeakyRelu<alpha=0.3>(x)", x=SHAPE),
    case("y = PRelu(x, w)", x=SHAPE, w=(4,)),
    case("y = PRelu(x, w)", x=(2, 3, 4), w=(3, 1)),
    case("y = ThresholdedRelu<alpha=0.3>(x)", x=SHAPE),
    case("y = ThresholdedRelu<alpha=-0.5>(x)", x=SHAPE),
    case("y = Elu<alpha=0.3>(x)", x=SHAPE),
    case("y = Celu<alpha=0.3>(x)", x=SHAPE),
    case("y = Selu<alpha=1.2, gamma=0.7>(x)", x=SHAPE),
    case("y = HardSigmoid<alpha=0.3, beta=0.4>(x)", x=drawn(3, 4, low=-9, high=9)),
    case("y = HardSwish(x)", x=drawn(3, 4, low=-5, high=5)),
    case("y = Mish(x)", 18, x=SHAPE),
    case("y = Swish(x)", 24, x=SHAPE),
    case("y = Swish<alpha=0.7>(x)", 24, x=SHAPE),
    case("y = Gelu(x)", 20, x=SHAPE),
    case('y = Gelu<approximate="tanh">(x)', 20, x=SHAPE),
    *(case(f"y = {kind}(x)", opset, x=(2, 3, 4)) for kind in ("Softmax", "LogSoftmax") for opset in (1, 11, 13)),
    *(
        case(f"y = {kind}<axis={axis}>(x)", opset, x=(2, 3, 4))
        for kind in ("Softmax", "LogSoftmax")
        for opset in (11, 13)
        for axis in (0, 1, 2, -1, -2)
    ),
]
