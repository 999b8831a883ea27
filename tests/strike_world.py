"""Random hospitals on a strike day: what to register, announce and report, in the protobuf JSON mapping, by a seed.

Everything is placed round the present time, because the service judges by its own clock. What a service should make of
it says the oracle (`World.expected`), which is told what was sent and nothing of what came back.
"""

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import oracle
from oracle import LIMIT_OF_KIND, Facts, Ward, plain
from oracle_cover import TIER, UNKNOWN, Gap, Group, Known, Place, take
from oracle_strikes import DAY, NIGHT, SHIFT_START, SHIFTS, Shift, Strike, Window

Message = dict[str, Any]
ZONES = ("Europe/London", "Europe/London", "Pacific/Auckland", "America/New_York", "Asia/Kolkata", "UTC")
KINDS = ("ADULT_INPATIENT", "ADULT_INPATIENT", "ACUTE_MEDICAL", "INTENSIVE_CARE", "PAEDIATRIC", "OTHER")
MODES = ("FULL_WITHDRAWAL", "FULL_WITHDRAWAL", "EMERGENCY_CARE_ONLY", "CHRISTMAS_DAY_COVER", "NIGHT_DUTY_COVER")
DOCTORS = ("RESIDENT_DOCTORS", "CONSULTANTS", "SAS_DOCTORS", "ALL_DOCTORS")
ELECTIVE = ("EMERGENCY_ONLY", "URGENT_AND_CANCER", "MAINTAIN")
OWN_SHIFTS = (Shift(DAY, time(8), time(20, 30)), Shift(NIGHT, time(20, 30), time(8)))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Minutes until a window opens and from then until it closes, far enough from every limit: 60 min, twice that, 24 h, 72 h.
OPEN = ((-10, 120), (-50, 600), (-66, 400), (-110, 240), (-130, 1400), (-300, 900), (-1000, 1300), (-70, 76))
AHEAD = ((7, 60), (90, 540), (1200, 600), (1600, 540), (3000, 600), (4200, 600), (5000, 500))
PAST = ((-300, 290), (-2000, 600), (-90, 80))


def stamp(at: datetime) -> str:
    return at.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


@dataclass
class Hospital:
    """One organisation and all that is known of it."""

    code: str
    region: str
    zone: ZoneInfo
    wards: list[Ward]
    groups: list[Group]
    beds: dict[str, int]
    night_duty: dict[str, int]
    known: dict[str, Known] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"organisations/{self.code}"

    @property
    def group_names(self) -> list[str]:
        return [g.name for g in self.groups] or [f"{self.name}/coverGroups/ALL"]


