"""Open a file, plain or gzipped, and read all of it once before anything is believed about it."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patron_cli.importing.rows import FileUnusable

CHUNK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(slots=True)
class RawFile:
    """A regular file whose content is read as bytes, decompressed on the way.

    read_bytes: how much of the stored file the latest reading has consumed.
    """

    path: Path
    gzipped: bool
    size: int
    fingerprint: str
    read_bytes: int = 0

    def progress(self) -> float:
        """Share of the stored bytes that were read, 0 to 1."""
        return min(1.0, self.read_bytes / self.size) if self.size else 1.0

    @contextmanager
    def opened(self) -> Generator[io.BufferedIOBase]:
        """Give a stream of the decompressed bytes that keeps `read_bytes` up to date."""
        with self.path.open("rb", buffering=0) as stored:
            counted = io.BufferedReader(_Counted(stored, self), CHUNK_BYTES)
            if self.gzipped:
                with gzip.GzipFile(fileobj=counted, mode="rb") as plain:
                    yield plain
            else:
                yield counted

    def chunks(self) -> Iterator[bytes]:
        """Read the whole content in pieces of a megabyte.

        Raises:
            FileUnusable: the compressed data is damaged.
        """
        with self.opened() as stream, damaged_archive(self.path):
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk


class _Counted(io.RawIOBase):
    """Pass reads through and remember how far they got."""

    def __init__(self, stored: io.FileIO, owner: RawFile) -> None:
        super().__init__()
        self._stored = stored
        self._owner = owner

    def readinto(self, buffer: Any, /) -> int:
        count = self._stored.readinto(buffer)
        self._owner.read_bytes = self._stored.tell()
        return count or 0

    def readable(self) -> bool:
        return True


@contextmanager
def damaged_archive(path: Path) -> Generator[None]:
    """Turn the errors of the decompressor into one that names the file."""
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise FileUnusable(path, f"the gzip data is damaged ({error})") from error


def open_raw(path: Path) -> RawFile:
    """Look at a file and take its fingerprint.

    Raises:
        FileUnusable: it does not exist, is no regular file, may not be read, or is empty.
    """
    try:
        if not path.exists():
            raise FileUnusable(path, "there is no such file")
        if not path.is_file():
            raise FileUnusable(path, "this is not a regular file")
        digest = hashlib.sha256()
        size = 0
        with path.open("rb") as stored:
            head = stored.read(CHUNK_BYTES)
            chunk = head
            while chunk:
                digest.update(chunk)
                size += len(chunk)
                chunk = stored.read(CHUNK_BYTES)
    except OSError as error:
        raise FileUnusable(path, f"it cannot be read ({error.strerror or error})") from error
    if not size:
        raise FileUnusable(path, "the file is empty")
    return RawFile(path, gzipped=head.startswith(_GZIP_MAGIC), size=size, fingerprint=digest.hexdigest())
