"""Cases with known answers for the oracle's strikes, doctors and plans; `oracle.py --self-test` runs them."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from oracle import Ward, instant, plain
from oracle_cover import Group, Known, Place, take, tiers
from oracle_strikes import (
    DAY, LONDON, NIGHT, SHIFT_START, SHIFTS, NoSuchTime, Shift, Strike, Window, closes, opens, period_at, returns_due,
    shift_on, struck,
)  # fmt: skip

Case = tuple[str, list[str], list[str]]
GROUP, WARD, ORG = "organisations/RJ1/coverGroups/GENMED", "organisations/RJ1/wards/A1", "organisations/RJ1"
OPEN = instant("2016-04-26T07:00:00Z")
LATER = instant("2016-04-26T09:30:00Z")  # 10:30 in London, in the window
HOUR = timedelta(hours=1)


def civil(text: str) -> datetime:
    return datetime.fromisoformat(text)


def window(start: str, end: str, called_off: bool = False) -> Window:
    return Window(civil(start), civil(end), called_off)


def strike(*windows: Window, **terms: Any) -> Strike:
    return Strike(terms.pop("id", "bma"), windows, **terms)


APRIL = strike(
    window("2016-04-26T08:00", "2016-04-26T17:00"), window("2016-04-27T08:00", "2016-04-27T17:00"), id="bma-2016-04-26"
)


def spans(
    *strikes: Strike, shifts: tuple[Shift, ...] = SHIFTS, organisation: str = "RJ1", region: str | None = None
) -> list[str]:
    short = "%m-%dT%H:%MZ"
    return [f"{i.start.strftime(short)}/{i.end.strftime(short)}" for i in struck(strikes, organisation, region, shifts)]


def length(day: str, shift: Shift) -> str:
    start, end = shift_on(date.fromisoformat(day), shift, LONDON)
    return f"{(end - start) / HOUR} h"


def refusal(text: str) -> list[str]:
    try:
        return [str(opens(window(text, text), LONDON))]
    except NoSuchTime:
        return ["no such time"]


def history() -> list[Case]:
    """The strikes of the domain's section 6."""
    january = strike(window("2016-01-12T08:00", "2016-01-13T08:00"))
    april = strike(window("2023-04-11T07:00", "2023-04-15T06:59"))
    asked, cut = (
        strike(window("2023-04-30T20:00", end), staff_group="NURSES")
        for end in ("2023-05-02T20:00", "2023-05-01T23:59")
    )
    bma = strike(window("2024-02-24T07:00", "2024-02-28T23:59"), id="bma-2024")
    hcsa = strike(window("2024-02-24T07:00", "2024-02-29T07:00"), id="hcsa-2024")
    july = strike(window("2025-07-25T07:00", "2025-07-30T07:00"), elective="MAINTAIN")
    return [
        ("January 2016, 24 h", spans(january), ["01-12T08:00Z/01-13T08:00Z"]),
        ("April 2016, two windows", spans(APRIL), ["04-26T07:00Z/04-26T16:00Z", "04-27T07:00Z/04-27T16:00Z"]),
        ("April 2023", spans(april), ["04-11T06:00Z/04-15T05:59Z"]),
        ("nurses, as announced", spans(asked), ["04-30T19:00Z/05-02T19:00Z"]),
        ("nurses, cut by the court", spans(cut), ["04-30T19:00Z/05-01T22:59Z"]),
        ("two unions", spans(bma, hcsa), ["02-24T07:00Z/02-28T23:59Z", "02-24T07:00Z/02-29T07:00Z"]),
        ("July 2025", spans(july), ["07-25T06:00Z/07-30T06:00Z"]),
        (
            "a window called off",
            spans(strike(APRIL.windows[0], APRIL.windows[1]._replace(called_off=True))),
            ["04-26T07:00Z/04-26T16:00Z"],
        ),
        ("another employer", spans(strike(*APRIL.windows, organisations=frozenset({"RGT"}))), []),
        ("another region", spans(strike(*APRIL.windows, regions=frozenset({"Y56"})), region="Y58"), []),
        ("its region", spans(strike(APRIL.windows[0], regions=frozenset({"Y56"})), region="Y56"), spans(APRIL)[:1]),
    ]


