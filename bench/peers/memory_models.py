"""The models of examples/models in JAX, in full size: `python bench/peers/memory_models.py GPT-4` prints a line of JSON for each variant with the bytes that the
compiled step of value and gradient takes: arguments, outputs and temporaries, as the compiler's memory analysis says. Nothing is run."""

import json
import os
import sys

sys.path.pop(0)
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
from jax import lax

F32 = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
I32 = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.int32)
POLICIES = {
    "everything saved": jax.checkpoint_policies.everything_saveable,
    "products saved": jax.checkpoint_policies.dots_saveable,
    "nothing saved": None,
}


def cross_entropy(logits, hot):
    shifted = logits - jnp.max(logits, axis=-1, keepdims=True)
    total = jnp.log(jnp.sum(jnp.exp(shifted), axis=-1))
    return jnp.mean(total - jnp.sum(hot * shifted, axis=-1))


def mlp(wrap):
    layer = wrap(lambda p, x: jnp.sin(x @ p[0] + p[1]))

    def loss(params, batch):
        h = batch[0]
        for p in params:
            h = layer(p, h)
        return jnp.mean((h - batch[1]) ** 2)

    return loss, [(F32(256, 256), F32(256))] * 20, (F32(4096, 256), F32(4096, 256))


def gpt(blocks):
    width, heads, length, batch, vocabulary = 256, 4, 128, 8, 512

    def norm(p, x):
        c = x - jnp.mean(x, axis=-1, keepdims=True)
        return c / jnp.sqrt(jnp.mean(c**2, axis=-1, keepdims=True) + 1e-5) * p[0] + p[1]

    def transformer(p, x):
        first, queries, keys, values, out, second, up, down = p
        n = norm(first, x)
        q, k, v = (jnp.einsum("btd,dhc->bhtc", n, w) for w in (queries, keys, values))
        scores = jnp.einsum("bhqc,bhkc->bhqk", q, k) / (width // heads) ** 0.5
        mix = jax.nn.softmax(jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e9))
        x = x + jnp.einsum("bhtc,hcd->btd", jnp.einsum("bhqk,bhkc->bhqc", mix, v), out)
        return x + jax.nn.gelu(norm(second, x) @ up, approximate=True) @ down

    def model(wrap):
        block = wrap(transformer)

        def loss(params, tokens):
            embedding, position, all_blocks, last = params
            x = jnp.take(embedding, tokens[0], axis=0) + position
            for p in all_blocks:
                x = block(p, x)
            return cross_entropy(norm(last, x) @ embedding.T, jax.nn.one_hot(tokens[1], vocabulary))

        n = (F32(width), F32(width))
        head = F32(width, heads, width // heads)
        p = (n, head, head, head, F32(heads, width // heads, width), n, F32(width, 4 * width), F32(4 * width, width))
        params = (F32(vocabulary, width), F32(length, width), [p] * blocks, n)
        return loss, params, (I32(batch, length), I32(batch, length))

    return model


def conv(x, kernel, stride=1):
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def linear_unit(p, x, stride=1):
    x = conv(x, p[0], stride)
    c = x - jnp.mean(x, axis=(0, 1, 2), keepdims=True)
    return c / jnp.sqrt(jnp.mean(c**2, axis=(0, 1, 2), keepdims=True) + 1e-5) * p[1] + p[2]


def unit(p, x, stride=1):
    return jax.nn.relu(linear_unit(p, x, stride))


def unit_of(size, channels, out):
    return F32(size, size, channels, out), F32(out), F32(out)


def max_pool(x, size):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, size, size, 1), (1, 2, 2, 1), "SAME")


def resnet(wrap):
    def bottleneck(stride):
        def block(p, x):
            h = linear_unit(p[2], unit(p[1], unit(p[0], x), stride))
            return jax.nn.relu(h + (linear_unit(p[3], x, stride) if len(p) > 3 else x))

        return wrap(block)

    same, halving = bottleneck(1), bottleneck(2)

    def loss(params, batch):
        stem, stages, head = params
        x = max_pool(unit(stem, batch[0], 2), 3)
        for s, blocks in enumerate(stages):
            for i, p in enumerate(blocks):
                x = (halving if i == 0 and s > 0 else same)(p, x)
        return cross_entropy(jnp.mean(x, axis=(1, 2)) @ head, jax.nn.one_hot(batch[1], 10))

    def block_of(channels, w, first):
        p = (unit_of(1, channels, w), unit_of(3, w, w), unit_of(1, w, 4 * w))
        return p + ((unit_of(1, channels, 4 * w),) if first else ())

    stages = []
    for s, depth in enumerate((3, 4, 6, 3)):
        w = 64 * 2**s
        stages.append([block_of((64 if s == 0 else 2 * w) if i == 0 else 4 * w, w, i == 0) for i in range(depth)])
    return loss, (unit_of(7, 3, 64), stages, F32(2048, 10)), (F32(8, 112, 112, 3), I32(8))


def unet(wrap):
    def pair(p, x):
        return unit(p[1], unit(p[0], x))

    def up(p, x, skip):
        larger = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
        return pair(p, jnp.concatenate([skip, larger], axis=-1))

    step_down, step_up = wrap(pair), wrap(up)

    def loss(params, batch):
        down, bottom, above, head = params
        skips, x = [], batch[0]
        for p in down:
            skips.append(step_down(p, x))
            x = max_pool(skips[-1], 2)
        x = step_down(bottom, x)
        for p, skip in zip(reversed(above), reversed(skips)):
            x = step_up(p, x, skip)
        return cross_entropy(conv(x, head), jax.nn.one_hot(batch[1], 2))

    def pair_of(channels, out):
        return unit_of(3, channels, out), unit_of(3, out, out)

    widths = [32, 64, 128, 256]
    down = [pair_of(1 if w == 32 else w // 2, w) for w in widths]
    params = (down, pair_of(256, 512), [pair_of(3 * w, w) for w in widths], F32(1, 1, 32, 2))
    return loss, params, (F32(4, 128, 128, 1), I32(4, 128, 128))


def lstm(wrap):
    def cell(p, state, x):
        h, c = state
        i, f, o, g = jnp.split(x @ p[0] + h @ p[1] + p[2], 4, axis=-1)
        kept = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(kept), kept

    block = wrap(cell)

    def loss(params, batch):
        def step(state, x):
            state = block(params, state, x)
            return state, jnp.mean(state[0] ** 2)

        zero = jnp.zeros_like(batch[1])
        (h, _), energies = lax.scan(step, (zero, zero), batch[0])
        return jnp.mean((h - batch[1]) ** 2) + 0.01 * jnp.mean(energies)

    return loss, (F32(128, 512), F32(128, 512), F32(512)), (F32(1000, 16, 128), F32(16, 128))


MODELS = {"MLP-20": mlp, "GPT-4": gpt(4), "GPT-12": gpt(12), "ResNet-50": resnet, "U-Net": unet, "LSTM-1000": lstm}

if __name__ == "__main__":
    wraps = {"as it is": lambda f: f}
    for name, policy in POLICIES.items():
        wraps[name] = lambda f, policy=policy: jax.checkpoint(f, policy=policy)
    for model in sys.argv[1:]:
        for name, wrap in wraps.items():
            loss, params, batch = MODELS[model](wrap)
            m = jax.jit(jax.value_and_grad(loss)).lower(params, batch).compile().memory_analysis()
            peak = m.argument_size_in_bytes + m.output_size_in_bytes + m.temp_size_in_bytes
            print(json.dumps(dict(model=model, variant=name, peak=peak)), flush=True)
