#!/usr/bin/env python3
"""A foreign client: checks a running service with nothing but `proto/` and grpcio.

    foreign_client.py --server 127.0.0.1:50051

Generates its stubs, registers an organisation of its own (a random code, so that it can be run again on the same
service), and goes through the API as an integrator would. Prints "ok N checks", or one sentence that says what failed
and exits 1. Needs what examples/python/requirements.txt names.
"""

import argparse
import queue
import random
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import grpc
import grpc_stubs
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

grpc_stubs.generate()

from wardwatch.v1 import alert_pb2, common_pb2, register_service_pb2, report_pb2, server_service_pb2  # noqa: E402
from wardwatch.v1 import alert_service_pb2 as alerts_pb  # noqa: E402
from wardwatch.v1 import alert_service_pb2_grpc as alerts_grpc  # noqa: E402
from wardwatch.v1 import register_service_pb2_grpc as register_grpc  # noqa: E402
from wardwatch.v1 import reporting_service_pb2 as reporting_pb  # noqa: E402
from wardwatch.v1 import reporting_service_pb2_grpc as reporting_grpc  # noqa: E402
from wardwatch.v1 import server_service_pb2_grpc as server_grpc  # noqa: E402

LIMIT = 20.0  # seconds for any one answer
SERVICES = {"ReportingService", "AlertService", "RegisterService", "ServerService"}


class Failed(Exception):
    """What did not hold."""


