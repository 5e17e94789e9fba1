"""Labels are keys of the taxonomy; people may write a name instead."""

from __future__ import annotations

from model.taxonomy import Node, load_taxonomy
from training.collect.found import CollectError


def label_of(text: str) -> str:
    """The taxonomy's key for a key, a scientific name or an English name, in upper or lower case.

    Raises:
        CollectError: The taxonomy has no such thing; the nearest keys are named.
    """
    taxonomy = load_taxonomy()
    wanted = " ".join(text.lower().replace("_", " ").split())
    for name_of in (_by_key, _by_scientific_name, _by_english_name):
        key = next((key for key, node in taxonomy.items() if name_of(node) == wanted), None)
        if key:
            return key
    near = taxonomy.near(text)
    hint = f"; near it are {', '.join(near)}" if near else ""
    raise CollectError(f"{text!r} is not a label of the taxonomy{hint}.")


def taxon_of(text: str) -> Node:
    """The taxon of a key or name.

    Raises:
        CollectError: The taxonomy has no such taxon.
    """
    node = load_taxonomy()[label_of(text)]
    if node.kind != "taxon":
        raise CollectError(f"{text!r} is not a taxon but a {node.kind}; name a species, a genus or a group of animals.")
    return node


def most_exact(asked: Node, observed: str) -> str:
    """The most exact key at or below the taxon asked for that names what was observed: species, genus, or the taxon.

    `observed` is a scientific name, of a subspecies perhaps.
    """
    taxonomy = load_taxonomy()
    below = {taxonomy[key].scientific: key for key in taxonomy.descendants(asked.key)}
    words = observed.split()
    names = (" ".join(words[:count]) for count in (len(words), 2, 1))
    return next((below[name] for name in names if name in below), asked.key)


def _by_key(node: Node) -> str:
    return node.key.replace("_", " ")


def _by_scientific_name(node: Node) -> str:
    return (node.scientific or "").lower()


def _by_english_name(node: Node) -> str:
    return node.names["en"].lower()
