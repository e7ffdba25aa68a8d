"""Writes tests/optim/optax.json: what Optax gives for every optimizer, transformation and schedule that `optim` has.

    python -m venv venv && venv/bin/pip install optax==0.2.8 jax==0.10.2
    venv/bin/python scripts/golden/optax.py

An optimizer's case has its name and arguments (as `optim` takes them), and the parameters after each of ten steps on gradients that the
test makes from the same numbers, in float32; and those after the last step of the same in float64. A schedule's case has its values at some
counts. The program of an update of a single matrix is there as JAX prints it, where the trees of the case fit a single matrix.
"""

import json
import pathlib
import re
import sys

sys.path.pop(0)  # this file has the name of the package

import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS = 10
rng = np.random.default_rng(0)


def f32(x):
    return np.asarray(x, np.float32)


PARAMS = {
    "b": f32(rng.normal(size=(3,))),
    "layer": {"scale": f32(rng.normal()), "w": f32(rng.normal(size=(4, 3)))},
}
GRADS = [
    jax.tree.map(lambda p: f32(rng.normal(size=p.shape) * (3 if i % 3 == 0 else 0.3)), PARAMS) for i in range(STEPS)
]
MASK = {"b": False, "layer": {"scale": True, "w": True}}


def nested(x):
    return jax.tree.map(lambda a: np.asarray(a, np.float64).tolist(), x)


def camel(name):
    return re.sub(r"_(\w)", lambda m: m.group(1).upper(), name)


def run(tx):
    params, state, out = PARAMS, tx.init(PARAMS), []
    update = jax.jit(tx.update)
    for grads in GRADS:
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
        out.append(nested(params))
    return out


def run_in_float64(tx):
    with jax.enable_x64(True):
        double = lambda tree: jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tree)
        params = double(PARAMS)
        state = tx.init(params)
        update = jax.jit(tx.update)
        for grads in GRADS:
            updates, state = update(double(grads), state, params)
            params = optax.apply_updates(params, updates)
        return nested(params)


def program(case):
    if "ask" in json.dumps(case["as"]) or case["as"]["call"] in ("partition", "lbfgs"):  # lbfgs: sums and indices are in another order here
        return None
    w = PARAMS["layer"]["w"]
    update = lambda updates, state, params: case["is"].update(updates, state, params)
    return str(jax.make_jaxpr(update)(w, case["is"].init(w), w))


def call(name, *args, **options):
    """The call of a function of Optax, and how the test writes it down."""
    written = [a["as"] if isinstance(a, dict) and "as" in a else a for a in args]
    given = [a["is"] if isinstance(a, dict) and "as" in a else a for a in args]
    kwargs = {k: v["is"] if isinstance(v, dict) and "as" in v else v for k, v in options.items()}
    opts = {camel(k): v["as"] if isinstance(v, dict) and "as" in v else v for k, v in options.items()}
    f = getattr(optax, name)
    return {"is": f(*given, **kwargs), "as": {"call": camel(name), "args": written, "options": opts}}


SCHEDULE = call("exponential_decay", 0.1, 4, 0.5)

