"""Reads one chain of a target repository as docs/FORMAT.md describes it, sharing no code with Longhaul.

Usage: read_target.py <folder of the chain>
Prints JSON: for each restore point that is offered, oldest first, the SHA-256 of every guest disk; and every digest that is wrong.
"""

import hashlib
import json
import os
import struct
import sys
import zlib

UNIT = 65536


def main(chain):
    record = read_record(chain)
    changing = points_under_change(record["pending"])
    by_id = {point["id"]: point for point in record["points"]}
    checked, wrong, points = 0, [], []
    for point in record["points"]:
        if point["id"] not in changing:
            for disk in point["disks"]:
                checked += check_units(chain, disk, wrong)
            for companion in point["companions"]:
                checked += 1
                if sha256(read(chain, companion["path"])) != companion["digest"]:
                    wrong.append(companion["path"])
        if point["state"] == "available":
            disks = {disk["disk"]: guest_digest(chain, by_id, point, disk) for disk in point["disks"]}
            points.append({"id": point["id"], "disks": disks})
    print(json.dumps({"points": points, "checkedDigests": checked, "wrong": wrong}))


# --- Commit record


def read_record(chain):
    whole = []
    for name in ("chain.json", "chain.json.copy"):
        try:
            document = json.loads(read(chain, name))
            compact = json.dumps(document["record"], separators=(",", ":"), ensure_ascii=False)
            if document["longhaulChain"] == 1 and sha256(compact.encode()) == document["digest"]:
                whole.append(document["record"])
        except (OSError, ValueError, KeyError):
            continue
    if not whole:
        sys.exit("neither copy of the commit record can be trusted")
    return max(whole, key=lambda record: record["revision"])


def points_under_change(pending):
    """Points whose sizes, kinds and digest tables may be out of date."""
    if pending is None:
        return set()
    return {pending[field] for field in ("intoId", "fromId", "pointId") if field in pending}


# --- Digest tables, tables copies


def check_units(chain, disk, wrong):
    table = read(chain, disk["digests"]["path"])
    if sha256(table) != disk["digests"]["tableDigest"]:
        wrong.append(disk["digests"]["path"])
    magic, version, algorithm, unit, length, size, units = struct.unpack_from("<8sIIIIQQ", table)
    assert (magic, version, algorithm, unit, length) == (b"LHDIGEST", 1, 1, UNIT, 32)
    assert size == disk["sizeBytes"] == os.path.getsize(os.path.join(chain, disk["path"]))
    bounds = unit_bounds(size, table, disk["digests"].get("slots"))
    assert len(table) == 64 + 32 * units and units == len(bounds)
    image = read(chain, disk["path"])
    for index, (start, end, digested) in enumerate(bounds):
        entry = table[64 + 32 * index : 96 + 32 * index]
        if not fits(image[start:end].ljust(digested, b"\0"), entry):
            wrong.append(f"{disk['path']} unit {index}")
    return units + 1 + check_tables_copy(chain, disk, table, bounds, wrong)


def unit_bounds(size, table, slots):
    if slots is None:
        assert not any(table[40:64])
        return stretches(0, size)
    count, head, group, prefix = struct.unpack_from("<QIII", table, 40)
    assert [count, head, group, prefix] == [
        slots[name] for name in ("slotCount", "headBytes", "groupSlots", "prefixBytes")
    ]
    bounds, at = stretches(0, head), head
    for slot in range(count):
        if group and slot % group == 0:
            bounds.append((at, at + prefix, prefix))
            at += prefix
        bounds.append((at, at + UNIT, UNIT))
        at += UNIT
    return bounds + stretches(at, size)


def stretches(start, end):
    return [(at, min(at + UNIT, end), UNIT) for at in range(start, end, UNIT)]


def check_tables_copy(chain, disk, table, bounds, wrong):
    copy = read(chain, disk["tablesPath"])
    magic, version, count = struct.unpack_from("<8sII", copy)
    assert (magic, version) == (b"LHTABLES", 1)
    at = 64
    for _ in range(count):
        unit, length = struct.unpack_from("<QI", copy, at)
        data = zlib.decompress(copy[at + 12 : at + 12 + length], wbits=-15)
        assert len(data) == bounds[unit][2]
        if not fits(data, table[64 + 32 * unit : 96 + 32 * unit]):
            wrong.append(f"{disk['tablesPath']} unit {unit}")
        at += 12 + length
    assert at == len(copy)
    return count


def fits(unit, entry):
    return not any(unit) if not any(entry) else hashlib.sha256(unit).digest() == entry


# --- Guest disks


