"""The tree of taxa, products and materials that answers are named from."""

from model.taxonomy.tree import LANGUAGES, Node, Taxonomy, TaxonomyError, load_taxonomy

__all__ = ["LANGUAGES", "Node", "Taxonomy", "TaxonomyError", "load_taxonomy"]
