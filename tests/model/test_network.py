"""The network: that what it shows of a photo adds up to what it says of it, whatever the backbone."""

import pytest
import torch

from model.backbones import create_backbone
from model.network import Network, feature_map, normalise

FAMILIES = {
    "tf_efficientnet_lite0": 64, "resnet18": 64, "mobilenetv3_small_100": 64, "mobilenetv4_conv_small": 64,
    "convnext_atto": 64, "regnety_002": 64, "vit_tiny_patch16_224": 224, "swin_tiny_patch4_window7_224": 224,
}  # fmt: skip
"""Architectures of every layout that timm returns, and the side of the photos that each is tried with."""


def network(name: str, classes: int = 5) -> Network:
    torch.manual_seed(0)
    made = Network(create_backbone(name, "none"), classes, dropout=0.5).eval()
    torch.nn.init.normal_(made.head.weight, std=0.1)
    torch.nn.init.normal_(made.head.bias)
    return made


@pytest.mark.parametrize("name", FAMILIES)
def test_evidence_is_the_logit_in_the_mean_and_the_embedding_is_of_unit_length(name: str) -> None:
    made, images = network(name), torch.rand(2, 3, FAMILIES[name], FAMILIES[name])
    with torch.inference_mode():
        logits, embedding, evidence = made(images)
        assert torch.equal(made.logits(images), logits)  # no dropout outside training
    assert logits.shape == (2, 5)
    assert embedding.shape == (2, made.head.in_features)
    assert evidence.shape[:2] == (2, 5)
    assert evidence.shape[2] == evidence.shape[3] > 1
    torch.testing.assert_close(evidence.mean(dim=(2, 3)), logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


def test_a_new_network_prefers_no_class() -> None:
    made = Network(create_backbone("resnet10t", "none"), 4).eval()
    assert torch.equal(made(torch.rand(1, 3, 64, 64)).logits, torch.zeros(1, 4))


def test_pretrained_features_stand_beside_the_tuned_and_change_no_answer() -> None:
    made, images = network("mobilenetv4_conv_small"), torch.rand(2, 3, 64, 64)
    second = create_backbone("mobilenetv4_conv_small", "none").eval()
    with torch.inference_mode():
        before, width = made(images), made.head.in_features
        made.add_pretrained(second)
        after = made(images)
    torch.testing.assert_close(after.logits, before.logits)
    torch.testing.assert_close(after.evidence, before.evidence)
    assert made.head.in_features == 2 * width == after.embedding.shape[1]
    with torch.inference_mode():
        made.head.weight[:, width:] = 1
        assert not torch.allclose(made(images).logits, before.logits)


def test_every_layout_becomes_one_map() -> None:
    expected = torch.rand(2, 6, 3, 3)
    channels_last = expected.permute(0, 2, 3, 1)
    tokens = channels_last.reshape(2, 9, 6)
    with_prefix = torch.cat([torch.full((2, 2, 6), 9.0), tokens], dim=1)
    assert torch.equal(feature_map(expected, 6, 0), expected)
    assert torch.equal(feature_map(channels_last, 6, 0), expected)
    assert torch.equal(feature_map(tokens, 6, 0), expected)
    assert torch.equal(feature_map(with_prefix, 6, 2), expected)


@pytest.mark.parametrize(
    ("shape", "prefix"), [((2, 6), 0), ((2, 5, 3, 3), 0), ((2, 8, 6), 0), ((2, 9, 6), 1), ((2, 9, 5), 0)]
)
def test_a_layout_that_holds_no_map_is_refused(shape: tuple[int, ...], prefix: int) -> None:
    with pytest.raises(ValueError, match="hold no map of width 6"):
        feature_map(torch.zeros(shape), 6, prefix)


def test_pixels_are_normalised_by_channel() -> None:
    pixels = torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)
    images = normalise(pixels, (0.5, 0.2, 0.0), (0.5, 0.1, 2.0))
    torch.testing.assert_close(images, torch.tensor([-1.0, 0.0, 0.5]).reshape(1, 3, 1, 1))
