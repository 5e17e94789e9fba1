"""Pictures in, links out: copies of a picture, and pictures of the same item, across adverts, sellers and platforms."""

from serve.links.hashlist import Listed, read_hashes, write_hashes
from serve.links.index import Index
from serve.links.known import Found, Known, read_known
from serve.links.matching import Match, match
from serve.links.picture import LinksError, Picture, Source, look, to_picture

__all__ = [
    "Found", "Index", "Known", "LinksError", "Listed", "Match", "Picture", "Source", "look", "match", "read_hashes",
    "read_known", "to_picture", "write_hashes",
]  # fmt: skip
