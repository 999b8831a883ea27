#!/usr/bin/env python3
"""Say which alerts must stand: an independent computation over the newest blocks of each ward.

    oracle.py DIR [--now 2016-04-27T05:00:00Z] [--json]     DIR holds organisations.csv, wards.csv, reports.ndjson
    oracle.py --self-test

Written from the domain's rules alone, not from the Rust, so that the two can disagree. It prints one line per breach,
`ward TAB rule TAB severity`, sorted. `--now` is the instant to judge at; the last observed time unless given.

What it leaves out: `report.*` and `source.silent` (they depend on when a report was received, not on what it says) and the
rules that are off by default. Doctors, strikes, plans and elective work are in oracle_cover.py and oracle_strikes.py,
which take them as values and not from files. It expects input of which every report would be accepted.
Times are read as they stand. `replay --shift-to-now` moves them all by a constant, which changes nothing here unless a
ward has a night limit or census times: then shift the reports first and give the oracle the shifted file.
"""

import argparse
import csv
import json
import re
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

WARNING, CRITICAL = "warning", "critical"
LIMIT_OF_KIND = {"ADULT_INPATIENT": Fraction(8), "ACUTE_MEDICAL": Fraction(6)}  # Safe Staffing Alliance; SAM
SEVERE = Fraction(3, 2)  # of the ward's limit
MINIMUM_NURSES = 2  # NICE SG1
MIDWIVES_COUNT = {"LABOUR", "MATERNITY"}
CENSUS = (time(7, 30), time(14), time(20))
CENSUS_GRACE = timedelta(minutes=60)
DAY_SHIFT = (time(7, 30), time(20))
JUDGEMENT_HOLDS = timedelta(hours=12)
FUTURE = timedelta(minutes=2)
SHORTFALL_MINUTES, SHORTFALL_SHARE = 8 * 60, Fraction(1, 4)  # NICE SG1: more than 8 hours or more than 25 %
BLOCKS = ("patients", "levels_of_care", "nursing", "nursing_hours", "professional_judgement", "medical_cover")
AGEING = ("patients", "levels_of_care", "nursing")

Counts = dict[str, Any]


class Breach(NamedTuple):
    """One line of the answer. Two open red flags on a ward are two equal lines."""

    ward: str
    rule: str
    severity: str


class Unreadable(Exception):
    """Input that the service would refuse, or that is about something the oracle does not know."""


@dataclass(frozen=True)
class Ward:
    """A row of the register."""

    name: str
    kind: str
    zone: ZoneInfo = ZoneInfo("Europe/London")
    limit: Fraction | None = None
    night_limit: Fraction | None = None
    severe: Fraction | None = None
    minimum: int = MINIMUM_NURSES
    every: timedelta | None = None
    census: tuple[time, ...] = CENSUS
    open: bool = True

    def limit_at(self, now: datetime) -> Fraction | None:
        """Patients per registered nurse; by night the night's limit, as by day if unset."""
        night = not DAY_SHIFT[0] <= now.astimezone(self.zone).time() < DAY_SHIFT[1]
        return self.night_limit if night and self.night_limit is not None else self.limit

    def overdue_at(self, observed: datetime) -> datetime:
        """When a block observed then falls overdue."""
        if self.every is not None:
            return observed + self.every + max(self.every / 2, timedelta(minutes=15))
        day = observed.astimezone(self.zone).date()
        local = (datetime.combine(day + timedelta(days=d), t, self.zone) for d in (0, 1) for t in sorted(self.census))
        return next(m for m in (t.astimezone(timezone.utc) for t in local) if m > observed) + CENSUS_GRACE


@dataclass(frozen=True)
class Block:
    """The current block of one kind; the greatest key wins, whatever the order of arrival."""

    key: tuple[datetime, int, int]
    counts: Counts

    @property
    def observed(self) -> datetime:
        return self.key[0]


