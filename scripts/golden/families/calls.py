"""Functions that take functions, and what is made of random numbers by linear algebra."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

x = np.array([0.5, 1.5, 2.5], np.float32)
key = jax.random.key(7)
cov = np.array([[2, 0.5], [0.5, 1]], np.float32)
mean = np.array([1, -1], np.float32)
places = np.array([[0], [2]], np.int32)
dims = lax.ScatterDimensionNumbers((), (0,), (0,))
r = jax.random
init = jax.nn.initializers
rng = np.random.default_rng(3)
big = np.round(rng.normal(size=(6, 3)), 2).astype(np.float32)
experts = np.round(rng.normal(size=(2, 3, 4)), 2).astype(np.float32)
ONLY = ("program",)
cube = lambda a: lax.custom_root(lambda y: y**3 - a, jnp.ones(3), lambda f, start: jnp.cbrt(a), lambda g, y: y / g(jnp.ones(3)))

cases = {
    "custom root": (cube, [x], ("program", "jvp", "vjp")),
    "custom root aux": (lambda a: lax.custom_root(lambda y: y * y - a, jnp.ones(3), lambda f, start: (jnp.sqrt(a), f(start)),
                                                  lambda g, y: y / g(jnp.ones(3)), has_aux=True), [x], ("program", "jvp")),
    "scatter apply": (lambda a, i: lax.scatter_apply(a, i, jnp.sin, dims, update_shape=(2,)), [x, places], ("program", "vmap")),
    "composite": (lambda a: lax.composite(lambda b: jnp.sin(b) * 2.5, "my.sine")(a), [x]),
    "composite attributes": (lambda a: lax.composite(lambda b, *, k, name: b * k, "my.scale", version=2)(a, k=2.5, name="a"), [x]),
    "softmax of integers": (lambda a: jax.nn.softmax(a), [np.array([0, 1, 2], np.int8)]),
    "ragged dot": (lambda a, b, g: lax.ragged_dot(a, b, g), [big, experts, np.array([2, 3], np.int32)]),
    "platform dependent": (lambda a: lax.platform_dependent(a, cpu=jnp.sin, tpu=jnp.cos), [x]),
    "platform dependent default": (lambda a: lax.platform_dependent(a, tpu=jnp.cos, default=jnp.tan), [x]),
    "orthogonal": (lambda k: r.orthogonal(k, 3), [key], ONLY),
    "orthogonal wide": (lambda k: r.orthogonal(k, 2, (2,), m=3), [key], ONLY),
    "orthogonal unitary": (lambda k: r.orthogonal(k, 2, dtype=jnp.complex64), [key], ONLY),
    "multivariate normal": (lambda k, m, c: r.multivariate_normal(k, m, c), [key, mean, cov], ("program", "jvp", "vjp")),
    "multivariate normal shape": (lambda k, m, c: r.multivariate_normal(k, m, c, (3,)), [key, mean, cov], ONLY),
    "multivariate normal eigh": (lambda k, m, c: r.multivariate_normal(k, m, c, (3,), method="eigh"), [key, mean, cov], ONLY),
    "multivariate normal svd": (lambda k, m, c: r.multivariate_normal(k, m, c, (3,), method="svd"), [key, mean, cov], ONLY),
    "orthogonal initializer": (lambda k: init.orthogonal(2.0)(k, (2, 3, 2)), [key], ONLY),
    "orthogonal initializer axis": (lambda k: init.orthogonal(column_axis=0)(k, (4, 2)), [key], ONLY),
    "delta orthogonal": (lambda k: init.delta_orthogonal()(k, (3, 3, 2, 3)), [key], ONLY),
}