class World:
    """Hospitals and strikes. Every method that makes a message also tells the oracle of it."""

    def __init__(self, seed: int, alone: bool, now: datetime) -> None:
        self.random = random.Random(seed)
        self.token = f"{random.SystemRandom().randrange(16**4):04X}"  # so that it can be run again on one service
        # A strike by shift start strikes each group by its own shifts, and its organisation's alerts follow the groups'.
        self.own_shifts = self.chance(0.5)
        self.alone, self.now = alone, now.replace(second=0, microsecond=0)
        self.sent: list[Message] = []
        self.strikes: dict[str, Strike] = {}
        self.hospitals = [self.hospital(n) for n in range(4)]

    def pick(self, options: Iterable[Any]) -> Any:
        return self.random.choice(list(options))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # -- the register

    def hospital(self, number: int) -> Hospital:
        code, region = f"H{self.token}{number}", f"Y{self.token}{self.random.randrange(2)}"
        wards = [self.ward(f"organisations/{code}/wards/A{n}") for n in range(self.random.randint(2, 5))]
        beds = {w.name: self.random.randint(10, 30) for w in wards}
        night = {w.name: self.random.randint(1, 6) for w in wards if self.chance(0.6)}
        hospital = Hospital(code, region, ZoneInfo(self.pick(ZONES)), wards, [], beds, night)
        hospital.wards = [replace(w, zone=hospital.zone) for w in wards]
        hospital.groups = [self.group(hospital, n) for n in range(self.pick((0, 1, 2, 3)))]
        return hospital

    def ward(self, name: str) -> Ward:
        kind = self.pick(KINDS)
        return Ward(name, kind, limit=LIMIT_OF_KIND.get(kind), every=HOUR)

    def group(self, hospital: Hospital, number: int) -> Group:
        wards = self.random.sample([w.name for w in hospital.wards], self.random.randint(0, len(hospital.wards)))
        periods = [(t, p) for t in (1, 2, 3) for p in ("ALL_DAY", DAY, NIGHT)]
        minima = {k: self.random.randint(0, 3) for k in self.random.sample(periods, self.random.randint(0, 6))}
        baselines = {m: self.random.randint(1, 8) for m in ("CHRISTMAS_DAY", "NIGHT_DUTY") if self.chance(0.7)}
        shifts = OWN_SHIFTS if self.own_shifts and self.chance(0.5) else SHIFTS
        name = f"{hospital.name}/coverGroups/G{number}"
        return Group(name, frozenset(wards), minima, self.chance(0.5), baselines, shifts)

    def organisation_rows(self) -> list[Message]:
        return [{"name": h.name, "region": h.region, "timeZone": h.zone.key} for h in self.hospitals]

    def ward_rows(self) -> list[Message]:
        def row(h: Hospital, w: Ward) -> Message:
            night = {"nightDutyRegisteredNurses": h.night_duty[w.name]} if w.name in h.night_duty else {}
            return {
                "name": w.name,
                "kind": f"WARD_KIND_{w.kind}",
                "beds": h.beds[w.name],
                "reportEveryMinutes": 60,
                **night,
            }

        return [row(h, w) for h in self.hospitals for w in h.wards]

    def group_rows(self) -> list[Message]:
        return [group_row(g) for h in self.hospitals for g in h.groups]

    def another_group(self) -> Message:
        """A group more; the first takes the place of ALL."""
        hospital = self.pick(self.hospitals)
        hospital.groups.append(self.group(hospital, len(hospital.groups)))
        hospital.known.pop(f"{hospital.name}/coverGroups/ALL", None)
        return group_row(hospital.groups[-1])

    # -- strikes

    def window(self, zone: ZoneInfo) -> Window:
        opens, length = self.pick(self.pick((OPEN, OPEN, AHEAD, PAST)))
        start = (self.now + opens * MINUTE).astimezone(zone).replace(tzinfo=None)
        return Window(start, (self.now + (opens + length) * MINUTE).astimezone(zone).replace(tzinfo=None))

    def windows(self, zone: ZoneInfo) -> tuple[Window, ...]:
        """One to three that do not overlap."""
        windows: list[Window] = []
        for _ in range(self.random.randint(1, 3)):
            new = self.window(zone)
            if all(new.end <= w.start or w.end <= new.start for w in windows):
                windows.append(new)
        return tuple(sorted(windows))

    def strike(self, number: int) -> Strike:
        zone = ZoneInfo(self.pick(ZONES))
        scope: dict[str, frozenset[str]] = {}
        if not self.alone or self.chance(0.8):
            some = self.random.sample(self.hospitals, self.random.randint(1, 3))
            by_region = self.chance(0.3)
            scope = (
                {"regions": frozenset(h.region for h in some)}
                if by_region
                else {"organisations": frozenset(h.code for h in some)}
            )
        return Strike(
            f"strike-{self.token.lower()}-{number}",
            self.windows(zone),
            staff_group="NURSES" if self.chance(0.25) else self.pick(DOCTORS),
            mode=self.pick(MODES),
            elective=self.pick(ELECTIVE),
            zone=zone,
            attribution=SHIFT_START if self.chance(0.4) else "CLOCK",
            **scope,
        )

    def announce(self) -> Message:
        strike = self.strike(len(self.strikes))
        self.strikes[strike.id] = strike
        return strike_row(strike)

    def call_off(self) -> tuple[str, list[int]]:
        """A strike, and the windows of it (from 1, by start) that do not take place."""
        strike = self.pick(self.strikes.values())
        numbers = self.random.sample(range(len(strike.windows)), self.random.randint(1, len(strike.windows)))
        windows = tuple(w._replace(called_off=w.called_off or n in numbers) for n, w in enumerate(strike.windows))
        self.strikes[strike.id] = replace(strike, windows=windows)
        return f"strikes/{strike.id}", [n + 1 for n in sorted(numbers)]

    def move(self) -> Message:
        """A strike with other windows, and other terms."""
        old = self.pick(self.strikes.values())
        windows = self.windows(old.zone)
        self.strikes[old.id] = replace(old, windows=windows, mode=self.pick(MODES), elective=self.pick(ELECTIVE))
        return strike_row(self.strikes[old.id])

    # -- reports

    def report(self, subject: str, age: float, source: str, **blocks: Message) -> Message:
        kind = "coverGroup" if "/coverGroups/" in subject else "ward"
        observed = self.now - age * MINUTE + timedelta(milliseconds=self.random.randrange(50_000))
        head = {"reportId": str(uuid.UUID(int=self.random.getrandbits(128), version=4)), kind: subject}
        return {**head, "observedTime": stamp(observed), "source": source, **blocks}

    def told(self, hospital: Hospital, report: Message) -> Message:
        """Notes a report for the oracle."""
        subject = report.get("coverGroup") or report["ward"]
        take(hospital.known.setdefault(subject, Known()), in_oracle_words(report))
        self.sent.append(report)
        return report

    def on_ward(self, hospital: Hospital, ward: Ward) -> Iterator[Message]:
        """Beds and nurses, from one system or two, at other times; now and then corrected, or late."""
        for _ in range(self.random.randint(1, 3)):
            age = self.pick((1, 5, 20, 45, 70, 100, 200))
            patients = {"patients": {"bedded": self.random.randint(0, 28)}}
            nursing = {"nursing": {"registeredNurses": self.random.randint(0, 6)}}
            levels = {"levelsOfCare": self.levels(ward.kind)} if ward.kind in ("INTENSIVE_CARE", "PAEDIATRIC") else {}
            if self.chance(0.5):
                yield self.told(hospital, self.report(ward.name, age, "ONE", **patients, **nursing, **levels))
                continue
            beds = self.told(hospital, self.report(ward.name, age, "BEDS", **patients, **levels))
            yield beds
            yield self.told(hospital, self.report(ward.name, self.pick((2, 30)), "ROSTER", **nursing))
            if self.chance(0.3):
                identity = {"reportId": str(uuid.UUID(int=self.random.getrandbits(128), version=4)), "revision": "1"}
                yield self.told(hospital, {**beds, **identity, "patients": {"bedded": self.random.randint(0, 28)}})

    def levels(self, kind: str) -> Message:
        names = ("level2", "level3") if kind == "INTENSIVE_CARE" else ("childrenUnder2", "childrenFrom2")
        return {n: self.random.randint(0, 6) for n in names if self.chance(0.9)}

    def doctors(self) -> Message:
        """Some grades of doctors: zero is said, what is not listed is not known."""
        grades = []
        for grade in self.random.sample([*TIER, "ADVANCED_CLINICAL_PRACTITIONER"], self.random.randint(1, 6)):
            there = self.random.randint(0, 3)
            first = self.random.randint(0, there) if self.chance(0.3) else 0
            second = self.random.randint(0, there - first) if self.chance(0.2) and grade == "CONSULTANT" else 0
            row: Message = {"grade": f"MEDICAL_GRADE_{grade}", "atWork": there}
            row |= {k: n for k, n in (("actingAsTier1", first), ("actingAsTier2", second)) if n}
            row |= {"onCall": self.random.randint(0, 2)} if self.chance(0.5) else {}
            row |= {"expected": there + self.random.randint(0, 4)} if self.chance(0.5) else {}
            grades.append(row)
        return {"grades": grades}

    def on_group(self, hospital: Hospital, group: str) -> Iterator[Message]:
        """Actual figures of some age, and plans: some short, some replaced, some withdrawn."""
        for _ in range(self.random.randint(0, 2)):
            age = self.pick((1, 8, 40, 63, 90, 140, 400, 1500))
            yield self.told(hospital, self.report(group, age, "RETURN", medicalCover=self.doctors()))
        for _ in range(self.random.randint(0, 4)):
            period = self.period()
            for version in range(self.pick((1, 1, 2))):
                gone = version == 1 and self.chance(0.5)
                blocks = {} if gone else {"medicalCover": self.doctors()}
                plan = {"planPeriod": period | ({"withdrawn": True} if gone else {})}
                yield self.told(hospital, {**self.report(group, 500 - version, "ROTA", **blocks), **plan})

    def period(self) -> Message:
        start = self.now + self.pick((-200, -30, 15, 100, 1210, 1500, 3000, 4210)) * MINUTE
        return {"startTime": stamp(start), "endTime": stamp(start + self.pick((240, 480, 720)) * MINUTE)}

    def nurse_plan(self, hospital: Hospital, ward: Ward) -> Iterator[Message]:
        start = self.now + self.pick((15, 1210, 3000)) * MINUTE
        period = {"startTime": stamp(start), "endTime": stamp(start + 480 * MINUTE)}
        beds = {"patients": {"bedded": self.random.randint(1, 28)}} if self.chance(0.4) else {}
        blocks = {"nursing": {"registeredNurses": self.random.randint(0, 5)}, **beds}
        yield self.told(hospital, {**self.report(ward.name, 300, "ROTA", **blocks), "planPeriod": period})

    def reports(self, share: float = 1.0) -> list[Message]:
        """Reports on a share of all subjects, in any order, some of them twice."""
        found: list[Message] = []
        for hospital in self.hospitals:
            for ward in hospital.wards:
                if self.chance(share):
                    found += self.on_ward(hospital, ward)
                if self.chance(share / 3):
                    found += self.nurse_plan(hospital, ward)
            for group in hospital.group_names:
                if self.chance(share):
                    found += self.on_group(hospital, group)
        again = self.random.sample(found, len(found) // 10)
        self.random.shuffle(found)
        return [*found, *again]

    # -- what must stand

    def places(self, now: datetime) -> Iterator[tuple[Hospital, Place]]:
        for h in self.hospitals:
            place = Place(
                h.code, now, self.strikes.values(), h.groups, h.wards, h.known, None, h.night_duty, h.beds, h.region, h.zone
            )  # fmt: skip
            yield h, place

    def expected(self, now: datetime) -> set[Gap]:
        found: set[Gap] = set()
        for hospital, place in self.places(now):
            found |= set(place.gaps())
            for ward in hospital.wards:
                breaches = oracle.judge(ward, place.of(ward.name).figures, now)
                found |= {Gap(b.ward, b.rule, "", b.severity, False) for b in breaches}
        return found

    def unknown(self, now: datetime) -> set[tuple[str, str]]:
        """Subjects and rules that cannot be judged: what stood there before still stands."""
        found: set[tuple[str, str]] = set()
        for hospital, place in self.places(now):
            for group in place.groups:
                found |= {(group.name, r) for r, a in place.group_answers(group).items() if a == UNKNOWN}
            for ward in hospital.wards:
                found |= {(ward.name, r) for r, a in place.ward_answers(ward).items() if a == UNKNOWN}
                facts = Facts(ward, place.of(ward.name).figures, now)
                if facts.nursing is None or facts.patients is None:
                    found |= {(ward.name, r) for r in oracle.RULES}
                if facts.levels is None or len(facts.levels) < 2:
                    found.add((ward.name, "care_level.under_cover"))
        return found


def in_oracle_words(report: Message) -> Message:
    """Proto names, and grades without their prefix."""
    words = plain(report)
    for grade in words.get("medical_cover", {}).get("grades", ()):
        grade["grade"] = grade["grade"].removeprefix("MEDICAL_GRADE_")
    return words


def group_row(group: Group) -> Message:
    shift = lambda s: {"name": f"SHIFT_NAME_{s.name}", "start": f"{s.start:%H:%M}", "end": f"{s.end:%H:%M}"}  # noqa: E731
    return {
        "name": group.name,
        "wards": sorted(group.wards or ()),
        "minima": [{"tier": t, "period": f"COVER_PERIOD_{p}", "doctors": n} for (t, p), n in group.minima.items()],
        "tier3OnCallCounts": group.on_call_counts,
        "baselines": [{"mode": f"STRIKE_MODE_{m}_COVER", "doctors": n} for m, n in group.baselines.items()],
        "shifts": [shift(s) for s in group.shifts] if group.shifts != SHIFTS else [],
    }


def strike_row(strike: Strike) -> Message:
    scope: Message = {"nation": "ENGLAND"}
    if strike.organisations:
        scope = {"organisations": [f"organisations/{o}" for o in sorted(strike.organisations)]}
    elif strike.regions:
        scope = {"regions": sorted(strike.regions)}
    return {
        "name": f"strikes/{strike.id}",
        "union": "BMA",
        "staffGroup": f"STAFF_GROUP_{strike.staff_group}",
        "mode": f"STRIKE_MODE_{strike.mode}",
        "electivePolicy": f"ELECTIVE_POLICY_{strike.elective}",
        "scope": scope,
        "timeZone": strike.zone.key,
        "attribution": f"ATTRIBUTION_{strike.attribution}",
        "windows": [
            {"startLocal": f"{w.start:%Y-%m-%dT%H:%M}", "endLocal": f"{w.end:%Y-%m-%dT%H:%M}"} for w in strike.windows
        ],
    }
