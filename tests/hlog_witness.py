"""An independent reader of latency.hlog: prints, as JSON, what each tag holds.

Usage: python3 hlog_witness.py latency.hlog
"""

import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader


def main(path):
    reader = HistogramLogReader(path, HdrHistogram(1, 3_600_000_000_000, 3))
    tags = {}
    while (interval := reader.get_next_interval_histogram()) is not None:
        seen = tags.setdefault(interval.get_tag(), {"intervals": 0, "count": 0, "max": 0})
        seen["intervals"] += 1
        seen["count"] += interval.get_total_count()
        seen["max"] = max(seen["max"], interval.get_max_value())
    reader.close()
    json.dump(tags, sys.stdout)


main(sys.argv[1])