@dataclass
class Figures:
    """What is known of one ward."""

    blocks: dict[str, Block] = field(default_factory=dict)
    raised: set[str] = field(default_factory=set)
    resolved: set[str] = field(default_factory=set)

    def take(self, report: Counts) -> None:
        """Applies a report's blocks and red flags."""
        key = order_of(report)
        for kind in BLOCKS:
            if kind in report and (kind not in self.blocks or key > self.blocks[kind].key):
                self.blocks[kind] = Block(key, report[kind])
        for flag in report.get("red_flags", ()):
            (self.resolved if "resolved_time" in flag else self.raised).add(uuid.UUID(flag["event_id"]).hex)


class Facts:
    """The figures of a ward that hold at an instant. An attribute is None if it was not reported or holds no longer."""

    def __init__(self, ward: Ward, figures: Figures, now: datetime) -> None:
        def block(kind: str) -> Counts | None:
            found = figures.blocks.get(kind)
            if found is None or (kind in AGEING and now >= ward.overdue_at(found.observed)):
                return None
            return found.counts

        self.ward, self.now = ward, now
        self.levels, self.nursing, self.patients = block("levels_of_care"), block("nursing"), block("patients")
        last = figures.blocks.get("patients")
        # Neither empty nor occupied: whoever does not read the patients otherwise cannot say.
        self.perhaps_empty = self.patients is None and last is not None and not sum_of(last.counts)
        self.hours = block("nursing_hours")
        if self.hours is not None and now >= instant(self.hours["shift_end_time"]):
            self.hours = None
        judged = figures.blocks.get("professional_judgement")
        self.judgement = judged.counts if judged and now < judged.observed + JUDGEMENT_HOLDS else None
        self.flags = figures.raised - figures.resolved

    @property
    def patient_count(self) -> int | None:
        """Bedded, boarded and corridor are disjoint; of these only bedded must be there."""
        return None if self.patients is None else sum_of(self.patients)

    @property
    def nurses(self) -> int | None:
        """Registered nurses, with midwives where these count beside them."""
        if self.nursing is None:
            return None
        midwives = int(self.nursing.get("registered_midwives", 0)) if self.ward.kind in MIDWIVES_COUNT else 0
        return int(self.nursing["registered_nurses"]) + midwives

    @property
    def empty(self) -> bool:
        """No patients: no staffing alert."""
        return self.patient_count == 0

    @property
    def nobody(self) -> bool:
        """Patients and no registered nurse: rn.none stands alone among the rules that count nurses."""
        return bool(self.patient_count) and self.nurses == 0

    @property
    def missing(self) -> bool:
        """Whether a figure is missing that says if the ward is above its limit or formula."""
        levels = not self.empty and self.ward.kind in SHARES and self.level(*SHARES[self.ward.kind]) is None
        return self.patients is None or (not self.empty and self.nursing is None) or (not self.nobody and levels)

    def level(self, *names: str) -> list[int] | None:
        """Patients by need; None unless every one of these counts was reported: nothing is not zero."""
        if self.levels is None or any(n not in self.levels for n in names):
            return None
        return [int(self.levels[n]) for n in names]


def sum_of(patients: Counts) -> int:
    return sum(int(patients.get(k, 0)) for k in ("bedded", "boarded", "corridor"))


def over_limit(f: Facts) -> str | None:
    limit, patients, nurses = f.ward.limit_at(f.now), f.patient_count, f.nurses
    if limit is None or patients is None or nurses is None or f.nursing is None or f.patients is None or f.nobody:
        return None
    single = int(f.nursing.get("one_to_one_nurses", 0))
    patients -= min(patients, int(f.patients.get("one_to_one", single)))
    nurses -= single
    if patients <= limit * nurses:
        return None
    severe = f.ward.severe if f.ward.severe is not None else limit * SEVERE
    return CRITICAL if patients >= severe * nurses else WARNING


def max_allocation(f: Facts) -> str | None:
    limit = f.ward.limit_at(f.now)
    if limit is None or f.nursing is None or f.nobody or f.empty or "largest_allocation" not in f.nursing:
        return None
    return WARNING if int(f.nursing["largest_allocation"]) > limit else None


