"""Whether two samples come from one distribution: p-values say whether, distances say how far.

Kolmogorov and Smirnov for numbers, chi-square for categories, Fisher's exact test for shares; Population Stability
Index and Jensen-Shannon distance for how far apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import comb, exp, lgamma, log, log2, sqrt

import numpy as np

_SMOOTH = 0.5  # added to every count of PSI, so that an absent category does not weigh infinitely


def psi(reference: Mapping[str, int], current: Mapping[str, int]) -> float:
    """Population Stability Index over categories: below 0.1 alike, above 0.25 far apart by convention."""
    names = reference.keys() | current.keys()
    if not sum(reference.values()) or not sum(current.values()):
        return 0.0
    before, after = _shares(reference, names, _SMOOTH), _shares(current, names, _SMOOTH)
    return sum((after[name] - before[name]) * log(after[name] / before[name]) for name in names)


def jensen_shannon(reference: Mapping[str, int], current: Mapping[str, int]) -> float:
    """Jensen-Shannon distance with logarithms of base 2: 0 for equal shares, 1 where none is shared."""
    names = reference.keys() | current.keys()
    if not sum(reference.values()) or not sum(current.values()):
        return 0.0
    before, after = _shares(reference, names), _shares(current, names)
    total = 0.0
    for name in names:
        middle = (before[name] + after[name]) / 2
        total += sum(share * log2(share / middle) / 2 for share in (before[name], after[name]) if share)
    return sqrt(max(0.0, total))


def chi_square(reference: Mapping[str, int], current: Mapping[str, int], least: int = 5) -> float:
    """p-value of homogeneity of two samples; categories expected fewer than `least` times are joined."""
    totals = {name: reference.get(name, 0) + current.get(name, 0) for name in reference.keys() | current.keys()}
    first, second = sum(reference.values()), sum(current.values())
    if not first or not second:
        return 1.0
    share = min(first, second) / (first + second)
    common = [name for name, count in totals.items() if count * share >= least]
    rare = [name for name in totals if name not in common]
    cells = [(reference.get(name, 0), current.get(name, 0)) for name in common]
    if rare:
        cells.append((sum(reference.get(name, 0) for name in rare), sum(current.get(name, 0) for name in rare)))
    cells = [pair for pair in cells if sum(pair)]
    if len(cells) < 2:
        return 1.0
    statistic = 0.0
    for before, after in cells:
        for seen, of in ((before, first), (after, second)):
            expected = (before + after) * of / (first + second)
            statistic += (seen - expected) ** 2 / expected
    return upper_gamma((len(cells) - 1) / 2, statistic / 2)


def kolmogorov_smirnov(reference: Sequence[float], current: Sequence[float]) -> tuple[float, float]:
    """Greatest distance of the two distribution functions, and its asymptotic p-value; 0 and 1 for empty samples."""
    if not len(reference) or not len(current):
        return 0.0, 1.0
    before, after = np.sort(np.asarray(reference, float)), np.sort(np.asarray(current, float))
    places = np.concatenate([before, after])
    distance = float(
        np.max(
            np.abs(
                np.searchsorted(before, places, side="right") / len(before)
                - np.searchsorted(after, places, side="right") / len(after)
            )
        )
    )
    size = sqrt(len(before) * len(after) / (len(before) + len(after)))
    scaled = (size + 0.12 + 0.11 / size) * distance  # Stephens' correction for small samples
    terms = (2 * (-1) ** (k - 1) * exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return distance, min(1.0, max(0.0, sum(terms))) if scaled > 0.2 else 1.0


def fisher(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Two-sided p-value of Fisher's exact test on (hits, trials) of two samples."""
    (hits, of), (others, of_others) = first, second
    total, wanted = of + of_others, hits + others
    if not of or not of_others or wanted in (0, total):
        return 1.0

    def chance(count: int) -> float:
        return exp(_log_comb(of, count) + _log_comb(of_others, wanted - count) - _log_comb(total, wanted))

    seen = chance(hits)
    counts = range(max(0, wanted - of_others), min(of, wanted) + 1)
    return min(1.0, sum(one for count in counts if (one := chance(count)) <= seen * (1 + 1e-9)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected by Holm (1979), which bounds the chance of any false alarm; in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected by Benjamini and Hochberg (1995), which bounds the share of false alarms."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place], reverse=True)
    corrected = [1.0] * len(p_values)
    lowest = 1.0
    for passed, place in enumerate(order):
        lowest = min(lowest, p_values[place] * len(p_values) / (len(p_values) - passed))
        corrected[place] = lowest
    return corrected


def upper_gamma(shape: float, value: float) -> float:
    """The regularised upper incomplete gamma function, which is the tail of a chi-square distribution."""
    if value <= 0:
        return 1.0
    scale = exp(-value + shape * log(value) - lgamma(shape))
    if value < shape + 1:  # a series, else a continued fraction (Lentz), as both are quick on their side
        term = total = 1 / shape
        for step in range(1, 500):
            term *= value / (shape + step)
            total += term
            if term < total * 1e-14:
                break
        return min(1.0, max(0.0, 1 - scale * total))
    base = value + 1 - shape
    ratio, fraction = 1e300, 1 / base
    result = fraction
    for step in range(1, 500):
        factor = -step * (step - shape)
        base += 2
        fraction = 1 / (factor * fraction + base or 1e-300)
        ratio = base + factor / ratio or 1e-300
        change = fraction * ratio
        result *= change
        if abs(change - 1) < 1e-14:
            break
    return min(1.0, max(0.0, scale * result))


def _shares(counts: Mapping[str, int], names: Iterable[str], added: float = 0.0) -> dict[str, float]:
    every = list(names)
    total = sum(counts.get(name, 0) + added for name in every)
    return {name: (counts.get(name, 0) + added) / total for name in every}


def _log_comb(of: int, count: int) -> float:
    if of < 200:
        return log(comb(of, count))
    return lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
