"""The tree of everything that an answer can name: taxa, products of animals, materials and the rest.

The tree is written in the YAML files beside this module, one block a node. Any node may be a class of a bundle;
a node's probability is its own plus that of its descendants.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import yaml

Kind = Literal["taxon", "product", "material", "other"]
Status = Literal["recognised", "not_yet"]

LANGUAGES: Final = ("en", "fr", "es", "pt", "ar", "zh", "sw", "vi")
CHECKS_FILE: Final = "checks.yaml"

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NODE_FIELDS = frozenset(
    ("parent", "kind", "scientific", "rank", "names", "look_alikes", "check", "legal_of", "status")
)
# The C reader is several times faster and as safe; builds of PyYAML without libyaml lack it.
_Reader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TaxonomyError(ValueError):
    """The taxonomy's files contradict themselves; the message is one plain sentence that names the key."""


@dataclass(frozen=True)
class Node:
    """One thing that an answer can name.

    key: snake_case; a taxon's key is its scientific name in lower case with underscores, or a group's plain name.
    parent: key of the node above, None for the tops of the tree.
    kind: `taxon` (a living or extinct group), `product` (made of an animal), `material` (made of anything else),
        `other` (the rest).
    rank, scientific: of a taxon, None otherwise.
    names: the common name in each of LANGUAGES.
    look_alikes: keys of nodes that this one is mistaken for; empty means "as the nearest ancestor's".
    check: keys of sentences in checks.yaml; empty means "as the nearest ancestor's".
    legal_of: keys of the taxa whose legal status applies to a product or material.
    status: whether the present classifier can answer with this node or something below it.
    """

    key: str
    parent: str | None
    kind: Kind
    rank: str | None
    scientific: str | None
    names: Mapping[str, str]
    look_alikes: tuple[str, ...]
    check: tuple[str, ...]
    legal_of: tuple[str, ...]
    status: Status


