"""The errors that a casebook can cause."""

from model.errors import SchregerError


class CasebookError(SchregerError):
    """The casebook cannot be used, or not so; the message is one plain sentence that says why and what to do."""


class NoCaseError(CasebookError):
    """There is no such case, or more than one."""


class SeveralCasesError(NoCaseError):
    """More than one case is called so."""