OPTIMIZERS = [
    call("sgd", 0.1),
    call("sgd", 0.1, momentum=0.9),
    call("sgd", 0.1, momentum=0.9, nesterov=True),
    call("sgd", SCHEDULE, momentum=0.8),
    call("sign_sgd", 0.1),
    call("adam", 0.1),
    call("adam", SCHEDULE, b1=0.8, b2=0.99, eps=1e-6, eps_root=1e-4),
    call("adam", 0.1, nesterov=True),
    call("nadam", 0.05),
    call("adamw", 0.1),
    call("adamw", 0.1, weight_decay=0.1, mask=MASK),
    call("adamw", SCHEDULE, weight_decay=SCHEDULE),
    call("nadamw", 0.1, weight_decay=0.01),
    call("adamax", 0.1),
    call("adamaxw", 0.1, weight_decay=0.01),
    call("amsgrad", 0.1),
    call("adabelief", 0.1),
    call("radam", 0.1),
    call("radam", 0.1, b2=0.9, threshold=4.0),
    call("yogi", 0.1),
    call("adan", 0.1, weight_decay=0.02),
    call("lion", 0.1),
    call("lion", 0.1, b1=0.8, b2=0.9, weight_decay=0.0),
    call("adagrad", 0.1),
    call("adadelta", 1.0, weight_decay=0.01),
    call("rmsprop", 0.1),
    call("rmsprop", 0.1, momentum=0.9, nesterov=True),
    call("rmsprop", 0.1, centered=True, eps=1e-2, initial_scale=1.0),
    call("rmsprop", 0.1, bias_correction=True, eps_in_sqrt=False),
    call("rmsprop", 0.1, centered=True, bias_correction=True, eps=1e-1),
    call("adafactor"),
    call("adafactor", 0.1, min_dim_size_to_factor=2),
    call("adafactor", SCHEDULE, min_dim_size_to_factor=3, momentum=0.9, weight_decay_rate=0.01),
    call("adafactor", 0.1, factored=False, multiply_by_parameter_scale=False, clipping_threshold=None),
    call("lamb", 0.1, weight_decay=0.1),
    call("lars", 0.1, weight_decay=0.1),
    call("lars", 0.1, weight_decay=0.1, weight_decay_mask=MASK, trust_ratio_mask=MASK, nesterov=True),
    call("fromage", 0.1),
    call("fromage", SCHEDULE),
    call("novograd", 0.1, weight_decay=0.01),
    call("optimistic_gradient_descent", 0.1, alpha=0.8),
    # transformations by themselves (their updates are added, whatever their sign)
    call("scale", -0.5),
    call("scale_by_schedule", SCHEDULE),
    call("scale_by_learning_rate", 0.1, flip_sign=False),
    call("trace", 0.5),
    call("ema", 0.9),
    call("ema", 0.9, debias=False),
    call("apply_every", 3),
    call("clip", 0.5),
    call("clip_by_block_rms", 0.5),
    call("clip_by_global_norm", 1.0),
    call("adaptive_grad_clip", 0.1),
    call("add_decayed_weights", 0.1, mask=MASK),
    call("add_noise", 0.1, 0.5, 7),
    call("centralize"),
    call("normalize_by_update_norm"),
    call("scale_by_param_block_norm"),
    call("scale_by_param_block_rms"),
    call("scale_by_trust_ratio"),
    call("scale_by_lion", mode="smooth", smooth_beta=2.0),
    call("scale_by_lion", mode="refined"),
    call("scale_by_rss"),
    call("scale_by_rms"),
    call("scale_by_stddev", eps=1e-2),
    call("scale_by_amsgrad", bias_correction_mu=False, bias_correction_nu=False),
    call("lbfgs", 0.1, memory_size=3, linesearch=None),
    call("lbfgs", 0.05, scale_init_precond=False, linesearch=None),
    call("set_to_zero"),
    call("identity"),
]

ADAM, SGD, CLIP = call("adam", 0.1), call("sgd", 0.2), call("clip_by_global_norm", 1.0)
ARRAYS = {"b": True, "layer": {"scale": False, "w": True}}
LABELS = {"b": "slow", "layer": "fast"}
COMPOSED = [
    call("chain", CLIP, ADAM),
    call("chain", CLIP, call("add_decayed_weights", 0.1), call("scale_by_adam"), call("scale", -0.1)),
    call("masked", ADAM, {"as": {"tree": MASK}, "is": MASK}),
    call("masked", call("sm3", 0.1), {"as": {"tree": ARRAYS}, "is": ARRAYS}),
    call("masked", call("scale_by_sm3", b1=0.8, b2=0.9), {"as": {"tree": ARRAYS}, "is": ARRAYS}),
    call("apply_if_finite", ADAM, 2),
    {
        "as": {"call": "partition", "args": [{"fast": ADAM["as"], "slow": SGD["as"]}, {"tree": LABELS}], "options": {}},
        "is": optax.partition({"fast": ADAM["is"], "slow": SGD["is"]}, LABELS),
    },
    {
        "as": {"call": "multiSteps", "args": [ADAM["as"], 3], "options": {}},
        "is": optax.MultiSteps(ADAM["is"], 3).gradient_transformation(),
    },
    {
        "as": {"call": "multiSteps", "args": [SGD["as"], 4], "options": {"useGradMean": False}},
        "is": optax.MultiSteps(SGD["is"], 4, use_grad_mean=False).gradient_transformation(),
    },
]

