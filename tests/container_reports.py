"""What tests/container reports, and what came of it: every ward once by two systems, which makes one breach of it."""

import datetime
import json
import time
import uuid

from container_engine import Failed

SEED = uuid.uuid4()
HEADER = (
    "organisation,ward,display_name,kind,site,beds,limit_patients_per_rn,minimum_registered_nurses,minimum_reason,"
    "report_every_minutes,state"
)
DATA = "/data:ro"
SERVE = ["serve", "--config", "/etc/wardwatch/wardwatch.toml", "--insecure"]
ALL = ["--since", "2000-01-01T00:00:00Z", "--output", "json"]


def unless(truth, text):
    if not truth:
        raise Failed(text)


def step(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def write_wards(folder, count):
    rows = [f"RJ1,A{n},Ward {n},ADULT_INPATIENT,,30,,,,60," for n in range(count)]
    (folder / "organisations.csv").write_text(
        "organisation,display_name,region,region_name,icb,time_zone\nRJ1,Guy's,,,,Europe/London\n"
    )
    (folder / "wards.csv").write_text("\n".join([HEADER, *rows, ""]))


def write_reports(path, wards):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    with path.open("w") as file:
        for ward in wards:
            for source, block in [
                ("BEDS", {"patients": {"bedded": 28}}),
                ("ROSTER", {"nursing": {"registeredNurses": 2}}),
            ]:
                head = {
                    "reportId": str(uuid.uuid5(SEED, f"{ward}{source}")),
                    "ward": f"organisations/RJ1/wards/A{ward}",
                }
                file.write(json.dumps({**head, "observedTime": now, "source": source, **block}) + "\n")


def tally(done):
    """What a replay counted; it ends with 2 when anything was rejected."""
    unless(done.returncode == 0, f"a replay ended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def heard(watcher):
    """Every event that a watcher printed, by its position in the log."""
    return [int(json.loads(line)["position"]) for line in watcher.output()]
