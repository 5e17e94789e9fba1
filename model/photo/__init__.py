"""From the bytes of a photo to upright sRGB pixels, or one plain sentence that says why not."""

from model.photo.error import PhotoError
from model.photo.kind import FORMATS
from model.photo.photo import MAX_BYTES, Photo, open_photo, read_file, squash, thumbnail, too_many_bytes
from model.photo.quality import Quality

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "Photo",
    "PhotoError",
    "Quality",
    "open_photo",
    "read_file",
    "squash",
    "thumbnail",
    "too_many_bytes",
]
