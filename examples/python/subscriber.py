#!/usr/bin/env python3
"""Follow the alert log, and go on after any break with no event lost or repeated. README.md says how to run it."""

import argparse
import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import connection
import grpc
from wardwatch.v1 import alert_pb2, alert_service_pb2, alert_service_pb2_grpc, common_pb2

Reply = alert_service_pb2.SubscribeResponse
SILENCE = 45  # seconds: three heartbeats; after that the stream is dead, whatever the connection says


async def subscribe(
    stub: alert_service_pb2_grpc.AlertServiceStub, cursor: bytes, snapshot: bool, args: argparse.Namespace
) -> AsyncIterator[Reply]:
    """One stream until it ends. It has no deadline: a subscription lasts."""
    request = alert_service_pb2.SubscribeRequest(on_expired=alert_service_pb2.ON_EXPIRED_SNAPSHOT, subscriber="example")
    if cursor:
        request.after_cursor = cursor
    elif snapshot:
        request.snapshot.SetInParent()
    stream = stub.Subscribe(request, metadata=connection.metadata(args))
    while (message := await asyncio.wait_for(stream.read(), SILENCE)) is not grpc.aio.EOF:
        yield message


def show(message: Reply) -> int:
    """Prints the alerts of a message and counts them. A heartbeat says nothing; its cursor does."""
    lines = [("OPEN", alert) for alert in message.snapshot_alerts.alerts]
    lines += [
        (alert_pb2.AlertEventType.Name(e.type).removeprefix("ALERT_EVENT_TYPE_"), e.alert)
        for e in message.events.events
    ]
    for what, alert in lines:
        severity = common_pb2.Severity.Name(alert.severity).removeprefix("SEVERITY_")
        print(f"{severity:<8} {what:<16} {alert.message}", flush=True)
    if message.HasField("snapshot_complete"):  # whoever keeps a board forgets here what was not in the snapshot
        print(f"{message.snapshot_complete.alert_count} alerts open", file=sys.stderr)
    return len(lines)


def channel(args: argparse.Namespace) -> grpc.aio.Channel:
    trust = connection.credentials(args)
    return grpc.aio.secure_channel(args.server, trust) if trust else grpc.aio.insecure_channel(args.server)


async def follow(args: argparse.Namespace) -> None:
    place, snapshot, shown, pause = args.cursor_file, args.snapshot, 0, 1.0
    cursor = place.read_bytes() if place and place.exists() else b""
    async with channel(args) as connected:
        stub = alert_service_pb2_grpc.AlertServiceStub(connected)
        while True:
            try:
                async for message in subscribe(stub, cursor, snapshot, args):
                    shown += show(message)
                    pause = message.goodbye.retry_after.ToTimedelta().total_seconds() or 1.0
                    if message.cursor:  # empty inside a snapshot: one that breaks off starts again
                        cursor = message.cursor
                        if place:  # only now that its events are handled, and whole or not at all
                            place.with_suffix(".new").write_bytes(cursor)
                            os.replace(place.with_suffix(".new"), place)
                    if args.max_events and shown >= args.max_events and message.cursor:
                        return
            except asyncio.TimeoutError:
                print(f"nothing for {SILENCE} s: connecting again", file=sys.stderr)
            except grpc.aio.AioRpcError as error:
                if error.code() == grpc.StatusCode.OUT_OF_RANGE:  # the log has another history now: start over
                    cursor, snapshot = b"", True
                elif error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                    raise
                print(f"{error.details()}: again in {pause:.0f} s", file=sys.stderr)
            await asyncio.sleep(pause * random.uniform(1.0, 1.2))
            pause = min(pause * 2, 30.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    connection.arguments(parser)
    parser.add_argument("--snapshot", action="store_true", help="start with the open alerts instead of from now")
    parser.add_argument("--cursor-file", type=Path, help="keep the place here and go on from it")
    parser.add_argument("--max-events", type=int, help="end after so many alerts, at the end of a message")
    try:
        asyncio.run(follow(parser.parse_args()))
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
    except KeyboardInterrupt:
        sys.exit(130)