def strike_cases() -> list[Case]:
    own = (Shift(DAY, time(8), time(20, 30)), Shift(NIGHT, time(20, 30), time(8)))
    long_night = Shift(NIGHT, time(20), time(8, 30))
    by_shift = strike(window("2016-04-26T08:00", "2016-04-27T08:00"), attribution=SHIFT_START)
    night = strike(window("2016-03-26T20:00", "2016-03-27T07:30"))
    hour = strike(window("2016-10-30T01:15", "2016-10-30T01:45"))
    friday = struck([strike(window("2016-04-26T07:00", "2016-04-28T07:00"))], "RJ1")[0]
    returns = [r.strftime("%dT%H:%M") for r in returns_due(friday, LONDON)]
    paris = strike(window("2016-04-26T08:00", "2016-04-26T17:00"), zone=ZoneInfo("Europe/Paris"))
    return history() + [
        # 26 April 07:30 began before the window: finished. The night begins inside it, and so does the next day's shift.
        ("by shift start, the gap outlasts the window", spans(by_shift), ["04-26T19:00Z/04-27T19:00Z"]),
        ("by shift start, with shifts of their own", spans(by_shift, shifts=own), ["04-26T07:00Z/04-27T07:00Z"]),
        (
            "by shift start, no shift begins inside",
            spans(strike(window("2016-04-26T08:00", "2016-04-26T17:00"), attribution=SHIFT_START)),
            [],
        ),
        ("an hour is missing in the night of 26 March", spans(night), ["03-26T20:00Z/03-27T06:30Z"]),
        ("an end that comes twice is the second", spans(hour), ["10-30T00:15Z/10-30T01:45Z"]),
        ("a start that does not exist", refusal("2016-03-27T01:30"), ["no such time"]),
        ("another zone", spans(paris), ["04-26T06:00Z/04-26T15:00Z"]),
        ("the night of March is 11.5 h", [length("2016-03-26", long_night)], ["11.5 h"]),
        ("the night of October is 13.5 h", [length("2016-10-29", long_night)], ["13.5 h"]),
        ("March 2026", [length("2026-03-28", long_night)], ["11.5 h"]),
        ("October 2026", [length("2026-10-24", long_night)], ["13.5 h"]),
        ("an ordinary night", [length("2016-04-26", long_night)], ["12.5 h"]),
        ("returns inside a window", returns, ["26T06:00", "26T08:00", "26T19:00", "27T08:00", "27T19:00"]),
        ("07:29 is night", [period_at(instant("2016-04-26T06:29:59Z"), SHIFTS, LONDON)], [NIGHT]),
        ("07:30 is day", [period_at(instant("2016-04-26T06:30:00Z"), SHIFTS, LONDON)], [DAY]),
        ("20:00 is night", [period_at(instant("2016-04-26T19:00:00Z"), SHIFTS, LONDON)], [NIGHT]),
        (
            "an hour before 07:30 after the clocks went",
            [period_at(instant("2016-03-27T06:29:00Z"), SHIFTS, LONDON)],
            [NIGHT],
        ),
        (
            "the end of an end",
            [closes(window("2016-10-30T00:00", "2016-10-30T01:00"), LONDON).strftime("%H:%MZ")],
            ["01:00Z"],
        ),
    ]


def grade(name: str, there: int, acting1: int = 0, acting2: int = 0, **more: int) -> dict[str, Any]:
    acting = {f"acting_as_tier{t}": n for t, n in ((1, acting1), (2, acting2)) if n}
    return {"grade": name, "at_work": there, **acting, **more}


def cover(*grades: dict[str, Any]) -> dict[str, Any]:
    return {"medical_cover": {"grades": list(grades)}}


def report(
    at: datetime, number: int = 1, period: tuple[str, str] | None = None, withdrawn: bool = False, **blocks: Any
) -> dict[str, Any]:
    plan = {"plan_period": dict(zip(("start_time", "end_time"), period), withdrawn=withdrawn)} if period else {}
    return plain({"report_id": str(uuid.UUID(int=number)), "observed_time": at.isoformat(), **plan, **blocks})


