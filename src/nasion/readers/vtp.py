"""VTK XML polygon files (``.vtp``): points and polygons only."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Final
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

_TYPES: Final = {
    "Float32": "f4",
    "Float64": "f8",
    "Int8": "i1",
    "Int16": "i2",
    "Int32": "i4",
    "Int64": "i8",
    "UInt8": "u1",
    "UInt16": "u2",
    "UInt32": "u4",
    "UInt64": "u8",
}


def parse_vtp(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (n, 3) points and (m, 3) triangles of a VTP file; larger polygons are cut into fans.

    ASCII, inline base64 and appended data (raw or base64) are read, uncompressed or with zlib, after VTK's
    "XML file formats". Any fault raises ValueError with the reason.
    """
    appended, encoding, content = _cut_appended(content)
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(f"no valid XML: {error}") from None
    if root.tag != "VTKFile" or root.get("type") != "PolyData":
        raise ValueError("no VTK PolyData")
    data = _Data(root, appended, encoding)
    points: list[NDArray[np.float64]] = []
    triangles: list[NDArray[np.int64]] = []
    start = 0
    for piece in root.iter("Piece"):
        array = piece.find("Points/DataArray")
        if array is None:
            continue
        points.append(data.values(array).astype(np.float64).reshape(-1, 3))
        if int(piece.get("NumberOfPoints", -1)) != len(points[-1]):
            raise ValueError("the number of points is not what its header says")
        polygons = {a.get("Name"): data.values(a).astype(np.int64) for a in piece.findall("Polys/DataArray")}
        if {"connectivity", "offsets"} <= polygons.keys():
            triangles.append(fan(polygons["connectivity"], polygons["offsets"]) + start)
        start += len(points[-1])
    if not points or not triangles:
        raise ValueError("no polygons")
    return np.concatenate(points), np.concatenate(triangles)


def fan(connectivity: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (m, 3) triangles of polygons given as VTK's connectivity and end offsets."""
    starts = np.concatenate([[0], offsets[:-1]])
    sizes = offsets - starts
    if len(offsets) and (offsets[-1] != len(connectivity) or (sizes < 0).any()):
        raise ValueError("the polygons' offsets do not fit their indices")
    cuts = np.maximum(sizes - 2, 0)
    first = np.repeat(starts, cuts)
    step = np.arange(cuts.sum()) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    return np.stack([connectivity[first], connectivity[first + step + 1], connectivity[first + step + 2]], axis=1)


def _cut_appended(content: bytes) -> tuple[bytes, str, bytes]:
    """Split off the appended block, whose raw bytes are no valid XML: (block, encoding, the XML without it)."""
    match = re.search(rb"<AppendedData[^>]*?encoding\s*=\s*[\"'](\w+)[\"'][^>]*>\s*_", content)
    if match is None:
        return b"", "raw", content
    end = content.rfind(b"</AppendedData>")
    if end < match.end():
        raise ValueError("its appended data are cut off")
    return content[match.end() : end], match.group(1).decode(), content[: match.start()] + content[end + 15 :]


class _Data:
    """The arrays of one file."""

    def __init__(self, root: ElementTree.Element, appended: bytes, encoding: str) -> None:
        self.order = ">" if root.get("byte_order") == "BigEndian" else "<"
        self.header = np.dtype(self.order + _TYPES[root.get("header_type", "UInt32")])
        self.compressor = root.get("compressor")
        if self.compressor not in (None, "vtkZLibDataCompressor"):
            raise ValueError(f"its compression {self.compressor} is not supported; save it again without")
        self.appended, self.encoding = appended, encoding

    def values(self, array: ElementTree.Element) -> NDArray[np.generic]:
        """Return one DataArray, flat."""
        kind = _TYPES.get(array.get("type", ""))
        if kind is None:
            raise ValueError(f"unknown number type {array.get('type')}")
        form = array.get("format", "ascii")
        if form == "ascii":
            words = (array.text or "").split()
            return np.array(words, dtype=self.order + kind) if words else np.empty(0, self.order + kind)
        if form == "appended":
            block, is_base64 = self.appended[int(array.get("offset", 0)) :], self.encoding == "base64"
        else:
            block, is_base64 = (array.text or "").strip().encode(), True
        raw = self._compressed(block, is_base64) if self.compressor else self._plain(block, is_base64)
        return np.frombuffer(raw, dtype=self.order + kind)

    def _plain(self, block: bytes, is_base64: bool) -> bytes:
        width = self.header.itemsize
        if is_base64:
            length = int(np.frombuffer(_decoded(block, width), self.header)[0])
            raw = _decoded(block, width + length)[width:]
        else:
            length = int(np.frombuffer(block[:width], self.header)[0])
            raw = block[width : width + length]
        return _whole(raw, length)

    def _compressed(self, block: bytes, is_base64: bool) -> bytes:
        """Read [blocks, block size, last block size, compressed sizes...] and then the compressed blocks."""
        width = self.header.itemsize
        count = int(np.frombuffer(_decoded(block, width) if is_base64 else block[:width], self.header)[0])
        length = width * (3 + count)
        header = np.frombuffer(_decoded(block, length) if is_base64 else _whole(block[:length], length), self.header)
        sizes = header[3:].astype(np.int64)
        total = int(sizes.sum())
        if is_base64:
            # The header is encoded by itself, with its own padding.
            body = _decoded(block[4 * -(-length // 3) :], total)
        else:
            body = _whole(block[length : length + total], total)
        ends = np.cumsum(sizes)
        return b"".join(zlib.decompress(body[end - size : end]) for size, end in zip(sizes, ends, strict=True))


def _decoded(block: bytes, length: int) -> bytes:
    """Return the first ``length`` bytes that a base64 block stands for."""
    return _whole(base64.b64decode(block[: 4 * -(-length // 3)])[:length], length)


def _whole(raw: bytes, length: int) -> bytes:
    if len(raw) != length:
        raise ValueError("its data are cut off")
    return raw
