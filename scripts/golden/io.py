"""Writes tests/io/golden.json: files by NumPy and by the safetensors package, in base64, with what is in them.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 ml_dtypes==0.6.0
    venv/bin/python scripts/golden/io.py
"""

import sys

sys.path.pop(0)  # this file has the name of a module

import base64
import io
import json
import pathlib

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

rng = np.random.default_rng(0)
DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128".split()
SHAPES = [(), (1,), (5,), (2, 3), (0,), (3, 0, 2), (2, 1, 3)]


def sample(dtype, shape):
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2, shape).astype(bool))
    if "int" in dtype:
        info = np.iinfo(dtype)
        return np.asarray(rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True))
    if "complex" in dtype:
        return np.asarray((rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype))
    x = np.asarray(rng.normal(size=shape) * 100)
    x.flat[:3] = [np.inf, -np.inf, -0.0][: x.size]
    return np.asarray(x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype))


def values(x):
    """The elements in a row: integers and non-finite numbers as text, complex numbers as two numbers."""
    if x.dtype.kind == "c":
        x = np.stack([x.real, x.imag], -1)
    flat = x.reshape(-1)
    if x.dtype.kind in "iu":
        return [str(v) for v in flat.tolist()]
    if x.dtype.kind == "b":
        return [str(int(v)) for v in flat]
    return [repr(float(v)).replace("inf", "Infinity") for v in flat]


def described(x):
    return {"dtype": str(x.dtype), "shape": list(x.shape), "values": values(x)}


def text(b):
    return base64.b64encode(b).decode()


def npy(x, **options):
    f = io.BytesIO()
    np.lib.format.write_array(f, x, **options)
    return text(f.getvalue())


def case(name, x, file, same=True):
    """`same`: whether writing the array must give the very bytes."""
    return {"name": name, **described(x), "file": file, "same": same}


npys = [case(f"{d} {s}", x := sample(d, s), npy(x)) for d in DTYPES for s in SHAPES]
for version in [(2, 0), (3, 0)]:
    x = sample("float32", (2, 3))
    npys.append(case(f"version {version}", x, npy(x, version=version), False))
for d in ["int16", "float32", "uint64", "complex128", "bool", "int8"]:
    x = sample(d, (2, 3))
    big = x.astype(x.dtype.newbyteorder(">"))
    npys.append({**case(f"big-endian {d}", x, npy(big), False)})
    f = np.asfortranarray(sample(d, (2, 3, 4)))
    npys.append(case(f"fortran {d}", f, npy(f), False))

refused = [
    {"name": "objects", "file": npy(np.array([1, "a"], object), allow_pickle=True), "reason": "objects"},
    {"name": "texts", "file": npy(np.array(["abc"])), "reason": "texts"},
    {"name": "dates", "file": npy(np.array(["2020-01-01"], "datetime64[D]")), "reason": "dates"},
    {"name": "fields", "file": npy(np.zeros(2, [("a", "i4"), ("b", "f4")])), "reason": "several fields"},
]
if np.dtype("longdouble").itemsize == 16:
    refused.append({"name": "long doubles", "file": npy(np.zeros(2, "longdouble")), "reason": "f16"})


def npz(save, arrays):
    f = io.BytesIO()
    save(f, **arrays)
    return {"arrays": {k: described(v) for k, v in arrays.items()}, "file": text(f.getvalue())}


arrays = {"w": sample("float32", (3, 4)), "b": sample("int32", (4,)), "empty": sample("float64", (0,)), "größe": np.float32(3)}
many = {"zeros": np.zeros((40, 50), np.float32), "steps": np.arange(300, dtype=np.int64)}
npzs = [npz(np.savez, arrays), npz(np.savez_compressed, arrays), npz(np.savez_compressed, many)]

SAFE = [d for d in DTYPES if d != "complex128"]


def safe(name, tensors, metadata=None):
    return {
        "name": name,
        "tensors": {k: described(v) for k, v in tensors.items()},
        "metadata": metadata,
        "file": text(safetensors.numpy.save(tensors, metadata)),
    }


safes = [
    safe("all dtypes", {f"{d}.{i}": sample(d, s) for d in SAFE for i, s in enumerate([(), (2, 3), (0, 2)])}),
    safe("metadata", {"w": sample("float32", (2,))}, {"format": 'a "text"\n\u00fc\u0001'}),
    safe("names", {n: sample("int8", (1,)) for n in ["b", "a", "", "größe", "\U0001f600", "\uffee", 'q"\\', "__proto__"]}),
    safe("nothing", {}),
]

golden = {
    "versions": {"numpy": np.__version__, "safetensors": safetensors.__version__, "ml_dtypes": ml_dtypes.__version__},
    "npy": npys,
    "refused": refused,
    "npz": npzs,
    "safetensors": safes,
}
path = pathlib.Path(__file__).parents[2] / "tests/io/golden.json"
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
