"""Functions by their rarer options."""

import jax
import jax.numpy as jnp
from jax import lax

v = jnp.asarray([0.5, -1.25, 2.0, 0.25, 1.5], jnp.float32)
w = jnp.asarray([1.0, 0.5, 2.0, 0.25, 0.75], jnp.float32)
m = jnp.asarray([[0.5, -1.25, 2.0], [0.25, 1.5, -0.5]], jnp.float32)
mw = jnp.asarray([[1.0, 0.5, 2.0], [0.25, 0.75, 1.5]], jnp.float32)
nans = jnp.asarray([[0.5, float("nan"), 2.0], [0.25, 1.5, -0.5]], jnp.float32)
q = jnp.asarray([0.2, 0.7], jnp.float32)
counts = jnp.asarray([1, 2, 3], jnp.int32)
symmetric = jnp.asarray([[2.0, 0.5, -1.0], [0.5, -3.0, 0.25], [-1.0, 0.25, 1.0]], jnp.float32)
values = ("program", "vmap")

cases = {
    "linspace step": (lambda a, b: jnp.linspace(a, b, 5, retstep=True), [jnp.float32(0.5), jnp.float32(2.0)]),
    "linspace step open": (lambda a, b: jnp.linspace(a, b, 4, endpoint=False, retstep=True), [v[0], v[2]]),
    "linspace step of one": (lambda a, b: jnp.linspace(a, b, 1, retstep=True), [v[0], v[2]]),
    "average returned": (lambda a: jnp.average(a, returned=True), [m]),
    "average returned axis": (lambda a: jnp.average(a, 1, returned=True), [m]),
    "average returned weights": (lambda a, b: jnp.average(a, 1, b, returned=True), [m, mw]),
    "map in batches": (lambda a: lax.map(lambda x: jnp.sin(x) * x, a, batch_size=2), [v]),
    "map in even batches": (lambda a: lax.map(lambda x: (jnp.sum(x), jnp.sin(x)), a, batch_size=2), [v[:4]]),
    "map in one batch": (lambda a: lax.map(jnp.sin, a, batch_size=8), [v]),
    "map in all": (lambda a: lax.map(jnp.sin, a, batch_size=0), [v]),
    "cov fweights": (lambda a, f: jnp.cov(a, fweights=f), [m, counts]),
    "cov aweights": (lambda a, b: jnp.cov(a, aweights=b), [m, w[:3]]),
    "cov both weights": (lambda a, f, b: jnp.cov(a, fweights=f, aweights=b), [m, counts, w[:3]]),
    "cov aweights ddof": (lambda a, b: jnp.cov(a, aweights=b, ddof=0), [m, w[:3]]),
    "quantile inverted": (lambda a: jnp.quantile(a, 0.4, method="inverted_cdf"), [v], values),
    "quantile weights": (lambda a, b: jnp.quantile(a, 0.4, weights=b, method="inverted_cdf"), [v, w], values),
    "quantile weights axis": (lambda a, b: jnp.quantile(a, 0.4, 1, weights=b, method="inverted_cdf"), [m, mw], values),
    "quantile weights levels": (lambda a, b, c: jnp.quantile(a, c, 0, weights=b, method="inverted_cdf"), [m, mw, q], values),
    "quantile weights of an axis": (lambda a, b: jnp.quantile(a, 0.4, 1, weights=b, method="inverted_cdf"), [m, mw[0]], values),
    "quantile weights kept": (
        lambda a, b, c: jnp.quantile(a, c, 1, weights=b, method="inverted_cdf", keepdims=True),
        [m, mw, q],
        values,
    ),
    "nanquantile weights": (lambda a, b: jnp.nanquantile(a, 0.4, 1, weights=b, method="inverted_cdf"), [nans, mw], values),
    "percentile weights": (lambda a, b: jnp.percentile(a, 40, 1, weights=b, method="inverted_cdf"), [m, mw], values),
    "conv transpose consistent": (
        lambda a, k: lax.conv_transpose(a, k, (2,), ((1, 0),), dimension_numbers=("NCW", "IOW", "NCW"), use_consistent_padding=True),
        [m[None], jnp.ones((2, 1, 3), jnp.float32)],
    ),
    "svd hermitian": (lambda a: jnp.linalg.svd(a, hermitian=True), [symmetric], values),
    "svd hermitian values": (lambda a: jnp.linalg.svd(a, hermitian=True, compute_uv=False), [symmetric]),
}
