"""Files that a verb's options name."""

from pathlib import Path

from app.kernel.errors import InvalidInput


def read_file(file: Path, option: str = "") -> bytes:
    """Read a file that was named.

    Args:
        file: what was named.
        option: how, for the sentence; empty where only one file can be meant.

    Raises:
        InvalidInput: it is not there, or cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        named = f"{option}: {file}" if option else str(file)
        cure = "Name a file that is there."
        raise InvalidInput(f"{named}: {error.strerror}", cure=cure) from error
