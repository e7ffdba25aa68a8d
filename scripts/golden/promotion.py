"""Writes tests/edges/promotion.json: the dtype, and whether it is weak, of every pair of operands in JAX, without and with 64-bit types.

    python -m venv venv && venv/bin/pip install jax==0.10.2
    venv/bin/python scripts/golden/promotion.py

A table has a row of words for each left operand: short names of dtypes, with * where the result is weakly typed, and -- where JAX raises.
"""

import json
import pathlib
import re
import sys
import warnings

sys.path.pop(0)

import jax
import jax.numpy as jnp

warnings.simplefilter("ignore")
DTYPES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128".split()
)
NARROW = [d for d in DTYPES if d not in ("int64", "uint64", "float64", "complex128")]
SCALARS = {"2": 2, "2.5": 2.5, "true": True}
OPERATIONS = {
    "add": jnp.add,
    "multiply": jnp.multiply,
    "trueDivide": jnp.true_divide,
    "floorDivide": jnp.floor_divide,
    "power": jnp.power,
    "maximum": jnp.maximum,
    "logaddexp": jnp.logaddexp,
    "bitwiseAnd": jnp.bitwise_and,
    "leftShift": jnp.left_shift,
    "arctan2": jnp.arctan2,
    "where": lambda x, y: jnp.where(jnp.array(True), x, y),
    "concatenate": lambda x, y: jnp.concatenate([x, y]),
    "resultType": jnp.result_type,
}


def short(dtype):
    return re.sub("complex", "c", re.sub("float", "f", re.sub("int", "i", re.sub("uint", "u", str(dtype)))))


def word(f, x, y):
    try:
        # Nothing is computed: closed over, the operands stay what they are, host scalars too.
        out = jax.eval_shape(lambda: f(x, y)) if f not in (jnp.result_type, jnp.promote_types) else f(x, y)
    except (TypeError, ValueError):
        return "--"
    return short(out.dtype) + "*" * out.weak_type if isinstance(out, jax.ShapeDtypeStruct) else short(out)


def table(f, rows, columns):
    return [" ".join(word(f, x, y) for y in columns) for x in rows]


def tables(dtypes):
    arrays = [jnp.ones((2,), d) for d in dtypes]
    operands = arrays + list(SCALARS.values()) + [jnp.asarray(2), jnp.asarray(2.5)]
    out = {name: table(f, operands, operands) for name, f in OPERATIONS.items()}
    out["promoteTypes"] = table(jnp.promote_types, dtypes, dtypes)
    out["resultTypeOfNames"] = table(jnp.result_type, dtypes, operands)
    return out


golden = {"narrow": {"dtypes": NARROW, "tables": tables(NARROW)}}
# Names of 64-bit types where they mean the 32-bit ones.
golden["narrow"]["tables"]["resultTypeOfWideNames"] = table(jnp.result_type, DTYPES, DTYPES)
with jax.enable_x64(True):
    golden["wide"] = {"dtypes": DTYPES, "tables": tables(DTYPES)}
text = json.dumps({"jax": jax.__version__, **golden}, indent=1)
pathlib.Path("tests/edges/promotion.json").write_text(text + "\n")