def no_nurse(f: Facts) -> str | None:
    return CRITICAL if f.nobody else None


def below_minimum(f: Facts) -> str | None:
    if not f.patient_count or f.nurses is None or f.nobody:
        return None
    return CRITICAL if f.nurses < f.ward.minimum else None


GPICS = {"level3": Fraction(1), "level2": Fraction(1, 2)}
SHARES = {
    "INTENSIVE_CARE": GPICS,
    "PAEDIATRIC_INTENSIVE_CARE": GPICS,
    "NEONATAL": {  # BAPM
        "neonatal_intensive": Fraction(1),
        "neonatal_high_dependency": Fraction(1, 2),
        "neonatal_special": Fraction(1, 4),
    },
    "PAEDIATRIC": {"children_under2": Fraction(1, 3), "children_from2": Fraction(1, 4)},  # RCN 2013
    "EMERGENCY": {"resus": Fraction(1), "majors": Fraction(1, 4)},  # RCN/RCEM
}


def needed_nurses(f: Facts) -> Fraction | None:
    """Registered nurses that the ward's patients need by their levels of care."""
    shares = SHARES.get(f.ward.kind, {})
    counts = f.level(*shares)
    return None if not shares or counts is None else sum((s * n for s, n in zip(shares.values(), counts)), Fraction(0))


def under_cover(f: Facts) -> str | None:
    if f.nursing is None or f.nurses is None or f.nobody or f.empty:
        return None
    if f.ward.kind == "LABOUR":  # NICE NG4: a midwife for each woman in labour, the coordinator beside them
        women = f.level("women_in_labour")
        if women is None or "registered_midwives" not in f.nursing:
            return None
        if int(f.nursing["registered_midwives"]) < women[0]:
            return CRITICAL
        return WARNING if f.nursing.get("coordinator_supernumerary") is False else None
    need = needed_nurses(f)
    if need is None or need <= f.nurses:
        return None
    return CRITICAL if need - f.nurses >= 1 else WARNING


def hours_shortfall(f: Facts) -> str | None:
    if f.hours is None or f.empty or not {"rn_required_minutes", "rn_available_minutes"} <= f.hours.keys():
        return None
    required = int(f.hours["rn_required_minutes"])
    short = required - int(f.hours["rn_available_minutes"])
    limbs = (short > SHORTFALL_MINUTES) + (short > required * SHORTFALL_SHARE)
    return None if required == 0 else (None, WARNING, CRITICAL)[limbs]


def judged_unsafe(f: Facts) -> str | None:
    return WARNING if f.judgement is not None and f.judgement.get("judgement") == "JUDGEMENT_UNSAFE" else None


def in_corridor(f: Facts) -> str | None:
    return WARNING if f.patients is not None and int(f.patients.get("corridor", 0)) > 0 else None


RULES: dict[str, Callable[[Facts], str | None]] = {
    "ratio.over_limit": over_limit,
    "ratio.max_allocation": max_allocation,
    "rn.none": no_nurse,
    "rn.below_minimum": below_minimum,
    "rn.hours_shortfall": hours_shortfall,
    "care_level.under_cover": under_cover,
    "judgement.unsafe": judged_unsafe,
    "capacity.corridor": in_corridor,
}


def judge(ward: Ward, figures: Figures, now: datetime) -> Iterator[Breach]:
    """Everything that breaches on one ward."""
    facts = Facts(ward, figures, now)
    for rule, severity_of in RULES.items():
        if severity := severity_of(facts):
            yield Breach(ward.name, rule, severity)
    yield from (Breach(ward.name, "red_flag.raised", CRITICAL) for _ in facts.flags)


