"""Mixing: that labels are blended as the photos are."""

import numpy as np
import torch
from torch.nn import functional

from training.mix import mixed
from training.recipe import Mix

IMAGES = torch.arange(4.0)[:, None, None, None].expand(4, 3, 40, 60)
TARGETS = functional.one_hot(torch.arange(4), 4).float()


def test_labels_are_blended_by_the_share_of_each_photo_that_is_seen() -> None:
    for seed in range(20):
        for mix in (Mix(mixup=1), Mix(cutmix=1), Mix(mixup=1, cutmix=1)):
            images, targets = mixed(IMAGES, TARGETS, mix, np.random.default_rng(seed))
            torch.testing.assert_close(targets.sum(dim=1), torch.ones(4))
            # each photo is all of its number, so the mean of a blend tells the shares
            torch.testing.assert_close(images.mean(dim=(1, 2, 3)), targets @ torch.arange(4.0), atol=1e-3, rtol=0)


def test_mixup_lays_over_and_cutmix_puts_a_piece_in() -> None:
    laid, _ = mixed(IMAGES, TARGETS, Mix(mixup=1), np.random.default_rng(0))
    assert len(laid[0].unique()) == 1
    assert 0 < float(laid[0, 0, 0, 0]) < 3
    pieced, _ = mixed(IMAGES, TARGETS, Mix(cutmix=1), np.random.default_rng(0))
    assert set(pieced[0].unique().tolist()) == {0.0, 3.0}
    assert (IMAGES[0] == 0).all()


def test_the_share_says_how_many_batches_are_mixed() -> None:
    generator = np.random.default_rng(0)
    changed = [mixed(IMAGES, TARGETS, Mix(mixup=1, share=0.3), generator)[0] is not IMAGES for _ in range(500)]
    assert 0.2 < np.mean(changed) < 0.4
    assert mixed(IMAGES, TARGETS, Mix(), generator)[0] is IMAGES
