#!/usr/bin/env python3
"""Hold the alerts that a service shows against those that must stand.

    compare_alerts.py EXPECTED ALERTS       (- is stdin)

EXPECTED is what oracle.py printed, with or without --json. ALERTS is what `wardwatch alerts list --breaching --output
json` printed: one wardwatch.v1.Alert a line. Compared are ward, rule and severity; `report.*` and `source.silent` are
left out, because they depend on when a report was received. Exits 1 if the two differ, and says how.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable

from oracle import Breach

ON_RECEIPT = ("report.", "source.silent")


def read_expected(lines: Iterable[str]) -> list[Breach]:
    """Lines of oracle.py, in either form."""
    return [
        breach(json.loads(line)) if line.startswith("{") else Breach(*line.rstrip("\n").split("\t"))
        for line in lines
        if line.strip()
    ]


def breach(alert: dict[str, str]) -> Breach:
    """What is compared of an alert in the protobuf JSON mapping."""
    severity = alert["severity"].removeprefix("SEVERITY_").lower()
    return Breach(alert.get("ward") or alert.get("subject", ""), alert["rule"], severity)


def read_alerts(lines: Iterable[str]) -> list[dict[str, str]]:
    """Alerts, one a line."""
    return [json.loads(line) for line in lines if line.strip()]


def differences(expected: Iterable[Breach], alerts: Iterable[dict[str, str]]) -> list[str]:
    """One sentence per difference; none: they are equal."""
    shown = [a for a in alerts if not a["rule"].startswith(ON_RECEIPT)]
    wrong = [
        f"not breaching: {a['name']} {a['rule']} is {a.get('condition')}, {a.get('state')}"
        for a in shown
        if a.get("condition") != "ALERT_CONDITION_BREACHING" or a.get("state") == "ALERT_STATE_RESOLVED"
    ]
    must, does = Counter(expected), Counter(map(breach, shown))
    wrong += [f"missing: {' '.join(b)}" for b in sorted((must - does).elements())]
    return wrong + [f"not expected: {' '.join(b)}" for b in sorted((does - must).elements())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("expected", type=argparse.FileType(encoding="utf-8"))
    parser.add_argument("alerts", type=argparse.FileType(encoding="utf-8"))
    args = parser.parse_args()
    expected = read_expected(args.expected)
    wrong = differences(expected, read_alerts(args.alerts))
    print("\n".join(wrong) if wrong else f"equal: {len(expected)} breaches")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
