"""Files that a verb's options name: one that is there is read, and never written over."""

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


def write_new(file: Path, text: str, option: str = "--out") -> None:
    """Write a new file that was named, in UTF-8; one that is there stays as it is.

    Args:
        file: what was named.
        text: all that it will hold.
        option: how it was named, for the sentence.

    Raises:
        InvalidInput: it is there already, or cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        problem = f"{option}: {file} cannot be written: {error.strerror}"
        raise InvalidInput(problem, cure="Name a new file.") from error
