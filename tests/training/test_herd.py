"""Herding: that a few exemplars lie where their class lies."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.herd import choose_exemplars, herd


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_so_many_are_taken_each_once(photos: int, count: int, seed: int) -> None:
    taken = herd(np.random.default_rng(seed).random((photos, 8), np.float32), count)
    assert len(taken) == len(set(taken)) == min(photos, count)
    assert set(taken) <= set(range(photos))


@given(st.integers(0, 99))
def test_each_taken_brings_the_mean_nearer_than_any_other_would(seed: int) -> None:
    vectors = np.random.default_rng(seed).random((12, 5), np.float32)
    mean, taken = vectors.mean(axis=0), herd(vectors, 4)
    for number in range(4):
        before = taken[:number]
        misses = {
            other: np.linalg.norm(vectors[[*before, other]].mean(axis=0) - mean)
            for other in range(12)
            if other not in before
        }
        assert misses[taken[number]] <= min(misses.values()) + 1e-6


def test_a_few_herded_are_nearer_the_class_than_as_many_drawn() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.exponential(1, (200, 50)).astype(np.float32)
    mean = vectors.mean(axis=0)
    drawn = [np.linalg.norm(vectors[generator.choice(200, 10)].mean(axis=0) - mean) for _ in range(50)]
    assert np.linalg.norm(vectors[herd(vectors, 10)].mean(axis=0) - mean) < 0.7 * min(drawn)


def test_every_class_has_its_exemplars_small_ones_all_of_theirs() -> None:
    targets = np.array([0] * 30 + [2] * 3)
    vectors = np.random.default_rng(0).random((33, 8), np.float32)
    chosen = choose_exemplars(vectors, np.arange(33, dtype=np.float32), targets, per_class=5)
    assert chosen.labels.tolist() == [0] * 5 + [2] * 3
    numbers = chosen.norms.astype(int)
    assert np.array_equal(chosen.embeddings, vectors[numbers])
    assert (targets[numbers] == chosen.labels).all()
