"""Writes tests/edges/edges.json: what JAX answers on XLA's CPU at the edges: empty and rank-0 arrays, NaN, infinities and signed zeros,
integers that overflow, floats that round, indices outside of an array, and indices that repeat.

    python -m venv venv && venv/bin/pip install jax==0.10.2
    venv/bin/python scripts/golden/edges.py

A case is a call: the name of a function, its arguments and options, and the result: arrays, a list of them, or null where JAX raises.
An array is [dtype, shape, elements]; non-finite floats, -0 and wide integers are text, and complex numbers are pairs.
"""

import json
import math
import pathlib
import sys
import warnings

sys.path.pop(0)

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

warnings.simplefilter("ignore")
inf, nan = math.inf, math.nan


def number(v):
    if isinstance(v, (bool, np.bool_)):
        return bool(v)
    if isinstance(v, (complex, np.complexfloating)):
        return [number(v.real), number(v.imag)]
    if isinstance(v, (int, np.integer)):
        return int(v) if abs(int(v)) < 2**53 else str(int(v))
    v = float(v)
    if math.isnan(v):
        return "NaN"
    if math.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    if v == 0 and math.copysign(1, v) < 0:
        return "-0"
    return v


def encode(x):
    if isinstance(x, (jax.Array, np.ndarray, np.generic)):
        a = np.asarray(x)
        name = str(a.dtype)
        return {"array": [name, list(a.shape), [number(v) for v in a.ravel()]]}
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, int):
        return x
    if isinstance(x, float):
        return {"float": number(x)}
    if isinstance(x, slice):
        return {"slice": [x.start, x.stop, x.step]}
    return [encode(v) for v in x]


def at(x, index, method, *values, **options):
    return getattr(x.at[index], method)(*values, **options)


def conv(x, w, strides, padding):
    return lax.conv(x, w, strides, padding)


def find(name):
    if name in ("at", "conv"):
        return globals()[name]
    module, _, leaf = name.partition(".")
    return getattr({"np": jnp, "lax": lax}[module], leaf)


groups = {}


def pair(group, name, x, y):
    """All pairs of elements. They are laid out first: XLA's CPU divides by what it broadcasts by means of a reciprocal, an ulp beside."""
    x, y = np.broadcast_arrays(np.asarray(x)[:, None], np.asarray(y)[None, :])
    case(group, name, jnp.asarray(x), jnp.asarray(y))


def case(group, name, *args, **options):
    # The arguments that the call is made with are those of the file.
    try:
        out = find(name)(*args, **options)
        out = encode(out)
    except (TypeError, ValueError, IndexError, NotImplementedError, ZeroDivisionError):
        out = None
    row = [name, [encode(a) for a in args], {k: encode(v) for k, v in options.items()}, out]
    groups.setdefault(group, []).append(row)


def A(values, dtype="float32"):
    return jnp.asarray(np.asarray(values, dtype=jnp.dtype(dtype)))


def Z(*shape, dtype="float32"):
    return jnp.zeros(shape, dtype)