def stands(now: datetime, strikes: Iterable[Strike] = (APRIL,), plans: bool = False, **place: Any) -> list[str]:
    """All that must stand: rule, severity, and the instance of a forecast. Missing plans only where they are the matter."""
    known: dict[str, Known] = {}
    for subject, reports in place.pop("reports", {}).items():
        known[subject] = Known()
        for r in reports:
            take(known[subject], r)
    found = (
        g for g in Place("RJ1", now, strikes, known=known, **place).gaps() if plans or g.rule != "cover.plan_missing"
    )
    return sorted(f"{g.rule} {g.severity}" + (f" {g.instance}" if g.instance else "") for g in found)


FULL = (grade("F1", 2), grade("REGISTRAR", 1), grade("CONSULTANT", 1))
MINIMA = {(1, "ALL_DAY"): 2, (2, "ALL_DAY"): 1, (2, NIGHT): 3, (3, "ALL_DAY"): 1}
MEDICINE = Group(GROUP, frozenset({WARD}), MINIMA, baselines={"CHRISTMAS_DAY": 5, "NIGHT_DUTY": 3})
BELOW, NOBODY, BASELINE = "cover.below_minimum critical", "cover.no_senior critical", "cover.below_baseline warning"
SILENT, VERY_SILENT = "cover.not_reported warning", "cover.not_reported critical"
DOUBLE = "ward.double_gap critical"


def now_with(
    *grades: dict[str, Any], now: datetime = LATER, group: Group = MEDICINE, strikes: Iterable[Strike] = (APRIL,)
) -> list[str]:
    """A group's doctors, observed at the instant of judgement."""
    return stands(now, strikes, groups=[group], reports={GROUP: [report(now, **cover(*grades))]})


def count(*grades: dict[str, Any]) -> list[str]:
    return [f"{t}:{n}" for t, n in sorted(tiers({"grades": list(grades)}).items())]


def tier_cases() -> list[Case]:
    down = grade("CONSULTANT", 2, acting2=1)
    return [
        ("each doctor once", count(*FULL, grade("CORE", 1), grade("SAS", 2)), ["1:3", "2:3", "3:1"]),
        ("acting down is counted there and not in their own", count(down), ["2:1", "3:1"]),
        ("both down, none left", count(grade("CONSULTANT", 2, 1, 1)), ["1:1", "2:1", "3:0"]),
        ("a grade that is not listed is not zero", count(grade("REGISTRAR", 0)), ["2:0"]),
        ("practitioners have no tier", count(grade("ADVANCED_CLINICAL_PRACTITIONER", 4)), []),
        ("unless they act in one", count(grade("ADVANCED_CLINICAL_PRACTITIONER", 4, 2)), ["1:2"]),
        ("enough", now_with(*FULL), []),
        ("a tier below", now_with(grade("F1", 1), *FULL[1:]), [BELOW]),
        ("zero is below", now_with(grade("F1", 0), *FULL[1:]), [BELOW]),
        ("not reported is not below", now_with(*FULL[1:]), []),
        ("below, though another is not known", now_with(grade("F1", 1)), [BELOW]),
        ("a consultant acting down fills the hole", now_with(FULL[0], grade("CONSULTANT", 2, acting2=1)), []),
        ("and opens one above", now_with(FULL[0], grade("CONSULTANT", 1, acting2=1)), [BELOW, NOBODY]),
        ("a minimum of none needs no report", now_with(*FULL[1:], group=Group(GROUP, minima={(1, "ALL_DAY"): 0})), []),
        ("no minimum, no rule", now_with(grade("F1", 0), *FULL[1:], group=Group(GROUP)), []),
        ("the built-in senior", now_with(*FULL[:2], grade("CONSULTANT", 0), group=Group(GROUP)), [NOBODY]),
        ("on call is not there", now_with(grade("CONSULTANT", 0, on_call=1), group=Group(GROUP)), [NOBODY]),
        ("on call counts", now_with(grade("CONSULTANT", 0, on_call=1), group=Group(GROUP, on_call_counts=True)), []),
        ("on call not reported", now_with(grade("CONSULTANT", 0), group=Group(GROUP, on_call_counts=True)), []),
        (
            "nobody on call",
            now_with(grade("CONSULTANT", 0, on_call=0), group=Group(GROUP, on_call_counts=True)),
            [NOBODY],
        ),
    ]


