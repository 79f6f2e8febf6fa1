#!/usr/bin/env python3
"""Holds the counts of a results folder together: `smoke_check.py DIR`.

Every run must have lost nothing and delivered nothing twice, the ledger must close, and what was
delivered must be clients of a channel x messages published on it, summed over the channels. The
files and charts must be there. One line for each run; exit code 1 on the first folder that fails.
Speed is not judged: the machine may be busy.
"""
import csv
import json
import pathlib
import sys

FILES = ["summary.json", "manifest.json", "intervals.csv", "cost.csv", "latency.hlog"]
PNG = b"\x89PNG\r\n\x1a\n"


def folder_of(path):
    """The results folder: the path itself or the only one in it."""
    if (path / "summary.json").is_file():
        return path
    inside = [p.parent for p in path.glob("*/summary.json")]
    if len(inside) != 1:
        raise AssertionError(f"{path}: {len(inside)} results folders instead of one")
    return inside[0]


def check_files(folder):
    for name in FILES:
        assert (folder / name).stat().st_size > 0, f"{name} is empty"
    json.loads((folder / "manifest.json").read_text())
    for name in ["intervals.csv", "cost.csv"]:
        with open(folder / name, newline="") as f:
            rows = list(csv.reader(f))
        assert len(rows) > 1, f"{name} has no row"
        assert all(len(r) == len(rows[0]) for r in rows), f"{name}: rows of unlike length"
    charts = folder / "charts"
    svgs, pngs = sorted(charts.glob("*.svg")), sorted(charts.glob("*.png"))
    assert svgs and [p.stem for p in svgs] == [p.stem for p in pngs], f"charts: {svgs} against {pngs}"
    for svg in svgs:
        assert "<svg" in svg.read_text()[:400] and svg.read_text().rstrip().endswith("</svg>"), svg
    for png in pngs:
        data = png.read_bytes()
        assert data.startswith(PNG) and b"IEND" in data[-16:], png
    return len(svgs)


def owed(run):
    """The least and the most that may be owed: alike when the channels share the clients evenly."""
    least, rest = divmod(run["clients"], run["channels"])
    return least * run["published"], (least + (rest > 0)) * run["published"]


def check_run(run):
    ledger = run["ledger"]
    assert run["published"] > 0, "nothing was published"
    assert run["publish_failed"] == 0, f"{run['publish_failed']} messages were not taken"
    assert ledger["lost"] == 0, f"lost {ledger['lost']}"
    assert ledger["duplicate"] == 0, f"duplicate {ledger['duplicate']}"
    got = ledger["delivered"] + ledger["conflated"]
    assert ledger["expected"] == got + ledger["lost"], f"the ledger does not close: {ledger}"
    least, most = owed(run)
    assert least <= got <= most, f"{got} delivered or conflated, owed {least} to {most}"
    for kind, ops in run["operations"].items():
        done = ops["finished"] + ops["failed"] + ops["open"]
        assert ops["started"] == done, f"{kind}: {ops['started']} started, {done} accounted for"


def line(run):
    ledger = run["ledger"]
    return (
        f"{run['case']}: {run['clients']} clients, {run['published']} published, "
        f"{ledger['delivered']} delivered, {ledger['conflated']} conflated, 0 lost, 0 duplicate, "
        f"{run['verdict']}"
    )


def main(path):
    folder = folder_of(path)
    charts = check_files(folder)
    runs = json.loads((folder / "summary.json").read_text())["runs"]
    assert runs, "no run"
    for run in runs:
        try:
            check_run(run)
        except AssertionError as wrong:
            raise AssertionError(f"{run['case']}: {wrong}") from None
        print(f"  ok  {line(run)}")
    print(f"  ok  {folder}: {len(FILES)} files, {charts} charts")


if __name__ == "__main__":
    if not __debug__:
        sys.exit("python -O drops every check of this file")
    if len(sys.argv) != 2:
        sys.exit("usage: smoke_check.py DIR")
    try:
        main(pathlib.Path(sys.argv[1]))
    except (AssertionError, OSError, KeyError, ValueError) as wrong:
        sys.exit(f"  FAILED  {sys.argv[1]}: {type(wrong).__name__}: {wrong}")
