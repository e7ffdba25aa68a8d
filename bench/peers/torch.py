"""PyTorch on one CPU core on the workloads: `python bench/peers/torch.py W3`. Prints a line of JSON for each figure, as workloads/figures.ts says.

It runs each operation when it meets it (compiling brought nothing on these workloads, and takes seconds). The sizes, the hash of the inputs and the
checks are those of workloads/definition.ts.
"""

import os
import sys
import time

from measuring import Peer, hashed, since_start

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

torch.set_num_threads(1)
peer = Peer("torch")
check, emit, fastest, first, missing = peer.check, peer.emit, peer.fastest, peer.first, peer.missing


def random(shape, seed, scale=1.0):
    return torch.from_numpy(hashed(shape, seed, scale))


def parameters_of(tensors):
    return [tensor.requires_grad_(True) for tensor in tensors]


def magnitudes(tensors):
    return sum(tensor.double().abs().sum().item() for tensor in tensors)


def kept(f):
    """`f` with nothing saved but its arguments."""
    return lambda *args: checkpoint(f, *args, use_reentrant=False)


def cross_entropy(z, target):
    return torch.mean(torch.logsumexp(z, -1) - torch.sum(target * z, -1))


def one_hot(rows, columns):
    return torch.eye(columns)[torch.arange(rows) % columns]


def w1():
    weights = parameters_of(random(shape, i) for i, shape in enumerate([(5, 4), (6, 5), (7, 6)]))
    x = random((4,), 9)

    def layers(a, b, c, h):
        for w in (a, b, c):
            h = torch.sin(torch.mv(w, h))
        return h.sum()

    def gradient(f):
        return torch.autograd.grad(f(*weights, x), weights)

    g = first("W1", "first call", lambda: gradient(layers))
    emit("W1", "first gradient from process start", 1e3 * since_start(), 1e3 * time.process_time())
    check("W1 gradient", magnitudes(g), 39.746)
    fastest("W1", "steady", lambda: gradient(layers), inner=300)
    fastest("W1", "steady, checkpoint", lambda: gradient(kept(layers)), inner=100)


def training(workload, loss, rate, parameters, checks):
    """Steps of gradient descent; `checks` are (name, step, loss)."""

    def once():
        value = loss(parameters)
        g = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, g, alpha=-rate)
        return value.item()

    losses = [first(workload, "first call", once)]
    losses += [once() for _ in range(9)]
    for name, i, expected in checks:
        check(name, losses[i], expected)
    fastest(workload, "step", once)


def w2():
    dims = [784, 1024, 1024, 10]
    parameters = []
    for i in range(3):
        parameters += [random((dims[i], dims[i + 1]), 10 + i, (3 / dims[i]) ** 0.5), torch.zeros(dims[i + 1])]
    x, target = random((256, 784), 100).abs(), one_hot(256, 10)

    def loss(p):
        h = torch.relu(torch.addmm(p[1], x, p[0]))
        h = torch.relu(torch.addmm(p[3], h, p[2]))
        return cross_entropy(torch.addmm(p[5], h, p[4]), target)

    checks = [("W2 first loss", 0, 2.33207), ("W2 tenth loss", 9, 2.09506)]
    training("W2", loss, 0.1, parameters_of(parameters), checks)


def gpt_inputs():
    d, length, batch, vocabulary = 256, 128, 4, 512
    i = np.arange(batch * (length + 1), dtype=np.int64)
    tokens = torch.from_numpy(((i * 7919 + (i * i) % 97) % vocabulary).reshape(batch, length + 1))
    eye = torch.eye(vocabulary)
    a = (3 / d) ** 0.5
    parameters = [random((vocabulary, d), 200, 0.05), random((length, d), 201, 0.05)]
    for layer in range(4):
        s = 300 + 10 * layer
        parameters += [torch.ones(d), torch.zeros(d), random((d, 3 * d), s, a), random((d, d), s + 1, a * 0.5)]
        parameters += [torch.ones(d), torch.zeros(d)]
        parameters += [random((d, 4 * d), s + 2, a), random((4 * d, d), s + 3, a * 0.25)]
    parameters += [torch.ones(d), torch.zeros(d)]
    mask = torch.full((length, length), -1e9).triu(1)
    return parameters_of(parameters), eye[tokens[:, :-1]], eye[tokens[:, 1:]], mask