def empty():
    g = "empty arrays"
    for dtype in ("float32", "int32", "bool"):
        for f in "sum prod mean max min argmax argmin any all count_nonzero std var ptp median nansum nanmax nanmean".split():
            case(g, "np." + f, Z(0, dtype=dtype))
            if dtype == "float32":
                case(g, "np." + f, Z(0, 3), axis=0)
                case(g, "np." + f, Z(0, 3), axis=1)
                case(g, "np." + f, Z(0, 3), axis=-2)
    for f in "cumsum cumprod sort argsort ravel flip unique abs sin negative".split():
        case(g, "np." + f, Z(0))
        case(g, "np." + f, Z(2, 0) if f != "unique" else Z(0, dtype="int32"))
    case(g, "np.sum", Z(0), keepdims=True)
    case(g, "np.sum", Z(2, 0, 3), axis=[0, 2])
    case(g, "np.max", Z(0), initial=4.0)
    case(g, "np.min", Z(0, 2), axis=0, initial=4.0)
    case(g, "np.concatenate", [Z(0), A([1, 2])])
    case(g, "np.concatenate", [Z(2, 0), Z(2, 0)], axis=1)
    case(g, "np.concatenate", [])
    case(g, "np.stack", [Z(0), Z(0)])
    case(g, "np.stack", [])
    case(g, "np.split", Z(0), 3)
    case(g, "np.array_split", A([1, 2]), 4)
    case(g, "np.matmul", Z(2, 0), Z(0, 3))
    case(g, "np.matmul", Z(0, 2), Z(2, 3))
    case(g, "np.matmul", Z(0), Z(0))
    case(g, "np.dot", Z(2, 0, dtype="int32"), Z(0, dtype="int32"))
    case(g, "np.matmul", Z(0, 2, 3), Z(0, 3, 2))
    case(g, "np.einsum", "ij,jk->ik", Z(2, 0), Z(0, 3))
    case(g, "np.einsum", "ij->", Z(2, 0))
    case(g, "np.einsum", "ij->i", Z(2, 0))
    case(g, "np.outer", Z(0), A([1, 2]))
    case(g, "np.tensordot", Z(2, 0), Z(0, 2), axes=1)
    case(g, "conv", Z(0, 1, 4, 4), Z(2, 1, 2, 2), [1, 1], "VALID")
    case(g, "conv", Z(1, 0, 4, 4), Z(2, 0, 2, 2), [1, 1], "VALID")
    case(g, "conv", Z(1, 1, 1, 4), Z(2, 1, 2, 2), [1, 1], "VALID")
    case(g, "conv", Z(1, 1, 4, 4), Z(0, 1, 2, 2), [1, 1], "SAME")
    case(g, "np.take", A([1, 2, 3]), Z(0, dtype="int32"))
    case(g, "np.take", Z(0), Z(0, dtype="int32"))
    case(g, "np.take", Z(0), A([0], "int32"))
    case(g, "np.take", Z(0, 2), A([0, 1], "int32"), axis=0)
    case(g, "np.where", Z(0, dtype="bool"), Z(0), 1)
    case(g, "np.searchsorted", Z(0), A([1, nan]))
    case(g, "np.searchsorted", A([1, 2]), Z(0))
    case(g, "np.reshape", Z(0, 3), [3, 0, 7])
    case(g, "np.reshape", Z(0, 3), [-1])
    case(g, "np.reshape", Z(0, 3), [0, -1])
    case(g, "np.broadcast_to", Z(1), [0])
    case(g, "np.broadcast_to", Z(0), [2, 0])
    case(g, "np.add", Z(0), Z(1))
    case(g, "np.add", Z(0), A([1, 2]))
    case(g, "np.tile", A([1, 2]), 0)
    case(g, "np.repeat", A([1, 2]), 0)
    case(g, "np.pad", Z(0), 2)
    case(g, "np.transpose", Z(0, 2))
    case(g, "np.diff", A([1]))
    case(g, "np.bincount", Z(0, dtype="int32"))
    case(g, "np.roll", Z(0), 2)
    case(g, "np.array_equal", Z(0), Z(0))
    case(g, "np.trace", Z(0, 3))
    case(g, "np.diag", Z(0))
    case(g, "at", A([1, 2]), Z(0, dtype="int32"), "set", 5.0)
    case(g, "at", Z(0), 0, "set", 5.0)
    case(g, "at", Z(0), A([0, 1], "int32"), "add", 5.0)


def ranks():
    g = "rank 0 and negative axes"
    s = A(2.5)
    for f in "sum prod mean max min argmax argmin any all cumsum cumprod sort argsort flip ravel squeeze transpose unique median count_nonzero atleast_2d".split():
        case(g, "np." + f, s)
    case(g, "np.sum", s, axis=0)
    case(g, "np.sum", s, axis=[])
    case(g, "np.sum", A([[1, 2]]), axis=[])
    case(g, "np.sort", s, axis=0)
    case(g, "np.concatenate", [s, s])
    case(g, "np.stack", [s, s], axis=-1)
    case(g, "np.matmul", s, A([1, 2]))
    case(g, "np.dot", s, A([1, 2]))
    case(g, "np.expand_dims", s, -1)
    case(g, "np.take", s, A([0], "int32"))
    x = A(np.arange(24).reshape(2, 3, 4) % 7)
    for axis in (-1, -2, -3, -4, 3):
        for f in "sum max argmax argmin cumsum cumprod sort argsort flip any mean".split():
            case(g, "np." + f, x, axis=axis)
        case(g, "np.concatenate", [x, x], axis=axis)
        case(g, "np.stack", [x, x], axis=axis)
        case(g, "np.roll", x, 1, axis=axis)
        case(g, "np.expand_dims", x, axis)
        case(g, "np.moveaxis", x, axis, 0)
        case(g, "np.take", x, A([0, -1], "int32"), axis=axis)
        case(g, "np.diff", x, axis=axis)
        case(g, "np.split", x, 1, axis=axis)
        case(g, "np.repeat", x, 2, axis=axis)
    case(g, "np.sum", x, axis=[0, -3])
    case(g, "np.transpose", x, [-1, 0, 1])


