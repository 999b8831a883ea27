"""Strikes for the oracle: windows in civil time, shifts, and what of them is struck. From the domain's rules, not from the Rust.

A window is half-open and independent of every other one. By the clock it strikes itself; by shift start it strikes each
shift that begins inside it, whole, so that the gap can outlast the window.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
DAY, NIGHT = "DAY", "NIGHT"
CLOCK, SHIFT_START = "CLOCK", "SHIFT_START"
NURSES = "NURSES"
RETURN_TIMES = (time(9), time(20))
A_DAY = timedelta(days=1)


class NoSuchTime(Exception):
    """A civil time that the clocks jump over."""


class Shift(NamedTuple):
    """By the clock on the wall; one that does not end after it begins ends on the next day."""

    name: str
    start: time
    end: time


SHIFTS = (Shift(DAY, time(7, 30), time(20)), Shift(NIGHT, time(20), time(7, 30)))


class Window(NamedTuple):
    """Civil times without a zone, that is the strike's."""

    start: datetime
    end: datetime
    called_off: bool = False


@dataclass(frozen=True)
class Strike:
    """What is read of a strike. No organisations and no regions: all of England."""

    id: str
    windows: tuple[Window, ...]
    staff_group: str = "RESIDENT_DOCTORS"
    mode: str = "FULL_WITHDRAWAL"
    elective: str = "URGENT_AND_CANCER"
    organisations: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    zone: ZoneInfo = LONDON
    attribution: str = CLOCK

    def covers(self, organisation: str, region: str | None) -> bool:
        if self.organisations:
            return organisation in self.organisations
        return not self.regions or region in self.regions


class Struck(NamedTuple):
    """An interval in which a strike is in force, and when its window opens: by shift start no later."""

    start: datetime
    end: datetime
    strike: Strike
    opened: datetime

    def holds(self, now: datetime) -> bool:
        return self.start <= now < self.end

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


def local(civil: datetime, zone: ZoneInfo, second: bool = False) -> datetime:
    """The instant of a civil time; of one that comes twice the first, or the second."""
    at = civil.replace(tzinfo=zone, fold=int(second)).astimezone(timezone.utc)
    if at.astimezone(zone).replace(tzinfo=None) != civil:
        raise NoSuchTime(f"{civil.isoformat()} does not exist in {zone.key}")
    return at


def opens(window: Window, zone: ZoneInfo) -> datetime:
    return local(window.start, zone)


def closes(window: Window, zone: ZoneInfo) -> datetime:
    """The widest window is taken, so an end that comes twice is the second."""
    return local(window.end, zone, second=True)


def shift_on(day: date, shift: Shift, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants of a shift that begins on a day; a time that the clocks jump over is moved on by the jump."""

    def instant(civil: datetime) -> datetime:
        return civil.replace(tzinfo=zone).astimezone(timezone.utc)

    end = datetime.combine(day if shift.end > shift.start else day + A_DAY, shift.end)
    return instant(datetime.combine(day, shift.start)), instant(end)


def shifts_between(
    start: datetime, end: datetime, shifts: Iterable[Shift], zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime, str]]:
    """The shifts that begin in [start, end)."""
    day, last = start.astimezone(zone).date() - A_DAY, end.astimezone(zone).date()
    found = []
    while day <= last:
        found += [(*shift_on(day, s, zone), s.name) for s in shifts]
        day += A_DAY
    return (s for s in sorted(found) if start <= s[0] < end)


def period_at(now: datetime, shifts: Iterable[Shift], zone: ZoneInfo) -> str:
    """Day or night: the shift that began last."""
    return max(shifts_between(now - 2 * A_DAY, now + timedelta(microseconds=1), tuple(shifts), zone))[2]


def periods_in(start: datetime, end: datetime, shifts: tuple[Shift, ...], zone: ZoneInfo) -> set[str]:
    """Day, night or both: what a time touches."""
    return {period_at(start, shifts, zone)} | {s[2] for s in shifts_between(start, end, shifts, zone)}


def of_strike(strike: Strike, shifts: tuple[Shift, ...], zone: ZoneInfo) -> Iterator[Struck]:
    """What a strike strikes. The shifts are those of the place, by its own clock."""
    for window in strike.windows:
        if window.called_off:
            continue
        start, end = opens(window, strike.zone), closes(window, strike.zone)
        if strike.attribution == CLOCK:
            yield Struck(start, end, strike, start)
            continue
        runs: list[list[datetime]] = []
        for begins, ends, _ in shifts_between(start, end, shifts, zone):
            if runs and begins <= runs[-1][1]:
                runs[-1][1] = max(runs[-1][1], ends)
            else:
                runs.append([begins, ends])
        yield from (Struck(a, b, strike, start) for a, b in runs)


def struck(
    strikes: Iterable[Strike],
    organisation: str,
    region: str | None = None,
    shifts: tuple[Shift, ...] = SHIFTS,
    zone: ZoneInfo = LONDON,
) -> list[Struck]:
    """All that is struck at an organisation, by start."""
    concerned = (s for s in strikes if s.covers(organisation, region))
    return sorted((i for s in concerned for i in of_strike(s, shifts, zone)), key=lambda i: (i.start, i.strike.id))


def doctors(intervals: Iterable[Struck]) -> list[Struck]:
    """What doctors of any kind strike."""
    return [i for i in intervals if i.strike.staff_group != NURSES]


def nurses(intervals: Iterable[Struck]) -> list[Struck]:
    return [i for i in intervals if i.strike.staff_group == NURSES]


def in_force(intervals: Iterable[Struck], now: datetime) -> list[Struck]:
    return [i for i in intervals if i.holds(now)]


def run_in_force(intervals: Iterable[Struck], now: datetime) -> list[Struck]:
    """The intervals without a gap between them that hold now; none if none does."""
    run: list[Struck] = []
    end = None
    for interval in sorted(intervals, key=lambda i: i.start):
        if end is None or interval.start > end:
            if end is not None and now < end:
                break
            run, end = [], interval.end
        run.append(interval)
        end = max(end, interval.end)
    return run if any(i.holds(now) for i in run) else []


def returns_due(interval: Struck, zone: ZoneInfo) -> Iterator[datetime]:
    """When cover figures are due: as it opens, and at 09:00 and 20:00 inside it."""
    yield interval.start
    day = interval.start.astimezone(zone).date()
    while (midnight := datetime.combine(day, time(), zone)).astimezone(timezone.utc) < interval.end:
        for at in RETURN_TIMES:
            due = datetime.combine(midnight.date(), at, zone).astimezone(timezone.utc)
            if interval.start < due < interval.end:
                yield due
        day += A_DAY