def guest_digest(chain, by_id, point, disk):
    layers = layers_of(chain, by_id, point, disk)
    size = layers[0]["size"]
    digest = hashlib.sha256()
    for block in range(-(-size // UNIT)):
        length = min(UNIT, size - block * UNIT)
        digest.update(read_block(layers, block)[:length])
    return digest.hexdigest()


def layers_of(chain, by_id, point, disk):
    layers = []
    while True:
        layer = OPENERS[disk["format"]](chain, disk["path"])
        layers.append(layer)
        if layer["parent"] is None:
            return layers
        point = by_id[point["parentId"]]
        [disk] = [entry for entry in point["disks"] if entry["disk"] == disk["disk"]]
        assert layer["parent"] == "../" + disk["path"]


def open_qcow2(chain, path):
    image = read(chain, path)
    magic, version, name_at, name_length, bits, size = struct.unpack_from(">4sIQIIQ", image)
    l1_entries, l1_at = struct.unpack_from(">IQ", image, 36)
    features = struct.unpack_from(">QQQ", image, 72)
    assert (magic, version, bits) == (b"QFI\xfb", 3, 16) and features == (0, 0, 0)
    parent = image[name_at : name_at + name_length].decode() if name_at else None
    l1 = struct.unpack_from(f">{l1_entries}Q", image, l1_at)
    return {"image": image, "size": size, "parent": parent, "l1": l1}


def open_raw(chain, path):
    image = read(chain, path)
    return {"image": image, "size": len(image), "parent": None, "l1": None}


def open_stream(chain, path):
    image = read(chain, path)
    kind, _, length = frame(image, 0)
    meta = json.loads(image[40 : 40 + length])
    assert kind == "meta" and meta["streamVersion"] == 2 and meta["compressed"] is False
    blocks, held, at = {}, 0, 40 + length
    while kind != "stop":
        if kind in ("meta", "data"):
            assert image[at : at + 2] == b"\r\n"
            at += 2
        kind, start, length = frame(image, at)
        at += 40
        if kind == "data":
            assert start % UNIT == 0 and length == UNIT and start // UNIT not in blocks
            blocks[start // UNIT] = at
            held += length
            at += length
    assert held == meta["dataSize"]
    kind, _, length = frame(image, len(image) - 40)
    assert kind == "runs" and at + length + 42 == len(image)
    assert runs_in(image[at : at + length], list(blocks)) == sorted(blocks)
    parent = meta["parentFile"] if meta["incremental"] else None
    return {"image": image, "size": meta["virtualSize"], "parent": parent, "blocks": blocks}


def runs_in(text, frames):
    listed = []
    for at in range(0, len(text), 16):
        block, first = (int.from_bytes(text[at + i : at + i + 6], "little") for i in (0, 6))
        (count,) = struct.unpack_from("<I", text, at + 12)
        run = list(range(block, block + count))
        assert frames[first : first + count] == run
        listed += run
    return listed


def frame(image, at):
    kind, start, length = image[at : at + 40].decode().split(" ")
    assert (len(start), len(length), length[-2:]) == (16, 18, "\r\n")
    return kind, int(start, 16), int(length, 16)


OPENERS = {"qcow2": open_qcow2, "raw": open_raw, "file": open_raw, "virtnbd": open_stream}


def read_block(layers, block):
    for layer in layers:
        if block * UNIT >= layer["size"]:
            return bytes(UNIT)
        if "blocks" in layer:
            at = layer["blocks"].get(block)
            if at is None:
                continue
            return layer["image"][at : at + UNIT]
        if layer["l1"] is None:
            return layer["image"][block * UNIT : (block + 1) * UNIT].ljust(UNIT, b"\0")
        entry = l2_entry(layer, block)
        if entry & 1:
            return bytes(UNIT)
        if entry:
            at = entry & 0x00FFFFFFFFFFFE00
            data = layer["image"][at : at + UNIT].ljust(UNIT, b"\0")
            inside = layer["size"] - block * UNIT
            return data if inside >= UNIT else data[:inside].ljust(UNIT, b"\0")
    return bytes(UNIT)


def l2_entry(layer, block):
    table_at = layer["l1"][block // 8192] & 0x00FFFFFFFFFFFE00
    if table_at == 0:
        return 0
    return struct.unpack_from(">Q", layer["image"], table_at + block % 8192 * 8)[0]


# --- Files


def read(chain, path):
    assert all(part not in ("", ".", "..") for part in path.split("/"))
    with open(os.path.join(chain, path), "rb") as file:
        return file.read()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


main(sys.argv[1])
