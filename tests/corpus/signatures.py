"""Extracts the signatures of JAX's public functions: `python signatures.py > signatures.json`.

A parameter is written `name` if it must be given, `name=` if it has a default, `*name` and `**name` as in Python; those after a
`*` can be given by name only.
"""
import inspect
import json

import jax
import jax.ad_checkpoint
import jax.numpy as jnp
import jax.ops
import jax.scipy.linalg
import jax.scipy.special
from jax import lax, nn, random

MODULES = {
    "jnp": jnp,
    "jnp.linalg": jnp.linalg,
    "lax": lax,
    "nn": nn,
    "nn.initializers": nn.initializers,
    "random": random,
    "scipy.special": jax.scipy.special,
    "scipy.linalg": jax.scipy.linalg,
    "jax.ops": jax.ops,
    "ad_checkpoint": jax.ad_checkpoint,
}
TRANSFORMS = ["jit", "grad", "value_and_grad", "vmap", "jacfwd", "jacrev", "hessian", "vjp", "jvp", "linearize", "checkpoint"]


def parameters(f) -> list[str] | None:
    """The parameters of a function in the form above; None where Python cannot tell."""
    try:
        signature = inspect.signature(f)
    except (ValueError, TypeError):
        return None
    out, keyword_only = [], False
    for p in signature.parameters.values():
        if p.kind == p.KEYWORD_ONLY and not keyword_only:
            out.append("*")
            keyword_only = True
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        keyword_only |= p.kind == p.VAR_POSITIONAL
        out.append(star + p.name + ("" if p.default is p.empty else "="))
    return out


def main() -> None:
    found = {}
    for prefix, module in MODULES.items():
        for name in sorted(dir(module)):
            f = getattr(module, name)
            if name.startswith("_") or inspect.isclass(f) or inspect.ismodule(f) or not callable(f):
                continue
            if (spec := parameters(f)) is not None:
                found[f"{prefix}.{name}"] = spec
    found |= {f"jax.{name}": parameters(getattr(jax, name)) for name in TRANSFORMS}
    print("{\n" + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in found.items()) + "\n}")


if __name__ == "__main__":
    main()
