"""Reductions, and operations that move values or pick some of them."""

from __future__ import annotations

import numpy as np

from .onnx_cases import Case, case, drawn

SHAPE = (2, 3, 4)
IMAGE = (2, 3, 5, 6)
MEANS = ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"]
LOGARITHMS = ["ReduceLogSum", "ReduceLogSumExp"]
POSITIVE = drawn(*SHAPE, low=0.1, high=3.0)
PLACES = np.array([[0, -1], [2, 1]])
LOGICAL = np.array([True, False, True])

CASES: list[Case] = [
    *(case(f"y = {kind}<axes=[1]>(x)", 13, x=POSITIVE) for kind in [*MEANS, *LOGARITHMS]),
    *(case(f"y = {kind}<axes=[-1, 0], keepdims=0>(x)", 17, x=POSITIVE) for kind in [*MEANS, *LOGARITHMS]),
    *(case(f"y = {kind}(x)", 11, x=POSITIVE) for kind in ["ReduceSum", *MEANS, *LOGARITHMS]),
    *(case(f"y = {kind}(x, a)", 18, x=POSITIVE, a=[-2]) for kind in ["ReduceSum", *MEANS, *LOGARITHMS]),
    *(case(f"y = {kind}<keepdims=0>(x, a)", 18, x=POSITIVE, a=[0, 2]) for kind in ["ReduceSum", *MEANS, *LOGARITHMS]),
    *(case(f"y = {kind}<noop_with_empty_axes=1>(x)", 18, x=SHAPE) for kind in ["ReduceSum", *MEANS]),
    *(case(f"y = {kind}<noop_with_empty_axes=1>(x)", 18, x=POSITIVE) for kind in LOGARITHMS),
    case("y = ReduceSum<axes=[1]>(x)", 11, x=SHAPE),
    case("y = ReduceSum(x, a)", 13, x=SHAPE, a=[1]),
    case("y = ReduceSum<noop_with_empty_axes=1>(x, a)", 13, x=SHAPE, a=np.zeros(0, np.int64)),
    case("y = ReduceSum<keepdims=0>(x, a)", 13, x=SHAPE, a=np.zeros(0, np.int64)),
    *(
        case(f"i = {kind}<axis={axis}, keepdims={keep}>(x); y = Cast<to=1>(i)", x=SHAPE)
        for kind in ("ArgMax", "ArgMin")
        for axis in (0, -1)
        for keep in (0, 1)
    ),
    case("i = ArgMax(x); y = Cast<to=1>(i)", x=SHAPE),
    case("i = ArgMax<select_last_index=1>(x); y = Cast<to=1>(i)", x=SHAPE, refused="ArgMax with select_last_index"),
    *(case("y = CumSum(x, a)", x=SHAPE, a=np.array(axis)) for axis in (0, 1, -1)),
    case("y = CumSum<reverse=1>(x, a)", x=SHAPE, a=np.array(1), refused="exclusive or reverse"),
    case("y = CumSum<exclusive=1>(x, a)", x=SHAPE, a=np.array(1), refused="exclusive or reverse"),
    case("y = Reshape(x, s)", x=SHAPE, s=[0, -1]),
    case("y = Reshape(x, s)", x=SHAPE, s=[4, 0, 2]),
    case("y = Reshape<allowzero=1>(x, s)", x=SHAPE, s=[3, 8]),
    case("t = Shape(x); b = Gather(t, i); o = Concat<axis=0>(b, s); y = Reshape(x, o)", x=SHAPE, i=[0], s=[-1]),
    *(case(f"y = Flatten<axis={axis}>(x)", x=IMAGE) for axis in (0, 1, 2, 4, -1, -3)),
    case("y = Flatten(x)", x=IMAGE),
    case("y = Transpose(x)", x=SHAPE),
    case("y = Transpose<perm=[0, 2, 1]>(x)", x=SHAPE),
    case("y = Squeeze(x)", x=(2, 1, 3, 1)),
    case("y = Squeeze<axes=[1]>(x)", 11, x=(2, 1, 3, 1)),
    case("y = Squeeze(x, a)", 13, x=(2, 1, 3, 1), a=[-1, 1]),
    case("y = Unsqueeze<axes=[1, 4]>(x)", 11, x=SHAPE),
    case("y = Unsqueeze(x, a)", 13, x=SHAPE, a=[-1, 0]),
    case("y = Unsqueeze(x, a)", 13, x=SHAPE, a=[3, 1]),
    *(case(f"y = Concat<axis={axis}>(x, w, x)", x=SHAPE, w=SHAPE) for axis in (0, 1, -1)),
    case("z, y = Split<axis=-1>(x)", 13, x=SHAPE),
    case("z, y = Split<axis=1, split=[1, 2]>(x)", 11, x=SHAPE),
    case("y, z = Split<axis=1>(x, s)", 13, x=SHAPE, s=[1, 2]),
    case("z, v, y = Split<axis=0, num_outputs=3>(x)", 18, x=(7, 2)),
    case("z, v, u, y = Split<axis=0, num_outputs=4>(x)", 18, x=(10, 2)),
    case("y = Slice<axes=[1, 2], starts=[0, -3], ends=[2, 100]>(x)", 9, x=SHAPE),
    case("y = Slice<starts=[0, 1], ends=[1, -1]>(x)", 9, x=SHAPE),
    case("y = Slice(x, s, e)", x=SHAPE, s=[0, 1], e=[2, 3]),
    case("y = Slice(x, s, e, a, t)", x=IMAGE, s=[1, 0], e=[2**31, -1], a=[-1, 2], t=[2, 3]),
    case("y = Slice(x, s, e, a, t)", x=IMAGE, s=[-1], e=[-(2**63)], a=[3], t=[-1]),
    case("y = Slice(x, s, e, a, t)", x=IMAGE, s=[4, 5], e=[0, -100], a=[2, 3], t=[-2, -3]),
    case("y = Slice(x, s, e, a)", x=IMAGE, s=[-100], e=[2], a=[3]),
    case("y = Gather(x, i)", x=SHAPE, i=[1, 0, 1]),
    case("y = Gather<axis=-2>(x, i)", x=SHAPE, i=PLACES),
    case("y = Gather<axis=1>(x, i)", x=SHAPE, i=np.array(-1)),
    case("y = Gather<axis=2>(x, i)", x=SHAPE, i=np.array([3], np.int32)),
    case("i = ArgMax<axis=0, keepdims=0>(x); y = Gather(w, i)", x=(3, 4), w=(3, 5)),
    case("y = GatherElements<axis=1>(x, i)", x=(2, 3), i=PLACES),
    case("y = GatherElements<axis=-1>(x, i)", x=(3, 3), i=PLACES),
    case("y = GatherND(x, i)", x=SHAPE, i=np.array([[0, 1], [1, -1]])),
    case("y = GatherND(x, i)", x=SHAPE, i=np.array([[[0, 1, 2]], [[-1, -2, -3]]])),
    case("y = GatherND<batch_dims=1>(x, i)", x=SHAPE, i=np.array([[1], [0]]), refused="GatherND with batch_dims"),
    case("y = Expand(x, s)", x=(2, 1, 4), s=[2, 3, 4]),
    case("y = Expand(x, s)", x=(3, 1), s=[2, 1, 4]),
    case("y = Expand(x, s)", x=(3, 4), s=[1, 1]),
    case("y = Tile(x, s)", x=SHAPE, s=[1, 2, 3]),
    case("y = Pad<pads=[0, 1, 0, 2], value=0.5>(x)", 2, x=(3, 4)),
    case("y = Pad(x, p)", 13, x=(3, 4), p=[1, 0, 0, 2]),
    case("y = Pad(x, p, c)", 13, x=SHAPE, p=[0, 1, 2, 0, 3, 1], c=-1.5),
    case("y = Pad(x, p, c)", 13, x=SHAPE, p=[0, -1, 0, 0, 1, -2], c=0.5),
    case("y = Pad(x, p, , a)", 18, x=SHAPE, p=[1, 2, 3, 4], a=[-1, 1]),
    *(case(f'y = Pad<mode="{mode}">(x, p)', 13, x=IMAGE, p=[0, 0, 1, 2, 0, 0, 2, 3]) for mode in ("reflect", "edge")),
    *(case(f'y = Pad<mode="{mode}">(x, p)', 13, x=SHAPE, p=[0, 0, 1, 0, 0, 2]) for mode in ("reflect", "edge")),
    case('y = Pad<mode="reflect">(x, p)', 13, x=SHAPE, p=[0, 1, 1, 0, 0, 2], refused="Pad with mode reflect"),
    case('y = Pad<mode="wrap">(x, p)', 19, x=SHAPE, p=[0, 0, 1, 0, 0, 2], refused="Pad with mode wrap"),
    case("y = DepthToSpace<blocksize=2>(x)", x=(2, 8, 3, 2)),
    case('y = DepthToSpace<blocksize=2, mode="CRD">(x)', x=(2, 8, 3, 2)),
    case("y = SpaceToDepth<blocksize=2>(x)", x=(2, 3, 4, 6)),
    case("y = Trilu(x)", x=(2, 4, 3)),
    case("y = Trilu<upper=0>(x, k)", x=(2, 4, 3), k=np.array(-1)),
    case("y = Trilu<upper=1>(x, k)", x=(2, 4, 3), k=np.array(1)),
]
