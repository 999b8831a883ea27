#!/usr/bin/env python3
"""A report's id made from what the report is about, so that no sender has to keep ids: docs/integration.md."""

import uuid

NAMESPACE = uuid.UUID("a5bbb463-a9ae-53a0-a82f-f0019fd792ca")


def report_id(source: str, subject: str, observed_micros: int, revision: int, blocks: list[str]) -> str:
    """The same facts have the same id, whichever process sends them; a correction has a higher revision, so another."""
    name = f"{source}|{subject}|{observed_micros}|{revision}|{'+'.join(sorted(blocks))}"
    return str(uuid.uuid5(NAMESPACE, name))


if __name__ == "__main__":
    print(report_id("BEDS", "organisations/RJ1/wards/A7", 1461664320000000, 0, ["patients"]))
