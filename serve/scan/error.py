"""What can go wrong with a scan as a whole."""

from model.errors import SchregerError


class ScanError(SchregerError):
    """The scan cannot begin or go on; the message says why and what to do."""
