#!/usr/bin/env python3
"""Random strike days through the real service, held against the oracle, by a client made from the proto files alone.

    strike_day.py --binary target/debug/wardwatch [--database sqlite:PATH|postgres://...] [--seed 1] [--rounds 4]
    strike_day.py --server 127.0.0.1:50051 [--alone] [--seed 1]

Registers hospitals of its own, announces strikes round the present time, reports on wards and cover groups, plans; then
changes all of that, round by round. After each round every breaching alert must be the oracle's (subject, rule, instance,
severity, forecast) and `GetWard` and `GetCoverGroup` must evaluate as it does. `--alone`: nobody else uses the service, so
strikes of all England may be announced. Exits 1 on a difference, with the seed. Needs what examples/python/requirements.txt
names.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import grpc
import grpc_stubs
import oracle
from google.protobuf import json_format
from oracle_cover import CRITICAL, NO, UNKNOWN, WARNING, WITHIN, Gap
from strike_world import Message, World

grpc_stubs.generate()

from wardwatch.v1 import alert_service_pb2, common_pb2, register_service_pb2, report_pb2  # noqa: E402
from wardwatch.v1 import alert_service_pb2_grpc as alerts_grpc  # noqa: E402
from wardwatch.v1 import register_service_pb2_grpc as register_grpc  # noqa: E402
from wardwatch.v1 import reporting_service_pb2, strike_service_pb2  # noqa: E402
from wardwatch.v1 import reporting_service_pb2_grpc as reporting_grpc  # noqa: E402
from wardwatch.v1 import strike_service_pb2_grpc as strikes_grpc  # noqa: E402

LIMIT, PATIENCE = 20.0, 8.0  # seconds for an answer; for what is due by the clock (promised within 2)
ON_RECEIPT = ("report.", "source.silent")
SAYS = {WITHIN: "WITHIN_LIMIT", UNKNOWN: "NOT_EVALUABLE", WARNING: "BREACHING", CRITICAL: "BREACHING"}


class Failed(Exception):
    """What the service shows is not what must stand."""


class Client:
    """The calls, with messages in the protobuf JSON mapping."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.register = register_grpc.RegisterServiceStub(channel)
        self.reporting = reporting_grpc.ReportingServiceStub(channel)
        self.alerts = alerts_grpc.AlertServiceStub(channel)
        self.strikes = strikes_grpc.StrikeServiceStub(channel)

    def set_up(self, world: World) -> None:
        organisations = {"organisations": world.organisation_rows()}
        self.call(self.register.UpsertOrganisations, register_service_pb2.UpsertOrganisationsRequest, organisations)
        self.call(self.register.UpsertWards, register_service_pb2.UpsertWardsRequest, {"wards": world.ward_rows()})
        self.groups(world.group_rows())

    def groups(self, rows: list[Message]) -> None:
        self.call(self.register.UpsertCoverGroups, register_service_pb2.UpsertCoverGroupsRequest, {"coverGroups": rows})

    def announce(self, strike: Message) -> None:
        self.call(self.strikes.CreateStrike, strike_service_pb2.CreateStrikeRequest, {"strike": strike})

    def move(self, strike: Message) -> None:
        self.call(self.strikes.UpdateStrike, strike_service_pb2.UpdateStrikeRequest, {"strike": strike})

    def call_off(self, name: str, windows: list[int]) -> None:
        strike = self.strikes.GetStrike(strike_service_pb2.GetStrikeRequest(name=name), timeout=LIMIT).strike
        numbers = [strike.windows[n - 1].id for n in windows]
        request = {"name": name, "windowIds": numbers, "reason": "CALL_OFF_REASON_SUSPENDED", "etag": strike.etag}
        self.call(self.strikes.CallOffStrike, strike_service_pb2.CallOffStrikeRequest, request)

    def submit(self, reports: list[Message]) -> None:
        request = {"reports": reports}
        answer = self.call(self.reporting.SubmitReports, reporting_service_pb2.SubmitReportsRequest, request)
        for report, receipt in zip(reports, answer.receipts, strict=True):
            if receipt.outcome == report_pb2.RECEIPT_OUTCOME_REJECTED:
                raise Failed(f"rejected: {receipt.error.message}\n{report}")

    def breaching(self, world: World) -> Iterator[Gap]:
        filter = {"organisations": [h.name for h in world.hospitals], "includeForecasts": True}
        request = {"filter": filter, "condition": "ALERT_CONDITION_BREACHING", "pageSize": 1000}
        answer = self.call(self.alerts.ListAlerts, alert_service_pb2.ListAlertsRequest, request)
        for a in answer.alerts:
            if not a.rule.startswith(ON_RECEIPT):
                severity = common_pb2.Severity.Name(a.severity).removeprefix("SEVERITY_").lower()
                yield Gap(a.subject, a.rule, a.instance, severity, a.forecast)

    def evaluations(self, subject: str) -> dict[str, str]:
        of_group = "/coverGroups/" in subject
        ask = self.register.GetCoverGroup if of_group else self.register.GetWard
        kind = register_service_pb2.GetCoverGroupRequest if of_group else register_service_pb2.GetWardRequest
        name = register_service_pb2.Evaluation.Name
        found = ask(kind(name=subject), timeout=LIMIT).evaluations
        return {e.rule: name(e.evaluation).removeprefix("EVALUATION_") for e in found}

    @staticmethod
    def call(rpc: Any, kind: type[Any], message: Message) -> Any:
        return rpc(json_format.ParseDict(message, kind()), timeout=LIMIT)


