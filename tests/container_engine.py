"""What tests/container needs of a Docker engine: images, hardened containers, private networks; all removed at the end."""

import functools
import io
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# As deploy/kubernetes runs it; the volume is the only place that can be written.
HARDENED = [
    "--read-only",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--user",
    "65532:65532",
    "--memory",
    "512m",
]


class Failed(Exception):
    """What the run found wrong."""


def run(*command, check=True, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)
    if check and done.returncode != 0:
        raise Failed(
            f"{' '.join(map(str, command))[:300]}\nended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done


def within(seconds, what, ask):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return answer


def build_command(program):
    """How this client builds with BuildKit: as buildx, or by itself before Docker 23. None: not at all."""
    if subprocess.run([program, "buildx", "version"], capture_output=True).returncode == 0:
        return [program, "buildx", "build", "--load"]
    version = subprocess.run(
        [program, "version", "--format", "{{.Client.Version}}"], capture_output=True, text=True
    ).stdout
    return [program, "build"] if re.match(r"(1[89]|2[0-2])\.", version) else None


class Engine:
    """A Docker engine. What is made through it is removed when it is left."""

    def __init__(self, program, build):
        self.program, self.build, self.prefix = program, build, f"wardwatch-test-{os.getpid()}"
        self.image, self.made = f"{self.prefix}:latest", []

    @classmethod
    def find(cls):
        """The first client that reaches an engine and builds with BuildKit. None: no engine answers."""
        answering = []
        for program in filter(None, [os.environ.get("DOCKER"), "docker", "/usr/bin/docker"]):
            try:
                found = subprocess.run([program, "info"], capture_output=True, timeout=20).returncode == 0
            except (OSError, subprocess.TimeoutExpired):
                continue
            if found and (build := build_command(program)):
                return cls(program, build)
            answering += [program] * found
        if answering:
            raise Failed(
                f"{answering[0]} reaches an engine, but cannot build with BuildKit: install its buildx, or name another in DOCKER"
            )
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for kind, name in reversed(self.made):
            run(self.program, *kind, name, check=False)

    def __call__(self, *arguments, **more):
        return run(self.program, *arguments, **more).stdout.strip()

    def make_image(self, files):
        """The image from the Dockerfile, around files that deploy/image-files made."""
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        command = [
            *self.build,
            "-f",
            ROOT / "deploy/Dockerfile",
            "--build-arg",
            "FILES=prebuilt",
            "-t",
            self.image,
            files,
        ]
        self.made.append((["image", "rm", "--force"], self.image))
        run(*command, env=environment)

    def make_postgres(self, programs):
        """An image of this host's own PostgreSQL: no registry can be relied on."""
        name = f"{self.prefix}-postgres:latest"
        self.made.append((["image", "rm", "--force"], name))
        run_with_input([self.program, "import", "-", name], archive(postgres_files(pathlib.Path(programs))))
        return name

    def network(self, name):
        """A network of the test's own hosts, with no way out of this machine."""
        full = f"{self.prefix}-{name}"
        self.made.append((["network", "rm"], full))
        self("network", "create", "--internal", full)
        return full

    def volume(self, name):
        full = f"{self.prefix}-{name}"
        self.made.append((["volume", "rm", "--force"], full))
        self("volume", "create", full)
        return full

    def start(self, name, options, command, image=None):
        """A container that runs on; the service's own image unless another is named."""
        full = f"{self.prefix}-{name}"
        self.made.append((["rm", "--force", "--volumes"], full))
        hardening = [] if image else HARDENED
        self("run", "--detach", "--name", full, *hardening, *options, image or self.image, *command)
        return Container(self, full)

    def once(self, network, command, *options, **more):
        """A command of the image, to its end."""
        return run(self.program, "run", "--rm", *HARDENED, "--network", network, *options, self.image, *command, **more)


class Container:
    """One that was started."""

    def __init__(self, engine, name):
        self.engine, self.name = engine, name

    def inspect(self, what):
        return json.loads(self.engine("inspect", "--format", "{{json " + what + "}}", self.name))

    def health(self):
        state = self.inspect(".State")
        if not state["Running"]:
            raise Failed(f"{self.name} has ended with {state['ExitCode']}: {self.log()[-2000:]}")
        return state["Health"]["Status"]

    def wait_healthy(self, seconds=30):
        within(seconds, f"{self.name} is healthy", lambda: self.health() == "healthy")

    def output(self):
        """Lines on stdout."""
        return run(self.engine.program, "logs", self.name).stdout.splitlines()

    def log(self):
        """Text on stderr."""
        return run(self.engine.program, "logs", self.name).stderr

    def wait(self, seconds):
        """How it ended."""
        within(seconds, f"{self.name} ends", lambda: not self.inspect(".State.Running"))
        return self.inspect(".State.ExitCode")

    def remove(self):
        self.engine("rm", "--force", self.name)


def run_with_input(command, data):
    done = subprocess.run(command, input=data, capture_output=True)
    if done.returncode != 0:
        raise Failed(f"{command}: {done.stderr.decode()[-2000:]}")


def postgres_files(programs):
    """PostgreSQL's programs with their data and libraries, and the shell that initdb calls."""
    home = programs.parent
    share = (
        pathlib.Path(run(programs / "pg_config", "--sharedir").stdout.strip())
        if (programs / "pg_config").exists()
        else None
    )
    share = share or pathlib.Path("/usr/share/postgresql") / home.name
    binaries = [programs / name for name in ["postgres", "initdb", "psql"]]
    modules = [path for path in (home / "lib").glob("*.so") if "llvmjit" not in path.name]
    shell = pathlib.Path("/bin/sh")
    data = [path for path in share.rglob("*") if path.is_file()]
    zones = [
        path for path in map(pathlib.Path, ["/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/Etc/UTC"]) if path.exists()
    ]
    locale = [path for path in pathlib.Path("/usr/lib/locale/C.utf8").rglob("*") if path.is_file()]
    # What psql really is, Debian hides behind a script in /usr/bin; the one in this folder is the program.
    libraries = {lib for path in [*binaries, *modules, shell] for lib in linked(path)}
    return {*binaries, *modules, shell, *data, *zones, *locale, *libraries}


@functools.cache
def linked(path):
    text = run("ldd", path, check=False).stdout
    return frozenset(map(pathlib.Path, re.findall(r"(/\S+) \(0x", text)))


def archive(files):
    """A tar of files under their own names, symbolic links followed, with a user for PostgreSQL."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for path in sorted(files):
            tar.add(path, arcname=str(path).lstrip("/"), recursive=False)
        passwd = b"postgres:x:70:70::/data:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(passwd)
        tar.addfile(entry, io.BytesIO(passwd))
        for name in ["tmp", "data"]:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(folder)
    return buffer.getvalue()
