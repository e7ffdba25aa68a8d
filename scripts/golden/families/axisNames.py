"""Functions under maps whose axes have names."""

import jax
import jax.numpy as jnp
from jax import lax

i = lambda f, **options: jax.vmap(f, axis_name="i", **options)
ij = lambda f: jax.vmap(jax.vmap(f, axis_name="j"), axis_name="i")

rows = jnp.asarray([[0.5, 1.25], [-0.75, 2.0], [1.5, -0.25]], jnp.float32)
square = jnp.asarray([[0.5, 1.25, -1.0], [-0.75, 2.0, 0.25], [1.5, -0.25, 0.75]], jnp.float32)
block = jnp.linspace(-1.0, 1.5, 36, dtype=jnp.float32).reshape(3, 2, 3, 2)
wide = jnp.linspace(-1.0, 1.5, 72, dtype=jnp.float32).reshape(3, 2, 6, 2)
cube = jnp.linspace(-1.0, 1.5, 18, dtype=jnp.float32).reshape(3, 3, 2)


@jax.custom_jvp
def shared(a):
    return lax.psum(a, "i") * a


shared.defjvps(lambda t, out, a: t * lax.psum(a, "i"))


@jax.custom_vjp
def pulled(a):
    return lax.pmean(jnp.sin(a), "i")


pulled.defvjp(lambda a: (pulled(a), a), lambda a, ct: (lax.pmean(ct, "i") * jnp.cos(a),))

