"""Weights of the parts of a score from choices: a conditional logit (McFadden, 1974), in numpy.

Of the products that stood to choose from, one was looked at; the model says with which
probability, by the exponential of the score. Weights are at least 0, so that every part still
speaks for what it says it speaks for, and drawn towards the usual ones as if `AS_CASES` choices had
been made by these: a small site keeps them. Deterministic: Newton's method, with the weights
at 0 held where the choices would push them below, and steps halved until they help.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

AS_CASES = 100.0

_STEPS = 60
_ENOUGH = 1e-9  # of the loss
_LEAST_PRIOR = 1e-3  # in cases: of a part that says nothing here, which keeps its usual weight
_SCALES = 0.05, 50.0

Array = NDArray[np.float64]


class Choices(NamedTuple):
    """`values`: case, product, part. `there`: case, product: False where a case has fewer products.
    `found`: of each case which product was looked at.
    """

    values: Array
    there: NDArray[np.bool_]
    found: NDArray[np.int64]


def fit(choices: Choices, usual: Array) -> Array:
    """One weight a part, on the scale of the usual ones."""
    if not len(choices.found):
        return usual.copy()
    scale = _scale(choices, usual)
    aim = usual * scale
    prior = AS_CASES * _spread(choices) + _LEAST_PRIOR
    weights, loss = aim, _loss(choices, aim, aim, prior)
    for _ in range(_STEPS):
        step = _step(choices, weights, aim, prior)
        part = 1.0
        while part > 1e-6:
            tried = np.maximum(weights + part * step, 0)
            its_loss = _loss(choices, tried, aim, prior)
            if its_loss < loss:
                break
            part /= 2
        else:
            break
        gained, weights, loss = loss - its_loss, tried, its_loss
        if gained < _ENOUGH * len(choices.found):
            break
    return weights / scale


def _scale(choices: Choices, usual: Array) -> float:
    """By how much the usual weights are to be multiplied to give probabilities (Newton, on one)."""
    total = choices.values @ usual
    scale = 1.0
    for _ in range(_STEPS):
        shares = _shares(total * scale, choices.there)
        mean = (shares * total).sum(1)
        slope = (np.take_along_axis(total, choices.found[:, None], 1)[:, 0] - mean).sum()
        curve = ((shares * total**2).sum(1) - mean**2).sum() + 1e-9
        moved = float(np.clip(scale + np.clip(slope / curve, -scale / 2, scale), *_SCALES))
        if abs(moved - scale) < 1e-6:
            break
        scale = moved
    return scale


def _step(choices: Choices, weights: Array, aim: Array, prior: Array) -> Array:
    """Towards less loss, of the weights that are free to move."""
    values = choices.values
    shares = _shares(values @ weights, choices.there)
    mean = np.einsum("cp,cpk->ck", shares, values)
    chosen = values[np.arange(len(values)), choices.found]
    slope = (mean - chosen).sum(0) + prior * (weights - aim)
    flat = (values * np.sqrt(shares)[:, :, None]).reshape(-1, len(weights))
    curve = flat.T @ flat - mean.T @ mean + np.diag(prior)
    free = ~((weights <= 0) & (slope > 0))
    step = np.zeros(len(weights))
    step[free] = -np.linalg.solve(curve[np.ix_(free, free)], slope[free])
    return step


def _loss(choices: Choices, weights: Array, aim: Array, prior: Array) -> float:
    total = np.where(choices.there, choices.values @ weights, -np.inf)
    most = total.max(1)
    logs = most + np.log(np.exp(total - most[:, None]).sum(1))
    chosen = np.take_along_axis(total, choices.found[:, None], 1)[:, 0]
    return float((logs - chosen).sum() + (prior * (weights - aim) ** 2).sum() / 2)


def _shares(total: Array, there: NDArray[np.bool_]) -> Array:
    total = np.where(there, total, -np.inf)
    shares = np.exp(total - total.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True), np.float64)


def _spread(choices: Choices) -> Array:
    """Of each part its variance among the products of a case, on average."""
    there = choices.there[:, :, None]
    counts = np.maximum(there.sum(1), 1)
    means = np.where(there, choices.values, 0).sum(1) / counts
    apart = np.where(there, choices.values - means[:, None], 0) ** 2
    return np.asarray((apart.sum(1) / counts).mean(0), np.float64)
