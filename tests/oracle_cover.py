"""Doctors, plans and elective work for the oracle: every `cover.*`, `elective.*` and `ward.double_gap`.

From the domain's rules, not from the Rust. A rule answers BREACHING with a severity, WITHIN, UNKNOWN (an input was not
reported, or is overdue: nothing is not zero) or NO (there is nothing to judge: no strike, no minimum).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from oracle import CRITICAL, RULES, WARNING, Block, Facts, Figures, Ward, instant, order_of
from oracle_strikes import (
    A_DAY, LONDON, SHIFTS, Shift, Strike, Struck, doctors, in_force, nurses, period_at, periods_in, returns_due, run_in_force, struck,
)  # fmt: skip

WITHIN, UNKNOWN, NO = "within", "unknown", "no"
TIER = {"F1": 1, "F2": 1, "CORE": 1, "REGISTRAR": 2, "LOCALLY_EMPLOYED": 2, "SAS": 2, "CONSULTANT": 3}
BASELINE_OF_MODE = {"CHRISTMAS_DAY_COVER": "CHRISTMAS_DAY", "NIGHT_DUTY_COVER": "NIGHT_DUTY"}
RETURN_GRACE = timedelta(minutes=60)
PLAN_FROM, PLAN_CRITICAL_FROM = timedelta(hours=72), timedelta(hours=24)
GROUP_RULES = ("cover.below_minimum", "cover.no_senior", "cover.below_baseline")
PLANNED = ("patients", "levels_of_care", "nursing", "medical_cover")
TARGET = 95  # per cent of plan
PLAN_RULES = ("ratio.over_limit", "ratio.max_allocation", "rn.none", "rn.below_minimum", "care_level.under_cover")
OVER = ("ratio.over_limit", "care_level.under_cover", "rn.none")

Answer = str  # WITHIN, UNKNOWN, NO, or the severity of a breach
Counts = dict[str, Any]


class Gap(NamedTuple):
    """An alert that must stand."""

    subject: str
    rule: str
    instance: str
    severity: str
    forecast: bool


class Plan(NamedTuple):
    """A planned block for a period. Keyed by the same order as an actual one."""

    start: datetime
    end: datetime
    block: Block

    @property
    def instance(self) -> str:
        return "/".join(t.isoformat().replace("+00:00", "Z") for t in (self.start, self.end))


@dataclass(frozen=True)
class Group:
    """A cover group. `minima` by tier and ALL_DAY, DAY or NIGHT; `wards` None: all of the organisation."""

    name: str
    wards: frozenset[str] | None = None
    minima: dict[tuple[int, str], int] = field(default_factory=dict)
    on_call_counts: bool = False
    baselines: dict[str, int] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = SHIFTS

    def minimum(self, tier: int, period: str) -> int | None:
        """The period's own comes first."""
        return self.minima.get((tier, period), self.minima.get((tier, "ALL_DAY")))


@dataclass
class Known:
    """What was reported of a subject: the newest actual block of each kind, and the newest plan for each period and kind."""

    figures: Figures = field(default_factory=Figures)
    plans: dict[tuple[datetime, datetime, str], Block | None] = field(default_factory=dict)
    keys: dict[tuple[datetime, datetime, str], tuple[datetime, int, int]] = field(default_factory=dict)

    def planned(self, kind: str) -> Iterator[Plan]:
        yield from (Plan(a, b, block) for (a, b, k), block in self.plans.items() if k == kind and block is not None)


def tiers(cover: Counts) -> dict[int, int]:
    """Doctors at work by tier, each counted once; a tier that nobody reported is not there."""
    count: dict[int, int] = {}
    for grade in cover["grades"]:
        acting = {t: int(grade.get(f"acting_as_tier{t}", 0)) for t in (1, 2)}
        native = TIER.get(grade["grade"])
        if native is not None:
            count[native] = count.get(native, 0) + int(grade["at_work"]) - sum(acting.values())
        for tier, n in acting.items():
            if n:
                count[tier] = count.get(tier, 0) + n
    return count


def at_work(cover: Counts) -> int | None:
    """Doctors of every tier."""
    counts = [int(g["at_work"]) for g in cover["grades"] if g["grade"] in TIER]
    return sum(counts) if counts else None


