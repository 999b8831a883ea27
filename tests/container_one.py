"""The service in one container: over TLS, drained, restarted on its volume."""

import datetime
import json
import pathlib
import re
import time

from container_engine import run, within
from container_reports import ALL, DATA, SERVE, heard, step, tally, unless, write_reports, write_wards


def certificates(folder):
    """An issuer, and its certificate for the name "hospital"."""
    folder.mkdir()
    new = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    run(*new, "-subj", "/CN=issuer", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:hospital"]
    run(
        *new,
        "-subj",
        "/CN=hospital",
        "-CA",
        folder / "ca.crt",
        "-CAkey",
        folder / "ca.key",
        *leaf,
        "-keyout",
        folder / "tls.key",
        "-out",
        folder / "tls.crt",
    )
    (folder / "tls.key").chmod(0o644)


class Hospital:
    """The service in one container, with a volume of its own."""

    def __init__(self, engine, folder):
        self.engine, self.network, self.volume = engine, engine.network("one"), engine.volume("data")
        self.data = ["--volume", f"{folder}:{DATA}"]
        # Until the service speaks TLS the same is shown without.
        self.tls = "--ca-file" in run(engine.program, "run", "--rm", engine.image, "--help").stdout
        self.server = ["--server", f"{'https' if self.tls else 'http'}://hospital:50051"]
        if self.tls:
            self.server += ["--ca-file", "/data/certificates/ca.crt"]
        else:
            print("NOT TESTED OVER TLS: this version of the service does not speak it")

    def start(self):
        keys = ["certificate_file=/data/certificates/tls.crt", "key_file=/data/certificates/tls.key"]
        tls = [word for key in keys for word in ["--set", f"tls.{key}"]] if self.tls else []
        options = [
            "--network",
            self.network,
            "--network-alias",
            "hospital",
            "--volume",
            f"{self.volume}:/var/lib/wardwatch",
        ]
        server = self.engine.start("hospital", [*options, *self.data, "--health-interval", "1s"], [*SERVE, *tls])
        server.wait_healthy()
        return server

    def once(self, *command):
        return self.engine.once(self.network, [*command, *self.server], *self.data)

    def watch(self, name, *roots):
        return self.engine.start(name, ["--network", self.network, *self.data, *roots], ["watch", *ALL, *self.server])

    def replay(self, file):
        return tally(self.once("replay", f"/data/{file}", "--output", "json"))


def started(container):
    """Milliseconds from the engine's start of the process to its first accepting connections."""
    begin = parse_time(container.inspect(".State.StartedAt"))
    entry = next(e for e in map(json.loads, container.log().splitlines()) if e.get("message") == "listening")
    return (parse_time(entry["timestamp"]) - begin) * 1000


def parse_time(text):
    whole, fraction = re.match(r"(.*?)(\.\d+)?Z$", text).groups()
    return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float(fraction or 0)


def memory(container):
    """Resident memory of the service in MB, as the kernel counts it."""
    status = pathlib.Path("/proc", str(container.inspect(".State.Pid")), "status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def drain(server):
    """SIGTERM, and how it ended."""
    server.engine("kill", "--signal", "TERM", server.name)
    code = server.wait(30)
    unless(code == 0, f"ended with {code} on SIGTERM: {server.log()[-2000:]}")
    entries = [json.loads(line).get("message", "") for line in server.log().splitlines()]
    unless(any("draining" in entry for entry in entries), "it did not drain")


def check_one(engine, folder):
    write_wards(folder, 150)
    write_reports(folder / "first.ndjson", range(100))
    write_reports(folder / "second.ndjson", range(100, 150))
    certificates(folder / "certificates")
    hospital = Hospital(engine, folder)
    server = hospital.start()
    step(f"healthy; listening {started(server):.0f} ms after its start; {memory(server):.1f} MB resident at rest")
    hospital.once("organisations", "import", "/data/organisations.csv")
    hospital.once("wards", "import", "/data/wards.csv")
    watcher = hospital.watch("watcher")
    first = hospital.replay("first.ndjson")
    within(20, "the subscriber has heard of 100 wards", lambda: len(heard(watcher)) >= 100)
    began = time.monotonic()
    drain(server)
    took = time.monotonic() - began
    unless(took < 15, f"draining took {took:.0f} s: somebody did not hear the goodbye")
    step(
        f"{first['accepted']} reports over {'TLS' if hospital.tls else 'cleartext'}; drained on SIGTERM in {took:.1f} s, exit code 0"
    )
    server.remove()
    server = hospital.start()
    again = hospital.replay("first.ndjson")
    unless(
        (again["accepted"], again["duplicate"]) == (0, 200),
        f"after the restart it does not know what it receipted: {again}",
    )
    hospital.replay("second.ndjson")
    within(60, "the subscriber has come back and heard of 50 more", lambda: len(heard(watcher)) >= 150)
    # Who names no issuer trusts the roots of the image: found where it has them, for this issuer is put there.
    hospital.server = [word for word in hospital.server if word not in ["--ca-file", "/data/certificates/ca.crt"]]
    roots = ["--volume", f"{folder}/certificates/ca.crt:/etc/ssl/certs/ca-certificates.crt:ro"] if hospital.tls else []
    fresh = hospital.watch("fresh", *roots)
    within(20, "a new subscriber has heard all", lambda: len(heard(fresh)) >= 150)
    unless(heard(watcher) == heard(fresh), "the subscriber over the restart has heard something else than the log")
    step(
        "restarted on its volume: 200 reports known as duplicates, 150 alerts, the subscriber's log whole, in order, none twice"
    )
    for container in [watcher, fresh]:
        container.engine("kill", "--signal", "TERM", container.name)
        unless(container.wait(20) == 0, "a subscriber does not end on SIGTERM")
    drain(server)
