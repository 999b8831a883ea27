#!/usr/bin/env python3
"""Follow the alert log, and go on after any break without losing or repeating an event. See README.md."""

import argparse
import asyncio
import os
import random
import sys
from pathlib import Path

import grpc
from wardwatch.v1 import alert_pb2, alert_service_pb2, alert_service_pb2_grpc, common_pb2

SILENCE = 45  # seconds: three heartbeats of 15


def show(what: str, alert: alert_pb2.Alert) -> None:
    severity = common_pb2.Severity.Name(alert.severity).removeprefix("SEVERITY_")
    print(f"{severity:<8} {what:<16} {alert.message}", flush=True)


class Subscriber:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.shown, self.pause = args, 0, 1.0
        self.file = Path(args.cursor_file) if args.cursor_file else None
        self.cursor = self.file.read_bytes() if self.file and self.file.exists() else b""
        self.snapshot = args.snapshot

    def request(self) -> alert_service_pb2.SubscribeRequest:
        request = alert_service_pb2.SubscribeRequest(
            on_expired=alert_service_pb2.ON_EXPIRED_SNAPSHOT, subscriber="example"
        )
        request.heartbeat_interval.FromSeconds(SILENCE // 3)
        if self.cursor:
            request.after_cursor = self.cursor
        elif self.snapshot:
            request.snapshot.SetInParent()
        return request

    def take(self, message: alert_service_pb2.SubscribeResponse) -> None:
        """Heartbeats need no more than their cursor: it says that nothing was missed up to there."""
        for event in message.events.events:
            show(alert_pb2.AlertEventType.Name(event.type).removeprefix("ALERT_EVENT_TYPE_"), event.alert)
        for alert in message.snapshot_alerts.alerts:
            show("OPEN", alert)
        if message.HasField("snapshot_complete"):  # whoever keeps a board forgets here what was not in the snapshot
            print(f"{message.snapshot_complete.alert_count} alerts open", file=sys.stderr)
        self.shown += len(message.events.events) + len(message.snapshot_alerts.alerts)
        self.pause = message.goodbye.retry_after.ToSeconds() if message.HasField("goodbye") else 1.0
        if message.cursor:  # empty inside a snapshot: one that breaks off starts again
            self.cursor = message.cursor
            if self.file:  # only after the events were handled, and whole or not at all
                self.file.with_suffix(".new").write_bytes(self.cursor)
                os.replace(self.file.with_suffix(".new"), self.file)

    def done(self) -> bool:
        return self.args.max_events is not None and self.shown >= self.args.max_events

    async def follow(self, stub: alert_service_pb2_grpc.AlertServiceStub) -> None:
        stream = stub.Subscribe(self.request())  # no deadline: a subscription lasts; silence is what ends it
        while not self.done():
            message = await asyncio.wait_for(stream.read(), SILENCE)
            if message is grpc.aio.EOF:
                return
            self.take(message)

    async def run(self) -> None:
        async with grpc.aio.insecure_channel(self.args.server) as channel:
            stub = alert_service_pb2_grpc.AlertServiceStub(channel)
            while True:
                try:
                    await self.follow(stub)
                    if self.done():
                        return
                except asyncio.TimeoutError:
                    print("no heartbeat: connecting again", file=sys.stderr)
                except grpc.aio.AioRpcError as error:
                    if error.code() == grpc.StatusCode.OUT_OF_RANGE:  # the log has another history now
                        self.cursor, self.snapshot = b"", True
                    elif error.code() != grpc.StatusCode.UNAVAILABLE:
                        raise
                    print(f"{error.details()}: again in {self.pause:.0f} s", file=sys.stderr)
                await asyncio.sleep(self.pause * random.uniform(1.0, 1.2))
                self.pause = min(max(1.0, self.pause * 2), 30.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument("--snapshot", action="store_true", help="start with the open alerts instead of from now")
    parser.add_argument("--cursor-file", help="keep the place here and go on from it")
    parser.add_argument("--max-events", type=int, help="end after so many alerts (whole messages)")
    try:
        asyncio.run(Subscriber(parser.parse_args()).run())
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
    except KeyboardInterrupt:
        sys.exit(130)