def seniors(cover: Counts, on_call_counts: bool) -> int | None:
    """Experts there, or on call where that counts; None if that cannot be said."""
    there = tiers(cover).get(3)
    if there is None or there > 0 or not on_call_counts:
        return there
    on_call = [g.get("on_call") for g in cover["grades"] if g["grade"] == "CONSULTANT"]
    return None if None in on_call else sum(int(n) for n in on_call)


def worst(answers: Iterable[Answer]) -> Answer:
    order = (NO, WITHIN, UNKNOWN, WARNING, CRITICAL)
    return max(answers, key=order.index, default=NO)


def below_minimum(group: Group, cover: Counts, period: str) -> Answer:
    count, found = tiers(cover), []
    for tier in (1, 2, 3):
        minimum = group.minimum(tier, period)
        if minimum is not None:
            known = tier in count or minimum == 0
            found.append(UNKNOWN if not known else CRITICAL if count.get(tier, 0) < minimum else WITHIN)
    return worst(found)


def no_senior(group: Group, cover: Counts) -> Answer:
    there = seniors(cover, group.on_call_counts)
    return UNKNOWN if there is None else CRITICAL if there == 0 else WITHIN


def below_baseline(group: Group, cover: Counts, modes: Iterable[str]) -> Answer:
    baselines = [group.baselines[b] for m in modes if (b := BASELINE_OF_MODE.get(m)) in group.baselines]
    if not baselines:
        return NO
    there = at_work(cover)
    return UNKNOWN if there is None else WARNING if there < max(baselines) else WITHIN


def cover_answers(group: Group, cover: Counts, periods: Iterable[str], modes: set[str]) -> dict[str, Answer]:
    """The three rules on a group's doctors, for the periods and modes that hold."""
    return {
        "cover.below_minimum": worst(below_minimum(group, cover, p) for p in periods),
        "cover.no_senior": no_senior(group, cover) if "FULL_WITHDRAWAL" in modes else NO,
        "cover.below_baseline": below_baseline(group, cover, modes),
    }


