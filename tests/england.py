#!/usr/bin/env python3
"""Play a day of all of England's wards into a built wardwatch and hold its alerts against the oracle.

    england.py --binary target/release/wardwatch [--database postgres://...] [--month 2025-07] [--hours 24] ...

Makes registers and reports from real bed figures, starts `wardwatch serve` on a fresh database, imports, replays,
lists, compares, asks once more through a Python client made from the proto files alone, and ends the server with SIGTERM.
Prints the numbers. Exits 1 on any difference, rejection or failure. Needs what examples/python/requirements.txt names.
A PostgreSQL database must be empty; what was in it before would show among the alerts.
"""

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc_stubs
import oracle
from compare_alerts import differences, read_alerts
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_LIMIT, DRAIN_LIMIT = 60, 30  # seconds
PAGE = 499  # so that a run has several pages


class Failed(Exception):
    """The check did not hold; the text says why."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_data(args: argparse.Namespace, out: Path) -> None:
    """Registers and reports, by the generator that stands beside the data."""
    passed = [f"--hours={args.hours}", f"--seed={args.seed}", f"--noise={args.noise}", f"--every={args.every}"]
    passed += [f"--trusts={args.trusts}"] if args.trusts else []
    passed += ["--split-sources"] if args.split_sources else []
    state = args.data / f"england_bed_state_{args.month}.csv"
    subprocess.run([sys.executable, args.data / "england_wards.py", state, out, *passed], check=True)


class Server:
    """A running `wardwatch serve` of our own."""

    def __init__(self, binary: Path, database: str, out: Path) -> None:
        self.address, self.log = f"127.0.0.1:{free_port()}", out / "server.log"
        listen = ["--listen", self.address, "--admin-listen", f"127.0.0.1:{free_port()}"]
        with open(self.log, "wb") as log:
            command: list[str | Path] = [binary, "serve", "--database", database, *listen]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=out)

    def wait_until_serving(self) -> None:
        give_up = time.monotonic() + START_LIMIT
        with grpc.insecure_channel(self.address) as channel:
            while self.process.poll() is None and time.monotonic() < give_up:
                try:
                    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
                    if health.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                except grpc.RpcError:
                    pass
                time.sleep(0.05)
        raise Failed(f"the server does not serve (exit code {self.process.poll()})")

    def memory_and_time(self) -> tuple[str, float]:
        """Peak resident memory, and processor seconds so far (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii", errors="replace")
        peak = next((line.split(":")[1].strip() for line in status.splitlines() if line.startswith("VmHWM")), "unknown")
        fields = (
            Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")")[-1].split()
        )
        return peak, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(DRAIN_LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"the server did not end within {DRAIN_LIMIT} s of SIGTERM") from None
        if code != 0:
            raise Failed(f"the server ended with {code} on SIGTERM")


@contextmanager
def serving(binary: Path, database: str, out: Path) -> Iterator[Server]:
    """A server that is gone at the end, whatever happens; its log's tail is shown if something did."""
    server = Server(binary, database, out)
    try:
        server.wait_until_serving()
        yield server
        server.stop()
    except BaseException:
        print("".join(server.log.read_text(errors="replace").splitlines(True)[-20:]), file=sys.stderr)
        raise
    finally:
        server.process.kill()
        server.process.wait()