SPECIAL = [nan, -0.0, 0.0, inf, -inf, 1.0, -1.0, 2.5, nan, 0.0, -0.0]


def ordering():
    g = "NaN, infinities and signed zeros"
    for dtype in ("float32", "float16", "bfloat16"):
        x = A(SPECIAL, dtype)
        for f in "sort argsort max min argmax argmin sign abs negative nanmax nanmin nanargmax nanargmin cumsum cumprod isnan isinf isfinite signbit floor ceil trunc rint sqrt square reciprocal nan_to_num sum nansum prod median".split():
            case(g, "np." + f, x)
        case(g, "np.unique", x)
        y = A([1.0, nan, -0.0, 0.0, inf, -inf, -2.5], dtype)
        for f in "maximum minimum fmax fmin add multiply subtract true_divide floor_divide remainder fmod equal less less_equal not_equal greater copysign heaviside logaddexp hypot arctan2".split():
            if f in ("logaddexp", "hypot", "arctan2") and dtype != "float32":
                continue
            pair(g, "np." + f, y, y)
        case(g, "np.sort", x, descending=True)
        case(g, "np.argsort", x, descending=True)
        case(g, "np.clip", x, -1.0, 1.0)
        case(g, "np.clip", x, A(nan, dtype), 1.0)
        case(g, "np.clip", x, -1.0, A(nan, dtype))
        case(g, "np.clip", A([1, 2, 3], dtype), 3.0, 1.0)
    for side in ("left", "right"):
        case(g, "np.searchsorted", A([-inf, -1, 0, 0, 1, inf, nan]), A([nan, -0.0, 0.0, inf, -inf, 0.5]), side=side)
        case(g, "np.searchsorted", A([-0.0, 0.0, 1]), A([-0.0, 0.0]), side=side)
    case(g, "np.sort", A([complex(1, nan), complex(1, -1), complex(nan, 0), complex(0, 5), complex(1, -2)], "complex64"))
    case(g, "np.argmax", A([complex(1, 2), complex(1, 3), complex(0, 9)], "complex64"))
    case(g, "np.max", A([complex(1, 2), complex(1, 3), complex(0, 9)], "complex64"))
    case(g, "np.sign", A([complex(3, 4), complex(0, 0), complex(0, -2)], "complex64"))
    x = A(SPECIAL)
    case(g, "lax.max", x, x[::-1])
    case(g, "lax.min", x, x[::-1])
    case(g, "lax.sort", x)
    case(g, "lax.top_k", A([1, nan, inf, -0.0, 0.0]), 5)
    case(g, "lax.clamp", A(-1), x, A(1))
    case(g, "lax.cummax", x)
    case(g, "lax.cummin", x[1:])
    case(g, "np.power", A([0, -0.0, -1, nan, 1, inf, -inf, -8, 2, 0])[:, None], A([0, -0.0, nan, inf, -inf, 0.5, -1, 3, 2])[None, :])
    case(g, "np.allclose", A([nan]), A([nan]), equal_nan=True)
    case(g, "np.isclose", A([inf, inf, nan]), A([inf, -inf, nan]))