class Place:
    """An organisation at an instant: its strikes, and what is known of its wards, groups and elective work."""

    def __init__(
        self,
        code: str,
        now: datetime,
        strikes: Iterable[Strike] = (),
        groups: Iterable[Group] = (),
        wards: Iterable[Ward] = (),
        known: dict[str, Known] | None = None,
        activity: dict[date, dict[str, Counts]] | None = None,
        night_duty: dict[str, int] | None = None,
        beds: dict[str, int] | None = None,
        region: str | None = None,
        zone: ZoneInfo = LONDON,
    ) -> None:
        self.name, self.now, self.zone = f"organisations/{code}", now, zone
        self.groups = list(groups) or [Group(f"{self.name}/coverGroups/ALL")]
        self.wards, self.known = list(wards), known or {}
        self.activity, self.night_duty, self.beds = activity or {}, night_duty or {}, beds or {}
        self.strikes = list(strikes)
        self.struck = struck(self.strikes, code, region, SHIFTS, zone)
        self.struck_of = {g.name: struck(self.strikes, code, region, g.shifts, zone) for g in self.groups}

    def of(self, subject: str) -> Known:
        return self.known.get(subject, Known())

    # -- groups, now

    def overdue_since(self, group: Group) -> datetime | None:
        """Since when its figures are overdue; None if they hold, or nothing is struck. Strikes that overlap or follow on
        each other are one time in which figures are due; what was due before the time in force no longer is."""
        block = self.of(group.name).figures.blocks.get("medical_cover")
        now_struck = run_in_force(doctors(self.struck_of[group.name]), self.now)
        due = (r for i in now_struck for r in returns_due(i, self.zone) if block is None or r > block.observed)
        return min((r + RETURN_GRACE for r in due if r + RETURN_GRACE <= self.now), default=None)

    def group_answers(self, group: Group) -> dict[str, Answer]:
        holding = in_force(doctors(self.struck_of[group.name]), self.now)
        if not holding:
            return dict.fromkeys(GROUP_RULES, NO)
        modes = {i.strike.mode for i in holding}
        block = self.of(group.name).figures.blocks.get("medical_cover")
        period = period_at(self.now, group.shifts, self.zone)
        if block is None or self.overdue_since(group) is not None:
            answers = cover_answers(group, {"grades": []}, [period], modes)
            return {rule: NO if answer == NO else UNKNOWN for rule, answer in answers.items()}
        return cover_answers(group, block.counts, [period], modes)

    # -- the organisation

    def not_reported(self) -> tuple[Answer, list[str]]:
        """Groups without figures, one alert for all."""
        late = {g.name: since for g in self.groups if (since := self.overdue_since(g)) is not None}
        if not late:
            return WITHIN, []
        very = self.now >= min(late.values()) + RETURN_GRACE
        return CRITICAL if very else WARNING, sorted(late)

    def plan_missing(self) -> tuple[Answer, list[str]]:
        """Groups without a plan for the nearest window ahead that lacks any."""
        lacking: list[tuple[datetime, str]] = []
        for group in self.groups:
            plans = list(self.of(group.name).planned("medical_cover"))
            for interval in doctors(self.struck_of[group.name]):
                opens = interval.opened
                if self.now < opens <= self.now + PLAN_FROM:
                    if not any(p.start < interval.end and opens < p.end for p in plans):
                        lacking.append((opens, group.name))
        if not lacking:
            return WITHIN, []
        nearest = min(lacking)[0]
        answer = CRITICAL if nearest <= self.now + PLAN_CRITICAL_FROM else WARNING
        return answer, sorted({g for start, g in lacking if start == nearest})

    def elective(self) -> Iterator[Gap]:
        """One alert a local day, until the end of the day after."""
        today = self.now.astimezone(self.zone).date()
        for day, categories in self.activity.items():
            if today > day + A_DAY:
                continue
            policies = {i.strike.elective for i in self.struck if i.overlaps(*self.bounds(day))}
            if "EMERGENCY_ONLY" in policies and any(int(c.get("delivered", 0)) > 0 for c in categories.values()):
                yield Gap(self.name, "elective.not_stood_down", day.isoformat(), WARNING, False)

    def below_target(self, day: date) -> bool:
        """`elective.below_target`, which is off by default: over the categories reported with both figures."""
        policies = {i.strike.elective for i in self.struck if i.overlaps(*self.bounds(day))}
        both = [c for c in self.activity[day].values() if {"planned", "delivered"} <= c.keys()]
        planned, delivered = (sum(int(c[k]) for c in both) for k in ("planned", "delivered"))
        return "MAINTAIN" in policies and bool(both) and delivered * 100 < TARGET * planned

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        midnight = [datetime.combine(d, time(), self.zone).astimezone(timezone.utc) for d in (day, day + A_DAY)]
        return midnight[0], midnight[1]

    # -- wards

    def ward_answers(self, ward: Ward) -> dict[str, Answer]:
        facts = Facts(ward, self.of(ward.name).figures, self.now)
        return {
            "cover.below_baseline": self.below_night_duty(ward, facts),
            "ward.double_gap": self.double_gap(ward, facts),
        }

    def below_night_duty(self, ward: Ward, facts: Facts) -> Answer:
        """On a nurses' strike: registered nurses below the ward's number by night."""
        needed = self.night_duty.get(ward.name)
        if needed is None or not in_force(nurses(self.struck), self.now):
            return NO
        if facts.empty:
            return WITHIN
        unknown = facts.nurses is None or facts.perhaps_empty
        return UNKNOWN if unknown else WARNING if facts.nurses < needed else WITHIN

    def double_gap(self, ward: Ward, facts: Facts) -> Answer:
        """Above its limit or formula, and a group of it below minimum or without a senior."""
        mine = [g for g in self.groups if g.wards is None or ward.name in g.wards]
        cover = worst(a for g in mine for r, a in self.group_answers(g).items() if r in GROUP_RULES[:2])
        if cover == NO:
            return NO
        over = any(RULES[rule](facts) for rule in OVER)
        known = not facts.missing
        if (known and not over) or cover == WITHIN:
            return WITHIN
        return CRITICAL if over and cover == CRITICAL else UNKNOWN

    # -- plans

    def plan_gaps(self, group: Group) -> Iterator[Gap]:
        """Planned doctors, judged where their period overlaps what is struck."""
        block = self.of(group.name).figures.blocks.get("medical_cover")
        for plan in self.live(self.of(group.name).planned("medical_cover"), block):
            answers = [NO]
            for interval in doctors(self.struck_of[group.name]):
                if interval.overlaps(plan.start, plan.end):
                    start, end = max(plan.start, interval.start), min(plan.end, interval.end)
                    periods = periods_in(start, end, group.shifts, self.zone)
                    answers += cover_answers(group, plan.block.counts, periods, {interval.strike.mode}).values()
            if (severity := worst(a for a in answers if a != UNKNOWN)) in (WARNING, CRITICAL):
                yield Gap(group.name, "cover.plan_gap", plan.instance, severity, True)

    def live(self, plans: Iterable[Plan], actual: Block | None) -> Iterator[Plan]:
        """Plans that neither time nor an actual report has overtaken."""
        for plan in plans:
            overtaken = actual is not None and plan.start <= actual.observed < plan.end
            if self.now < plan.end and not overtaken:
                yield plan

    def ward_plans(self, ward: Ward) -> Iterator[Gap]:
        """The staffing rules on planned blocks; nurses planned without patients are judged at the funded beds."""
        known = self.of(ward.name)
        kinds = ("patients", "levels_of_care", "nursing")
        periods = {(a, b) for (a, b, _), block in known.plans.items() if block is not None}
        for start, end in sorted(periods):
            planned = {k: p for k in kinds for p in known.planned(k) if (p.start, p.end) == (start, end)}
            live = {k: p for k, p in planned.items() if list(self.live([p], known.figures.blocks.get(k)))}
            if "nursing" not in live or len(live) < len(planned):
                continue
            figures = Figures({k: p.block for k, p in live.items()})
            if "patients" not in live:
                if ward.name not in self.beds:
                    continue
                figures.blocks["patients"] = Block(live["nursing"].block.key, {"bedded": self.beds[ward.name]})
            facts = PlannedFacts(ward, figures, start)
            found = {rule: RULES[rule](facts) for rule in PLAN_RULES}
            found["cover.below_baseline"] = self.planned_below(ward, facts, start, end)
            for rule, severity in found.items():
                if severity:
                    yield Gap(ward.name, rule, live["nursing"].instance, severity, True)

    def planned_below(self, ward: Ward, facts: Facts, start: datetime, end: datetime) -> str | None:
        """Nurses planned for a time that nurses strike in."""
        needed, planned = self.night_duty.get(ward.name), facts.nurses
        if needed is None or planned is None or facts.empty:
            return None
        struck = any(i.overlaps(start, end) for i in nurses(self.struck))
        return WARNING if struck and planned < needed else None

    # -- all

    def gaps(self) -> Iterator[Gap]:
        """Every alert that must stand beside those of `oracle.judge`."""
        for group in self.groups:
            for rule, answer in self.group_answers(group).items():
                yield from self.breach(group.name, rule, answer)
            yield from self.plan_gaps(group)
        for ward in self.wards:
            for rule, answer in self.ward_answers(ward).items():
                yield from self.breach(ward.name, rule, answer)
            yield from self.ward_plans(ward)
        yield from self.breach(self.name, "cover.not_reported", self.not_reported()[0])
        yield from self.breach(self.name, "cover.plan_missing", self.plan_missing()[0], forecast=True)
        yield from self.elective()

    @staticmethod
    def breach(subject: str, rule: str, answer: Answer, forecast: bool = False) -> Iterator[Gap]:
        if answer in (WARNING, CRITICAL):
            yield Gap(subject, rule, "", answer, forecast)


class PlannedFacts(Facts):
    """Planned figures: they do not age, and the limit is that of the period's start."""

    def __init__(self, ward: Ward, figures: Figures, start: datetime) -> None:
        super().__init__(ward, Figures(), start)
        counts = {k: b.counts for k, b in figures.blocks.items()}
        self.patients, self.nursing = counts.get("patients"), counts.get("nursing")
        self.levels = counts.get("levels_of_care")


def take(known: Known, report: Counts) -> None:
    """Applies a report in proto names (`oracle.plain`) to what is known of its subject."""
    period = report.get("plan_period")
    if period is None:
        known.figures.take(report)
        return
    start, end, key = instant(period["start_time"]), instant(period["end_time"]), order_of(report)
    withdrawn = bool(period.get("withdrawn"))
    named = [k for k in PLANNED if k in report]
    for kind in named or [k for a, b, k in known.plans if withdrawn and (a, b) == (start, end)]:
        place = (start, end, kind)
        if place not in known.keys or key > known.keys[place]:
            known.keys[place] = key
            known.plans[place] = None if withdrawn else Block(key, report[kind])