def mode_cases() -> list[Case]:
    def mode(name: str) -> list[Strike]:
        return [strike(*APRIL.windows, mode=name)]

    nobody = (*FULL[:2], grade("CONSULTANT", 0))
    night = strike(window("2016-04-26T08:00", "2016-04-27T08:00"), mode="EMERGENCY_CARE_ONLY")
    at_night = instant("2016-04-26T21:00:00Z")
    rota = strike(*APRIL.windows, id="nurses", staff_group="NURSES")
    ward = Ward(WARD, "ADULT_INPATIENT", limit=Fraction(8), every=HOUR)
    staff = {WARD: [report(LATER, patients={"bedded": 14}, nursing={"registered_nurses": 2})]}
    return [
        ("emergency care only: no senior rule", now_with(*nobody, strikes=mode("EMERGENCY_CARE_ONLY")), [BELOW]),
        ("Christmas Day, 4 of 5", now_with(*FULL, strikes=mode("CHRISTMAS_DAY_COVER")), [BASELINE]),
        ("Christmas Day, 5 of 5", now_with(grade("F1", 3), *FULL[1:], strikes=mode("CHRISTMAS_DAY_COVER")), []),
        ("night duty, 4 of 3", now_with(*FULL, strikes=mode("NIGHT_DUTY_COVER")), []),
        ("no baseline", now_with(*FULL, strikes=mode("NIGHT_DUTY_COVER"), group=Group(GROUP)), []),
        ("by night its own minimum", now_with(*FULL, now=at_night, strikes=[night]), [BELOW]),
        ("between the windows", now_with(*nobody, now=at_night), []),
        ("at the end", now_with(*nobody, now=instant("2016-04-26T16:00:00Z")), []),
        ("a moment before", now_with(*nobody, now=instant("2016-04-26T15:59:59Z")), [BELOW, NOBODY]),
        ("called off", now_with(*nobody, strikes=[strike(*(w._replace(called_off=True) for w in APRIL.windows))]), []),
        ("a strike of nurses says nothing of doctors", now_with(*nobody, strikes=[rota]), []),
        (
            "nurses below the night's number",
            stands(LATER, [rota], groups=[MEDICINE], wards=[ward], reports=staff, night_duty={WARD: 3}),
            [BASELINE],
        ),
        (
            "as many as by night",
            stands(LATER, [rota], groups=[MEDICINE], wards=[ward], reports=staff, night_duty={WARD: 2}),
            [],
        ),
        ("a ward without a number", stands(LATER, [rota], groups=[MEDICINE], wards=[ward], reports=staff), []),
    ]


def silence_cases() -> list[Case]:
    def silent(minutes: float, *observed: str, groups: Iterable[Group] = (MEDICINE,)) -> list[str]:
        reports = {GROUP: [report(instant(f"2016-04-26T{o}Z"), n, **cover(*FULL)) for n, o in enumerate(observed, 1)]}
        return stands(OPEN + timedelta(minutes=minutes), groups=groups, reports=reports)

    nobody = cover(*FULL[:2], grade("CONSULTANT", 0))
    return [
        ("not yet", silent(59.9), []),
        ("60 min after it opened", silent(60), [SILENT]),
        ("twice", silent(120), [VERY_SILENT]),
        ("the implicit group too", silent(60, groups=()), [SILENT]),
        ("figures from before hold for an hour", silent(59.9, "05:00:00"), []),
        ("and no longer", silent(60, "05:00:00"), [SILENT]),
        ("figures as it opens miss nothing until 09:00", silent(119.9, "07:00:00"), []),
        ("09:00 is missed at 10:00", silent(120, "07:00:00"), [SILENT]),
        ("strictly after: 09:00 itself is due again", silent(120, "07:59:59"), [SILENT]),
        ("the return of 09:00", silent(539, "08:00:00"), []),
        (
            "overdue figures are not judged",
            stands(OPEN + HOUR, groups=[MEDICINE], reports={GROUP: [report(OPEN - HOUR, **nobody)]}),
            [SILENT],
        ),
        (
            "they are until then",
            stands(OPEN, groups=[MEDICINE], reports={GROUP: [report(OPEN - HOUR, **nobody)]}),
            [BELOW, NOBODY],
        ),
        ("the window is over", silent(540), []),
        ("the second day begins anew", silent(24 * 60 + 59, "07:30:00"), []),
        ("and is missing an hour later", silent(25 * 60, "07:30:00"), [SILENT]),
    ]


