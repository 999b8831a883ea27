#!/usr/bin/env python3
"""Report one ward's figures as two systems do: beds from one, nurses from another. README.md says how to run it."""

import argparse
import sys
import time
import uuid

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from wardwatch.v1 import report_pb2, reporting_service_pb2, reporting_service_pb2_grpc


def reports(args: argparse.Namespace) -> list[report_pb2.StaffingReport]:
    """A count that is None stays unset. Nothing is not zero: send 0 only for what was counted."""
    now = Timestamp()
    now.GetCurrentTime()
    beds = report_pb2.Patients(bedded=args.bedded, boarded=args.boarded, corridor=args.corridor)
    staff = report_pb2.Nursing(registered_nurses=args.nurses, healthcare_support_workers=args.support_workers)
    return [
        # The id is chosen once and kept for every resend; so sending again has the effect of sending once.
        report_pb2.StaffingReport(
            report_id=str(uuid.uuid4()), ward=args.ward, observed_time=now, source=source, **block
        )
        for source, block in (("BEDS", {"patients": beds}), ("ROSTER", {"nursing": staff}))
    ]


def show(receipt: report_pb2.ReportReceipt) -> bool:
    outcome = report_pb2.ReceiptOutcome.Name(receipt.outcome).removeprefix("RECEIPT_OUTCOME_")
    print(f"{receipt.report_id} {outcome} {receipt.error.message or receipt.name}", flush=True)
    for violation in receipt.error.violations:
        print(f"  {violation.field}: {violation.description}")
    return receipt.outcome != report_pb2.RECEIPT_OUTCOME_REJECTED


def send(stub: reporting_service_pb2_grpc.ReportingServiceStub, pending: list[report_pb2.StaffingReport]) -> bool:
    """Receipts come in the order of the reports. What has no receipt when the stream breaks is sent again."""
    accepted, pause = True, 1
    while pending:
        try:
            for answer in stub.StreamReports(iter([reporting_service_pb2.StreamReportsRequest(reports=pending)])):
                for receipt in answer.receipts:
                    accepted &= show(receipt)
                    pending.pop(0)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or pause > 16:
                raise
            print(f"{error.details()}: again in {pause} s", file=sys.stderr)
            time.sleep(pause)
            pause *= 2
    return accepted


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument("--ward", required=True, help="organisations/RJ1/wards/A1")
    parser.add_argument("--bedded", type=int, required=True, help="patients in the ward's beds")
    parser.add_argument("--boarded", type=int, help="patients without a bed space")
    parser.add_argument("--corridor", type=int, help="patients in a corridor")
    parser.add_argument("--nurses", type=int, required=True, help="registered nurses giving direct care now")
    parser.add_argument("--support-workers", type=int, help="healthcare support workers")
    arguments = parser.parse_args()
    with grpc.insecure_channel(arguments.server) as channel:
        stub = reporting_service_pb2_grpc.ReportingServiceStub(channel)
        try:
            sys.exit(0 if send(stub, reports(arguments)) else 1)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
