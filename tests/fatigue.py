#!/usr/bin/env python3
"""Play the fatigue budget's day (domain: 60 alerts and 12 critical per trust at the 90th percentile, 25 % critical).

    fatigue.py steps tests/data/england_day.csv.gz|DIR > steps.ndjson      the day in steps, with what must stand after each
    fatigue.py model tests/data/england_day.csv.gz|DIR [--reopen 120]      only the numbers, by a model of an alert's life
    fatigue.py sample DIR tests/data/england_day.csv.gz [--every 6]        the committed sample, from a whole England

DIR is what the generator beside the data makes; the night before is played first, because a service that watches already
does not raise at 05:00 what has stood since midnight:

    england_wards.py england_bed_state_2025-07.csv DIR --start 2016-04-25T19:00:00Z --hours 34 --noise shift

`steps` writes the registers and when the day begins in the first line, then one line for each quarter of an hour: the instant, the reports, and
by the oracle all that breaches then; the last line holds what the model says was raised. tests/it/service/fatigue.rs plays
it into the real service by a clock moved by hand. Needs only Python.
"""

import argparse
import csv
import gzip
import io
import json
import math
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import oracle
from oracle import CRITICAL, WARNING, Figures, Ward, instant

START = instant("2016-04-25T19:00:00Z")  # 20:00 in London
COUNTED = instant("2016-04-26T05:00:00Z")
STEP = timedelta(minutes=15)
HOUR = timedelta(hours=1)
CLEAR_AFTER = timedelta(minutes=30)
BUDGET = {"raised": 60, "critical": 12, "share": 0.25}
PERCENTILE = 0.9
ALONE = ("ratio.over_limit", "ratio.max_allocation", "rn.below_minimum", "care_level.under_cover")  # not beside rn.none
IMPLAUSIBLE = "report.implausible"
SPACE = uuid.UUID("8f1c4b0e-2b0e-4e0a-9d53-26042016fa71")
COLUMNS = "organisation,ward,kind,beds,minimum,offset_ms,nurses,patients,levels".split(",")
LEVELS = {
    "INTENSIVE_CARE": ("level3", "level2"),
    "PAEDIATRIC_INTENSIVE_CARE": ("level3", "level2"),
    "NEONATAL": ("neonatalIntensive", "neonatalHighDependency", "neonatalSpecial"),
    "PAEDIATRIC": ("childrenUnder2", "childrenFrom2"),
}

Report = dict[str, Any]


class Step(NamedTuple):
    """An instant, and the reports of the quarter of an hour before it."""

    now: datetime
    reports: list[Report]


class Raised(NamedTuple):
    """An episode that began on the day."""

    organisation: str
    rule: str
    peak: str


@dataclass
class Episode:
    """An alert's life. `end` is when it resolved; `good` since when its figures have been good."""

    rule: str
    peak: str
    raised: datetime
    good: datetime | None = None
    end: datetime | None = None


@dataclass
class Course:
    """One ward's day: its figures and its alerts, by the rules of raising and clearing alone."""

    ward: Ward
    reopen: timedelta
    figures: Figures = field(default_factory=Figures)
    latest: dict[str, Episode] = field(default_factory=dict)
    past: list[Episode] = field(default_factory=list)
    doubt: tuple[int, datetime] | None = None

    def tick(self, now: datetime) -> None:
        """Ends what has been good for long enough."""
        for e in self.latest.values():
            waits = self.doubt is not None and e.rule != IMPLAUSIBLE
            if e.end is None and e.good is not None and now >= e.good + CLEAR_AFTER and not waits:
                e.end = now

    def take(self, report: Report, now: datetime) -> None:
        """A report, judged at an instant."""
        self.suspect(report)
        self.figures.take(report)
        found = {b.rule: b.severity for b in oracle.judge(self.ward, self.figures, now)}
        if self.doubt is not None:
            found[IMPLAUSIBLE] = WARNING
        for rule, e in self.latest.items():
            if e.end is None and rule not in found:
                e.good = e.good or instant(report["observed_time"])
                if "rn.none" in found and rule in ALONE:
                    e.end = now
        for rule, severity in found.items():
            self.breach(rule, severity, now)
        self.tick(now)

    def breach(self, rule: str, severity: str, now: datetime) -> None:
        e = self.latest.get(rule)
        if e is None or (e.end is not None and now - e.end >= self.reopen):
            e = Episode(rule, severity, now)
            self.past.append(e)
            self.latest[rule] = e
        e.good = e.end = None
        e.peak = CRITICAL if severity == CRITICAL else e.peak

    def suspect(self, report: Report) -> None:
        """Nurses more than tripled and up by 5: nothing resolves on it until a second observation agrees."""
        before = self.figures.blocks.get("nursing")
        if "nursing" not in report or before is None:
            return
        old, new = int(before.counts["registered_nurses"]), int(report["nursing"]["registered_nurses"])
        observed = instant(report["observed_time"])
        jump = new > 3 * old and new >= old + 5
        if self.doubt is None:
            self.doubt = (old, observed) if jump else None
        elif not (new > 3 * self.doubt[0] and new >= self.doubt[0] + 5) or observed >= self.doubt[1] + CLEAR_AFTER:
            self.doubt = (old, observed) if jump and observed >= self.doubt[1] + CLEAR_AFTER else None