class Requests:
    """The sending side of a stream: what is put comes out, until the end is put."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, *reports: report_pb2.StaffingReport) -> None:
        self.waiting.put(reporting_pb.StreamReportsRequest(reports=reports))

    def end(self) -> None:
        self.waiting.put(None)

    def __iter__(self) -> Iterator[reporting_pb.StreamReportsRequest]:
        return iter(self.waiting.get, None)


class ForeignClient:
    """The checks, in order; each goes on from what the one before left."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel, self.checks = channel, 0
        self.register = register_grpc.RegisterServiceStub(channel)
        self.reporting = reporting_grpc.ReportingServiceStub(channel)
        self.alerts = alerts_grpc.AlertServiceStub(channel)
        self.organisation = f"organisations/FC{random.randrange(16**6):06X}"
        self.started = time.time()
        self.over = self.report(1, 28, 3)
        self.alert = ""

    def equal(self, what: str, got: object, want: object) -> None:
        self.checks += 1
        if got != want:
            raise Failed(f"{what}: {got!r}, expected {want!r}")

    def holds(self, what: str, condition: object) -> None:
        self.equal(what, bool(condition), True)

    def ward(self, number: int) -> str:
        return f"{self.organisation}/wards/A{number}"

    def report(self, ward: int, bedded: int | None, nurses: int, age: float = 0.0) -> report_pb2.StaffingReport:
        """A whole report of a ward, `age` seconds before this client's start."""
        report = report_pb2.StaffingReport(report_id=str(uuid.uuid4()), ward=self.ward(ward), source="FOREIGN")
        report.observed_time.FromMicroseconds(int((self.started - age) * 1e6))
        report.patients.SetInParent()
        if bedded is not None:
            report.patients.bedded = bedded
        report.nursing.registered_nurses = nurses
        return report

    def submit(
        self, *reports: report_pb2.StaffingReport, validate_only: bool = False
    ) -> list[report_pb2.ReportReceipt]:
        request = reporting_pb.SubmitReportsRequest(reports=reports, validate_only=validate_only)
        receipts = list(self.reporting.SubmitReports(request, timeout=LIMIT).receipts)
        self.equal(
            "receipts in the order of the reports", [r.report_id for r in receipts], [r.report_id for r in reports]
        )
        return receipts

    def outcome(self, what: str, receipt: report_pb2.ReportReceipt, want: str) -> None:
        got = report_pb2.ReceiptOutcome.Name(receipt.outcome)
        self.equal(f"{what} ({receipt.error.message})", got, f"RECEIPT_OUTCOME_{want}")

    def rejected(
        self, what: str, receipt: report_pb2.ReportReceipt, reason: str, fields: list[str] | None = None
    ) -> None:
        self.outcome(what, receipt, "REJECTED")
        self.equal(what, report_pb2.RejectReason.Name(receipt.error.reason), f"REJECT_REASON_{reason}")
        self.holds(f"{what}: one line for a person", receipt.error.message and "\n" not in receipt.error.message)
        if fields is not None:
            self.equal(f"{what}: field paths", [v.field for v in receipt.error.violations], fields)

    def refused(self, what: str, call: Callable[[], Any], code: grpc.StatusCode, reason: str) -> list[str]:
        """An RPC that must fail, with ErrorInfo; the field paths of its BadRequest, if it has one."""
        try:
            call()
        except grpc.RpcError as error:
            self.equal(f"{what} ({error.details()})", error.code(), code)
            status = rpc_status.from_call(error)
        else:
            raise Failed(f"{what}: no error, expected {code.name}")
        self.holds(f"{what}: details", status and status.details)
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        unpacked = {d.TypeName(): d.Unpack(info) or d.Unpack(bad) for d in status.details}
        self.holds(f"{what}: ErrorInfo", unpacked.get("google.rpc.ErrorInfo"))
        self.equal(f"{what}: domain and reason", (info.domain, info.reason), ("wardwatch", reason))
        return [violation.field for violation in bad.field_violations]

    def health(self) -> None:
        stub = health_pb2_grpc.HealthStub(self.channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=LIMIT, wait_for_ready=True)
        self.equal("health", answer.status, health_pb2.HealthCheckResponse.SERVING)

    def reflection(self) -> None:
        database = ProtoReflectionDescriptorDatabase(self.channel)
        wanted = {f"wardwatch.v1.{name}" for name in SERVICES} | {"grpc.health.v1.Health"}
        self.equal("services by reflection v1alpha", wanted - set(database.get_services()), set())
        service = DescriptorPool(database).FindServiceByName("wardwatch.v1.ReportingService")
        self.holds("StreamReports by reflection", "StreamReports" in service.methods_by_name)
        # The messages of v1 are those of v1alpha; only the service's name differs.
        ask = self.channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        answer = next(ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=LIMIT))
        listed = {service.name for service in answer.list_services_response.service}
        self.equal("services by reflection v1", wanted - listed, set())

    def server_info(self) -> None:
        stub = server_grpc.ServerServiceStub(self.channel)
        info = stub.GetServerInfo(server_service_pb2.GetServerInfoRequest(), timeout=LIMIT)
        self.holds("version, store and log id", info.version and info.store in ("sqlite", "postgres") and info.log_id)
        self.holds("the clocks agree", abs(info.server_time.ToSeconds() - time.time()) < 60)
        self.limits = info.limits

    def wards(self) -> None:
        rows = [
            register_service_pb2.Ward(
                name=self.ward(n), kind=common_pb2.WARD_KIND_ADULT_INPATIENT, beds=28, report_every_minutes=60
            )
            for n in (1, 2, 3)
        ]
        request = register_service_pb2.UpsertWardsRequest(wards=rows)
        answer = self.register.UpsertWards(request, timeout=LIMIT)
        self.equal(
            "wards and their organisation created", (answer.created_count, answer.created_organisation_count), (3, 1)
        )
        self.equal("the same wards again", self.register.UpsertWards(request, timeout=LIMIT).unchanged_count, 3)
        bad = register_service_pb2.UpsertWardsRequest(
            wards=[rows[0], register_service_pb2.Ward(name="ward nine", beds=-1)]
        )
        code = grpc.StatusCode.INVALID_ARGUMENT
        fields = self.refused(
            "a malformed ward", lambda: self.register.UpsertWards(bad, timeout=LIMIT), code, "INVALID_REQUEST"
        )
        self.equal(
            "every field path of a malformed ward", sorted(fields), ["wards[1].beds", "wards[1].kind", "wards[1].name"]
        )

    def breach(self) -> None:
        self.outcome("validate only", self.submit(self.over, validate_only=True)[0], "ACCEPTED")
        receipt = self.submit(self.over)[0]
        self.outcome("28 patients, 3 nurses, not stored before", receipt, "ACCEPTED")
        self.equal("status", common_pb2.WardStatus.Name(receipt.status), "WARD_STATUS_WARNING")
        self.equal("one alert changed", len(receipt.changed_alerts), 1)
        self.alert = receipt.changed_alerts[0]
        alert = self.alerts.GetAlert(alerts_pb.GetAlertRequest(name=self.alert), timeout=LIMIT).alert
        shown = (alert.ward, alert.rule, common_pb2.Severity.Name(alert.severity))
        self.equal("the alert", shown, (self.ward(1), "ratio.over_limit", "SEVERITY_WARNING"))
        self.equal("measured", (alert.measured.numerator, alert.measured.denominator), (28, 3))
        self.equal("limit", Fraction(alert.limit.numerator, alert.limit.denominator), 8)
        self.holds(f"figures in the message: {alert.message}", "28" in alert.message and "9.3" in alert.message)
        self.holds("message of at most 160 characters", len(alert.message) <= 160)
        self.equal("inputs", {i.report_id for i in alert.inputs}, {self.over.report_id})
        stored = self.reporting.GetReport(reporting_pb.GetReportRequest(name=receipt.name), timeout=LIMIT).report.report
        self.equal("the stored report", stored, self.over)

    def ward_view(self) -> None:
        view = self.register.GetWard(register_service_pb2.GetWardRequest(name=self.ward(1)), timeout=LIMIT)
        self.equal("figures now", view.current.patients.bedded, 28)
        self.equal("freshness", common_pb2.Freshness.Name(view.freshness), "FRESHNESS_FRESH")
        answers = {e.rule: register_service_pb2.Evaluation.Name(e.evaluation) for e in view.evaluations}
        self.equal("its rule", answers.get("ratio.over_limit"), "EVALUATION_BREACHING")
        self.equal("another rule", answers.get("rn.none"), "EVALUATION_WITHIN_LIMIT")

    def stream(self) -> None:
        requests = Requests()
        answers = self.reporting.StreamReports(iter(requests), timeout=LIMIT)
        receipts = (receipt for answer in answers for receipt in answer.receipts)
        requests.put(self.over)
        self.outcome("the same again", next(receipts), "DUPLICATE")
        changed = report_pb2.StaffingReport()
        changed.CopyFrom(self.over)
        changed.patients.bedded = 20
        older, unknown = self.report(1, 20, 3, age=60), self.report(9, 20, 3)
        requests.put(changed, self.report(1, None, 3), unknown)
        self.rejected("an id used again", next(receipts), "ID_REUSED")
        self.rejected("a required count missing", next(receipts), "MISSING", ["patients.bedded"])
        self.rejected("an unknown ward", next(receipts), "UNKNOWN_SUBJECT", ["ward"])
        late = self.report(1, 20, 3, age=-3600)
        negative = self.report(1, -1, -2)
        requests.put(late, negative, older, self.report(2, 16, 2))
        self.rejected("an hour ahead", next(receipts), "FUTURE", ["observed_time"])
        self.rejected("below zero", next(receipts), "NEGATIVE", ["patients.bedded", "nursing.registered_nurses"])
        self.outcome("older than the current", next(receipts), "SUPERSEDED")
        good = next(receipts)
        self.outcome("exactly 8.0", good, "ACCEPTED")
        self.equal("at the limit", common_pb2.WardStatus.Name(good.status), "WARD_STATUS_AT_LIMIT")
        requests.end()
        self.equal("nothing after the last receipt", list(receipts), [])

    def subscription(self) -> None:
        request = alerts_pb.SubscribeRequest(snapshot=alerts_pb.Snapshot(), subscriber="foreign")
        request.filter.organisations.append(self.organisation)
        stream = self.alerts.Subscribe(request, timeout=LIMIT)
        messages = self.until(stream, "snapshot_complete")
        self.equal("first message", messages[0].WhichOneof("response"), "opened")
        self.equal("snapshot", [a.name for m in messages for a in m.snapshot_alerts.alerts], [self.alert])
        self.equal("cursors within the snapshot", [m.cursor for m in messages[:-1]], [b""] * (len(messages) - 1))
        cursor = messages[-1].cursor
        self.holds("a cursor at its end", cursor)
        self.outcome("nobody on ward 3", self.submit(self.report(3, 12, 0))[0], "ACCEPTED")
        event = self.until(stream, "events")[-1].events.events[0]
        stream.cancel()
        kind = alert_pb2.AlertEventType.Name(event.type)
        self.equal(
            "the event",
            (kind, event.alert.ward, event.alert.rule),
            ("ALERT_EVENT_TYPE_RAISED", self.ward(3), "rn.none"),
        )
        again = alerts_pb.SubscribeRequest(after_cursor=cursor, filter=request.filter)
        resumed = self.alerts.Subscribe(again, timeout=LIMIT)
        self.equal("the same event after resuming", self.until(resumed, "events")[-1].events.events[0], event)
        resumed.cancel()

    def until(self, stream: Any, wanted: str) -> list[Any]:
        """The messages of a subscription up to the first of a kind."""
        seen = []
        for message in stream:
            seen.append(message)
            if message.WhichOneof("response") == wanted:
                return seen
        raise Failed(f"the subscription ended before {wanted}")

    def lists(self) -> None:
        request = alerts_pb.ListAlertsRequest(condition=alert_pb2.ALERT_CONDITION_BREACHING, page_size=1)
        request.filter.organisations.append(self.organisation)
        rules = []
        for _ in range(3):
            page = self.alerts.ListAlerts(request, timeout=LIMIT)
            rules += [alert.rule for alert in page.alerts]
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        self.equal("breaching alerts, a page each, in raise time", rules, ["ratio.over_limit", "rn.none"])

    def errors(self) -> None:
        subscribe = alerts_pb.SubscribeRequest()
        subscribe.filter.wards.append(self.ward(9))
        code = grpc.StatusCode.INVALID_ARGUMENT
        fields = self.refused(
            "an unknown ward in a filter",
            lambda: next(self.alerts.Subscribe(subscribe, timeout=LIMIT)),
            code,
            "INVALID_REQUEST",
        )
        self.equal("its field path", fields, ["filter.wards[0]"])
        broken = alerts_pb.SubscribeRequest(after_cursor=b"not a cursor")
        self.refused(
            "a broken cursor", lambda: next(self.alerts.Subscribe(broken, timeout=LIMIT)), code, "CURSOR_MALFORMED"
        )
        nonsense = alerts_pb.GetAlertRequest(name="nonsense")
        fields = self.refused(
            "a malformed name", lambda: self.alerts.GetAlert(nonsense, timeout=LIMIT), code, "INVALID_REQUEST"
        )
        self.equal("its field path", fields, ["name"])
        gone = alerts_pb.GetAlertRequest(name=f"alerts/{uuid.uuid4()}")
        self.refused(
            "an alert that is not there",
            lambda: self.alerts.GetAlert(gone, timeout=LIMIT),
            grpc.StatusCode.NOT_FOUND,
            "NOT_FOUND",
        )
        big = self.report(1, 20, 3)
        big.source = "X" * (self.limits.message_bytes + 1)
        self.refused(
            "a message too large", lambda: self.submit(big), grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"
        )

    def run(self) -> int:
        for step in (self.health, self.reflection, self.server_info, self.wards, self.breach, self.ward_view):
            step()
        for step in (self.stream, self.subscription, self.lists, self.errors):
            step()
        return self.checks


def connect(arguments: argparse.Namespace) -> grpc.Channel:
    address = re.sub("^http://", "", arguments.server)
    if arguments.ca_file is None:
        return grpc.insecure_channel(address)
    files = (arguments.ca_file, arguments.key_file, arguments.cert_file)
    contents = (Path(file).read_bytes() if file else None for file in files)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*contents))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="host:port; http:// before it is allowed")
    parser.add_argument("--ca-file", help="issuers of the service's certificate: speak TLS")
    parser.add_argument("--cert-file", help="our own certificate")
    parser.add_argument("--key-file", help="its key")
    try:
        with connect(parser.parse_args()) as channel:
            print(f"ok {ForeignClient(channel).run()} checks")
    except Failed as failure:
        print(failure)
        return 1
    except grpc.RpcError as error:
        print(f"an RPC failed that should not have: {error.code().name}: {error.details()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
