"""The casebook: what must be kept, so that it can be shown later that nothing of it was changed."""

from serve.casebook.archive import export_case, import_case
from serve.casebook.casebook import Casebook, Received
from serve.casebook.casefile import CaseFile, ItemFile
from serve.casebook.error import CasebookError, NoCaseError
from serve.casebook.keys import Head
from serve.casebook.opening import create_casebook, open_casebook
from serve.casebook.records import User
from serve.casebook.users import Users
from serve.casebook.verify import verify

__all__ = [
    "CaseFile",
    "Casebook",
    "CasebookError",
    "Head",
    "ItemFile",
    "NoCaseError",
    "Received",
    "User",
    "Users",
    "create_casebook",
    "export_case",
    "import_case",
    "open_casebook",
    "verify",
]
