"""The error that is meant for a person."""


class SchregerError(ValueError):
    """Something that the person using schreger can mend; the message is one plain sentence that says how."""