def series(text: str) -> list[str]:
    """`4x12 5` is twelve times 4, then 5."""
    values = []
    for part in text.split():
        value, _, times = part.partition("x")
        values += [value] * int(times or 1)
    return values


def packed(values: Iterable[str]) -> str:
    runs: list[tuple[str, int]] = []
    for value in values:
        runs[-1:] = [(value, runs[-1][1] + 1)] if runs and runs[-1][0] == value else [*runs[-1:], (value, 1)]
    return " ".join(v if n == 1 else f"{v}x{n}" for v, n in runs)


class Day:
    """The wards and what they report."""

    def __init__(self, organisations: list[str], wards: dict[str, Ward], beds: dict[str, int], reports: list[Report]):
        self.organisations, self.wards, self.beds, self.reports = organisations, wards, beds, reports

    @classmethod
    def read(cls, source: Path) -> "Day":
        return cls.from_directory(source) if source.is_dir() else cls.from_sample(source)

    @classmethod
    def from_directory(cls, directory: Path) -> "Day":
        wards = oracle.read_wards(directory)
        with open(directory / "wards.csv", newline="", encoding="utf-8-sig") as file:
            beds = {
                f"organisations/{r['organisation']}/wards/{r['ward']}": int(r["beds"]) for r in csv.DictReader(file)
            }
        with open(directory / "reports.ndjson", encoding="utf-8") as file:
            reports = [json.loads(line) for line in file]
        return cls(sorted({w.split("/")[1] for w in wards}), wards, beds, reports)

    @classmethod
    def from_sample(cls, path: Path) -> "Day":
        wards, beds, reports = {}, {}, []
        with gzip.open(path, "rt", newline="", encoding="ascii") as file:
            for row in csv.DictReader(file):
                name = f"organisations/{row['organisation']}/wards/{row['ward']}"
                limit = oracle.LIMIT_OF_KIND.get(row["kind"])
                wards[name] = Ward(name, row["kind"], limit=limit, minimum=int(row["minimum"]), every=HOUR)
                beds[name] = int(row["beds"])
                reports += sample_reports(name, row)
        reports.sort(key=lambda r: r["observedTime"])
        return cls(sorted({w.split("/")[1] for w in wards}), wards, beds, reports)

    def steps(self) -> Iterator[Step]:
        """Quarter by quarter, until the last report is in: after it the day's figures fall overdue."""
        left = [(instant(r["observedTime"]), r) for r in self.reports]
        left.sort(key=lambda x: x[0])
        now, at = START, 0
        while at < len(left):
            now, first = now + STEP, at
            while at < len(left) and left[at][0] <= now:
                at += 1
            yield Step(now, [r for _, r in left[first:at]])

    def register(self) -> dict[str, list[dict[str, Any]]]:
        def ward(w: Ward) -> dict[str, Any]:
            small = (
                {"minimumRegisteredNurses": 1, "minimumReason": "MINIMUM_REASON_SMALL_UNIT"} if w.minimum == 1 else {}
            )
            named = {"name": w.name, "kind": f"WARD_KIND_{w.kind}", "beds": self.beds[w.name]}
            return {**named, "reportEveryMinutes": 60, **small}

        organisations = [{"name": f"organisations/{o}"} for o in self.organisations]
        return {"organisations": organisations, "wards": [ward(w) for w in self.wards.values()]}


def sample_reports(name: str, row: dict[str, str]) -> Iterator[Report]:
    keys = LEVELS.get(row["kind"], ())
    levels = series(row["levels"]) or [""] * len(series(row["patients"]))
    for hour, (patients, nurses, level) in enumerate(zip(series(row["patients"]), series(row["nurses"]), levels)):
        at = START + hour * HOUR + timedelta(milliseconds=int(row["offset_ms"]))
        report: Report = {
            "reportId": str(uuid.uuid5(SPACE, f"{name} {hour}")),
            "ward": name,
            "observedTime": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
            "source": "ENGLAND-SIM",
            "patients": {"bedded": int(patients)},
            "nursing": {"registeredNurses": int(nurses)},
        }
        if level:
            report["levelsOfCare"] = dict(zip(keys, map(int, level.split("/"))))
        yield report


