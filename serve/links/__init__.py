"""Pictures in, links out: copies of a picture, and pictures of the same item, across adverts, sellers and platforms."""

from serve.links.hashlist import Listed, read_hashes, write_hashes
from serve.links.index import Index
from serve.links.matching import Match, match
from serve.links.picture import LinksError, Picture, Source, look

__all__ = [
    "Index",
    "LinksError",
    "Listed",
    "Match",
    "Picture",
    "Source",
    "look",
    "match",
    "read_hashes",
    "write_hashes",
]