LOOKAHEAD = [(ADAM, 3, 0.5, False), (ADAM, 4, 0.2, True), (SGD, 1, 0.5, False)]


def look_ahead(fast, period, step, reset):
    tx = optax.lookahead(fast["is"], period, step, reset)
    params = optax.LookaheadParams.init_synced(PARAMS)
    state, out = tx.init(params), []
    for grads in GRADS:
        updates, state = jax.jit(tx.update)(grads, state, params)
        params = optax.apply_updates(params, updates)
        out.append({"fast": nested(params.fast), "slow": nested(params.slow)})
    return {"fast": fast["as"], "period": period, "step": step, "reset": reset, "params": out}


SCHEDULES = [
    call("constant_schedule", 0.3),
    call("linear_schedule", 1.0, 0.1, 10, transition_begin=3),
    call("polynomial_schedule", 1.0, 0.1, 2.5, 10),
    call("polynomial_schedule", 1.0, 0.1, 3, 10, transition_begin=2),
    SCHEDULE,
    call("exponential_decay", 1.0, 5, 0.7, transition_begin=2, staircase=True, end_value=0.2),
    call("exponential_decay", 1.0, 5, 1.5, end_value=3.0),
    call("cosine_decay_schedule", 0.5, 12),
    call("cosine_decay_schedule", 0.5, 12, alpha=0.1, exponent=1.5),
    call("warmup_constant_schedule", 0.0, 1.0, 7),
    call("warmup_cosine_decay_schedule", 0.0, 1.0, 5, 20, end_value=0.1),
    call("warmup_exponential_decay_schedule", 0.0, 1.0, 5, 4, 0.5, end_value=0.1),
    call("piecewise_constant_schedule", 1.0, {3: 0.5, 10: 0.1}),
    call("piecewise_interpolate_schedule", "linear", 1.0, {3: 0.5, 10: 0.1}),
    call("piecewise_interpolate_schedule", "cosine", 1.0, {3: 0.5, 10: 2.0}),
    call("linear_onecycle_schedule", 20, 1.0),
    call("cosine_onecycle_schedule", 20, 1.0),
    {
        "as": {
            "call": "joinSchedules",
            "args": [[call("constant_schedule", 0.5)["as"], SCHEDULE["as"], call("constant_schedule", 0.01)["as"]], [4, 9]],
            "options": {},
        },
        "is": optax.join_schedules([optax.constant_schedule(0.5), SCHEDULE["is"], optax.constant_schedule(0.01)], [4, 9]),
    },
    {
        "as": {
            "call": "sgdrSchedule",
            "args": [[dict(initValue=0.0, peakValue=p, warmupSteps=2, decaySteps=8) for p in (1.0, 0.5)]],
            "options": {},
        },
        "is": optax.sgdr_schedule([dict(init_value=0.0, peak_value=p, warmup_steps=2, decay_steps=8) for p in (1.0, 0.5)]),
    },
]
COUNTS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15, 20, 25]

golden = {
    "versions": {"optax": optax.__version__, "jax": jax.__version__},
    "params": nested(PARAMS),
    "gradients": [nested(g) for g in GRADS],
    "optimizers": [
        {**c["as"], "params": run(c["is"]), "float64": run_in_float64(c["is"]), "program": program(c)}
        for c in OPTIMIZERS + COMPOSED
    ],
    "lookahead": [look_ahead(*c) for c in LOOKAHEAD],
    "counts": COUNTS,
    "schedules": [{**c["as"], "values": [float(c["is"](jnp.int32(i))) for i in COUNTS]} for c in SCHEDULES],
}


def short(x, digits=9):
    """Floats with the digits a float32 has, or 15 for a float64."""
    if isinstance(x, float):
        return float(f"{x:.{digits}g}")
    if isinstance(x, dict):
        return {k: short(v, 15 if k == "float64" else digits) for k, v in x.items()}
    return [short(v, digits) for v in x] if isinstance(x, (list, tuple)) else x


path = pathlib.Path(__file__).parents[2] / "tests/optim/optax.json"
path.write_text(json.dumps(short(golden), separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