def write_sample(day: Day, path: Path, every: int, offset: int) -> None:
    """Every n-th trust by its beds, as one row a ward."""
    size = Counter[str]()
    for name, beds in day.beds.items():
        size[name.split("/")[1]] += beds
    chosen = set(sorted(size, key=lambda o: (size[o], o))[offset::every])
    rows: dict[str, list[Report]] = defaultdict(list)
    for report in day.reports:
        if report["ward"].split("/")[1] in chosen:
            rows[report["ward"]].append(report)
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for name, reports in sorted(rows.items()):
        ward, parts = day.wards[name], name.split("/")
        offset_ms = round((instant(reports[0]["observedTime"]) - START).total_seconds() * 1000)
        keys = LEVELS.get(ward.kind, ())
        levels = packed("/".join(str(r["levelsOfCare"][k]) for k in keys) for r in reports) if keys else ""
        patients = packed(str(sum(r["patients"].values())) for r in reports)
        nurses = packed(str(r["nursing"]["registeredNurses"]) for r in reports)
        out.writerow([parts[1], parts[3], ward.kind, day.beds[name], ward.minimum, offset_ms, nurses, patients, levels])
    path.write_bytes(gzip.compress(text.getvalue().encode("ascii"), mtime=0))
    print(f"{len(chosen)} trusts, {len(rows)} wards, {path.stat().st_size} bytes")


def play(day: Day, reopen: timedelta) -> Iterator[tuple[Step, dict[str, Course]]]:
    """Every step, and the courses of the wards after it."""
    courses = {name: Course(ward, reopen) for name, ward in day.wards.items()}
    for step in day.steps():
        for course in courses.values():
            course.tick(step.now)
        for report in step.reports:
            courses[report["ward"]].take(oracle.plain(report), step.now)
        yield step, courses


def raised_on_the_day(courses: dict[str, Course]) -> list[Raised]:
    found = ((n.split("/")[1], e) for n, c in courses.items() for e in c.past if e.raised > COUNTED)
    return sorted(Raised(organisation, e.rule, e.peak) for organisation, e in found)


def percentile(counts: Counter[str], organisations: list[str], share: float) -> int:
    return sorted(counts[o] for o in organisations)[math.ceil(share * len(organisations)) - 1]


def report_numbers(raised: list[Raised], organisations: list[str]) -> bool:
    """Prints the numbers; whether they are within the budget."""
    every, critical = (
        Counter(r.organisation for r in raised),
        Counter(r.organisation for r in raised if r.peak == CRITICAL),
    )
    numbers = {"raised": every, "critical": critical}
    share = critical.total() / max(1, every.total())
    for name, counts in numbers.items():
        at = {p: percentile(counts, organisations, p) for p in (0.5, PERCENTILE, 1.0)}
        print(f"{name} per trust: median {at[0.5]}, 90th percentile {at[PERCENTILE]} of {BUDGET[name]}, most {at[1.0]}")
    print(f"critical: {100 * share:.1f} % of {every.total()}, limit {100 * BUDGET['share']:.0f} %")
    for (rule, peak), n in sorted(Counter((r.rule, r.peak) for r in raised).items()):
        print(f"  {n:6} {rule} {peak}")
    within = (percentile(counts, organisations, PERCENTILE) <= BUDGET[n] for n, counts in numbers.items())
    return all(within) and share <= BUDGET["share"]


def write_steps(day: Day, reopen: timedelta) -> None:
    print(json.dumps({"start": START.isoformat().replace("+00:00", "Z"), **day.register()}))
    courses: dict[str, Course] = {}
    for step, courses in play(day, reopen):
        stands = (b for c in courses.values() for b in oracle.judge(c.ward, c.figures, step.now))
        suspected = (oracle.Breach(n, IMPLAUSIBLE, WARNING) for n, c in courses.items() if c.doubt is not None)
        breaching = sorted([*stands, *suspected])
        now = step.now.isoformat().replace("+00:00", "Z")
        print(json.dumps({"now": now, "reports": step.reports, "breaching": [" ".join(b) for b in breaching]}))
    raised = raised_on_the_day(courses)
    print(json.dumps({"counted": COUNTED.isoformat().replace("+00:00", "Z"), "raised": [" ".join(r) for r in raised]}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("steps", "model", "sample"))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path, nargs="?", help="of a sample")
    parser.add_argument("--reopen", type=int, default=120, help="minutes within which a breach reopens an episode")
    parser.add_argument("--every", type=int, default=6, help="of a sample: every n-th trust by its beds")
    parser.add_argument("--offset", type=int, default=0, help="of a sample: the first")
    args = parser.parse_args()
    day, reopen = Day.read(args.source), timedelta(minutes=args.reopen)
    match args.what:
        case "sample":
            write_sample(day, args.out, args.every, args.offset)
        case "steps":
            write_steps(day, reopen)
        case _:
            courses: dict[str, Course] = {}
            for _, courses in play(day, reopen):
                pass
            return 0 if report_numbers(raised_on_the_day(courses), day.organisations) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