def w3():
    parameters, tokens, target, mask = gpt_inputs()

    def block(x, *q):
        batch, length, d = x.shape
        qkv = (F.layer_norm(x, (d,), q[0], q[1]) @ q[2]).view(batch, length, 3, 4, d // 4)
        a, b, c = (qkv[:, :, i].transpose(1, 2) for i in range(3))
        weights = torch.softmax(a @ b.transpose(-1, -2) * (d // 4) ** -0.5 + mask, -1)
        x = x + (weights @ c).transpose(1, 2).reshape(batch, length, d) @ q[3]
        return x + F.gelu(F.layer_norm(x, (d,), q[4], q[5]) @ q[6], approximate="tanh") @ q[7]

    for suffix, apply in (("", block), (", checkpoint", kept(block))):

        def step():
            p = parameters
            x = tokens @ p[0] + p[1]
            for i in range(2, len(p) - 2, 8):
                x = apply(x, *p[i : i + 8])
            value = cross_entropy(F.layer_norm(x, (256,), p[-2], p[-1]) @ p[0].T, target)
            return value, torch.autograd.grad(value, p)

        value, g = first("W3", f"first call{suffix}", step)
        check("W3 loss", value.item(), 6.33746)
        check("W3 gradient", magnitudes(g), 2497.73)
        fastest("W3", f"step{suffix}", step, budget=5.0)


def w4():
    steps, hidden, batch = 1000, 128, 16
    w, b = parameters_of([random((hidden, hidden), 400, (1.5 / hidden) ** 0.5), random((hidden,), 401, 0.1)])
    xs, h0 = random((steps, batch, hidden), 402, 0.5), torch.zeros(batch, hidden)

    def run(h, part, w, b):
        total = 0.0
        for x in part:
            h = torch.tanh(torch.addmm(x, h, w) + b)
            total = total + torch.mean(h * h)
        return h, total

    def whole():
        return run(h0, xs, w, b)[1] / steps

    def segments():
        h, total = h0, 0.0
        for part in xs.split(40):
            h, more = kept(run)(h, part, w, b)
            total = total + more
        return total / steps

    for suffix, loss in (("", whole), (", segments", segments)):

        def step():
            value = loss()
            return value, torch.autograd.grad(value, (w, b))

        value, g = first("W4", f"first call{suffix}", step)
        check("W4 loss", value.item(), 0.116325)
        check("W4 gradient", magnitudes(g), 1.87413)
        fastest("W4", f"step{suffix}", step)


def w5():
    (x,) = parameters_of([random((4 * 1024 * 1024,), 500, 2.0)])

    def gradient():
        return torch.autograd.grad(torch.sum(torch.sin(torch.exp(torch.tanh(x)) * x)), x)

    check("W5 gradient", magnitudes(gradient()), 4.0174e6)
    fastest("W5", "gradient", gradient)


def w6():
    for n in (512, 1024, 2048):
        a, b = random((n, n), 600), random((n, n), 601)
        for name, x, y in (("NN", a, b), ("NT", a, b.T), ("TN", a.T, b), ("TT", a.T, b.T)):
            fastest("W6", f"{name} {n}", lambda: torch.mm(x, y), budget=1.5)


def w7():
    parameters = [random((3, 3, 1, 32), 700, 0.3), torch.zeros(32), random((3, 3, 32, 64), 701, 0.06), torch.zeros(64)]
    parameters += [random((14 * 14 * 64, 10), 702, 0.01), torch.zeros(10)]
    x, target = random((32, 28, 28, 1), 703).permute(0, 3, 1, 2), one_hot(32, 10)

    def loss(p):
        h = torch.relu(F.conv2d(x, p[0].permute(3, 2, 0, 1), p[1], padding=1))
        h = torch.relu(F.conv2d(h, p[2].permute(3, 2, 0, 1), p[3], padding=1))
        h = F.max_pool2d(h, 2).permute(0, 2, 3, 1).reshape(32, -1)
        return cross_entropy(torch.addmm(p[5], h, p[4]), target)

    training("W7", loss, 0.05, parameters_of(parameters), [("W7 loss", 0, 2.29712)])


def w8():
    for depth in (50, 500, 2000):
        weights = parameters_of(random((8, 8), 800 + i, 0.8) for i in range(depth))
        x = random((4, 8), 799)

        def layer(h, w):
            return torch.tanh(h @ w)

        for suffix, apply in (("", layer), (", checkpoint", kept(layer))):

            def gradient():
                h = x
                for w in weights:
                    h = apply(h, w)
                return torch.autograd.grad(h.sum(), weights)

            g = first("W8", f"first call {depth}{suffix}", gradient)
            if depth == 50:
                check("W8 gradient", magnitudes(g), 391.716)
            fastest("W8", f"steady {depth}{suffix}", gradient, budget=1.0)


def memories():
    for workload, suffixes in (("W3", ("", ", checkpoint")), ("W4", ("", ", segments")), ("W5", ("",))):
        for suffix in suffixes:
            missing(workload, f"beyond inputs{suffix}", "its allocator on CPU keeps no count")


WORKLOADS = dict(W1=w1, W2=w2, W3=w3, W4=w4, W5=w5, W6=w6, W7=w7, W8=w8, memory=memories)

if __name__ == "__main__":
    for name in sys.argv[1:]:
        WORKLOADS[name]()
