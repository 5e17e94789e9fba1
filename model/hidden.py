"""What is passed over below a folder of photos: nobody put it there to be looked at."""

LEFT_BY_WINDOWS = ("desktop.ini", "thumbs.db")


def is_hidden(*names: str) -> bool:
    """Whether one of the names on the way to a file starts with a dot, or is of what Windows leaves in folders."""
    return any(name.startswith(".") or name.lower() in LEFT_BY_WINDOWS for name in names)
