"""Layers with weights, those that normalise, and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from .onnx_cases import Case, case, drawn

IMAGE = (2, 3, 7, 9)
SIGNAL = (2, 3, 11)
VARIANCE = drawn(3, low=0.5, high=1.5)
STATISTICS: dict[str, Any] = {"s": (3,), "b": (3,), "m": (3,), "v": VARIANCE}
SAME = ("SAME_UPPER", "SAME_LOWER")
PARTS = np.array([1.0, 1.0, 2.0, 3.0], np.float32)
HALF = np.array([1.0, 1.0, 0.5, 0.5], np.float32)


def kinds_of_pooling(kind: str) -> list[Case]:
    return [
        case(f"y = {kind}<kernel_shape=[3]>(x)", x=SIGNAL),
        case(f"y = {kind}<kernel_shape=[2, 3], strides=[2, 1]>(x)", x=IMAGE),
        case(f"y = {kind}<kernel_shape=[2, 2, 2], strides=[2, 2, 2]>(x)", x=(2, 2, 4, 5, 6)),
        case(f"y = {kind}<kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]>(x)", x=IMAGE),
        case(f"y = {kind}<kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]>(x)", x=IMAGE),
        case(f"y = {kind}<kernel_shape=[3, 3], strides=[1, 1], pads=[2, 2, 2, 2]>(x)", x=IMAGE),
        case(f"y = {kind}<kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1>(x)", 19, x=IMAGE),
        case(f"y = {kind}<kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1>(x)", 19, x=(2, 3, 6, 8)),
        # A last window that would lie in the margin alone.
        case(f"y = {kind}<kernel_shape=[2], strides=[3], pads=[1, 1], ceil_mode=1>(x)", 22, x=(2, 3, 8)),
        *(case(f'y = {kind}<kernel_shape=[3, 2], strides=[2, 2], auto_pad="{how}">(x)', x=IMAGE) for how in SAME),
        *(case(f'y = {kind}<kernel_shape=[4], strides=[2], auto_pad="{how}">(x)', x=SIGNAL) for how in SAME),
        case(f'y = {kind}<kernel_shape=[3, 2], auto_pad="VALID">(x)', x=IMAGE),
    ]


CASES: list[Case] = [
    case("y = Conv(x, w)", x=SIGNAL, w=(4, 3, 3)),
    case("y = Conv(x, w, b)", x=IMAGE, w=(4, 3, 3, 2), b=(4,)),
    case("y = Conv(x, w, b)", x=(2, 2, 4, 5, 6), w=(3, 2, 2, 2, 2), b=(3,)),
    case("y = Conv<strides=[2, 1], pads=[1, 2, 1, 2], dilations=[1, 2]>(x, w, b)", x=IMAGE, w=(4, 3, 3, 3), b=(4,)),
    case("y = Conv<pads=[1, 0, 2, 3]>(x, w, b)", x=IMAGE, w=(4, 3, 3, 3), b=(4,)),
    case("y = Conv<group=3>(x, w, b)", x=IMAGE, w=(6, 1, 3, 3), b=(6,)),
    case("y = Conv<group=2, kernel_shape=[3]>(x, w)", x=(2, 4, 9), w=(6, 2, 3)),
    *(case(f'y = Conv<auto_pad="{how}", strides=[2, 3]>(x, w)', x=IMAGE, w=(4, 3, 3, 2)) for how in (*SAME, "VALID")),
    *(case(f'y = Conv<auto_pad="{how}">(x, w, b)', x=SIGNAL, w=(4, 3, 4), b=(4,)) for how in SAME),
    case('y = Conv<auto_pad="VALID", dilations=[2]>(x, w)', x=SIGNAL, w=(4, 3, 3)),
    case('y = Conv<auto_pad="SAME_UPPER", dilations=[2]>(x, w)', x=SIGNAL, w=(4, 3, 3), refused="dilations"),
    # Weights that the input makes.
    case("v = ReduceMean<keepdims=1>(x); u = Add(v, w); y = Conv<pads=[1, 1]>(x, u)", x=SIGNAL, w=(4, 3, 3)),
    case("y = Conv(x, w)", x=(1, 1, 3, 3, 3, 3), w=(1, 1, 2, 2, 2, 2), refused="Conv with 4 axes of places"),
    case("y = ConvTranspose(x, w, b)", x=SIGNAL, w=(3, 4, 3), b=(4,)),
    case("y = ConvTranspose<strides=[2, 3], pads=[1, 0, 1, 2]>(x, w)", x=IMAGE, w=(3, 4, 3, 3)),
    case(
        "y = ConvTranspose<strides=[2, 3], pads=[1, 1, 1, 1], output_padding=[1, 2], group=3>(x, w)",
        x=IMAGE,
        w=(3, 2, 3, 3),
    ),
    case("y = ConvTranspose<dilations=[2], output_padding=[1], strides=[2]>(x, w)", x=SIGNAL, w=(3, 4, 3)),
    case("y = ConvTranspose<output_shape=[23], strides=[2]>(x, w)", x=SIGNAL, w=(3, 4, 3), refused="ConvTranspose"),
    case('y = ConvTranspose<auto_pad="SAME_UPPER">(x, w)', x=SIGNAL, w=(3, 4, 3), refused="auto_pad"),
    case('y = ConvTranspose<auto_pad="VALID">(x, w)', x=SIGNAL, w=(3, 4, 3)),
    case("y = Gemm(x, w)", x=(4, 5), w=(5, 3)),
    case("y = Gemm(x, w, b)", x=(4, 5), w=(5, 3), b=(3,)),
    case("y = Gemm<transB=1>(x, w, b)", x=(4, 5), w=(3, 5), b=(4, 1)),
    case("y = Gemm<transA=1, alpha=0.5, beta=2.0>(x, w, b)", x=(5, 4), w=(5, 3), b=(3,)),
    case("y = Gemm<transA=1, transB=1, beta=0.0>(x, w, b)", x=(5, 4), w=(3, 5), b=1.5),
    case("y = Gemm<alpha=2.0>(x, w, b)", 7, x=(4, 5), w=(5, 3), b=(1, 3)),
    case("y = Gemm(x, w, b)", x=(4, 5), w=(5, 3), b=1.5),
    case("y = MatMul(x, w)", x=(4, 5), w=(5, 3)),
    case("y = MatMul(x, w)", x=(2, 3, 4, 5), w=(3, 5, 2)),
    case("y = MatMul(w, x)", x=(5, 2), w=(5,)),
    case("t = Transpose(x); y = MatMul(x, t)", x=(4, 5)),
    *(case("y = BatchNormalization(x, s, b, m, v)", opset, x=IMAGE, **STATISTICS) for opset in (9, 14, 15, 17)),
    case("y = BatchNormalization<epsilon=0.1>(x, s, b, m, v)", x=(4, 3), **STATISTICS),
    case("y = BatchNormalization(x, s, b, m, v)", x=(2, 3, 2, 2, 2), **STATISTICS),
    case("y = BatchNormalization<training_mode=1>(x, s, b, m, v)", x=IMAGE, **STATISTICS, refused="training mode"),
    case("y = InstanceNormalization<epsilon=0.01>(x, s, b)", x=IMAGE, s=(3,), b=(3,)),
    case("y = InstanceNormalization(x, s, b)", x=SIGNAL, s=(3,), b=(3,)),
    case("y = LayerNormalization(x, s, b)", x=(2, 3, 4), s=(4,), b=(4,)),
    case("y = LayerNormalization<axis=1, epsilon=0.01>(x, s)", x=(2, 3, 4), s=(3, 4)),
    case("y = LayerNormalization<axis=-2>(x, s, b)", x=(2, 3, 4), s=(4,), b=(3, 4)),
    case("z, m = LayerNormalization(x, s); y = Add(z, m)", x=(2, 3, 4), s=(4,), refused="its mean as an output"),
    case("y = GroupNormalization<num_groups=2>(x, s, b)", 21, x=(2, 4, 3, 3), s=(4,), b=(4,)),
    case("y = GroupNormalization<num_groups=2, epsilon=0.01>(x, s, b)", 21, x=(2, 6, 5), s=(6,), b=(6,)),
    case("y = GroupNormalization<num_groups=2>(x, s, b)", 18, x=(2, 4, 3), s=(2,), b=(2,), refused="scales per group"),
    *(case(f"y = LpNormalization<p={p}, axis={axis}>(x)", x=(3, 4, 2)) for p in (1, 2) for axis in (-1, 0, 1)),
    case("y = LRN<size=3>(x)", x=IMAGE),
    case("y = LRN<size=5, alpha=0.3, beta=0.5, bias=2.0>(x)", x=(2, 7, 3, 4)),
    case("y = LRN<size=4>(x)", x=IMAGE, refused="LRN with an even size"),
    case("y = Upsample(x, f)", 9, x=IMAGE, f=PARTS),
    case('y = Upsample<mode="linear">(x, f)', 9, x=IMAGE, f=PARTS, refused="Upsample with linear"),
    case("y = Upsample<scales=[1.0, 1.0, 2.0, 2.0]>(x)", 7, x=IMAGE),
    case('y = Resize<coordinate_transformation_mode="asymmetric", nearest_mode="floor">(x, , f)', x=IMAGE, f=PARTS),
    case("y = Resize(x, , f)", x=IMAGE, f=PARTS),
    case('y = Resize<nearest_mode="round_prefer_ceil">(x, , , z)', x=IMAGE, z=[2, 3, 14, 27]),
    case("y = Resize(x, f)", 10, x=IMAGE, f=PARTS),
    case("y = Resize(x, , f)", x=(2, 3, 8, 4), f=HALF, refused="Resize with nearest"),
    case("y = Resize(x, , , z)", x=IMAGE, z=[2, 3, 9, 10], refused="Resize with nearest"),
    *(
        case(f'y = Resize<mode="linear", coordinate_transformation_mode="{where}">(x, , , z)', x=IMAGE, z=[2, 3, 10, 5])
        for where in ("half_pixel", "pytorch_half_pixel", "align_corners")
    ),
    case('y = Resize<mode="linear">(x, , f)', x=(2, 3, 8, 4), f=HALF),
    case('y = Resize<mode="linear">(x, , f)', x=SIGNAL, f=np.array([1.0, 1.0, 2.0], np.float32)),
    case('y = Resize<mode="linear">(x, , f)', x=IMAGE, f=np.array([1.0, 1.0, 1.5, 1.5], np.float32), refused="factor"),
    case('y = Resize<mode="cubic">(x, , f)', x=IMAGE, f=PARTS, refused="Resize with cubic"),
    case(
        'y = Resize<mode="linear", coordinate_transformation_mode="asymmetric">(x, , f)',
        x=IMAGE,
        f=PARTS,
        refused="asymmetric",
    ),
    case("y = Resize<axes=[2, 3]>(x, , , z)", 18, x=IMAGE, z=[14, 18], refused="axes of its own"),
    case('y = Resize<mode="linear", antialias=1>(x, , f)', 18, x=(2, 3, 8, 4), f=HALF, refused="antialias"),
    *kinds_of_pooling("MaxPool"),
    *kinds_of_pooling("AveragePool"),
    case("y = MaxPool<kernel_shape=[2, 3], dilations=[2, 1], strides=[1, 2]>(x)", x=IMAGE),
    case(
        'y = MaxPool<kernel_shape=[2, 3], dilations=[2, 1], strides=[2, 2], auto_pad="SAME_UPPER">(x)',
        x=IMAGE,
        refused="dilations",
    ),
    case("z, i = MaxPool<kernel_shape=[2, 3]>(x); j = Cast<to=1>(i); y = Add(z, j)", x=IMAGE, refused="places"),
    case("y = MaxPool<kernel_shape=[2, 2, 2, 2]>(x)", x=(1, 1, 3, 3, 3, 3), refused="4 axes"),
    case("y = AveragePool<kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1>(x)", x=IMAGE),
    case("y = AveragePool<kernel_shape=[3, 3], pads=[0, 1, 1, 0], count_include_pad=1>(x)", x=IMAGE),
    case(
        "y = AveragePool<kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1>(x)",
        19,
        x=(2, 3, 6, 8),
    ),
    case("y = AveragePool<kernel_shape=[3], pads=[0, 1], ceil_mode=1>(x)", 19, x=SIGNAL, refused="ceil_mode"),
    case("y = AveragePool<kernel_shape=[2, 2], dilations=[2, 1]>(x)", 19, x=IMAGE, refused="dilations"),
    *(case(f"y = Global{kind}Pool(x)", x=shape) for kind in ("Average", "Max") for shape in (SIGNAL, IMAGE)),
]