def wardwatch(args: argparse.Namespace, server: Server, *command: str | Path) -> tuple[str, float]:
    """Runs a client command; its output and the seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        [args.binary, *command, "--server", f"http://{server.address}"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise Failed(f"wardwatch {' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout, time.monotonic() - began


def ask_as_foreign_client(address: str) -> dict[str, Any]:
    """All breaching alerts, page by page, through stubs made from the proto files; by name."""
    grpc_stubs.generate()
    from wardwatch.v1 import alert_pb2, alert_service_pb2, alert_service_pb2_grpc

    found: dict[str, Any] = {}
    with grpc.insecure_channel(address) as channel:
        stub = alert_service_pb2_grpc.AlertServiceStub(channel)
        request = alert_service_pb2.ListAlertsRequest(condition=alert_pb2.ALERT_CONDITION_BREACHING, page_size=PAGE)
        while True:
            page = stub.ListAlerts(request, timeout=30)
            twice = [a.name for a in page.alerts if a.name in found]
            if twice:
                raise Failed(f"ListAlerts gave {twice[0]} on two pages")
            found |= {a.name: a for a in page.alerts}
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


def compare_clients(foreign: dict[str, Any], lines: str) -> list[str]:
    """The command line and the foreign client must be shown the same alerts, whole unless one changed in between."""
    from wardwatch.v1 import alert_pb2

    printed = {a.name: a for a in (json_format.Parse(line, alert_pb2.Alert()) for line in lines.splitlines() if line)}
    wrong = [f"only one of the clients was shown {name}" for name in sorted(printed.keys() ^ foreign.keys())]
    for name in sorted(printed.keys() & foreign.keys()):
        here, there = printed[name], foreign[name]
        if here.transition_count == there.transition_count and here != there:
            wrong.append(f"the clients were shown different alerts:\n{here}\n{there}")
    return wrong


def check(args: argparse.Namespace, out: Path) -> None:
    """The whole run."""
    make_data(args, out)
    with open(out / "reports.ndjson", "rb") as file:
        count = sum(1 for _ in file)
    expected = oracle.breaches(out)
    for old in out.glob("wardwatch.sqlite*"):
        old.unlink()
    with serving(args.binary, args.database or f"sqlite:{out / 'wardwatch.sqlite'}", out) as server:
        for what in ("organisations", "wards"):
            text, seconds = wardwatch(args, server, what, "import", out / f"{what}.csv")
            print(f"{what} import: {seconds:.1f} s: {text.strip()}")
        used = server.memory_and_time()[1]
        text, seconds = wardwatch(args, server, "replay", out / "reports.ndjson", "--shift-to-now")
        peak, after = server.memory_and_time()
        client = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(text.strip())
        print(f"replay: {count} reports in {seconds:.1f} s, {count / seconds:.0f} a second")
        print(f"server: peak memory {peak}, {after - used:.1f} s of processor for the replay")
        print(f"commands: {client.ru_utime + client.ru_stime:.1f} s of processor, data making included")
        listed, seconds = wardwatch(args, server, "alerts", "list", "--breaching", "--output", "json")
        (out / "alerts.json").write_text(listed, encoding="utf-8")
        alerts = read_alerts(listed.splitlines())
        print(f"alerts list: {len(alerts)} breaching in {seconds:.1f} s")
        for (rule, severity), n in sorted(Counter((a["rule"], a["severity"]) for a in alerts).items()):
            print(f"  {n:6} {rule} {severity}")
        wrong = differences(expected, alerts) + compare_clients(ask_as_foreign_client(server.address), listed)
    if wrong:
        raise Failed("\n".join([*wrong[:40], f"{len(wrong)} differences"]))
    print(f"equal: {len(expected)} breaches, by the oracle, the command line and a foreign client")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=lambda p: Path(p).resolve(), required=True)
    parser.add_argument("--database", help="sqlite:PATH or postgres://...; a new SQLite file unless given")
    parser.add_argument("--data", type=Path, default=grpc_stubs.ROOT.parent / "shared/data")
    parser.add_argument("--out", type=lambda p: Path(p).resolve(), help="keep data, log and answer here")
    parser.add_argument("--month", default="2025-07")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument(
        "--every",
        type=int,
        default=60,
        help="minutes between a ward's reports; below 30, figures can fall overdue while they are replayed",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trusts", default="", help="comma-separated ODS codes; all unless given")
    parser.add_argument("--noise", choices=("shift", "report"), default="shift")
    parser.add_argument("--split-sources", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    try:
        if args.out:
            check(args, args.out)
        else:
            with tempfile.TemporaryDirectory(prefix="wardwatch-england-") as out:
                check(args, Path(out))
    except (
        Failed,
        oracle.Unreadable,
        OSError,
        subprocess.CalledProcessError,
        grpc.RpcError,
        json.JSONDecodeError,
    ) as why:
        print(f"england: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
