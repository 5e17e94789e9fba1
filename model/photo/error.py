"""The one error that a file can cause."""

from model.errors import SchregerError


class PhotoError(SchregerError):
    """A file that cannot be used as a photo.

    `str(error)` is one plain sentence that says what is wrong and what to do. `code` is stable, one of: not_an_image,
    unsupported_format, empty, truncated (cut off or damaged), too_many_bytes, too_many_pixels, absurd_aspect,
    unreadable_file (missing, a folder, a pipe, not permitted). `sha256` is the digest of the bytes, None where they
    were not read.
    """

    def __init__(self, code: str, message: str, sha256: str | None = None) -> None:
        super().__init__(message)
        self.code, self.sha256 = code, sha256

    def __reduce__(self) -> tuple[type["PhotoError"], tuple[str, str, str | None]]:
        return type(self), (self.code, str(self), self.sha256)  # so that it crosses from a worker process


def cut_off() -> PhotoError:
    """The error for a file that starts as a photo and does not go on as one."""
    return PhotoError("truncated", "This file is cut off or damaged; send the whole original photo again.")


def unsupported(kind: str) -> PhotoError:
    """The error for a file that is well known and not one of ours."""
    return PhotoError("unsupported_format", f"This is {kind}; send the photo itself as a JPEG, PNG, WebP or HEIC file.")
