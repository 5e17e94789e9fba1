"""The error that is meant for a person."""


class SchregerError(ValueError):
    """Something that the person using schreger can mend; the message is one plain sentence that says how."""


def reason(error: Exception) -> str:
    """Why, in words: of an error of the system without its number and the path."""
    return getattr(error, "strerror", None) or str(error)
