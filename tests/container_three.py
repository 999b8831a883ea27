"""Three replicas over PostgreSQL on a private network, one of them cut off and healed."""

import json
import os
import pathlib

from container_engine import run, within
from container_reports import ALL, DATA, SERVE, heard, step, unless, write_reports, write_wards


def start_database(engine, network):
    programs = (
        os.environ.get("WARDWATCH_TEST_PG_BIN")
        or sorted(map(str, pathlib.Path("/usr/lib/postgresql").glob("*/bin")))[-1:]
    )
    unless(programs, "PostgreSQL is not installed: tests/run does it")
    programs = programs if isinstance(programs, str) else programs[0]
    image = engine.make_postgres(programs)
    begin = (
        f"{programs}/initdb -D /data/pg -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/data/initdb.log"
        " && echo 'host all all all trust' >>/data/pg/pg_hba.conf"
        f" && exec {programs}/postgres -D /data/pg -c listen_addresses='*' -c fsync=off -c unix_socket_directories=/data -c max_connections=150"
    )
    options = ["--network", network, "--network-alias", "database", "--user", "70:70", "--tmpfs", "/data:uid=70"]
    database = engine.start("database", options, ["/bin/sh", "-c", begin], image=image)
    sql = lambda text: engine("exec", database.name, f"{programs}/psql", "-h", "/data", "-U", "postgres", "-Atc", text)
    ready = lambda: engine_says(
        engine, database, f"{programs}/psql", "-h", "/data", "-U", "postgres", "-Atc", "select 1"
    )
    within(60, "PostgreSQL answers", ready)
    return sql


def engine_says(engine, container, *command):
    return run(engine.program, "exec", container.name, *command, check=False).returncode == 0


class Cluster:
    """Three replicas, by their names and all by the name "wards"."""

    URL = "postgres://postgres@database/postgres"

    def __init__(self, engine, folder):
        self.engine, self.network = engine, engine.network("three")
        self.data = ["--volume", f"{folder}:{DATA}"]
        self.sql = start_database(engine, self.network)
        engine.once(self.network, ["migrate", "--database", self.URL])
        command = [*SERVE, "--no-migrate", "--database", self.URL, "--set", "streams.heartbeat=5s"]
        names = [f"replica-{n}" for n in range(3)]
        self.replicas = [
            engine.start(name, [*self.aliases(name), "--network", self.network, "--health-interval", "1s"], command)
            for name in names
        ]
        for replica in self.replicas:
            replica.wait_healthy()

    def aliases(self, name):
        return [word for alias in [name, "wards"] for word in ["--network-alias", alias]]

    def client(self, name, server, *command):
        return self.engine.start(
            name, ["--network", self.network, *self.data], [*command, "--server", f"http://{server}:50051"]
        )

    def cut(self, n):
        self.engine("network", "disconnect", self.network, self.replicas[n].name)

    def heal(self, n):
        self.engine(
            "network", "connect", "--alias", f"replica-{n}", "--alias", "wards", self.network, self.replicas[n].name
        )


def check_three(engine, folder):
    if os.environ.get("WARDWATCH_TEST_PG") == "off":
        print("NOT TESTED WITH THREE REPLICAS: WARDWATCH_TEST_PG=off")
        return
    write_wards(folder, 700)
    write_reports(folder / "any.ndjson", range(500))
    write_reports(folder / "cut.ndjson", range(500, 700))
    cluster = Cluster(engine, folder)
    for command in [["organisations", "import", "/data/organisations.csv"], ["wards", "import", "/data/wards.csv"]]:
        engine.once(cluster.network, [*command, "--server", "http://wards:50051"], *cluster.data)
    servers = ["wards", "replica-0", "replica-1", "replica-2"]
    watchers = {
        server: cluster.client(f"watch-{server}", server, "watch", *ALL, "--heartbeat", "5") for server in servers
    }
    reporters = [
        cluster.client("report-any", "wards", "replay", "/data/any.ndjson", "--rate", "25", "--output", "json"),
        cluster.client("report-cut", "replica-2", "replay", "/data/cut.ndjson", "--rate", "10", "--output", "json"),
    ]
    step("three replicas healthy, found by name; reporters and subscribers under way")
    count = lambda server: len(heard(watchers[server]))
    within(60, "all subscribers hear", lambda: all(count(server) >= 20 for server in servers))
    cluster.cut(2)
    before = count("replica-0")
    step("replica-2 is cut off from everybody")
    within(
        40,
        "the replica that was cut off says that it is not ready",
        lambda: cluster.replicas[2].health() == "unhealthy",
    )
    during = count("replica-0") - before
    unless(during > 50 and cluster.replicas[0].health() == "healthy", "the others did not go on")
    unless(count("replica-2") < before + during, "whoever hears by the replica that is cut off hears all the same")
    cluster.heal(2)
    cluster.replicas[2].wait_healthy(60)
    step(f"healed; the others raised {during} alerts meanwhile")
    finish(cluster, watchers, reporters)


def finish(cluster, watchers, reporters):
    """Every report receipted, stored once; every subscriber's log the same, whole, in order, none twice."""
    receipted = 0
    for reporter in reporters:
        code = reporter.wait(180)
        unless(code == 0, f"a reporter ended with {code}: {reporter.log()[-2000:]}")
        counts = json.loads(reporter.output()[-1])
        receipted += counts["accepted"] + counts["duplicate"]
    stored, ids, events = map(
        int,
        cluster.sql("select count(*), count(distinct report_id), (select count(*) from event) from report").split("|"),
    )
    unless((receipted, stored, ids) == (1400, 1400, 1400), f"{receipted} receipted, {stored} stored, {ids} different")
    within(
        90,
        f"every subscriber has heard all {events} events",
        lambda: all(len(heard(w)) >= events for w in watchers.values()),
    )
    logs = {server: heard(watcher) for server, watcher in watchers.items()}
    for server, log in logs.items():
        unless(
            len(log) == len(set(log)) == events,
            f"{server}: {len(log)} events heard, {len(set(log))} different, {events} in the log",
        )
        unless(log == logs["replica-0"], f"{server}: another order than at replica-0")
    step(
        f"{receipted} reports receipted and stored once; {len(logs)} subscribers heard the same {events} events, each once, in order"
    )
