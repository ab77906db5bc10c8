"""Reads a report of the Autobahn test suite; exits with 1 if a case failed or none ran."""
from __future__ import print_function

import json
import sys

GOOD = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED")

with open(sys.argv[1]) as report:
    cases = json.load(report)["tickcast"]
counts = {}
failed = []
for name, case in sorted(cases.items()):
    verdicts = (case["behavior"], case["behaviorClose"])
    counts[verdicts[0]] = counts.get(verdicts[0], 0) + 1
    if any(verdict not in GOOD for verdict in verdicts):
        failed.append("%s: %s, close %s" % (name, verdicts[0], verdicts[1]))
print("%d cases: %s" % (len(cases), ", ".join("%d %s" % (n, v) for v, n in sorted(counts.items()))))
print("\n".join(failed) if failed else "none failed")
sys.exit(1 if failed or not cases else 0)
