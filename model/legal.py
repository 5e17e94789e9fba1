"""Which appendix of CITES a thing falls under, from legal_status.csv: a summary with its sources, not advice.

The table keeps the names of the Appendices, which follow older genera; nodes are joined by scientific name through
`CITES_NAMES`, never by key. National law is often stricter and is not in the table.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast, get_args

from model.taxonomy import Node, Taxonomy, load_taxonomy

Appendix = Literal["I", "II", "III", "mixed", "none", "not_determined"]

# Scientific name of a node -> the name under which the Appendices list it.
CITES_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Aratinga nenday": "Nandayus nenday",
        "Eos bornea": "Eos rubra",
        "Eupsittula aurea": "Aratinga aurea",
        "Guaruba": "Guarouba",
        "Guaruba guarouba": "Guarouba guarouba",
        "Lophochroa leadbeateri": "Cacatua leadbeateri",
        "Orthopsittaca manilatus": "Orthopsittaca manilata",
        "Phataginus tetradactyla": "Manis tetradactyla",
        "Phataginus tricuspis": "Manis tricuspis",
        "Psittacara erythrogenys": "Aratinga erythrogenys",
        "Smutsia gigantea": "Manis gigantea",
        "Smutsia temminckii": "Manis temminckii",
        "Thectocercus acuticaudatus": "Aratinga acuticaudata",
        "Trichoglossus moluccanus": "Trichoglossus haematodus",
    }
)

_TABLE = Path(__file__).with_name("legal_status.csv")
_STRICTEST_FIRST: tuple[Appendix, ...] = ("I", "mixed", "II", "III", "not_determined", "none")
_NAMES_SHOWN = 5
_ROWS_SHOWN = 5


class LegalError(ValueError):
    """The table of legal status cannot be used; the message is one plain sentence that names the row."""


@dataclass(frozen=True)
class LegalStatus:
    """What the table says of one taxon, or of several that share an appendix.

    key: key of the node, or the scientific name in snake_case where the taxonomy has no such node.
    scientific: name or names as the Appendices write them; empty for a product whose animal is not known.
    appendix: `mixed` when it depends on species or population (see annotation), `none` when the taxon is not listed,
        `not_determined` when no row applies or the listing itself is in doubt: never to be read as "not listed".
    annotation: what the listing covers or leaves out; may be empty.
    uncertain: what was not verified; may be empty.
    source: where the row was read; empty when there is no row.
    as_of: date (YYYY-MM-DD) of the newest source, the oldest of several rows; empty when there is none.
    """

    key: str
    scientific: str
    appendix: Appendix
    annotation: str
    uncertain: str
    source: str
    as_of: str


_COLUMNS = tuple(field.name for field in fields(LegalStatus))


def legal_status(key: str, taxonomy: Taxonomy | None = None) -> tuple[LegalStatus, ...]:
    """The rows that apply to a node; without a taxonomy, the packaged one is used.

    A taxon has its own row, else the nearest row above it. A group adds one row for each other appendix found below
    it, naming some of the taxa, strictest first. A product has its own row and those of the taxa in its `legal_of`,
    one a taxon or, where they are many, one an appendix.
    Taxa, products and all else of the animal kingdom have at least one row, if only `not_determined`. For materials
    without a listed source (ceramic, wood) and the rest the answer is empty, which says nothing about legality.
    Raises KeyError for an unknown key.
    """
    tree = load_taxonomy() if taxonomy is None else taxonomy
    node = tree[key]
    if node.kind == "taxon":
        return _of_taxon(node, tree)
    own = tuple(row for row in read_legal_table() if row.key == key and not row.scientific)
    named = tuple(row for taxon in node.legal_of for row in legal_status(taxon, tree))
    rows = tuple(dict.fromkeys(own + named))
    if not rows and (node.kind == "product" or "animal" in tree.lineage(key)):
        return (_not_determined(node),)
    return rows if len(rows) <= _ROWS_SHOWN else _by_appendix(node, rows)


@cache
def read_legal_table(file: Path = _TABLE) -> tuple[LegalStatus, ...]:
    """All rows of a table, in its order; raises LegalError for a row that cannot be used."""
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise LegalError(f"{file.name}: the columns should be {', '.join(_COLUMNS)}.")
        rows = tuple(_row(cells) for cells in reader)
    for column in ("key", "scientific"):
        seen: set[str] = set()
        for name in filter(None, (getattr(row, column) for row in rows)):
            if name in seen:
                raise LegalError(f"{name}: two rows with this {column}.")
            seen.add(name)
    return rows


def _row(cells: Mapping[str, str]) -> LegalStatus:
    key, appendix = cells["key"], cells["appendix"]
    if appendix not in get_args(Appendix):
        raise LegalError(f"{key}: the appendix should be one of {', '.join(get_args(Appendix))}.")
    if not key or (appendix == "not_determined" and not cells["uncertain"]):
        raise LegalError(f"{key}: a row needs a key, and a reason in `uncertain` where nothing is determined.")
    if appendix != "not_determined" and not (cells["source"] and cells["as_of"]):
        raise LegalError(f"{key}: a row with an appendix needs a source and a date.")
    return LegalStatus(**cast(Any, {column: cells[column] for column in _COLUMNS}))


@cache
def _by_taxon() -> Mapping[str, LegalStatus]:
    """Rows by the name of their taxon, in small letters and without `spp.`."""
    return {_bare(row.scientific): row for row in read_legal_table() if row.scientific}


def _bare(scientific: str) -> str:
    return scientific.removesuffix(" spp.").lower()


def _own_row(node: Node) -> LegalStatus | None:
    scientific = node.scientific or ""
    table = _by_taxon()
    return table.get(_bare(scientific)) or table.get(_bare(CITES_NAMES.get(scientific, "")))


def _of_taxon(node: Node, tree: Taxonomy) -> tuple[LegalStatus, ...]:
    found = (_own_row(tree[key]) for key in tree.lineage(node.key))
    base = next((row for row in found if row is not None), None) or _not_determined(node)
    others = tuple(row for row in _rows_below(node, tree) if row.appendix != base.appendix)
    return _by_appendix(node, (base, *others))


def _rows_below(node: Node, tree: Taxonomy) -> tuple[LegalStatus, ...]:
    """Rows of the taxa below a node: those of nodes, and those whose name begins with the node's or a lower one's."""
    taxa = [taxon for key in (node.key, *tree.descendants(node.key)) if (taxon := tree[key]).kind == "taxon"]
    named = {row for taxon in taxa if taxon is not node and (row := _own_row(taxon))}
    starts = tuple(f"{_bare(taxon.scientific or '')} " for taxon in taxa if taxon.rank in ("genus", "species"))
    return tuple(
        row for row in read_legal_table() if row in named or (starts and _bare(row.scientific).startswith(starts))
    )


def _by_appendix(node: Node, rows: tuple[LegalStatus, ...]) -> tuple[LegalStatus, ...]:
    """One row an appendix, strictest first; a genus is left out where its species are named."""
    genera = {genus for row in rows for genus in re.findall(r"^(\w+) [a-z]", _bare(row.scientific))}
    named = [row for row in rows if _bare(row.scientific) not in genera]
    groups = ([row for row in named if row.appendix == appendix] for appendix in _STRICTEST_FIRST)
    return tuple(_merged(node, group) for group in groups if group)


def _merged(node: Node, rows: list[LegalStatus]) -> LegalStatus:
    """Several rows of one appendix as one that names the first few taxa."""
    if len(rows) == 1:
        return rows[0]
    names = ", ".join(row.scientific for row in rows[:_NAMES_SHOWN])
    return LegalStatus(
        key=node.key,
        scientific=names if len(rows) <= _NAMES_SHOWN else f"{names} and others",
        appendix=rows[0].appendix,
        annotation="",
        uncertain=_joined(row.uncertain for row in rows),
        source=_joined(row.source for row in rows),
        as_of=min((row.as_of for row in rows if row.as_of), default=""),
    )


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))


def _not_determined(node: Node) -> LegalStatus:
    return LegalStatus(
        key=node.key,
        scientific=node.scientific or "",
        appendix="not_determined",
        annotation="",
        uncertain="The table has no row for this; name the species and look it up in the Appendices in force.",
        source="",
        as_of="",
    )
