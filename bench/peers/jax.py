"""JAX on one CPU core on the workloads: `python bench/peers/jax.py W3`. Prints a line of JSON for each figure, as workloads/figures.ts says.

The sizes, the hash of the inputs and the checks are those of workloads/definition.ts.
"""

import os
import sys
import time

from measuring import Peer, hashed, since_start

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

ready = jax.block_until_ready
peer = Peer("jax", ready, mean_cpu=True)
check, emit, fastest, first = peer.check, peer.emit, peer.fastest, peer.first


def random(shape, seed, scale=1.0):
    return jnp.asarray(hashed(shape, seed, scale))


def memory(workload, suffix, f, *args):
    analysis = f.lower(*args).compile().memory_analysis()
    emit(workload, f"temporaries{suffix}", analysis.temp_size_in_bytes)
    emit(workload, f"outputs{suffix}", analysis.output_size_in_bytes)
    emit(workload, f"beyond inputs{suffix}", analysis.temp_size_in_bytes + analysis.output_size_in_bytes)


def magnitudes(tree):
    return sum(float(np.abs(np.asarray(x, dtype=np.float64)).sum()) for x in jax.tree.leaves(tree))


def cross_entropy(z, target):
    return jnp.mean(jax.nn.logsumexp(z, axis=-1) - jnp.sum(target * z, axis=-1))


def one_hot(rows, columns, at):
    return jnp.asarray(np.eye(columns, dtype=np.float32)[at(np.arange(rows))])


def w1():
    def loss(weights, x):
        for w in weights:
            x = jnp.sin(jnp.dot(w, x))
        return jnp.sum(x)

    weights = [random(shape, i) for i, shape in enumerate([(5, 4), (6, 5), (7, 6)])]
    x = random((4,), 9)
    plain = jax.jit(jax.grad(loss))
    first("W1", "first call", lambda: plain(weights, x))
    emit("W1", "first gradient from process start", 1e3 * since_start(), 1e3 * time.process_time())
    check("W1 gradient", magnitudes(plain(weights, x)), 39.746)
    fastest("W1", "steady", lambda: ready(plain(weights, x)), inner=300)
    kept = jax.jit(jax.grad(jax.checkpoint(loss)))
    fastest("W1", "steady, checkpoint", lambda: ready(kept(weights, x)), inner=300)


def training(workload, loss, rate, parameters, x, target, checks):
    """Steps of gradient descent; `checks` are (name, step, loss)."""

    @jax.jit
    def step(p, a, b):
        value, g = jax.value_and_grad(loss)(p, a, b)
        return [w - rate * d for w, d in zip(p, g)], value

    state = [parameters]

    def once():
        state[0], value = ready(step(state[0], x, target))
        return value

    losses = [first(workload, "first call", once)]
    losses += [once() for _ in range(9)]
    for name, i, expected in checks:
        check(name, float(losses[i]), expected)
    fastest(workload, "step", once)


def w2():
    dims = [784, 1024, 1024, 10]
    parameters = []
    for i in range(3):
        parameters += [random((dims[i], dims[i + 1]), 10 + i, (3 / dims[i]) ** 0.5), jnp.zeros(dims[i + 1])]

    def loss(p, x, target):
        h = jax.nn.relu(x @ p[0] + p[1])
        h = jax.nn.relu(h @ p[2] + p[3])
        return cross_entropy(h @ p[4] + p[5], target)

    x = jnp.abs(random((256, 784), 100))
    target = one_hot(256, 10, lambda i: i % 10)
    training("W2", loss, 0.1, parameters, x, target, [("W2 first loss", 0, 2.33207), ("W2 tenth loss", 9, 2.09506)])


def gpt_inputs():
    d, length, batch, vocabulary = 256, 128, 4, 512
    i = np.arange(batch * (length + 1), dtype=np.int64)
    tokens = ((i * 7919 + (i * i) % 97) % vocabulary).reshape(batch, length + 1)
    eye = np.eye(vocabulary, dtype=np.float32)
    a = (3 / d) ** 0.5
    parameters = [random((vocabulary, d), 200, 0.05), random((length, d), 201, 0.05)]
    for layer in range(4):
        s = 300 + 10 * layer
        parameters += [jnp.ones(d), jnp.zeros(d), random((d, 3 * d), s, a), random((d, d), s + 1, a * 0.5)]
        parameters += [jnp.ones(d), jnp.zeros(d), random((d, 4 * d), s + 2, a), random((4 * d, d), s + 3, a * 0.25)]
    parameters += [jnp.ones(d), jnp.zeros(d)]
    mask = jnp.where(jnp.tril(jnp.ones((length, length))) > 0, 0.0, -1e9)
    return parameters, jnp.asarray(eye[tokens[:, :-1]]), jnp.asarray(eye[tokens[:, 1:]]), mask


def layer_norm(x, scale, shift):
    c = x - jnp.mean(x, -1, keepdims=True)
    return c * lax.rsqrt(jnp.mean(c * c, -1, keepdims=True) + 1e-5) * scale + shift