def integers(wide):
    g = "integers that wrap" + (", 64 bits" if wide else "")
    for dtype in ("int64", "uint64") if wide else ("int8", "uint8", "int16", "uint16", "int32", "uint32"):
        info = np.iinfo(dtype)
        lo, hi = int(info.min), int(info.max)
        x = A([lo, lo + 1, 0, 1, 3, hi // 2 + 1, hi - 1, hi] + ([-1, -7] if lo else [7]), dtype)
        a, b = x[:, None], x[None, :]
        for f in "add subtract multiply floor_divide remainder fmod maximum bitwise_and bitwise_xor left_shift right_shift divmod ".split():
            pair(g, "np." + f, x, x)
        for f in "abs negative square sign sum prod cumsum cumprod sort argmax argmin max min invert bitwise_count positive".split():
            case(g, "np." + f, x)
        # sums that keep their dtype
        case(g, "np.sum", x, dtype=dtype)
        case(g, "np.prod", x[x != 0], dtype=dtype)
        case(g, "np.cumsum", x, dtype=dtype)
        case(g, "np.cumprod", A([3] * 30, dtype), dtype=dtype)
        case(g, "lax.cumsum", x)
        for p in (0, 1, 2, 3, 7, 13):
            case(g, "np.power", x, p)
        case(g, "np.power", a, A([0, 1, 2, 5, 31], dtype)[None, :])
        if lo:
            case(g, "np.power", A([2, 1, -1, 0], dtype)[:, None], A([-1, -2], dtype)[None, :])
        for f in "div rem shift_left shift_right_logical shift_right_arithmetic".split():
            case(g, "lax." + f, a + jnp.zeros_like(b), b + jnp.zeros_like(a))
        bits = info.bits
        shifts = A([0, 1, bits - 1, bits, bits + 1, 2 * bits - 1 if 2 * bits - 1 <= hi else bits, 100] + ([-1] if lo else []), dtype)
        for f in "left_shift right_shift".split():
            case(g, "np." + f, a, shifts[None, :])
        case(g, "np.clip", x, 1, 3)
        case(g, "np.dot", x, x)
        case(g, "np.matmul", a, b)
        case(g, "np.mean", x)
        case(g, "np.round", x, -1)
        case(g, "lax.clz", x)
        pair(g, "np.true_divide", x, x)
        for to in "bool int8 uint8 int16 uint16 int32 uint32 float16 bfloat16 float32".split() + ["int64", "uint64", "float64"] * wide:
            case(g, "np.astype", x, to)


def conversions(wide):
    g = "floats to integers" + (", 64 bits" if wide else "")
    values = [nan, inf, -inf, -0.0, 0.5, -0.5, 1.5, -1.5, 2.9, -2.9, 127.9, 128.0, -128.9, -129.0, 255.5, 256.0, 300.0, -300.0, 32768.0, 65536.0,
              2147483520.0, 2147483648.0, -2147483648.0, -3e9, 4294967040.0, 4294967296.0, 1e10, -1e10, 9.3e18, -9.3e18, 1.9e19, 1e30, -1e30]
    for dtype in ("float32", "float64") if wide else ("float32", "float16", "bfloat16"):
        x = A(values, dtype)
        for to in "bool int8 uint8 int16 uint16 int32 uint32".split() + ["int64", "uint64"] * wide:
            case(g, "np.astype", x, to)
            case(g, "lax.convert_element_type", x, to)
    if not wide:
        case(g, "np.array", [nan, 1.5], dtype="int32")


def rounding(wide):
    g = "floats that round" + (", 64 bits" if wide else "")
    if wide:
        x = A([1 + 2**-11, 1 + 2**-11 + 2**-40, 65519.99999999, 65520, 1e-8, 2.0**-25, 2.0**-25 * 1.0000001, 3.4028235677973366e38, 1e39], "float64")
        for to in ("float16", "bfloat16", "float32"):
            case(g, "np.astype", x, to)
        case(g, "np.round", A([0.5, 1.5, 2.5, -0.5, -2.5, 2.675, 1e300], "float64"), 2)
        case(g, "np.linspace", 0, 1, 7)
        case(g, "np.arange", 0, 1, 0.1)
        return
    ints = A([2048, 2049, 2050, 2051, 65504, 65519, 65520, 65536, 16777217, 257, 258, 259], "int32")
    x = A([1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-20, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-9, 65504, 65519, 65520, -65520, 3.3895314e38, 3.4e38, 6e-8, 2.9e-8, 2.98023224e-08, 3e-8, 1e-40, -1e-45, nan, inf])
    for to in ("float16", "bfloat16", "float32"):
        case(g, "np.astype", x, to)
        case(g, "np.astype", ints, to)
    for dtype in ("float16", "bfloat16"):
        y = A([1, 1 / 3, 60000, -60000, 2**-14, 2**-24, 0.1, 1e30, 257, 2049], dtype)
        for f in "add subtract multiply true_divide maximum floor_divide remainder".split():
            pair(g, "np." + f, y, y)
        for f in "square sqrt negative abs sum cumsum mean prod".split():
            case(g, "np." + f, y)
        case(g, "np.sum", A([0.1] * 100, dtype))
        case(g, "np.mean", A([0.1] * 100, dtype))
        case(g, "np.round", A([0.5, 1.5, 2.5, -0.5, -1.5, 0.49], dtype))
        case(g, "np.astype", y, "float32")
    sub = A([1e-40, -1e-40, 1e-45, 1.1754944e-38, 5.9e-39])
    for f in "negative abs max square argmax signbit isfinite".split():
        case(g + ": subnormals (in arithmetic XLA's CPU takes them for zeros, in part)", "np." + f, sub)
    half = A([0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, 0.49999997, 8388609.0, -0.0])
    for f in "round rint ceil floor trunc".split():
        case(g, "np." + f, half)
    for d in (-2, -1, 1, 2):
        case(g, "np.round", A([15.0, 25.0, 0.25, 0.35, 1250.0, -150, 0.125]), d)
    case(g, "np.round", A([15, 25, 35, -15, -25, 149, 150, 250], "int32"), -1)
    case(g, "np.round", A([15, 25, 35, -15, -25, 149, 150, 250], "int32"), 1)
    a, b = A([7, -7, 7.5, -7.5, 0, -0.0, inf, 1e20]), A([2, -2, 0.5, -0.5, 0, -0.0, inf, -inf, 3])
    for f in "floor_divide remainder fmod divmod mod true_divide".split():
        pair(g, "np." + f, a, b)
    pair(g, "lax.rem", a, b)
    for args in ((0, 1, 0.1), (0, 1, 0.3), (1, 0, -0.25), (0, 5), (5,), (0,), (5, 0), (-1, 1, 0.5), (0.5, 3), (0, 10, 3), (10, 0, -3), (2.5,), (0, 0, 1), (0, 1, 0.001)):
        case(g, "np.arange", *args)
    for dtype in ("int32", "float16", "uint8"):
        case(g, "np.arange", 0, 5, 2, dtype=dtype)
    for n in (0, 1, 2, 3, 5, 7, 50):
        case(g, "np.linspace", 0, 1, n)
        case(g, "np.linspace", 2.5, -1, n, endpoint=False)
        case(g, "np.linspace", -3, 10, n, dtype="int32")
        case(g, "np.linspace", A([0, 1]), A([1, 5]), n, axis=-1)
        case(g, "np.logspace", 0, 2, n)
        case(g, "np.geomspace", 1, 100, n)
    case(g, "np.linspace", 0, 1, -1)


def indices():
    g = "indices outside of an array, and ones that repeat"
    x, xi = A([1, 2, 3, 4]), A([1, 2, 3, 4], "int32")
    i = A([0, 3, 4, -1, -4, -5, 100, -100], "int32")
    for mode in ("fill", "clip", "wrap", None):
        for dtype in ("float32", "int32", "uint8", "bool", "float16", "complex64"):
            case(g, "np.take", A([1, 2, 3, 4], dtype), i, mode=mode)
        case(g, "np.take", A(np.arange(6).reshape(2, 3)), A([0, 2, -2, -3], "int32"), axis=0, mode=mode)
    case(g, "np.take", x, i, mode="fill", fill_value=7.0)
    case(g, "np.take", x, A([0, 1, 255], "uint8"))
    for mode in ("fill", "clip", "promise_in_bounds", "drop", None):
        j = i if mode != "promise_in_bounds" else A([0, 3, 1, -1, -4, 2, 2, 0], "int32")
        case(g, "at", x, j, "get", mode=mode)
        case(g, "at", xi, j, "get", mode=mode)
        for method in "set add multiply min max subtract divide power".split():
            u = A([5, -6, 7, 0.5, 9, 2, 3, 4])
            # which of several values is left is not defined, so `set` repeats none
            k = j if method != "set" else (A([0, 3, 4, -2, -3, -5, 100, -100], "int32") if mode not in ("promise_in_bounds", "clip") else A([0, -1, 1, 2], "int32"))
            case(g, "at", x, k, method, u[: k.shape[0]], mode=mode)
            if method not in ("divide",):
                case(g, "at", xi, k, method, A([5, -6, 7, 2, 9, 2, 3, 4], "int32")[: k.shape[0]], mode=mode)
    case(g, "at", x, A([-1, 0], "int32"), "get", mode="fill", wrap_negative_indices=False)
    case(g, "at", x, A([-1, 0], "int32"), "set", 9.0, wrap_negative_indices=False)
    case(g, "at", x, A([5, 0], "int32"), "get", mode="fill", fill_value=-3.0)
    for index in (0, -1, 3, 4, -4, -5):
        case(g, "at", x, index, "get")
        case(g, "at", x, index, "set", 9.0)
        case(g, "at", x, index, "add", 9.0)
        case(g, "lax.dynamic_slice", x, [index], [2])
        case(g, "lax.dynamic_update_slice", x, A([8, 9]), [index])
        case(g, "lax.dynamic_index_in_dim", x, index)
    for s in (slice(2, 100), slice(-100, 2), slice(None, None, -1), slice(3, 1), slice(-1, None), slice(10, 20), slice(3, 0, -2), slice(None, -5, -1), slice(5, None, -2)):
        case(g, "at", x, s, "get")
        case(g, "at", x, s, "set", 9.0)
    dup = A([1, 1, 1, 0, 1], "int32")
    for method in "add multiply min max subtract".split():
        case(g, "at", x, dup, method, A([5, -6, 7, nan, 2]))
        case(g, "at", A([1, 2, 3], "uint8"), dup, method, A([200, 100, 3, 255, 7], "uint8"))
        case(g, "at", A([1, 2, 3], "float16"), dup, method, A([2048, 1, 1, 1, 1], "float16"))
    case(g + " (which value of `set` stays is undefined, XLA's CPU takes the last)", "at", x, dup, "set", A([5, 6, 7, 8, 9]))
    case(g, "np.take_along_axis", A([[1, 2], [3, 4]]), A([[0, 5], [-1, -3]], "int32"), 1)
    case(g, "np.take_along_axis", A([[1, 2], [3, 4]]), A([[0, 5], [-1, -3]], "int32"), 1, mode="clip")
    case(g, "np.bincount", A([0, 5, 1, 1, -1], "int32"))
    case(g, "np.bincount", A([0, 5, 1, 1], "int32"), length=3)
    case(g, "np.unique", A([3, 1, 1, 2], "int32"), size=6)
    case(g, "np.unique", A([3, 1, 1, 2], "int32"), size=2)
    case(g, "np.delete", x, 1)
    case(g, "np.searchsorted", A([1, 2, 2, 3], "int32"), A([0, 2, 4], "int32"))
    case(g, "np.digitize", A([0.5, 2, nan, inf, -inf]), A([0, 1, 2]))


PARTS = {
    "narrow": [empty, ranks, ordering, lambda: integers(False), lambda: conversions(False), lambda: rounding(False), indices],
    "wide": [lambda: integers(True), lambda: conversions(True), lambda: rounding(True)],
}


def write(golden):
    widths = []
    for width, groups in golden.items():
        rows = {g: ",\n".join(json.dumps(c) for c in cases) for g, cases in groups.items()}
        widths.append('"%s": {\n%s\n}' % (width, ",\n".join('%s: [\n%s\n]' % (json.dumps(g), r) for g, r in rows.items())))
    pathlib.Path("tests/edges/edges.json").write_text('{"jax": "%s",\n%s}\n' % (jax.__version__, ",\n".join(widths)))


golden = {}
for width, parts in PARTS.items():
    golden[width] = groups = {}
    with jax.enable_x64(width == "wide"):
        for part in parts:
            part()
            write(golden)
print({g: len(c) for w in golden.values() for g, c in w.items()})
