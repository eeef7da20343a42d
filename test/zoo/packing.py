"""Packs a model's files without its large weights, which a seeded generator replaces.

The files of a model, one after another, are one stream of bytes. A hole is a stretch of it that holds
a large float32 tensor; it is packed as [offset in the stream, bytes; count; mean; spread] and filled
again with `generate`. All other bytes are packed as the exporter wrote them.
"""

import gzip
import hashlib
import json
import pathlib

import numpy as np
import onnx

# Smaller tensors, and those of few different values (batch normalisation, masks), stay as they are.
MIN_HOLE = 65
MAX_LEVELS = 16
# A hole is generated piece by piece, since one tensor may have a hundred million values.
PIECE = 1 << 22


def generate(seed, start, end, mean, spread):
    """Values [start, end) of a tensor: float32(mean + spread * (2 u - 1)).

    u is a 32-bit hash of the value's index and the seed, divided by 2^32: the hash is Chris
    Wellons's lowbias32. Everything but the last rounding is exact to float64, so that restore.mjs
    gives the same bytes.
    """
    x = np.arange(start, end, dtype=np.uint32) + np.uint32((seed * 0x9E3779B9) & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (mean + spread * (x / 2147483648.0 - 1)).astype("<f4")


def describe_values(values):
    """Mean and spread of the uniform distribution that has a tensor's mean and deviation; None to keep its values."""
    if values.dtype != np.float32 or values.size < MIN_HOLE:
        return None
    if np.unique(values.ravel()[: 1 << 16]).size <= MAX_LEVELS:
        return None
    mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return [float(f"{number:.4g}") for number in (mean, deviation * 3**0.5)]


def pack(files, holes, target, name):
    """Write name.json and name.bin.gz into the folder target, and the restored files back in place.

    files: paths in the order of the stream. holes: [(offset, values)] over it, in order.
    """
    described = []
    for offset, values in holes:
        found = describe_values(values)
        if found is not None:
            described.append([offset, values.size, *found])
    sizes = [path.stat().st_size for path in files]
    kept, position, starts = [], 0, np.cumsum([0, *sizes])
    stream = Stream(files, starts)
    for seed, (offset, count, mean, spread) in enumerate(described):
        kept.append(stream.read(position, offset))
        position = offset + 4 * count
        for start in range(0, count, PIECE):
            piece = generate(seed, start, min(start + PIECE, count), mean, spread)
            stream.write(offset + 4 * start, piece.tobytes())
    kept.append(stream.read(position, int(starts[-1])))
    stream.flush()
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.bin.gz").write_bytes(gzip.compress(b"".join(kept), 9, mtime=0))
    listed = [{"path": path.name, "bytes": size, "sha256": digest_of(path)} for path, size in zip(files, sizes)]
    text = json.dumps({"files": listed, "holes": described}, separators=(",", ":"))
    (target / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def digest_of(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Stream:
    """The bytes of several files as one."""

    def __init__(self, files, starts):
        self.maps = [np.memmap(path, np.uint8, "r+") for path in files]
        self.starts = [int(start) for start in starts]

    def flush(self):
        for own in self.maps:
            own.flush()

    def read(self, start, end):
        parts = [own[max(0, start - at) : max(0, end - at)] for own, at in zip(self.maps, self.starts)]
        return b"".join(part.tobytes() for part in parts)

    def write(self, offset, content):
        content = np.frombuffer(content, np.uint8)
        for own, at in zip(self.maps, self.starts):
            start, end = max(offset, at), min(offset + content.size, at + own.size)
            if start < end:
                own[start - at : end - at] = content[start - offset : end - offset]


def pack_onnx(path, target, name):
    """Pack an ONNX file and its external data. @returns the files."""
    model = onnx.load(path, load_external_data=False)
    strip_notes(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    content = path.read_bytes()
    external = sorted({location_of(tensor)[0] for tensor in model.graph.initializer if is_external(tensor)})
    files = [path, *(path.parent / location for location in external)]
    starts = dict(zip(external, np.cumsum([file.stat().st_size for file in files]).tolist()))
    holes, position = [], 0
    for tensor in model.graph.initializer:
        if is_external(tensor):
            location, offset = location_of(tensor)
            values = onnx.numpy_helper.to_array(tensor, str(path.parent))
            holes.append((starts[location] + offset, values))
        elif describe_values(onnx.numpy_helper.to_array(tensor)) is not None:
            # The bytes of random numbers are found once only.
            position = content.index(tensor.raw_data, position)
            holes.append((position, onnx.numpy_helper.to_array(tensor)))
    pack(files, sorted(holes, key=lambda hole: hole[0]), target, name)
    return files


def strip_notes(model):
    """Remove what exporters note for people: traces with the paths of their machine."""
    for item in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        item.ClearField("doc_string")
        if not isinstance(item, onnx.ModelProto):
            item.ClearField("metadata_props")


def is_external(tensor):
    return tensor.data_location == onnx.TensorProto.EXTERNAL


def location_of(tensor):
    entries = {entry.key: entry.value for entry in tensor.external_data}
    return entries["location"], int(entries.get("offset", 0))


def write_index(path, entries):
    """Merge entries, by name, into the index of all networks."""
    known = {entry["name"]: entry for entry in (json.loads(path.read_text()) if path.exists() else [])}
    known.update({entry["name"]: entry for entry in entries})
    path.write_text(json.dumps(list(known.values()), indent=2) + "\n")


def folder_of(file):
    return pathlib.Path(file).resolve().parent
