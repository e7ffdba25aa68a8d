"""Writes the public names of the installed JAX, which `scripts/compatibility.ts` compares with ours, to docs/jax-names.json.

Modules and deprecated names are left out; primitives are listed apart, with the name that they have in jaxprs.
"""

import importlib
import json
import pathlib
import types

import jax
from jax.extend.core import Primitive

MODULES = ["numpy", "numpy.linalg", "numpy.fft", "lax", "lax.linalg", "nn", "nn.initializers", "random"]
TARGET = pathlib.Path(__file__).parent.parent / "docs" / "jax-names.json"


def public(module):
    deprecated = getattr(module, "_deprecations", {})
    for name in sorted(dir(module)):
        if name.startswith("_") or name in deprecated:
            continue
        value = getattr(module, name)
        if not isinstance(value, types.ModuleType):
            yield name, value


def main():
    names, primitives = {}, {}
    for part in MODULES:
        for name, value in public(importlib.import_module(f"jax.{part}")):
            if isinstance(value, Primitive):
                primitives[f"jax.{part}.{name}"] = value.name
            else:
                names.setdefault(f"jax.{part}", []).append(name)
    TARGET.write_text(json.dumps({"jax": jax.__version__, "names": names, "primitives": primitives}, indent=1) + "\n")


if __name__ == "__main__":
    main()
