"""Writes tests/programs/*.json: what JAX makes of functions of the library: the program, and those of the function's derivatives and of its map
over a batch, with their values.

    python -m venv venv && venv/bin/pip install jax==0.10.2
    venv/bin/python scripts/golden/programs.py [FAMILY ...]

A family is a table of cases in `scripts/golden/families/`: a name, a function of arrays, and the arrays. The same name stands for the same function
of ours in `tests/programs/`. A part that JAX refuses is not there.
"""

import importlib
import json
import pathlib
import re
import sys
import warnings

HERE = pathlib.Path(__file__).parent
sys.path[0] = str(HERE)

import jax
import jax.numpy as jnp
import numpy as np

warnings.simplefilter("ignore")
np.set_printoptions(legacy="1.25")


def number(v):
    if isinstance(v, (bool, np.bool_)):
        return bool(v)
    if isinstance(v, (complex, np.complexfloating)):
        return [number(v.real), number(v.imag)]
    if isinstance(v, (int, np.integer)):
        return int(v) if abs(int(v)) < 2**53 else str(int(v))
    f = float(v)
    if not np.isfinite(f):
        return "NaN" if np.isnan(f) else "Infinity" if f > 0 else "-Infinity"
    return float(str(v))


def encode(x):
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        return [str(x.dtype), list(x.shape), np.asarray(jax.random.key_data(x)).ravel().tolist()]
    a = np.asarray(x)
    return [str(a.dtype), list(a.shape), [number(v) for v in a.ravel()]]


def text(jaxpr):
    return re.sub(r"0x[0-9a-f]{6,}", "0x", re.sub(r" at [^\s]*/[^\s]*:\d+", "", str(jaxpr)))


def inexact(x):
    return jnp.issubdtype(x.dtype, jnp.inexact)


def direction(x, seed):
    rng = np.random.default_rng(seed)
    draw = np.round(rng.normal(size=x.shape), 2)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        draw = draw + 1j * np.round(rng.normal(size=x.shape), 2)
    return jnp.asarray(draw, x.dtype)


def attempt(out, name, make):
    try:
        out[name] = make()
    except Exception as error:  # JAX's own refusal: the part has no answer
        if "-v" in sys.argv:
            print(f"    {name}: {type(error).__name__}: {str(error)[:160]}")


def case(fn, args, parts):
    args = [a if isinstance(a, jax.Array) else jnp.asarray(a) for a in args]
    leaves = lambda *xs: tuple(jax.tree.leaves(fn(*xs)))
    moving = [i for i, a in enumerate(args) if inexact(a)]

    def of_moving(*xs):
        full = list(args)
        for i, x in zip(moving, xs):
            full[i] = x
        return tuple(y for y in leaves(*full) if inexact(y))

    out = {"args": [encode(a) for a in args]}
    if "program" in parts:
        out["program"] = text(jax.make_jaxpr(leaves)(*args))
    values = leaves(*args)
    out["values"] = [encode(y) for y in values]
    xs = [args[i] for i in moving]
    if xs and "jvp" in parts:
        ts = [direction(x, i) for i, x in enumerate(xs)]
        push = lambda xs, ts: jax.jvp(of_moving, tuple(xs), tuple(ts))[1]
        attempt(out, "jvp", lambda: {"program": text(jax.make_jaxpr(push)(xs, ts)), "with": [encode(t) for t in ts],
                                     "values": [encode(y) for y in push(xs, ts)]})
    if xs and "vjp" in parts:
        cts = [direction(y, 10 + i) for i, y in enumerate(values) if inexact(y)]
        pull = lambda xs, cts: jax.vjp(of_moving, *xs)[1](tuple(cts))
        attempt(out, "vjp", lambda: {"program": text(jax.make_jaxpr(pull)(xs, cts)), "with": [encode(t) for t in cts],
                                     "values": [encode(y) for y in pull(xs, cts)]})
    if "vmap" in parts:
        twice = [jnp.stack([a, a[::-1] if a.ndim and a.shape[0] > 1 and inexact(a) else a]) for a in args]
        attempt(out, "vmap", lambda: {"program": text(jax.make_jaxpr(jax.vmap(leaves))(*twice)),
                                      "with": [encode(t) for t in twice],
                                      "values": [encode(y) for y in jax.vmap(leaves)(*twice)]})
    return out


ALL = ("program", "jvp", "vjp", "vmap")


def main():
    wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
    names = wanted or sorted(p.stem for p in (HERE / "families").glob("*.py"))
    for name in names:
        family = importlib.import_module(f"families.{name}")
        cases = {}
        for key, (fn, args, *parts) in family.cases.items():
            if "-v" in sys.argv:
                print(key)
            with jax.enable_x64(key.startswith("x64 ")):
                cases[key] = case(fn, args() if callable(args) else args, parts[0] if parts else ALL)
        lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items())
        path = HERE.parent.parent / "tests" / "programs" / f"{name}.json"
        path.write_text(f"{{\n{lines}\n}}\n")
        print(f"{name}: {len(cases)} cases")


main()
