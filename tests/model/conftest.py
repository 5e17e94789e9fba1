"""What tests of the model share: photos that packages ship, and a bundle made of ImageNet's own classifier."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from model.backbones import create_backbone, packaged_weights
from model.bundle import NETWORK, Bundle, Description, Input, load_bundle, write_description
from model.certainty import Certainty
from model.classifier import Classifier
from model.engine import load_engine
from model.network import Network
from model.taxonomy import load_taxonomy
from training.export import export_network

BACKBONE, SIZE = "tf_efficientnet_lite0", 224
IMAGENET = {
    "acinonyx_jubatus": 293, "other_bird": 94, "elephas_maximus": 385, "graphic": 917, "loxodonta_africana": 386,
    "panthera_leo": 291, "panthera_onca": 290, "panthera_pardus": 288, "panthera_tigris": 292, "panthera_uncia": 289,
    "place": 497, "psittacus_erithacus": 87,
}  # fmt: skip
"""Classes of the bundle `cats`, and the ImageNet class that each is answered by."""


@pytest.fixture(scope="session")
def shipped_photos() -> dict[str, Path]:
    """Photos that installed packages ship, by name."""
    files = {
        "gradio": ("media_assets/images", ("cheetah.jpg", "cheetah1.jpg", "lion.jpg", "tower.jpg", "bus.png")),
        "skimage": ("data", ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "horse.png", "brick.png",
                             "grass.png", "gravel.png", "motorcycle_left.png", "hubble_deep_field.jpg")),
        "sklearn": ("datasets/images", ("china.jpg", "flower.jpg")),
    }  # fmt: skip
    found = {}
    for package, (folder, names) in files.items():
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        found |= {Path(name).stem: Path(spec.origin).parent / folder / name for name in names}
    return found


@pytest.fixture(scope="session")
def cats_network() -> Network:
    """EfficientNet-lite0 whose head is those rows of ImageNet's classifier that a taxonomy key stands for."""
    network = Network(create_backbone(BACKBONE), len(IMAGENET)).eval()
    weights, rows = packaged_weights(BACKBONE), list(IMAGENET.values())
    with torch.no_grad():
        network.head.weight.copy_(weights["classifier.weight"][rows])
        network.head.bias.copy_(weights["classifier.bias"][rows])
    return network


@pytest.fixture(scope="session")
def cats(cats_network: Network, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A whole bundle that tells big cats and a few other things apart."""
    folder = tmp_path_factory.mktemp("bundles") / "cats"
    folder.mkdir()
    export_network(cats_network, SIZE, folder / NETWORK)
    (folder / "MODEL_CARD.md").write_text("# cats\n", encoding="utf-8")
    fitted = Certainty(temperature=1, threshold=0.6, target_error=0.05, familiarity=(0, 5, 10, 20), unfamiliar_from=1)
    described = Description(
        name="cats",
        backbone=BACKBONE,
        classes=tuple(IMAGENET),
        input=Input(size=SIZE, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        certainty=fitted,
        training_manifest=hashlib.sha256(b"").hexdigest(),
        files={},
    )
    write_description(folder, described)
    return load_bundle(folder)


@pytest.fixture(scope="session")
def classifier(cats: Bundle) -> Classifier:
    """The bundle `cats` at float32, by the default engine."""
    return Classifier(cats, load_engine(cats, precision="f32"), load_taxonomy())