def plan_cases() -> list[Case]:
    first, second = ("2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z"), ("2016-04-27T07:00:00Z", "2016-04-27T16:00:00Z")
    day = "2016-04-27T07:00:00Z/2016-04-27T16:00:00Z"
    before = instant("2016-04-25T12:00:00Z")
    planned = [report(before, 1, first, **cover(*FULL)), report(before, 2, second, **cover(*FULL))]
    short = report(before + HOUR, 3, second, **cover(grade("F1", 1), *FULL[1:]))
    better = report(before + 2 * HOUR, 4, second, **cover(*FULL))
    gone = report(before + 2 * HOUR, 4, second, withdrawn=True, **cover(*FULL))

    def plan(*reports: dict[str, Any], now: datetime = before + 3 * HOUR) -> list[str]:
        return stands(now, plans=True, groups=[MEDICINE], reports={GROUP: list(reports)})

    night = strike(window("2016-04-26T17:00", "2016-04-27T17:00"))
    long = report(before, 5, ("2016-04-26T10:00:00Z", "2016-04-26T20:00:00Z"), **cover(*FULL))
    ward = Ward(WARD, "ADULT_INPATIENT", limit=Fraction(8), every=HOUR)
    nurses = report(before, 6, second, nursing={"registered_nurses": 3})
    both = report(before, 7, second, patients={"bedded": 24})

    def on_ward(*reports: dict[str, Any], now: datetime = before + HOUR) -> list[str]:
        return stands(now, [], groups=[MEDICINE], wards=[ward], beds={WARD: 28}, reports={WARD: list(reports)})

    def baseline(number: int) -> list[str]:
        rota = strike(window("2016-04-27T12:00", "2016-04-27T17:00"), staff_group="NURSES")
        reports = {WARD: [report(before, 9, second, nursing={"registered_nurses": number})]}
        place: dict[str, Any] = {"wards": [ward], "beds": {WARD: 28}, "night_duty": {WARD: 3}}
        return stands(before + HOUR, [rota], reports=reports, **place)

    actual = report(instant("2016-04-27T08:00:00Z"), 8, nursing={"registered_nurses": 4})
    return [
        ("no plan, more than 72 h before", plan(now=OPEN - timedelta(hours=72, seconds=1)), []),
        ("no plan, 72 h before", plan(now=OPEN - timedelta(hours=72)), ["cover.plan_missing warning"]),
        ("no plan, 24 h before", plan(now=OPEN - timedelta(hours=24)), ["cover.plan_missing critical"]),
        ("a plan for each", plan(*planned), []),
        ("a plan for the first", plan(planned[0]), ["cover.plan_missing warning"]),
        ("a gap", plan(*planned, short), [f"cover.plan_gap critical {day}"]),
        ("closed by a new plan", plan(*planned, short, better), []),
        ("whatever came first", plan(better, short, *planned), []),
        ("a withdrawn plan has no gap, and is missing", plan(*planned, short, gone), ["cover.plan_missing warning"]),
        ("its time is over", plan(*planned, short, now=instant("2016-04-27T16:00:00Z")), []),
        ("actual figures overtake it", plan(*planned, short, report(instant("2016-04-27T07:30:00Z"), 9, **cover(*FULL)), now=instant("2016-04-27T07:40:00Z")), []),
        ("a plan that touches the night is judged by the night's minimum too", stands(before, [night], groups=[MEDICINE], reports={GROUP: [long]}), ["cover.plan_gap critical 2016-04-26T10:00:00Z/2016-04-26T20:00:00Z"]),
        ("a plan beside the window", stands(before, groups=[MEDICINE], reports={GROUP: [*planned, report(before, 5, ("2016-04-26T16:00:00Z", "2016-04-26T20:00:00Z"), **cover(grade("F1", 0)))]}), []),
        ("nurses planned, at the funded beds", on_ward(nurses), [f"ratio.over_limit warning {day}"]),
        ("with patients planned", on_ward(nurses, both), []),
        ("on a nurses' strike, below the night's number", baseline(2), [f"cover.below_baseline warning {day}", f"ratio.over_limit critical {day}"]),
        ("as many", baseline(3), [f"ratio.over_limit warning {day}"]),
        ("overtaken by actual nurses", on_ward(nurses, actual, now=instant("2016-04-27T08:10:00Z")), []),
    ]  # fmt: skip


