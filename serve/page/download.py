"""What a person may save: a link that holds the file itself, so that the server keeps none."""

from html import escape
from urllib.parse import quote


def download(name: str, kind: str, text: str, label: str) -> str:
    """A link that saves a text under a file name; `kind` is its media type."""
    address = f"data:{kind};charset=utf-8,{quote(text)}"
    return f'<a class="choice" href="{address}" download="{escape(name)}">{escape(label)}</a>'
