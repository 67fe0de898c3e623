"""Find the encoding of a text file by reading all of it, because a late byte can refute an early guess."""

import codecs
import io
import re
from dataclasses import dataclass, field
from typing import Any

from patron_cli.importing.raw_file import RawFile
from patron_cli.importing.rows import FileUnusable

_BOMS = (  # longest first: the mark of UTF-32LE begins with that of UTF-16LE
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32BE"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16BE"),
)
_SAMPLE_BYTES = 64 * 1024
_HEAD_BYTES = 512  # binary formats, and text of 16 or 32 bits, have a NUL here
_STRAY_ONE_IN = 100
_FOREIGN_SHARE = 0.6  # of the bytes of a word; above it the word is not written in Latin letters
_WORD = re.compile(rb"[A-Za-z\x80-\xff]{2,}")
_SYMBOL_IN_WORD = re.compile(
    r"(?:(?<=[^\W\d_])|\b)[\u00a3\u00a5\u00a6\u00af\u00b3\u00b9\u00bc\u00be\u00bf](?=[^\W\d_])"
)
_HIGH = bytes(range(0x80, 0x100))
_ASCII = frozenset(range(0x80))
_C1_BYTES = frozenset(range(0x80, 0xA0))
_CP1250_HOLES = frozenset(b"\x81\x83\x88\x90\x98")
_CP1252_HOLES = frozenset(b"\x81\x8d\x8f\x90\x9d")
_LEGACY = ("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp932", "euc_jp", "gb18030", "big5", "euc_kr", "cp874")


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How to decode a file.

    codec: name for Python; skip: bytes of the byte-order mark; label: name for people.
    """

    codec: str
    label: str
    skip: int = 0


@dataclass(slots=True)
class _Survey:
    """What one pass over the bytes says."""

    is_utf8: bool = True
    early_nul: bool = False
    nuls: int = 0
    size: int = 0
    high_bytes: set[int] = field(default_factory=set[int])
    sample: bytearray = field(default_factory=bytearray)

    @property
    def is_text(self) -> bool:
        """Tell whether there are no NUL bytes, or a few that got into cells; the services refuse those rows."""
        return not self.nuls or (self.is_utf8 and not self.early_nul and self.nuls * _STRAY_ONE_IN <= self.size)


def find_encoding(raw: RawFile, stated: str | None) -> TextEncoding:
    """Decide how the whole file decodes.

    Raises:
        FileUnusable: it is binary, its byte-order mark is wrong, or the stated encoding does not fit.
    """
    with raw.opened() as stream:
        head = stream.read(64)
    if stated:
        return _stated(raw, stated, head)
    marked = _marked(head)
    if marked:
        _check(raw, marked, "the content does not fit its byte-order mark, {label}: {reason}")
        return marked
    survey = _survey(raw)
    if not survey.is_text:
        return _wide_without_mark(raw, head)
    if survey.is_utf8:
        return TextEncoding("utf-8", "UTF-8" if survey.high_bytes else "UTF-8 (ASCII only)")
    return _legacy(raw, survey)


def text_of(stream: io.BufferedIOBase, encoding: TextEncoding, *, newline: str | None) -> io.TextIOWrapper:
    """Decode a stream from behind its byte-order mark; newline as in `open`."""
    stream.read(encoding.skip)
    buffer: Any = stream  # typeshed asks for a name, which TextIOWrapper does without
    return io.TextIOWrapper(buffer, encoding=encoding.codec, newline=newline)


def _marked(head: bytes) -> TextEncoding | None:
    if head[:2] == codecs.BOM_UTF16_BE and head[2:4] == b"\0\0" and head[4:5] == b"\0" and head[5:6] != b"\0":
        # Salesforce's own test file: a big-endian mark cut to two bytes before 32-bit units.
        return TextEncoding("utf-32-be", "UTF-32BE (byte-order mark cut short)", 2)
    for mark, codec, label in _BOMS:
        if head.startswith(mark):
            return TextEncoding(codec, f"{label} (marked)", len(mark))
    return None


def _stated(raw: RawFile, name: str, head: bytes) -> TextEncoding:
    try:
        codec = codecs.lookup(name).name
    except LookupError as error:
        raise FileUnusable(raw.path, f"there is no encoding called {name}") from error
    marked = _marked(head)
    fits = marked is not None and (marked.codec == codec or codec in {"utf-16", "utf-32", "utf-8-sig"})
    encoding = marked if marked and fits else TextEncoding(codec, f"{codec} as stated")
    _check(raw, encoding, "it is not {label}: {reason}")
    return encoding


def _check(raw: RawFile, encoding: TextEncoding, complaint: str) -> None:
    reason = _refuted(raw, encoding)
    if reason is not None:
        raise FileUnusable(raw.path, complaint.format(label=encoding.label, reason=reason))


def _refuted(raw: RawFile, encoding: TextEncoding) -> str | None:
    """Decode everything once and say what is wrong; NUL characters mean that the units were misread."""
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    skip, done = encoding.skip, 0
    try:
        for chunk in raw.chunks():
            if "\0" in decoder.decode(chunk[skip:]) and encoding.codec != "utf-8":
                return "it holds NUL characters"
            done += len(chunk)
            skip = 0
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return f"{error.reason} near byte {done + error.start}"
    return None


def _survey(raw: RawFile) -> _Survey:
    found = _Survey()
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in raw.chunks():
        if not found.size and b"\0" in chunk[:_HEAD_BYTES]:
            found.early_nul, found.nuls = True, 1
            return found
        found.size += len(chunk)
        found.nuls += chunk.count(b"\0")
        if found.is_utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                found.is_utf8 = False
        if not chunk.isascii():
            found.high_bytes.update(set(chunk) - _ASCII)
            _collect(found.sample, chunk)
    if found.is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            found.is_utf8 = False
    return found


def _collect(sample: bytearray, chunk: bytes) -> None:
    """Keep lines with non-ASCII bytes: the others say nothing about the encoding."""
    for line in chunk.splitlines(keepends=True):
        if len(sample) >= _SAMPLE_BYTES:
            return
        if not line.isascii():
            sample += line[:2000]


def _wide_without_mark(raw: RawFile, head: bytes) -> TextEncoding:
    """Accept UTF-16 and UTF-32 without a mark where the NUL bytes leave one reading only."""
    nuls = [position for position, byte in enumerate(head) if not byte]
    guesses = (
        ("utf-32-le", "UTF-32LE", {1, 2, 3}, 4),
        ("utf-32-be", "UTF-32BE", {0, 1, 2}, 4),
        ("utf-16-le", "UTF-16LE", {1}, 2),
        ("utf-16-be", "UTF-16BE", {0}, 2),
    )
    for codec, label, expected, width in guesses:
        if len(nuls) >= len(head) // 4 and {position % width for position in nuls} == expected:
            encoding = TextEncoding(codec, f"{label} without byte-order mark")
            _check(raw, encoding, "it looks like {label}, but is not: {reason}")
            return encoding
    raise FileUnusable(raw.path, "this is binary data, not text (it holds NUL bytes)")


def _legacy(raw: RawFile, survey: _Survey) -> TextEncoding:
    """Choose among the eight-bit and East Asian encodings.

    Statistics decide only where whole words are not ASCII; over five accented letters they name a different
    code page for every file, so such text is taken to be Western unless that puts symbols inside words.
    """
    sample = bytes(survey.sample)
    if _is_foreign_script(sample):
        import charset_normalizer  # noqa: PLC0415 - slow to load, and seldom needed

        best = charset_normalizer.from_bytes(sample, cp_isolation=list(_LEGACY), threshold=0.5).best()
        if best is not None:
            encoding = TextEncoding(best.encoding, f"{best.encoding} (guessed; --encoding overrides)")
            if _refuted(raw, encoding) is None:
                return encoding
    if not survey.high_bytes & _CP1250_HOLES and _symbols_in_words(sample, "cp1252") > _symbols_in_words(
        sample, "cp1250"
    ):
        return TextEncoding("cp1250", "Windows-1250 (guessed; --encoding overrides)")
    if not survey.high_bytes & _C1_BYTES or survey.high_bytes & _CP1252_HOLES:
        return TextEncoding("latin-1", "ISO-8859-1")
    return TextEncoding("cp1252", "Windows-1252")


def _is_foreign_script(sample: bytes) -> bool:
    """Tell whether most of the words with non-ASCII bytes consist of such bytes."""
    foreign = mixed = 0
    for word in _WORD.findall(sample):
        high = len(word) - len(word.translate(None, delete=_HIGH))
        if high:
            mixed += 1
            foreign += high / len(word) > _FOREIGN_SHARE
    return foreign * 2 > mixed


def _symbols_in_words(sample: bytes, codec: str) -> int:
    """Count what no language writes: symbols such as `\u00a3` or `\u00b3` with letters around or after them."""
    return len(_SYMBOL_IN_WORD.findall(sample.decode(codec, errors="replace")))