class Taxonomy(Mapping[str, Node]):
    """All nodes by key, in the order of the files. Any method raises KeyError for a key that is not in the tree."""

    def __init__(self, nodes: Mapping[str, Node], sentences: Mapping[str, Mapping[str, str]]) -> None:
        """Take checked nodes and the sentences of checks.yaml; use `load_taxonomy` to read and check them."""
        self._nodes = dict(nodes)
        self._sentences = sentences
        children: dict[str, list[str]] = {key: [] for key in self._nodes}
        for node in self._nodes.values():
            if node.parent is not None:
                children[node.parent].append(node.key)
        self._children = {key: tuple(below) for key, below in children.items()}

    def __getitem__(self, key: str) -> Node:
        """The node of this key."""
        return self._nodes[key]

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order of the files."""
        return iter(self._nodes)

    def __len__(self) -> int:
        """The number of nodes."""
        return len(self._nodes)

    def ancestors(self, key: str) -> tuple[str, ...]:
        """The nodes above, nearest first, without the key itself."""
        return self.lineage(key)[1:]

    def lineage(self, key: str) -> tuple[str, ...]:
        """The key itself and the nodes above, nearest first."""
        found = [key]
        while (parent := self._nodes[found[-1]].parent) is not None:
            found.append(parent)
        return tuple(found)

    def children(self, key: str) -> tuple[str, ...]:
        """The nodes directly below."""
        return self._children[key]

    def descendants(self, key: str) -> frozenset[str]:
        """All nodes below, without the key itself."""
        found: list[str] = list(self._children[key])
        for below in found:
            found.extend(self._children[below])
        return frozenset(found)

    def near(self, text: str) -> list[str]:
        """The keys most like a text that is none, the nearest first; at most three, perhaps none."""
        return get_close_matches("_".join(text.lower().replace("_", " ").split()), self, n=3)

    def name(self, key: str, language: str = "en") -> str:
        """The common name in one of LANGUAGES (KeyError for any other)."""
        return self._nodes[key].names[language]

    def checks(self, key: str, language: str = "en") -> tuple[str, ...]:
        """Sentences that say what to look at or photograph next: the node's own, else its nearest ancestor's."""
        keys = next((self._nodes[k].check for k in self.lineage(key) if self._nodes[k].check), ())
        return tuple(self._sentences[check][language] for check in keys)

    def look_alikes(self, key: str) -> tuple[str, ...]:
        """Keys of what this is mistaken for: the node's own, else its nearest ancestor's."""
        return next((self._nodes[k].look_alikes for k in self.lineage(key) if self._nodes[k].look_alikes), ())


def load_taxonomy(folder: Path | None = None) -> Taxonomy:
    """Read and check every YAML file of a folder; without one, the taxonomy of this package (read once).

    Raises TaxonomyError where the files contradict themselves or each other.
    """
    return _packaged() if folder is None else _load(folder)


@cache
def _packaged() -> Taxonomy:
    return _load(Path(__file__).parent)


def _load(folder: Path) -> Taxonomy:
    sentences: dict[str, Mapping[str, str]] = {}
    nodes: dict[str, Node] = {}
    for file in sorted(folder.glob("*.yaml")):
        for key, fields in _read(file).items():
            if key in (sentences if file.name == CHECKS_FILE else nodes):
                raise TaxonomyError(f"{key}: defined twice, the second time in {file.name}.")
            if not _SNAKE_CASE.fullmatch(key):
                raise TaxonomyError(f"{key}: a key is lower-case letters and digits joined by single underscores.")
            if file.name == CHECKS_FILE:
                sentences[key] = _in_all_languages(key, fields, "sentence")
            else:
                nodes[key] = _node(key, fields)
    if not nodes:
        raise TaxonomyError(f"{folder}: no node found in any YAML file of this folder.")
    for node in nodes.values():
        _check_links(node, nodes, sentences)
    for key in nodes:
        _check_cycle(key, nodes)
    return Taxonomy(nodes, sentences)


def _read(file: Path) -> dict[str, Any]:
    """The blocks of one file by key; PyYAML alone would let a second block of the same key replace the first."""
    try:
        reader = _Reader(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise TaxonomyError(f"{file.name}: not plain UTF-8 text.") from error
    try:
        root = reader.get_single_node()
        if root is None:
            return {}
        if not isinstance(root, yaml.MappingNode) or not all(isinstance(k, yaml.ScalarNode) for k, _ in root.value):
            raise TaxonomyError(f"{file.name}: should hold one block for each key.")
        seen: set[str] = set()
        for key, _ in root.value:
            if key.value in seen:
                raise TaxonomyError(f"{key.value}: defined twice in {file.name}.")
            seen.add(key.value)
        return {str(key): fields for key, fields in reader.construct_document(root).items()}
    except yaml.YAMLError as error:
        raise TaxonomyError(f"{file.name}: not readable as YAML: {' '.join(str(error).split())}.") from error
    finally:
        reader.dispose()


def _node(key: str, fields: Any) -> Node:
    if not isinstance(fields, dict):
        raise TaxonomyError(f"{key}: should be a block of fields.")
    if unknown := sorted(str(field) for field in fields.keys() - _NODE_FIELDS):
        raise TaxonomyError(f"{key}: unknown field {unknown[0]}.")
    node = Node(
        key=key,
        parent=_text(key, fields, "parent"),
        kind=_one_of(key, fields, "kind", get_args(Kind), None),
        rank=_text(key, fields, "rank"),
        scientific=_text(key, fields, "scientific"),
        names=_in_all_languages(key, fields.get("names"), "name"),
        look_alikes=_keys(key, fields, "look_alikes"),
        check=_keys(key, fields, "check"),
        legal_of=_keys(key, fields, "legal_of"),
        status=_one_of(key, fields, "status", get_args(Status), "recognised"),
    )
    if node.kind == "taxon" and not (node.scientific and node.rank):
        raise TaxonomyError(f"{key}: a taxon needs a scientific name and a rank.")
    if node.kind != "taxon" and (node.scientific or node.rank):
        raise TaxonomyError(f"{key}: only a taxon has a scientific name and a rank.")
    return node


def _text(key: str, fields: Mapping[str, Any], field: str) -> str | None:
    value = fields.get(field)
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise TaxonomyError(f"{key}: {field} should be text.")
    return value


def _one_of(key: str, fields: Mapping[str, Any], field: str, allowed: tuple[str, ...], default: str | None) -> Any:
    value = fields.get(field, default)
    if value not in allowed:
        raise TaxonomyError(f"{key}: {field} should be one of {', '.join(allowed)}.")
    return value


def _keys(key: str, fields: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = fields.get(field, [])
    if not (isinstance(value, list) and all(isinstance(entry, str) for entry in value)):
        raise TaxonomyError(f"{key}: {field} should be a list of keys.")
    if len(set(value)) < len(value) or key in value:
        raise TaxonomyError(f"{key}: {field} names a key twice or the node itself.")
    return tuple(value)


def _in_all_languages(key: str, texts: Any, what: str) -> Mapping[str, str]:
    if not isinstance(texts, dict):
        raise TaxonomyError(f"{key}: should have a {what} in each of {', '.join(LANGUAGES)}.")
    if unknown := sorted(str(language) for language in texts.keys() - set(LANGUAGES)):
        raise TaxonomyError(f"{key}: a {what} in the unknown language {unknown[0]}.")
    for language in LANGUAGES:
        text = texts.get(language)
        if not (isinstance(text, str) and text.strip()):
            raise TaxonomyError(f"{key}: the {what} in {language} is missing or not text.")
    return MappingProxyType({language: texts[language].strip() for language in LANGUAGES})


def _check_links(node: Node, nodes: Mapping[str, Node], sentences: Mapping[str, object]) -> None:
    if node.parent is not None and node.parent not in nodes:
        raise TaxonomyError(f"{node.key}: its parent {node.parent} is not a node.")
    for what, named, known in (
        ("look-alike", node.look_alikes, nodes),
        ("legal_of", node.legal_of, nodes),
        ("check", node.check, sentences),
    ):
        for key in named:
            if key not in known:
                raise TaxonomyError(f"{node.key}: its {what} {key} does not exist.")


def _check_cycle(key: str, nodes: Mapping[str, Node]) -> None:
    seen = {key}
    parent = nodes[key].parent
    while parent is not None:
        if parent in seen:
            raise TaxonomyError(f"{key}: the way up from it runs in a circle through {parent}.")
        seen.add(parent)
        parent = nodes[parent].parent