def order_of(report: Counts) -> tuple[datetime, int, int]:
    """What decides which of two reports is the newer: observed time, revision, report id."""
    return instant(report["observed_time"]), int(report.get("revision", 0)), uuid.UUID(report["report_id"]).int


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@cache
def snake(name: str) -> str:
    """The protobuf JSON mapping allows lowerCamelCase and the proto's own names."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def plain(value: Any) -> Any:
    """Proto names throughout; a null is an absent field."""
    if isinstance(value, dict):
        return {snake(k): plain(v) for k, v in value.items() if v is not None}
    return [plain(v) for v in value] if isinstance(value, list) else value


def read_wards(directory: Path) -> dict[str, Ward]:
    """The registers, by resource name. Columns that the CSV form does not have yet are read if they are there."""
    with open(directory / "organisations.csv", newline="", encoding="utf-8-sig") as file:
        zones = {r["organisation"]: r["time_zone"] or "Europe/London" for r in csv.DictReader(file)}

    def decimal(row: dict[str, str], column: str) -> Fraction | None:
        return Fraction(row[column]) if row.get(column) else None

    def ward(row: dict[str, str]) -> Ward:
        limit = decimal(row, "limit_patients_per_rn")
        census = tuple(time.fromisoformat(t) for t in re.findall(r"\d\d:\d\d", row.get("census_times") or ""))
        every = row.get("report_every_minutes")
        return Ward(
            name=f"organisations/{row['organisation']}/wards/{row['ward']}",
            kind=row["kind"],
            zone=ZoneInfo(zones.get(row["organisation"], "Europe/London")),
            limit=LIMIT_OF_KIND.get(row["kind"]) if limit is None else limit,
            night_limit=decimal(row, "night_limit_patients_per_rn"),
            severe=decimal(row, "severe_limit_patients_per_rn"),
            minimum=int(row.get("minimum_registered_nurses") or MINIMUM_NURSES),
            every=timedelta(minutes=int(every)) if every else None,
            census=census or CENSUS,
            open=(row.get("state") or "OPEN") == "OPEN",
        )

    with open(directory / "wards.csv", newline="", encoding="utf-8-sig") as file:
        return {w.name: w for w in map(ward, csv.DictReader(file))}


def read_reports(
    lines: Iterable[str], wards: dict[str, Ward], now: datetime | None
) -> tuple[dict[str, Figures], datetime]:
    """The figures of each ward, and the instant to judge at."""
    figures: dict[str, Figures] = {}
    last: datetime | None = None
    for number, line in enumerate(lines, 1):
        report = plain(json.loads(line))
        ward = wards.get(report.get("ward", ""))
        if ward is None or not ward.open or "plan_period" in report:
            raise Unreadable(f"line {number}: not an actual report on a registered, open ward: {report.get('ward')}")
        observed = instant(report["observed_time"])
        if now is not None and observed > now + FUTURE:
            continue
        last = observed if last is None else max(last, observed)
        figures.setdefault(ward.name, Figures()).take(report)
    at = last if now is None else now
    if at is None:
        raise Unreadable("no reports, and no --now")
    return figures, at


def breaches(directory: Path, now: datetime | None = None) -> list[Breach]:
    """All that must stand, sorted."""
    wards = read_wards(directory)
    with open(directory / "reports.ndjson", encoding="utf-8") as file:
        figures, at = read_reports(file, wards, now)
    return sorted(b for name, known in figures.items() for b in judge(wards[name], known, at))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "directory", type=Path, nargs="?", help="where organisations.csv, wards.csv and reports.ndjson are"
    )
    parser.add_argument("--now", type=instant, help="RFC 3339; the last observed time unless given")
    parser.add_argument("--json", action="store_true", help="one object a line, in the fields of wardwatch.v1.Alert")
    parser.add_argument("--self-test", action="store_true", help="try the oracle on cases with known answers")
    args = parser.parse_args()
    if args.self_test:
        from oracle_cases import self_test

        return self_test()
    if args.directory is None:
        parser.error("name the directory, or --self-test")
    try:
        found = breaches(args.directory, args.now)
    except (Unreadable, OSError) as error:
        print(f"oracle: {error}", file=sys.stderr)
        return 2
    for b in found:
        print(json.dumps(b._asdict() | {"severity": f"SEVERITY_{b.severity.upper()}"}) if args.json else "\t".join(b))
    return 0


if __name__ == "__main__":
    sys.exit(main())