def differences(client: Client, world: World) -> list[str]:
    """One line for each alert that is missing, or should not be there."""
    shown, now = set(client.breaching(world)), datetime.now(timezone.utc)
    must, unknown = world.expected(now), world.unknown(now)
    more = {g for g in shown - must if (g.subject, g.rule) not in unknown}
    wrong = [f"missing: {' '.join(map(str, g))}" for g in sorted(must - shown)]
    return wrong + [f"not expected: {' '.join(map(str, g))}" for g in sorted(more)]


def wrong_evaluations(client: Client, world: World) -> list[str]:
    """What GetWard and GetCoverGroup say otherwise than the oracle. Where there is nothing to judge, all but a breach."""
    wrong = []

    def compare(subject: str, answers: dict[str, str]) -> None:
        says = client.evaluations(subject)
        for rule, answer in answers.items():
            got = says.get(rule, "no evaluation")
            if got != SAYS.get(answer, got) or (answer == NO and got == "BREACHING"):
                wrong.append(f"{subject} {rule}: {got}, not {SAYS.get(answer, 'to be judged')}")

    now = datetime.now(timezone.utc)
    for hospital, place in world.places(now):
        for group in place.groups:
            compare(group.name, place.group_answers(group))
        for ward in hospital.wards:
            breaches = {b.rule: b.severity for b in oracle.judge(ward, place.of(ward.name).figures, now)}
            compare(ward.name, place.ward_answers(ward) | {r: breaches.get(r, NO) for r in oracle.RULES})
    return wrong


def settle(client: Client, world: World) -> int:
    """Waits until all that is due by the clock has happened; the number of alerts that stand."""
    give_up = time.monotonic() + PATIENCE
    while wrong := differences(client, world) or wrong_evaluations(client, world):
        if time.monotonic() > give_up:
            raise Failed("\n".join(wrong))
        time.sleep(0.1)
    return len(world.expected(datetime.now(timezone.utc)))


def change(client: Client, world: World) -> None:
    """Something happens."""
    match world.pick(("reports", "reports", "announce", "call off", "move", "group")):
        case "reports":
            client.submit(world.reports(0.4))
        case "announce":
            client.announce(world.announce())
        case "call off":
            client.call_off(*world.call_off())
        case "move":
            client.move(world.move())
        case _:
            client.groups([world.another_group()])


def play(address: str, seed: int, rounds: int, alone: bool) -> str:
    """One world."""
    with grpc.insecure_channel(address) as channel:
        client, world = Client(channel), World(seed, alone, datetime.now(timezone.utc))
        client.set_up(world)
        for _ in range(world.random.randint(2, 5)):
            client.announce(world.announce())
        client.submit(world.reports())
        stood = [settle(client, world)]
        for _ in range(rounds):
            for _ in range(world.random.randint(1, 3)):
                change(client, world)
            stood.append(settle(client, world))
    rules = {g.rule for g in world.expected(datetime.now(timezone.utc))}
    return f"{len(world.sent)} reports, {len(world.strikes)} strikes, {' '.join(map(str, stood))} alerts, {len(rules)} rules"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--binary", type=lambda p: Path(p).resolve(), help="starts its own service")
    where.add_argument("--server", help="host:port; http:// before it is allowed")
    parser.add_argument("--database", help="of the own service; a new SQLite file unless given")
    parser.add_argument("--alone", action="store_true", help="nobody else uses the server")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--worlds", type=int, default=1, help="how many, each with the next seed")
    parser.add_argument("--rounds", type=int, default=4, help="of changes in each")
    args = parser.parse_args()
    seed = args.seed

    def all_worlds(address: str) -> None:
        nonlocal seed
        for seed in range(args.seed, args.seed + args.worlds):
            print(f"seed {seed}: {play(address, seed, args.rounds, args.alone and args.worlds == 1)}", flush=True)

    try:
        if args.binary is None:
            all_worlds(re.sub("^http://", "", args.server))
        else:
            from england import serving

            with tempfile.TemporaryDirectory(prefix="wardwatch-strike-") as out:
                args.alone = True
                database = args.database or f"sqlite:{out}/wardwatch.sqlite"
                with serving(args.binary, database, Path(out)) as server:
                    all_worlds(server.address)
    except (Failed, grpc.RpcError, OSError) as failure:
        print(f"seed {seed}: {failure}", file=sys.stderr)
        return 1
    print(f"equal: {args.worlds} worlds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
