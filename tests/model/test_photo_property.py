"""Photos: that no bytes whatsoever raise anything but PhotoError, run away, or take more memory than they may.

The files are opened in a process of its own, whose memory and whose time for one file the system limits.
"""

import io
import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from model.photo import FORMATS, PhotoError, open_photo
from tests.model.test_photo import encode, encoded, exif, frames, picture, png_chunk, png_header

ROOT = Path(__file__).parents[2]
MEMORY = 1_300_000_000  # bytes beyond what the process has when it starts: what the largest photos need
LITTLE = 400_000_000  # for pictures of a few pixels in files of up to 60 MB
SECONDS = 10  # of computing, for one file; the slowest of these takes about 1
EXAMPLES = 3000

SAMPLES = {name: data for name, (data, *_) in encoded(picture("chelsea", 48, 32)).items()}
SAMPLES["jpeg exif"] = encode(picture("chelsea", 48, 32), "JPEG", exif=exif(6), comment=b"of a cat")
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 20_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


# --- what is tried ---


names = st.sampled_from(sorted(SAMPLES))
places = st.one_of(st.integers(0, 64), st.integers(0, 600), st.integers(0, 9999))
numbers = st.builds(
    lambda value, size, order: (value % (1 << 8 * size)).to_bytes(size, order),
    st.sampled_from(EDGES), st.sampled_from((1, 2, 4)), st.sampled_from(("little", "big")),
)  # fmt: skip
parts = st.builds(lambda name, at, size: SAMPLES[name][at : at + size], names, places, st.integers(1, 400))
chunks = st.builds(
    png_chunk, st.sampled_from((b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"acTL", b"IDAT")), st.binary(max_size=40)
)
edits = st.tuples(
    places,
    st.one_of(numbers, parts, chunks, st.binary(max_size=32)),
    st.sampled_from((None, None, 0, 1, 40, 10**9)),  # how much it replaces; None: as much as it is long
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real file of any kind, parts of which are overwritten, cut, doubled, or come from other files."""
    data = bytearray(SAMPLES[draw(names)])
    for place, piece, replaced in draw(st.lists(edits, max_size=3)):
        at = place % (len(data) + 1)
        data[at : at + (len(piece) if replaced is None else replaced)] = piece
    for place in draw(st.lists(places, max_size=3)):
        if data:
            data[place % len(data)] ^= 1 << place % 8
    if data.startswith(b"\x89PNG") and draw(st.booleans()):
        mend_checksums(data)
    return bytes(data)


def mend_checksums(png: bytearray) -> None:
    at = 8
    while at + 12 <= len(png) and (end := at + 12 + int.from_bytes(png[at : at + 4], "big")) <= len(png):
        png[end - 4 : end] = struct.pack(">I", zlib.crc32(png[at + 4 : end - 4]))
        at = end


def directory(entries: int, count: int, kind: int = 7, *, base: int = 8) -> bytes:
    """A TIFF directory, all of whose entries point at the same bytes."""
    rows = b"".join(struct.pack("<HHII", (30000 + tag) % 65536, kind, count, base) for tag in range(entries))
    return b"II*\0" + struct.pack("<IH", base, entries) + rows + bytes(4)


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    parts = [b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data for marker, data in segments]
    return SAMPLES["jpeg"][:2] + b"".join(parts) + SAMPLES["jpeg"][2:]


def png_with(*chunks: bytes, after: tuple[bytes, ...] = ()) -> bytes:
    png = SAMPLES["png"]
    return png[:33] + b"".join(chunks) + png[33:-12] + b"".join(after) + png[-12:]


def tiff(width: int, height: int, tags: dict[int, tuple[int, int, int]]) -> bytes:
    """An uncompressed grey TIFF; `tags`: tag → type, count, value."""
    merged = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8),
              277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, width * height), **tags}  # fmt: skip
    rows = b"".join(struct.pack("<HHII", tag, *merged[tag]) for tag in sorted(merged))
    return b"II*\0" + struct.pack("<IH", 8, len(merged)) + rows + bytes(4)


def heif_with_shared_profile(pictures: int) -> bytes:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = struct.pack(">I", len(icc) + 3_000_000) + icc[4:] + bytes(3_000_000)
    file = pillow_heif.HeifFile()  # type: ignore[no-untyped-call]
    for level in range(pictures):
        small = Image.new("RGB", (64, 64), (level % 256, 0, 0))
        small.info["icc_profile"] = icc
        file.add_from_pillow(small)
    packed = io.BytesIO()
    file.save(packed, quality=10)
    return packed.getvalue()


def avif_of_another_size(width: int, height: int) -> bytes:
    data = bytearray(encode(Image.new("RGB", (width, height)), "AVIF", quality=20, speed=10))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 48, 32)
    return bytes(data)


def avif_with(block: bytes, **options: object) -> bytes:
    """Put in afterwards, for Pillow would read it while it writes the file."""
    stand_in = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 271, 2, 1, 0, 0)
    stand_in += bytes(len(block) - len(stand_in))
    data = encode(picture(), "AVIF", speed=10, exif=stand_in, **options)
    assert stand_in in data
    return data.replace(stand_in, block)


def animated_png(width: int, height: int) -> bytes:
    frame = struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 1, 1, 0)
    control = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", frame)
    return png_header(width, height, 8, 6) + control + png_chunk(b"IDAT", zlib.compress(bytes(9)))


def many_scans() -> bytes:
    data = encode(Image.new("RGB", (4000, 3000)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * 40_000 + b"\xff\xd9"


def gif_with_comments(blocks: int) -> bytes:
    gif = SAMPLES["gif"]
    at = 13 + (6 << (gif[10] & 7))
    return gif[:at] + b"!\xfe" + (b"\xff" + bytes(255)) * blocks + b"\0" + gif[at:]


def flat(kind: str, mode: str, side: int) -> bytes:
    options = {
        "WEBP": {"lossless": True, "method": 0},
        "AVIF": {"quality": 20, "speed": 10},
        "PNG": {"compress_level": 1},
    }
    image = Image.new(mode, (side, side))
    return encode(image, kind, **options.get(kind, {"quality": 10, "progressive": True, "subsampling": 0}))


ZEROS = zlib.compress(bytes(60_000_000), 9)
BOMBS: dict[str, Callable[[], bytes]] = {
    "exif entries that share 64 kB": lambda: jpeg_with((0xE1, b"Exif\0\0" + directory(5400, 60_000))),
    "exif of a thousand segments": lambda: jpeg_with(*[(0xE1, b"Exif\0\0" + bytes(65_000))] * 900),
    "picture index that shares 64 kB": lambda: jpeg_with((0xE2, b"MPF\0" + directory(5400, 30_000, 3))),
    "jpeg of many scans": many_scans,
    "jpeg of junk": lambda: b"\xff\xd8\xff" + b"\xff" * 30_000_000,
    "jpeg of zeros": lambda: b"\xff\xd8\xff" + bytes(30_000_000),
    "png exif that shares 1 MB": lambda: png_with(png_chunk(b"eXIf", directory(60_000, 700_000))),
    "png text before": lambda: png_with(*[png_chunk(b"zTXt", b"a\0\0" + ZEROS)] * 50),
    "png text after": lambda: png_with(after=(png_chunk(b"iTXt", b"a\0\1\0\0\0" + ZEROS),) * 50),
    "png profile": lambda: png_with(png_chunk(b"iCCP", b"a\0\0" + ZEROS)),
    "png of a million chunks": lambda: png_with(*[png_chunk(b"tEXt", b"")] * 1_000_000),
    "png of empty data": lambda: png_with(*[png_chunk(b"IDAT", b"")] * 300_000),
    "png more data than pixels": lambda: png_header(48, 32) + png_chunk(b"IDAT", ZEROS) + png_chunk(b"IEND", b""),
    "animated png": lambda: animated_png(60_000, 50_000),
    "two sizes in one png": lambda: png_with(png_chunk(b"IHDR", png_header(60_000, 50_000)[16:29])),
    "tiff entries that share 1 MB": lambda: directory(60_000, 700_000),
    "tiff of many strips": lambda: tiff(48, 32, {273: (4, 4_000_000, 8), 279: (4, 4_000_000, 8)}) + bytes(16_000_000),
    "tiff with a giant tile": lambda: tiff(48, 32, {322: (4, 1, 60_000), 323: (4, 1, 60_000), 324: (4, 1, 8),
                                                    325: (4, 1, 99), 259: (3, 1, 8)}),
    "tiff that repeats one strip": lambda: tiff(20_000, 5_000, {278: (4, 1, 1), 273: (4, 5_000, 200)})
    + bytes(40_000),
    "gif of comments": lambda: gif_with_comments(200_000),
    "gif with a frame beyond its screen": lambda: SAMPLES["gif"].replace(b",\0\0\0\0", b",\xff\xff\xff\xff", 1),
    "webp of 16,384 squared": lambda: SAMPLES["webp animated"][:24] + b"\xff\x3f\0" * 2 + SAMPLES["webp animated"][30:],
    "heif with one profile for 300 pictures": lambda: heif_with_shared_profile(300),
    "avif exif that shares 1 MB": lambda: avif_with(directory(60_000, 700_000)),
    "animated avif exif that shares 1 MB": lambda: avif_with(directory(60_000, 700_000), **frames(picture())),
}  # fmt: skip
LARGEST: dict[str, Callable[[], bytes]] = {
    "png": lambda: flat("PNG", "RGBA", 10_950),
    "webp": lambda: flat("WEBP", "RGBA", 7_740),
    "avif": lambda: flat("AVIF", "RGBA", 7_740),
    "jpeg": lambda: flat("JPEG", "CMYK", 10_950),
    "avif that says it is small": lambda: avif_of_another_size(8_000, 8_000),
}


# --- the process that opens them ---


def open_within_limits(data: bytes, seconds: int = SECONDS) -> None:
    """SIGPROF ends the process when the time is up; beyond the memory, MemoryError or an abort does."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        photo = open_photo(data)
    except PhotoError:
        pass
    else:
        assert photo.format in FORMATS
        assert photo.pixels.ndim == 3
        assert max(photo.pixels.shape[:2]) <= 1024
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory(more: int) -> None:
    for data in SAMPLES.values():  # loads every decoder first
        open_photo(data)
    size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + more,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def try_damaged(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
              phases=[Phase.generate, Phase.shrink])  # fmt: skip
    @given(damaged())
    def run(data: bytes) -> None:
        open_within_limits(data)

    run()


MISBEHAVIOUR: dict[str, Callable[[], object]] = {
    "takes memory": lambda: bytearray(2 * MEMORY),
    "runs away": lambda: sum(iter(int, 1)),
    "raises": lambda: int("none"),
}


def worker(task: str, *arguments: str) -> None:
    """What the process does: `damaged EXAMPLES`, `files MEMORY PATH…`, or `misbehave HOW` to show that limits hold."""
    limit_memory(int(arguments[0]) if task == "files" else MEMORY)
    if task == "damaged":
        try_damaged(int(arguments[0]))
    elif task == "files":
        for path in map(Path, arguments[1:]):
            sys.stderr.write(f"opening {path.name}\n")
            open_within_limits(path.read_bytes())
    else:
        globals()["open_photo"] = lambda _: MISBEHAVIOUR[arguments[0]]()
        open_within_limits(b"", 1)


def in_its_own_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "tests.model.test_photo_property", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


# --- tests ---

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")


@linux_only
@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_the_limits_would_be_noticed(how: str) -> None:
    done = in_its_own_process("misbehave", how)
    assert done.returncode == (-signal.SIGPROF if how == "runs away" else 1)
    assert how != "takes memory" or "MemoryError" in done.stderr


@linux_only
def test_damaged_files_of_every_kind() -> None:
    done = in_its_own_process("damaged", str(EXAMPLES))
    assert done.returncode == 0, done.stderr[-3000:]


@linux_only
@pytest.mark.parametrize(("bombs", "memory"), [(BOMBS, LITTLE), (LARGEST, MEMORY)], ids=["bombs", "largest"])
def test_small_files_never_become_large_work(
    tmp_path: Path, bombs: dict[str, Callable[[], bytes]], memory: int
) -> None:
    files = [tmp_path / name for name in bombs]
    for file, make in zip(files, bombs.values(), strict=True):
        file.write_bytes(make())
    done = in_its_own_process("files", str(memory), *map(str, files))
    assert done.returncode == 0, done.stderr[-3000:]


@given(st.binary(max_size=300))
@example(b"")
def test_random_bytes(data: bytes) -> None:
    with pytest.raises(PhotoError):
        open_photo(data)


@given(st.sampled_from(sorted(SAMPLES)), st.integers(2, 40), st.binary(max_size=200))
@settings(max_examples=200)
def test_random_bytes_behind_the_first_bytes_of_a_photo(name: str, known: int, data: bytes) -> None:
    with pytest.raises(PhotoError):
        open_photo(SAMPLES[name][:known] + data)


if __name__ == "__main__":
    worker(*sys.argv[1:])
