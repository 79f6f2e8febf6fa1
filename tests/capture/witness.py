#!/usr/bin/env python3
"""Adds up the TCP payload of a packet capture and holds it against a ledger of bytes.

    witness.py CAPTURE.pcap PORT... [SUMMARY.json]

Shares nothing with pushbench: reads the pcap file itself (libpcap's classic format, little or big
endian, micro- or nanoseconds; Ethernet, Linux cooked or raw IP), follows each connection from its SYN,
and counts for each direction how much of the sequence space was covered by payload. A byte that was sent
twice counts once; a gap in what was covered is an error of the capture, and told.

Prints one JSON object: {"connections": n, "to_server_bytes": n, "to_client_bytes": n, "gaps": n}.
With a summary, exits 1 unless the sums are those of `byte_check` over all its runs.
"""

import json
import struct
import sys

MAGIC = {
    b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<",
    b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">",
}
ETHERNET, RAW, COOKED, COOKED2 = 1, 101, 113, 276
IPV4, IPV6 = 0x0800, 0x86DD
FIN, SYN, ACK = 1, 2, 16
HALF, WHOLE = 1 << 31, 1 << 32


def packets(file):
    """(link type, bytes) of every packet; one that was cut short while it was captured is an error."""
    head = file.read(24)
    order = MAGIC.get(head[:4])
    if order is None:
        raise SystemExit("not a pcap file")
    link = struct.unpack(order + "I", head[20:24])[0] & 0xFFFF
    while len(head := file.read(16)) == 16:
        _, _, kept, whole = struct.unpack(order + "IIII", head)
        data = file.read(kept)
        if len(data) != kept:
            raise SystemExit("the capture ends in the middle of a packet")
        # Only headers are needed: lengths are told by them, so a short snapshot is enough.
        yield link, data, whole


def network(link, data):
    """The network layer: (ethertype, its bytes)."""
    if link == ETHERNET:
        return struct.unpack("!H", data[12:14])[0], data[14:]
    if link == COOKED:
        return struct.unpack("!H", data[14:16])[0], data[16:]
    if link == COOKED2:
        return struct.unpack("!H", data[0:2])[0], data[20:]
    if link == RAW:
        return (IPV4 if data[0] >> 4 == 4 else IPV6), data
    raise SystemExit(f"link type {link} is not known here")


def segment(link, data):
    """(source, destination, flags, sequence, payload bytes) of a TCP segment; None for anything else."""
    kind, ip = network(link, data)
    if kind == IPV4 and ip[9] == 6:
        head, total = (ip[0] & 15) * 4, struct.unpack("!H", ip[2:4])[0]
        source, destination, tcp, length = ip[12:16], ip[16:20], ip[head:], total - head
    elif kind == IPV6 and ip[6] == 6:
        length = struct.unpack("!H", ip[4:6])[0]
        source, destination, tcp = ip[8:24], ip[24:40], ip[40:]
    else:
        return None
    from_port, to_port, sequence = struct.unpack("!HHI", tcp[0:8])
    offset, flags = (tcp[12] >> 4) * 4, tcp[13]
    return (source, from_port), (destination, to_port), flags, sequence, length - offset


class Direction:
    """One direction of a connection: which part of its sequence space was covered."""

    def __init__(self, first):
        self.first = first
        self.ranges = []

    def add(self, sequence, length):
        # Relative to the first byte; further than half the space behind is before it.
        start = (sequence - self.first) % WHOLE
        if self.ranges:
            near = self.ranges[-1][1]
            start += round((near - start) / WHOLE) * WHOLE
        elif start >= HALF:
            start -= WHOLE
        # A probe of a byte that was acknowledged long ago lies before the first.
        end = start + length
        start = max(start, 0)
        if end > start:
            self.ranges.append((start, end))

    def covered(self):
        """(bytes covered, gaps between them)."""
        total, gaps, reached = 0, 0, 0
        for start, end in sorted(self.ranges):
            gaps += start > reached
            total += max(0, end - max(start, reached))
            reached = max(reached, end)
        return total, gaps


def connections(file, ports):
    """By connection, a pair of directions: to the server, to the client."""
    open_now, all_of_them, unknown = {}, [], 0
    for link, data, _ in packets(file):
        found = segment(link, data)
        if found is None:
            continue
        source, destination, flags, sequence, length = found
        outward = destination[1] in ports
        if not outward and source[1] not in ports:
            continue
        key = (source, destination) if outward else (destination, source)
        if flags & SYN:
            # A port that is used again begins a connection of its own.
            if not flags & ACK:
                if key not in open_now or open_now[key][0].first != (sequence + 1) % WHOLE:
                    open_now[key] = [Direction((sequence + 1) % WHOLE), None]
                    all_of_them.append(open_now[key])
            elif key in open_now and open_now[key][1] is None:
                open_now[key][1] = Direction((sequence + 1) % WHOLE)
        elif length > 0:
            way = open_now.get(key, [None, None])[0 if outward else 1]
            if way is None:
                unknown += 1
            else:
                way.add(sequence, length)
    return all_of_them, unknown


def measure(path, ports):
    """The sums of a capture."""
    with open(path, "rb") as file:
        found, unknown = connections(file, ports)
    sums, gaps = [0, 0], unknown
    carried = 0
    for pair in found:
        amounts = [way.covered() if way else (0, 0) for way in pair]
        carried += any(total for total, _ in amounts)
        for i, (total, gap) in enumerate(amounts):
            sums[i] += total
            gaps += gap
    return {"connections": carried, "to_server_bytes": sums[0], "to_client_bytes": sums[1], "gaps": gaps}


def ledger(path):
    """What the books say, over all runs: as the ledger has it, and as the kernel said."""
    with open(path) as file:
        checks = [run["byte_check"] for run in json.load(file)["runs"]]
    add = lambda key: sum(check[key] for check in checks)
    return {
        "to_server_bytes": add("ledger_out_bytes"),
        "to_client_bytes": add("ledger_in_bytes") + add("unread_bytes"),
        "unsent": add("unsent_bytes"),
    }


def main():
    capture, rest = sys.argv[1], sys.argv[2:]
    summary = rest.pop() if rest[-1].endswith(".json") else None
    seen = measure(capture, {int(port) for port in rest})
    print(json.dumps(seen))
    if summary is None:
        return
    told = ledger(summary)
    print(json.dumps(told))
    agree = all(seen[key] == told[key] for key in ("to_server_bytes", "to_client_bytes"))
    if seen["gaps"] or not agree:
        raise SystemExit("the capture and the ledger differ")


if __name__ == "__main__":
    main()