def gpt_block(q, x, mask):
    batch, length, d = x.shape
    qkv = (layer_norm(x, q[0], q[1]) @ q[2]).reshape(batch, length, 3, 4, d // 4)
    a, b, c = (jnp.transpose(qkv[:, :, i], (0, 2, 1, 3)) for i in range(3))
    weights = jax.nn.softmax(jnp.einsum("bhqc,bhkc->bhqk", a, b) * (d // 4) ** -0.5 + mask, -1)
    mixed = jnp.einsum("bhqk,bhkc->bhqc", weights, c)
    x = x + jnp.transpose(mixed, (0, 2, 1, 3)).reshape(batch, length, d) @ q[3]
    return x + jax.nn.gelu(layer_norm(x, q[4], q[5]) @ q[6], approximate=True) @ q[7]


def gpt_step(block):
    def loss(p, x, target, mask):
        x = x @ p[0] + p[1]
        for i in range(2, len(p) - 2, 8):
            x = block(p[i : i + 8], x, mask)
        return cross_entropy(layer_norm(x, p[-2], p[-1]) @ p[0].T, target)

    return jax.jit(jax.value_and_grad(loss))


def w3(measure=True):
    args = gpt_inputs()
    for suffix, block in (("", gpt_block), (", checkpoint", jax.checkpoint(gpt_block))):
        step = gpt_step(block)
        if not measure:
            memory("W3", suffix, step, *args)
            continue
        value, g = first("W3", f"first call{suffix}", lambda: step(*args))
        check("W3 loss", float(value), 6.33746)
        check("W3 gradient", magnitudes(g), 2497.73)
        fastest("W3", f"step{suffix}", lambda: ready(step(*args)), budget=5.0)


def w4(measure=True):
    steps, hidden, batch = 1000, 128, 16
    args = [random((hidden, hidden), 400, (1.5 / hidden) ** 0.5), random((hidden,), 401, 0.1)]
    args += [random((steps, batch, hidden), 402, 0.5), jnp.zeros((batch, hidden))]

    def run(w, b, h, xs):
        def body(h, x):
            h = jnp.tanh(h @ w + x + b)
            return h, jnp.mean(h * h)

        return lax.scan(body, h, xs)

    def whole(w, b, xs, h):
        return jnp.sum(run(w, b, h, xs)[1]) / steps

    def segments(w, b, xs, h):
        @jax.checkpoint
        def segment(h, part):
            h, losses = run(w, b, h, part)
            return h, jnp.sum(losses)

        return jnp.sum(lax.scan(segment, h, xs.reshape(25, 40, batch, hidden))[1]) / steps

    for suffix, loss in (("", whole), (", segments", segments)):
        step = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
        if not measure:
            memory("W4", suffix, step, *args)
            continue
        value, g = first("W4", f"first call{suffix}", lambda: step(*args))
        check("W4 loss", float(value), 0.116325)
        check("W4 gradient", magnitudes(g), 1.87413)
        fastest("W4", f"step{suffix}", lambda: ready(step(*args)))


def w5(measure=True):
    x = random((4 * 1024 * 1024,), 500, 2.0)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(jnp.exp(jnp.tanh(x)) * x))))
    if not measure:
        memory("W5", "", gradient, x)
        return
    check("W5 gradient", magnitudes(gradient(x)), 4.0174e6)
    fastest("W5", "gradient", lambda: ready(gradient(x)))


def w6():
    products = dict(NN=lambda x, y: x @ y, NT=lambda x, y: x @ y.T, TN=lambda x, y: x.T @ y, TT=lambda x, y: x.T @ y.T)
    for n in (512, 1024, 2048):
        a, b = random((n, n), 600), random((n, n), 601)
        for name, product in products.items():
            f = jax.jit(product)
            fastest("W6", f"{name} {n}", lambda: ready(f(a, b)), budget=1.5)


def w7():
    parameters = [random((3, 3, 1, 32), 700, 0.3), jnp.zeros(32), random((3, 3, 32, 64), 701, 0.06), jnp.zeros(64)]
    parameters += [random((14 * 14 * 64, 10), 702, 0.01), jnp.zeros(10)]

    def conv(h, k):
        return lax.conv_general_dilated(h, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def loss(p, x, target):
        h = jax.nn.relu(conv(x, p[0]) + p[1])
        h = jax.nn.relu(conv(h, p[2]) + p[3])
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return cross_entropy(h.reshape(x.shape[0], -1) @ p[4] + p[5], target)

    x, target = random((32, 28, 28, 1), 703), one_hot(32, 10, lambda i: i % 10)
    training("W7", loss, 0.05, parameters, x, target, [("W7 loss", 0, 2.29712)])


def w8():
    for depth in (50, 500, 2000):
        weights = [random((8, 8), 800 + i, 0.8) for i in range(depth)]
        x = random((4, 8), 799)
        for suffix, wrap in (("", lambda f: f), (", checkpoint", jax.checkpoint)):
            layer = wrap(lambda h, w: jnp.tanh(h @ w))

            def loss(ws, h):
                for w in ws:
                    h = layer(h, w)
                return jnp.sum(h)

            gradient = jax.jit(jax.grad(loss))
            g = first("W8", f"first call {depth}{suffix}", lambda: gradient(weights, x))
            if depth == 50:
                check("W8 gradient", magnitudes(g), 391.716)
            fastest("W8", f"steady {depth}{suffix}", lambda: ready(gradient(weights, x)), budget=1.0)


def memories():
    for workload in (w3, w4, w5):
        workload(measure=False)


WORKLOADS = dict(W1=w1, W2=w2, W3=w3, W4=w4, W5=w5, W6=w6, W7=w7, W8=w8, memory=memories)

if __name__ == "__main__":
    for name in sys.argv[1:]:
        WORKLOADS[name]()
