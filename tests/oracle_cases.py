"""Cases with known answers for the oracle: `oracle.py --self-test`. The vectors are those of the domain's section 3."""

import json
import sys
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from oracle import Ward, instant, judge, read_reports
from oracle_cover_cases import cover_cases, strike_cases

Blocks = dict[str, Any]
NOW = datetime(2016, 4, 26, 10, 0, tzinfo=timezone.utc)
NAME = "organisations/RJ1/wards/A1"


def ward(kind: str = "ADULT_INPATIENT", **settings: Any) -> Ward:
    limits = {"ADULT_INPATIENT": Fraction(8), "ACUTE_MEDICAL": Fraction(6)}
    return Ward(name=NAME, kind=kind, **{"limit": limits.get(kind), "every": timedelta(minutes=60)} | settings)


def report(minutes_ago: float = 0, revision: int = 0, number: int = 1, at: datetime = NOW, **blocks: Any) -> str:
    observed = (at - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")
    return json.dumps(
        {
            "reportId": str(uuid.UUID(int=number)),
            "ward": NAME,
            "observedTime": observed,
            "revision": str(revision),
            **blocks,
        }
    )


def both(
    patients: dict[str, int] | int, nursing: dict[str, Any] | int, levels: dict[str, int] | None = None
) -> list[str]:
    """One report of beds and nurses; a bare number is the required count."""
    levels_block: Blocks = {"levelsOfCare": levels} if levels else {}
    blocks: Blocks = {
        "patients": {"bedded": patients} if isinstance(patients, int) else patients,
        "nursing": {"registeredNurses": nursing} if isinstance(nursing, int) else nursing,
    }
    return [report(**blocks, **levels_block)]


def found(on: Ward, reports: Iterable[str], now: datetime = NOW) -> list[str]:
    figures, at = read_reports(reports, {on.name: on}, now)
    return sorted(f"{b.rule} {b.severity}" for known in figures.values() for b in judge(on, known, at))


def hours(available: float, required: float, end: str = "2016-04-26T19:00:00Z") -> list[str]:
    minutes: Blocks = {"rnRequiredMinutes": round(required * 60), "rnAvailableMinutes": round(available * 60)}
    return [
        report(minutes_ago=200, nursingHours={"shiftStartTime": "2016-04-26T06:30:00Z", "shiftEndTime": end, **minutes})
    ]


def flag(event: int, **times: str) -> dict[str, Any]:
    kind = "nice.sg1.pain_relief_delayed"
    return {"type": kind, "eventId": str(uuid.UUID(int=event)), "noticedTime": "2016-04-26T09:00:00Z", **times}


OVER, SEVERE = ["ratio.over_limit warning"], ["ratio.over_limit critical"]
NONE, FEW = ["rn.none critical"], "rn.below_minimum critical"
SHORT, VERY_SHORT = ["care_level.under_cover warning"], ["care_level.under_cover critical"]
HOURS = ["rn.hours_shortfall warning"]
ICU, LABOUR, ROTA = ward("INTENSIVE_CARE"), ward("LABOUR"), ward(every=None)
RESOLVED = flag(7, resolvedTime="2016-04-26T09:10:00Z")
MORNING = datetime(2016, 4, 26, 6, 31, tzinfo=timezone.utc)  # 07:31 in London
NIGHT = datetime(2016, 4, 26, 19, 0, tzinfo=timezone.utc)  # 20:00 in London
DUSK = NIGHT - timedelta(minutes=1)


def ratio_cases() -> list[tuple[str, list[str], list[str]]]:
    adult, acute = ward(), ward("ACUTE_MEDICAL")
    single = {"registeredNurses": 2, "oneToOneNurses": 2}
    own_night = ward(night_limit=Fraction(10))
    beds: Blocks = {"patients": {"bedded": 28}, "nursing": {"registeredNurses": 3}}
    return [
        ("exactly 8.0 is at the limit", found(adult, both(24, 3)), []),
        ("28 patients, 3 nurses", found(adult, both(28, 3)), OVER),
        ("exactly 12.0 is severe", found(adult, both(36, 3)), SEVERE),
        ("acute 6.0", found(acute, both(18, 3)), []),
        ("acute just above 6", found(acute, both(19, 3)), OVER),
        ("acute 9.0", found(acute, both(27, 3)), SEVERE),
        (
            "boarded and corridor count",
            found(adult, both({"bedded": 22, "boarded": 2, "corridor": 1}, 3)),
            ["capacity.corridor warning"] + OVER,
        ),
        ("the ward's own limit wins", found(ward(limit=Fraction("6.5")), both(20, 3)), OVER),
        ("a limit in tenths is exact", found(ward(limit=Fraction("8.1")), both(81, 10)), []),
        ("a severe limit of its own", found(ward(severe=Fraction(9)), both(27, 3)), SEVERE),
        ("a kind without a limit", found(ward("COMMUNITY"), both(90, 2)), []),
        ("all nurses one to one", found(adult, both(10, single)), SEVERE),
        ("one to one, as many patients", found(adult, both(18, {"registeredNurses": 4, "oneToOneNurses": 2})), []),
        (
            "one to one, patients named",
            found(adult, both({"bedded": 18, "oneToOne": 1}, {"registeredNurses": 4, "oneToOneNurses": 2})),
            OVER,
        ),
        (
            "midwives count in maternity",
            found(ward("MATERNITY", limit=Fraction(8)), both(20, {"registeredNurses": 1, "registeredMidwives": 2})),
            [],
        ),
        (
            "midwives do not count elsewhere",
            found(adult, both(20, {"registeredNurses": 1, "registeredMidwives": 2})),
            SEVERE + [FEW],
        ),
        (
            "largest allocation at the limit",
            found(adult, both(16, {"registeredNurses": 2, "largestAllocation": 8})),
            [],
        ),
        (
            "largest allocation above it",
            found(adult, both(16, {"registeredNurses": 2, "largestAllocation": 9})),
            ["ratio.max_allocation warning"],
        ),
        ("nobody stands alone", found(adult, both(5, {"registeredNurses": 0, "largestAllocation": 9})), NONE),
        ("an empty ward", found(adult, both(0, 0)), []),
        ("one nurse", found(adult, both(5, 1)), [FEW]),
        ("one nurse in a small unit", found(ward(minimum=1), both(4, 1)), []),
        ("the night has its own limit", found(own_night, [report(at=NIGHT, **beds)], NIGHT), []),
        ("not yet at 19:59", found(own_night, [report(at=DUSK, **beds)], DUSK), OVER),
    ]


def level_cases() -> list[tuple[str, list[str], list[str]]]:
    born = {"neonatalIntensive": 2, "neonatalHighDependency": 2, "neonatalSpecial": 5}
    midwives = {"registeredNurses": 1, "registeredMidwives": 3}
    return [
        ("intensive care, enough", found(ICU, both(8, 6, {"level3": 4, "level2": 4})), []),
        ("half a nurse short", found(ICU, both(7, 5, {"level3": 4, "level2": 3})), SHORT),
        ("a whole nurse short", found(ICU, both(8, 5, {"level3": 4, "level2": 4})), VERY_SHORT),
        ("level 2 not reported is not zero", found(ICU, both(8, 5, {"level3": 8})), []),
        ("neonatal, a quarter short", found(ward("NEONATAL"), both(9, 4, born)), SHORT),
        (
            "children, a twelfth short",
            found(ward("PAEDIATRIC"), both(13, 3, {"childrenUnder2": 1, "childrenFrom2": 11})),
            SHORT,
        ),
        ("children, exactly", found(ward("PAEDIATRIC"), both(10, 3, {"childrenUnder2": 6, "childrenFrom2": 4})), []),
        ("emergency, exactly", found(ward("EMERGENCY"), both(10, 4, {"resus": 2, "majors": 8})), []),
        ("emergency, a quarter short", found(ward("EMERGENCY"), both(11, 4, {"resus": 2, "majors": 9})), SHORT),
        ("a midwife for each woman", found(LABOUR, both(3, midwives, {"womenInLabour": 3})), []),
        ("a midwife short", found(LABOUR, both(4, midwives, {"womenInLabour": 4})), VERY_SHORT),
        (
            "the coordinator has women",
            found(LABOUR, both(3, midwives | {"coordinatorSupernumerary": False}, {"womenInLabour": 3})),
            SHORT,
        ),
        ("midwives not reported", found(LABOUR, both(3, 2, {"womenInLabour": 3})), []),
        ("levels beside nobody", found(ICU, both(4, 0, {"level3": 4, "level2": 0})), NONE),
    ]


def hours_cases() -> list[tuple[str, list[str], list[str]]]:
    vectors: list[tuple[float, float, int]] = [
        (32.0, 40, 0),
        (31.9, 40, 1),
        (11.25, 15, 0),
        (11.0, 15, 1),
        (24, 32, 0),
        (23.9, 32, 2),
        (37, 45, 0),
        (36.9, 45, 1),
        (18.0, 24, 0),
        (17.9, 24, 1),
        (5.5, 7.5, 1),
        (72, 80, 0),
        (71.9, 80, 1),
        (0, 0, 0),
    ]
    answers: list[list[str]] = [[], HOURS, ["rn.hours_shortfall critical"]]
    cases = [(f"hours {a}/{r}", found(ward(), hours(a, r)), answers[limbs]) for a, r, limbs in vectors]
    return cases + [("the shift is over", found(ward(), hours(1, 40, "2016-04-26T10:00:00Z")), [])]


def time_cases() -> list[tuple[str, list[str], list[str]]]:
    beds: Blocks = {"patients": {"bedded": 28}}
    staff: Blocks = {"nursing": {"registeredNurses": 3}}
    better: Blocks = {"nursing": {"registeredNurses": 4}}
    unsafe: Blocks = {"professionalJudgement": {"judgement": "JUDGEMENT_UNSAFE"}}
    bst: Blocks = {"on": ROTA, "now": MORNING}
    return [
        ("beds and nurses from two systems", found(ward(), [report(40, **beds), report(5, **staff)]), OVER),
        ("beds overdue", found(ward(), [report(90, **beds), report(5, **staff)]), []),
        ("not yet overdue", found(ward(), [report(89.9, **beds), report(5, **staff)]), OVER),
        ("at least 15 minutes' grace", found(ward(every=timedelta(minutes=10)), [report(24, **beds, **staff)]), OVER),
        ("nurses never reported", found(ward(), [report(**beds)]), []),
        ("the newest wins in any order", found(ward(), [report(1, **better), report(2, **beds, **staff)]), []),
        (
            "a correction wins",
            found(ward(), [report(revision=1, number=1, **better), report(number=2, **beds, **staff)]),
            [],
        ),
        ("then the report id", found(ward(), [report(number=2, **better), report(number=1, **beds, **staff)]), []),
        ("in the future", found(ward(), [report(**beds, **staff), report(-3, **better)]), OVER),
        ("at 07:31, of 20:30 the day before", found(**bst, reports=[report(661, at=MORNING, **beds, **staff)]), OVER),
        ("at 07:31, of 13:00 the day before", found(**bst, reports=[report(1111, at=MORNING, **beds, **staff)]), []),
        ("judged unsafe", found(ward(), [report(719, **unsafe)]), ["judgement.unsafe warning"]),
        ("a judgement 12 hours old", found(ward(), [report(720, **unsafe)]), []),
        ("two red flags", found(ward(), [report(redFlags=[flag(7), flag(8)])]), ["red_flag.raised critical"] * 2),
        (
            "one resolved, whatever the order",
            found(ward(), [report(redFlags=[RESOLVED]), report(redFlags=[flag(7), flag(8)])]),
            ["red_flag.raised critical"],
        ),
        (
            "clocks go forward: 07:30 is 06:30Z",
            [ROTA.overdue_at(instant("2016-03-26T21:00:00Z")).isoformat()],
            ["2016-03-27T07:30:00+00:00"],
        ),
        (
            "another zone",
            [ward(every=None, zone=ZoneInfo("UTC")).overdue_at(NOW).isoformat()],
            ["2016-04-26T15:00:00+00:00"],
        ),
    ]


def self_test() -> int:
    """Prints what is wrong; 1 if anything is."""
    cases = ratio_cases() + level_cases() + hours_cases() + time_cases() + cover_cases() + strike_cases()
    wrong = [(name, got, want) for name, got, want in cases if got != sorted(want)]
    for name, got, want in wrong:
        print(f"{name}: {got}, not {want}", file=sys.stderr)
    print(f"{len(cases) - len(wrong)} of {len(cases)} cases right")
    return 1 if wrong else 0