def derived_cases() -> list[Case]:
    ward = Ward(WARD, "ADULT_INPATIENT", limit=Fraction(8), every=HOUR)
    over = report(LATER, patients={"bedded": 28}, nursing={"registered_nurses": 3})
    fine = report(LATER, patients={"bedded": 24}, nursing={"registered_nurses": 3})
    hole, stand = report(LATER, **cover(grade("F1", 1), *FULL[1:])), report(LATER, **cover(*FULL))

    def double(
        ward_report: dict[str, Any], group_report: dict[str, Any] | None, now: datetime = LATER, **place: Any
    ) -> list[str]:
        reports = {WARD: [ward_report], GROUP: [group_report] if group_report else []}
        return [a for a in stands(now, groups=[MEDICINE], wards=[ward], reports=reports, **place) if a == DOUBLE]

    emergency = strike(*APRIL.windows, elective="EMERGENCY_ONLY")
    done = {date(2016, 4, 26): {"inpatient": {"planned": 40, "delivered": 2}, "day_case": {"delivered": 0}}}
    day = "elective.not_stood_down warning 2016-04-26"

    def elective(now: str, strikes: Iterable[Strike] = (emergency,), activity: Any = None) -> list[str]:
        found = stands(instant(now), strikes, activity=done if activity is None else activity)
        return [a for a in found if a.startswith("elective")]

    def target(planned: int, delivered: int) -> list[str]:
        kept = strike(*APRIL.windows, elective="MAINTAIN")
        activity = {
            date(2016, 4, 26): {"inpatient": {"planned": planned, "delivered": delivered}, "day_case": {"planned": 9}}
        }
        return [str(Place("RJ1", LATER, [kept], activity=activity).below_target(date(2016, 4, 26)))]

    return [
        ("a ward above its limit whose cover has a hole", double(over, hole), [DOUBLE]),
        ("only the ward", double(over, stand), []),
        ("only the cover", double(fine, hole), []),
        ("cover not known", double(over, None), []),
        ("outside the windows", double(over, hole, instant("2016-04-26T17:00:00Z")), []),
        ("elective work in spite of the strike", elective("2016-04-26T10:00:00Z"), [day]),
        ("until the end of the day after", elective("2016-04-27T22:59:59Z"), [day]),
        ("and no longer", elective("2016-04-27T23:00:00Z"), []),
        ("none delivered", elective("2016-04-26T10:00:00Z", activity={date(2016, 4, 26): {"inpatient": {"delivered": 0}}}), []),
        ("not asked for", elective("2016-04-26T10:00:00Z", [APRIL]), []),
        ("a day without a strike", elective("2016-04-26T10:00:00Z", activity={date(2016, 4, 25): {"inpatient": {"delivered": 5}}}), []),
        ("95 % is on target", target(100, 95), ["False"]),
        ("94 % is below", target(100, 94), ["True"]),
    ]  # fmt: skip


def cover_cases() -> list[Case]:
    return tier_cases() + mode_cases() + silence_cases() + plan_cases() + derived_cases()
