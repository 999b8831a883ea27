#!/usr/bin/env python3
"""Report one ward's figures as two systems do: beds from one, nurses from another. README.md says how to run it."""

import argparse
import sys
import time

import connection
import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from report_ids import report_id
from wardwatch.v1 import report_pb2, reporting_service_pb2, reporting_service_pb2_grpc


def reports(args: argparse.Namespace) -> list[report_pb2.StaffingReport]:
    """A count that is None stays unset. Nothing is not zero: send 0 only for what was counted."""
    now = Timestamp()
    now.FromMicroseconds(time.time_ns() // 1000)  # kept to the microsecond
    beds = report_pb2.Patients(bedded=args.bedded, boarded=args.boarded, corridor=args.corridor)
    staff = report_pb2.Nursing(registered_nurses=args.nurses, healthcare_support_workers=args.support_workers)
    return [
        # The same id whenever the same facts are sent; so sending again has the effect of sending once.
        report_pb2.StaffingReport(
            report_id=report_id(source, args.ward, now.ToMicroseconds(), 0, list(block)),
            ward=args.ward,
            observed_time=now,
            source=source,
            **block,
        )
        for source, block in (("BEDS", {"patients": beds}), ("ROSTER", {"nursing": staff}))
    ]


def show(receipt: report_pb2.ReportReceipt) -> bool:
    outcome = report_pb2.ReceiptOutcome.Name(receipt.outcome).removeprefix("RECEIPT_OUTCOME_")
    print(f"{receipt.report_id} {outcome} {receipt.error.message or receipt.name}", flush=True)
    for violation in receipt.error.violations:
        print(f"  {violation.field}: {violation.description}")
    return receipt.outcome != report_pb2.RECEIPT_OUTCOME_REJECTED


def retry_after(error: grpc.RpcError) -> float:
    """Seconds that the service asks to wait, from the error's details; 0 if it says nothing."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToTimedelta().total_seconds()
    return 0.0


def send(
    stub: reporting_service_pb2_grpc.ReportingServiceStub,
    pending: list[report_pb2.StaffingReport],
    args: argparse.Namespace,
) -> bool:
    """Receipts come in the order of the reports. What has no receipt when the stream breaks is sent again."""
    accepted, pause = True, 1.0
    while pending:
        try:
            requests = iter([reporting_service_pb2.StreamReportsRequest(reports=pending[:1000])])
            for answer in stub.StreamReports(requests, metadata=connection.metadata(args)):
                for receipt in answer.receipts:
                    accepted &= show(receipt)
                    pending.pop(0)
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED) or pause > 16:
                raise
            wait = max(pause, retry_after(error))
            print(f"{error.details()}: again in {wait:.0f} s", file=sys.stderr)
            time.sleep(wait)
            pause *= 2
    return accepted


def channel(args: argparse.Namespace) -> grpc.Channel:
    trust = connection.credentials(args)
    return grpc.secure_channel(args.server, trust) if trust else grpc.insecure_channel(args.server)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    connection.arguments(parser)
    parser.add_argument("--ward", required=True, help="organisations/RJ1/wards/A1")
    parser.add_argument("--bedded", type=int, required=True, help="patients in the ward's beds")
    parser.add_argument("--boarded", type=int, help="patients without a bed space")
    parser.add_argument("--corridor", type=int, help="patients in a corridor")
    parser.add_argument("--nurses", type=int, required=True, help="registered nurses giving direct care now")
    parser.add_argument("--support-workers", type=int, help="healthcare support workers")
    arguments = parser.parse_args()
    with channel(arguments) as connected:
        stub = reporting_service_pb2_grpc.ReportingServiceStub(connected)
        try:
            sys.exit(0 if send(stub, reports(arguments), arguments) else 1)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