cases = {
    "psum": (i(lambda a: lax.psum(a, "i")), [rows]),
    "psum product": (i(lambda a: a / lax.psum(jnp.sin(a), "i")), [rows]),
    "psum tree": (i(lambda a: lax.psum((a, a * 2, 2.0, 3), "i")), [rows]),
    "psum booleans": (i(lambda a: lax.psum(a > 1, "i")), [rows]),
    "psum unmapped": (lambda a, b: i(lambda x: x * lax.psum(b, "i"))(a), [rows, rows[0]]),
    "psum places": (i(lambda a: lax.psum(a * a, ("i", 0))), [rows]),
    "psum out": (i(lambda a: lax.psum(a, "i"), out_axes=None), [rows]),
    "psum second axis": (i(lambda a: lax.psum(a, "i") * a, in_axes=1), [rows]),
    "pmean": (i(lambda a: a - lax.pmean(a, "i")), [rows]),
    "pmean both": (ij(lambda a: a - lax.pmean(a, ("i", "j"))), [block]),
    "pmean outer": (ij(lambda a: a * lax.pmean(a, "i")), [block]),
    "pmean inner": (ij(lambda a: a * lax.pmean(a, "j")), [block]),
    "pmax": (i(lambda a: a - lax.stop_gradient(lax.pmax(a, "i"))), [rows]),
    "pmin": (i(lambda a: lax.pmin(a, "i")), [rows]),
    "pmax both": (ij(lambda a: lax.pmax(a, ("i", "j"))), [block]),
    "axis index": (i(lambda a: a * lax.axis_index("i")), [rows]),
    "axis index alone": (lambda a: jax.vmap(lambda: lax.axis_index("i"), axis_name="i", axis_size=4)() + a[0], [rows[0]]),
    "axis index both": (ij(lambda a: a + lax.axis_index(("i", "j"))), [block]),
    "axis size": (ij(lambda a: a * lax.axis_size("i") + lax.axis_size(("i", "j"))), [block]),
    "keys by index": (
        i(lambda a: a + jax.random.uniform(jax.random.fold_in(jax.random.key(0), lax.axis_index("i")))),
        [rows],
    ),
    "all gather": (i(lambda a: jnp.sin(lax.all_gather(jnp.sin(a), "i"))), [rows]),
    "all gather axis": (i(lambda a: lax.all_gather(a, "i", axis=-1)), [rows]),
    "all gather tiled": (i(lambda a: lax.all_gather(a, "i", tiled=True)), [rows]),
    "all gather outer": (ij(lambda a: lax.all_gather(a, "i", axis=1)), [block]),
    "all gather inner tiled": (ij(lambda a: lax.all_gather(a, "j", axis=1, tiled=True)), [block]),
    "all gather unmapped": (i(lambda a: a * lax.all_gather(jnp.ones(2), "i")), [rows]),
    "ppermute": (i(lambda a: jnp.sin(lax.ppermute(jnp.sin(a), "i", [(0, 1), (1, 2), (2, 0)]))), [rows]),
    "pshuffle": (ij(lambda a: a * lax.pshuffle(a, "i", [1, 2, 0])), [block]),
    "psum scatter": (i(lambda a: lax.psum_scatter(jnp.sin(a), "i")), [square]),
    "psum scatter tiled": (i(lambda a: lax.psum_scatter(a, "i", tiled=True)), [square]),
    "psum scatter inner": (ij(lambda a: lax.psum_scatter(a, "j", scatter_dimension=1)), [block]),
    "psum scatter unmapped": (i(lambda a: lax.psum_scatter(jnp.ones(3), "i") + a[0]), [rows]),
    "all to all": (i(lambda a: lax.all_to_all(a, "i", 0, 0)), [square]),
    "all to all later": (i(lambda a: lax.all_to_all(a, "i", 0, 1)), [cube], ("program", "jvp", "vmap")),
    "all to all tiled": (i(lambda a: lax.all_to_all(a, "i", 0, 1, tiled=True)), [cube]),
    "all to all outer": (ij(lambda a: lax.all_to_all(a, "i", 0, 1)), [block], ("program", "jvp", "vmap")),
    "all to all both": (ij(lambda a: lax.all_to_all(a, ("i", "j"), 0, 0, tiled=True)), [wide]),
    "pswapaxes": (i(lambda a: lax.pswapaxes(a, "i", 0)), [cube]),
    "in jit": (i(jax.jit(lambda a: lax.psum(jnp.sin(a), "i") + lax.axis_index("i"))), [rows]),
    "in checkpoint": (i(jax.checkpoint(lambda a: lax.psum(jnp.sin(a), "i") * a)), [rows]),
    "in scan": (i(lambda a: lax.scan(lambda c, t: (c + lax.psum(jnp.sin(t), "i"), c), 0.0, a)), [rows]),
    "in cond": (lambda a: i(lambda x: lax.cond(True, lambda b: lax.psum(b, "i"), lambda b: b, x))(a), [rows]),
    "in cond batched": (i(lambda a: lax.cond(a[0] > 1, lambda b: lax.psum(b, "i"), lambda b: b, a)), [rows]),
    "in fori": (i(lambda a: lax.fori_loop(0, 3, lambda _, c: lax.pmean(c, "i") + c, a)), [rows]),
    "in custom jvp": (i(shared), [rows]),
    "in custom vjp": (i(pulled), [rows]),
    "grad inside": (i(jax.grad(lambda a: jnp.sum(lax.psum(jnp.sin(a), "i") * a))), [rows]),
    "grad inside mean": (i(jax.grad(lambda a: jnp.sum(lax.pmean(jnp.sin(a), "i")))), [rows]),
    "grad inside gather": (i(jax.grad(lambda a: jnp.sum(lax.all_gather(jnp.sin(a), "i")))), [rows]),
    "grad inside permute": (
        i(jax.grad(lambda a: jnp.sum(jnp.sin(lax.ppermute(jnp.sin(a), "i", [(0, 1), (1, 2), (2, 0)]))))),
        [rows],
    ),
    "grad inside scatter": (i(jax.grad(lambda a: lax.psum_scatter(jnp.sin(a), "i"))), [square]),
    "grad inside checkpoint": (i(jax.grad(jax.checkpoint(lambda a: jnp.sum(lax.psum(jnp.sin(a), "i"))))), [rows]),
    "standardized": (
        i(lambda a: (a - lax.pmean(a, "i")) * lax.rsqrt(lax.pmean(a * a, "i") - lax.pmean(a, "i") ** 2 + 1e-3)),
        [rows],
    ),
}
