"""What the Kubernetes manifests promise beyond being well formed, and broken ones on which each check must speak up."""

import pathlib
import re
import shlex
import tomllib

DEFAULTS = pathlib.Path(__file__).resolve().parent.parent / "deploy/wardwatch.toml"
GRACE = {"preStop": 5, "drain": 20, "flush": 5}  # seconds; drain is streams.drain_limit
MEBI = 1024 * 1024


def of_kind(documents, *kinds):
    return [document for document in documents if document["kind"] in kinds]


def workload(documents):
    return of_kind(documents, "Deployment", "StatefulSet")[0]


def pod(documents):
    return workload(documents)["spec"]["template"]["spec"]


def service(documents):
    """The container that serves."""
    return next(c for c in pod(documents)["containers"] if c["name"] == "wardwatch")


def variables(container):
    return {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def configuration(documents):
    """The text of wardwatch.toml, and the variables that are stronger."""
    text = next(d["data"]["wardwatch.toml"] for d in of_kind(documents, "ConfigMap") if "wardwatch.toml" in d["data"])
    return text, {n: v for n, v in variables(service(documents)).items() if n.startswith("WARDWATCH__")}


def broken(overlay, components, documents):
    """Every promise that is broken, as lines."""
    yield from broken_pods(documents)
    yield from broken_container(service(documents))
    yield from broken_names(documents)
    yield from broken_network(documents)
    yield from broken_secrecy(documents)
    yield from (broken_embedded if overlay == "embedded" else broken_postgres)(components, documents)
    if "gateway-grpc" in components:
        yield from broken_gateway(documents)
    if "mesh" in components:
        yield from broken_mesh(documents)
    if "cloudnative-pg" in components:
        yield from broken_database(documents)


def unless(truth, text):
    if not truth:
        yield text


def broken_pods(documents):
    """Pod Security "restricted", and what Kubernetes would put into a pod unasked."""
    spec = pod(documents)
    security = spec.get("securityContext", {})
    yield from unless(security.get("runAsNonRoot") is True, "pods may run as root")
    yield from unless(security.get("runAsUser") == 65532, "pods do not run as 65532")
    yield from unless(security.get("seccompProfile") == {"type": "RuntimeDefault"}, "no seccomp profile")
    yield from unless(spec.get("automountServiceAccountToken") is False, "a token of the service account is mounted")
    yield from unless(spec.get("enableServiceLinks") is False, "service links fill the environment")
    for key in ["hostNetwork", "hostPID", "hostIPC"]:
        yield from unless(not spec.get(key), f"{key} is on")
    yield from unless(not any("hostPath" in v for v in spec["volumes"]), "a path of the node is mounted")
    yield from unless(
        spec.get("terminationGracePeriodSeconds", 30) >= sum(GRACE.values()) + 5, "the grace period is too short"
    )
    for container in spec["containers"] + spec.get("initContainers", []):
        name, own = container["name"], container.get("securityContext", {})
        yield from unless(own.get("allowPrivilegeEscalation") is False, f"{name}: privileges may be escalated")
        yield from unless(own.get("readOnlyRootFilesystem") is True, f"{name}: the root file system is writable")
        yield from unless(own.get("capabilities") == {"drop": ["ALL"]}, f"{name}: capabilities are kept")
        yield from unless(pinned(container["image"]), f"{name}: the image {container['image']} names no version")
        resources = container.get("resources", {})
        yield from unless({"cpu", "memory"} <= resources.get("requests", {}).keys(), f"{name}: requests are missing")
        yield from unless("memory" in resources.get("limits", {}), f"{name}: memory is not limited")


def pinned(image):
    return re.search(r"@sha256:[0-9a-f]{64}$", image) or re.search(r"/[^/]+:(?!latest$)[^:/]+$", image)


def broken_container(container):
    for name, path in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]:
        probe = container.get(name, {}).get("httpGet", {})
        yield from unless(probe == {"path": path, "port": "admin"}, f"{name} does not ask {path} on the admin port")
    stop = container.get("lifecycle", {}).get("preStop", {})
    yield from unless(stop == {"sleep": {"seconds": GRACE["preStop"]}}, "SIGTERM comes before endpoints are taken back")


def broken_names(documents):
    """What refers to something that is not there."""
    spec = pod(documents)
    volumes = {v["name"] for v in spec["volumes"]}
    volumes |= {c["metadata"]["name"] for c in workload(documents)["spec"].get("volumeClaimTemplates", [])}
    for container in spec["containers"] + spec.get("initContainers", []):
        mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
        yield from (f"{container['name']}: no volume {name}" for name in mounts.keys() - volumes)
        for name, value in variables(container).items():
            if name.endswith(("_FILE", "ROOTCERT")) and value:
                folder = value.rsplit("/", 1)[0]
                yield from unless(
                    folder in mounts.values(), f"{container['name']}: {name} names {value}, which is not mounted"
                )
    mounted = {m["name"] for c in spec["containers"] + spec.get("initContainers", []) for m in c["volumeMounts"]}
    yield from (f"volume {name} is used by nobody" for name in volumes - mounted)
    maps = {d["metadata"]["name"] for d in of_kind(documents, "ConfigMap")}
    for volume in spec["volumes"]:
        name = volume.get("configMap", {}).get("name")
        yield from unless(name is None or name in maps, f"no ConfigMap {name}")
    ports = {p["name"] for c in spec["containers"] for p in c["ports"]}
    labels = workload(documents)["spec"]["template"]["metadata"]["labels"]
    for found in of_kind(documents, "Service"):
        yield from unless(
            found["spec"]["selector"].items() <= labels.items(), f"Service {found['metadata']['name']} selects no pod"
        )
        targets = {p["targetPort"] for p in found["spec"]["ports"]}
        yield from unless(targets <= ports, f"Service {found['metadata']['name']} leads to no port")
        yield from unless(
            all("appProtocol" in p for p in found["spec"]["ports"]), "a port says nothing of its protocol"
        )
    yield from unless(
        all(d["metadata"].get("namespace") == "wardwatch" for d in documents), "not all is in one namespace"
    )


def broken_network(documents):
    policies = of_kind(documents, "NetworkPolicy")
    for policy in policies:
        # An empty selector would hold for the database's pods as well.
        yield from unless(policy["spec"]["podSelector"], f"NetworkPolicy {policy['metadata']['name']} is for every pod")
        for rule in policy["spec"].get("ingress", []):
            yield from unless(rule.get("from"), f"NetworkPolicy {policy['metadata']['name']} lets everybody in")
            yield from unless(rule.get("ports"), f"NetworkPolicy {policy['metadata']['name']} opens every port")
    own = [p for p in policies if p["metadata"]["name"] == "wardwatch"]
    yield from unless(own and set(own[0]["spec"]["policyTypes"]) == {"Ingress", "Egress"}, "nothing keeps others out")
    admin = {
        p["metadata"]["name"]
        for p in policies
        for r in p["spec"].get("ingress", [])
        for q in r["ports"]
        if q["port"] == "admin"
    }
    yield from unless(admin <= {"wardwatch-monitoring"}, f"the admin port is open to {admin}")


def broken_secrecy(documents):
    """Encrypted and with authentication, in every combination; no secret in a manifest; within its memory."""
    text, environment = configuration(documents)
    settings = tomllib.loads(text)
    by_mesh = environment.get("WARDWATCH__SERVER__TLS") == "off:mesh"
    certificate = environment.get("WARDWATCH__TLS__CERTIFICATE_FILE", settings["tls"]["certificate_file"])
    yield from unless(by_mesh != bool(certificate), "not exactly one of the service and a mesh encrypts")
    yield from unless(settings["access"]["permissions_file"], "nobody is asked who they are")
    yield from unless("insecure" not in text and "WARDWATCH__SERVER__INSECURE" not in environment, "it is insecure")
    yield from unless(not of_kind(documents, "Secret"), "a Secret is written in a manifest")
    yield from unless(
        "postgres" not in str(environment.get("WARDWATCH__DATABASE__URL")), "a password is in the environment"
    )
    grpc = [p for d in of_kind(documents, "Service") for p in d["spec"]["ports"] if p["name"] == "grpc"]
    expected = "kubernetes.io/h2c" if by_mesh else "https"
    yield from unless(all(p["appProtocol"] == expected for p in grpc), f"the Services do not say {expected}")
    limits, limit = settings["limits"], service(documents).get("resources", {}).get("limits", {}).get("memory", "0Gi")
    # docs/reliability.md: stuck subscribers, the window, what the kernel holds, what one identity sends; 128 MiB for the rest.
    limits = tomllib.loads(DEFAULTS.read_text())["limits"] | limits
    yield from unless(limits["streams_per_identity"], "one identity may have any number of streams")
    sent = limits["streams_per_identity"] * 1280 * 1024 + 16 * MEBI
    needed = limits["subscriptions"] * 80 * 1024 + limits["connections"] * 128 * 1024 + (64 + 128) * MEBI + sent
    given = int(limit[:-2]) * {"Mi": MEBI, "Gi": 1024 * MEBI}[limit[-2:]]
    yield from unless(needed <= given, f"{needed // MEBI} MiB may be needed, {given // MEBI} are given")


def broken_embedded(_components, documents):
    found = workload(documents)
    yield from unless(
        found["kind"] == "StatefulSet" and found["spec"]["replicas"] == 1, "a file has more than one writer"
    )
    claims = [c["spec"] for c in found["spec"].get("volumeClaimTemplates", [])]
    yield from unless(
        [c["accessModes"] for c in claims] == [["ReadWriteOnce"]], "the file is not on one volume of its own"
    )
    yield from unless(not of_kind(documents, "PodDisruptionBudget"), "a budget holds up every drain of a node")
    yield from unless(not of_kind(documents, "HorizontalPodAutoscaler"), "an autoscaler would add a writer")
    folder = variables(service(documents)).get("WARDWATCH__DATABASE__URL", "").removeprefix("sqlite:").rsplit("/", 1)[0]
    kept = [m["mountPath"] for m in service(documents)["volumeMounts"] if m["name"] == "data"]
    yield from unless(kept == [folder], "the database is not on the volume")
    yield from unless(pod(documents)["securityContext"].get("fsGroup") == 65532, "the volume cannot be written")


def broken_postgres(components, documents):
    found, spec = workload(documents), pod(documents)
    yield from unless(found["kind"] == "Deployment", "not a Deployment")
    replicas = 3 if "autoscaling" not in components else None
    yield from unless(found["spec"].get("replicas") == replicas, f"replicas is not {replicas}")
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    yield from unless(
        found["spec"].get("strategy") == rolling, "a roll-out takes replicas away before it brings new ones"
    )
    budgets = [d["spec"].get("maxUnavailable") for d in of_kind(documents, "PodDisruptionBudget")]
    yield from unless(budgets == [1], "no budget of one")
    keys = {c["topologyKey"] for c in spec.get("topologySpreadConstraints", [])}
    yield from unless(keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, "replicas are not spread")
    first = [c["args"][0] for c in spec.get("initContainers", [])]
    yield from unless(first == ["migrate"], "nobody migrates")
    yield from unless("--no-migrate" in service(documents)["args"], "every replica migrates")
    for container in [service(documents), *spec.get("initContainers", [])]:
        file = variables(container).get("WARDWATCH__DATABASE__URL_FILE")
        yield from unless(file == "/etc/wardwatch/database/url", f"{container['name']}: the URL is not from a file")
        yield from unless(container["image"] == service(documents)["image"], "it is migrated by another version")
    scalers = of_kind(documents, "HorizontalPodAutoscaler")
    yield from unless(len(scalers) == (replicas is None), "autoscaling is not as asked for")
    yield from (f"no least of three: {s['metadata']['name']}" for s in scalers if s["spec"]["minReplicas"] < 3)


def broken_gateway(documents):
    """The 15 s timeout is lifted, and gateway and pods believe the same issuer."""
    http = of_kind(documents, "BackendTrafficPolicy")[0]["spec"]["timeout"]["http"]
    yield from unless(http.get("requestTimeout") == http.get("maxStreamDuration") == "0s", "the gateway cuts streams")
    provider = of_kind(documents, "SecurityPolicy")[0]["spec"]["jwt"]["providers"][0]
    theirs = [provider["issuer"], provider["audiences"][0], provider["remoteJWKS"]["uri"]]
    found = variables(service(documents))
    ours = [found.get(f"WARDWATCH__JWT__{key}") for key in ["ISSUER", "AUDIENCE", "JWKS_URL"]]
    yield from unless(theirs == ours, f"the gateway believes {theirs}, the pods {ours}")
    yield from unless(
        found.get("WARDWATCH__TLS__CLIENT_CERTIFICATES") == "optional", "with mtls the gateway is kept out"
    )


def broken_mesh(documents):
    """The proxies reach their control plane and nothing else, and the mesh's clients are those whom the base lets in."""
    policies = {d["metadata"]["name"]: d["spec"] for d in of_kind(documents, "NetworkPolicy")}
    spec = policies.get("wardwatch-mesh", {})
    plane = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}}}
    ways_out = [peer for rule in spec.get("egress", []) for peer in rule.get("to", [{}])]
    yield from unless(ways_out == [plane], "the mesh's proxies do not reach their control plane, or more than that")
    yield from unless("Egress" in spec.get("policyTypes", []), "the mesh's ways out are in no policy")
    clients = policies["wardwatch"]["ingress"][0]["from"]
    for port in [15008, 4143]:
        sources = [r["from"] for r in spec.get("ingress", []) if port in [p["port"] for p in r["ports"]]]
        yield from unless(sources == [clients], f"the mesh's clients do not come in by {port}, or others do")


def broken_database(documents):
    """A receipt survives the loss of any one instance; who the instance is, is checked."""
    cluster = of_kind(documents, "Cluster")[0]["spec"]
    wanted = {"method": "any", "number": 1, "dataDurability": "required"}
    yield from unless(cluster["instances"] == 3, "not three instances")
    yield from unless(cluster["postgresql"].get("synchronous") == wanted, "a receipt may be lost with an instance")
    yield from unless(variables(service(documents)).get("PGSSLMODE") == "verify-full", "the database is not verified")
    secrets = {v["secret"]["secretName"] for v in pod(documents)["volumes"] if "secret" in v}
    yield from unless({"wardwatch-db-app", "wardwatch-db-ca"} <= secrets, "the operator's Secrets are not mounted")


def uncreated(commands, documents):
    """Keys of Secrets that the pods mount and that none of these commands of kubectl creates, as lines."""
    created = {}
    for words in (shlex.split(line, comments=True) for line in commands.splitlines()):
        if "secret" in words:
            kind, name = words[words.index("secret") + 1 :][:2]
            files = [w.removeprefix("--from-file=").split("=")[0] for w in words if w.startswith("--from-file=")]
            created[name] = {"tls.crt", "tls.key"} if kind == "tls" else {f.rsplit("/", 1)[-1] for f in files}
    text, environment = configuration(documents)
    tables = [*tomllib.loads(text).values(), environment]
    settings = [value for table in tables for key, value in table.items() if key.lower().endswith("_file")]
    for volume in (v for v in pod(documents)["volumes"] if "secret" in v):
        name = volume["secret"]["secretName"]
        folder = next(m["mountPath"] for m in service(documents)["volumeMounts"] if m["name"] == volume["name"])
        wanted = {file.removeprefix(folder + "/") for file in settings if file.startswith(folder + "/")}
        wanted |= {item["key"] for item in volume["secret"].get("items", [])}
        missing = wanted - created.get(name, set())
        yield from (f"no command makes the key {key} of the Secret {name}" for key in sorted(missing))
        yield from unless(name in created, f"no command creates the Secret {name}")


def first(documents, kind):
    """The first document of a KIND, or the one that KIND/NAME says."""
    kind, _, name = kind.partition("/")
    return next(d for d in of_kind(documents, kind) if name in ("", d["metadata"]["name"]))


def without(*path):
    """A mutation that takes away what is at a path in the first document of a kind."""
    kind, *keys, last = path

    def mutate(documents):
        place = first(documents, kind)
        for key in keys:
            place = place[key]
        del place[last]

    return mutate


def changed(value, *path):
    """A mutation that puts something else at a path."""
    kind, *keys, last = path

    def mutate(documents):
        place = first(documents, kind)
        for key in keys:
            place = place[key]
        place[last] = value

    return mutate


def misconfigured(name, value):
    """A mutation that sets a variable of the service."""
    return lambda documents: service(documents).setdefault("env", []).append({"name": name, "value": value})


MESH = ("NetworkPolicy/wardwatch-mesh", "spec")
STATEFUL = ("StatefulSet", "spec", "template", "spec")
DEPLOYED = ("Deployment", "spec", "template", "spec")
ONE = ("containers", 0)

# What it is, in which overlay (or "mesh": in postgres with that component), and how to bring it about. tests/manifests sees to
# it that each is found out.
MUTATIONS = [
    ("a misspelt key", "embedded", changed(1, *STATEFUL, *ONE, "imagePullPolice")),
    ("a number for a text", "embedded", changed(5, "ConfigMap", "data", "wardwatch.toml")),
    ("a misspelt key of a GRPCRoute", "embedded", changed([], "GRPCRoute", "spec", "hostname")),
    (
        "a bare number in PostgreSQL's parameters",
        "postgres",
        changed(150, "Cluster", "spec", "postgresql", "parameters", "max_connections"),
    ),
    ("root allowed", "embedded", without(*STATEFUL, "securityContext", "runAsNonRoot")),
    ("a writable root", "postgres", without(*DEPLOYED, *ONE, "securityContext", "readOnlyRootFilesystem")),
    ("capabilities kept", "postgres", without(*DEPLOYED, "initContainers", 0, "securityContext", "capabilities")),
    ("no seccomp profile", "embedded", without(*STATEFUL, "securityContext", "seccompProfile")),
    ("the latest image", "postgres", changed("registry/wardwatch:latest", *DEPLOYED, *ONE, "image")),
    ("an image without a tag", "postgres", changed("registry:5000/wardwatch", *DEPLOYED, *ONE, "image")),
    ("no limit of memory", "embedded", without(*STATEFUL, *ONE, "resources", "limits")),
    ("too little memory", "embedded", changed("1Gi", *STATEFUL, *ONE, "resources", "limits", "memory")),
    ("no readiness probe", "postgres", without(*DEPLOYED, *ONE, "readinessProbe")),
    (
        "liveness that asks for the database",
        "postgres",
        changed("/readyz", *DEPLOYED, *ONE, "livenessProbe", "httpGet", "path"),
    ),
    ("no preStop", "postgres", without(*DEPLOYED, *ONE, "lifecycle")),
    ("a short grace period", "embedded", changed(30, *STATEFUL, "terminationGracePeriodSeconds")),
    ("service links", "embedded", without(*STATEFUL, "enableServiceLinks")),
    ("a volume that is not there", "postgres", without(*DEPLOYED, "volumes", 0)),
    (
        "a Service that selects nothing",
        "embedded",
        changed("ward", "Service", "spec", "selector", "app.kubernetes.io/name"),
    ),
    ("a NetworkPolicy for all pods", "postgres", changed({}, "NetworkPolicy", "spec", "podSelector")),
    ("two replicas of a file", "embedded", changed(2, "StatefulSet", "spec", "replicas")),
    (
        "a shared volume",
        "embedded",
        changed(["ReadWriteMany"], "StatefulSet", "spec", "volumeClaimTemplates", 0, "spec", "accessModes"),
    ),
    (
        "a roll-out that takes away first",
        "postgres",
        changed(1, "Deployment", "spec", "strategy", "rollingUpdate", "maxUnavailable"),
    ),
    ("no budget", "postgres", changed(3, "PodDisruptionBudget", "spec", "maxUnavailable")),
    ("no migration", "postgres", changed([], *DEPLOYED, "initContainers")),
    ("replicas that are not spread", "postgres", without(*DEPLOYED, "topologySpreadConstraints")),
    ("an autoscaler down to one", "postgres", changed(1, "HorizontalPodAutoscaler", "spec", "minReplicas")),
    ("the 15 s timeout", "embedded", without("BackendTrafficPolicy", "spec", "timeout", "http", "requestTimeout")),
    (
        "another issuer at the gateway",
        "postgres",
        changed("https://x", "SecurityPolicy", "spec", "jwt", "providers", 0, "issuer"),
    ),
    ("asynchronous replication", "postgres", without("Cluster", "spec", "postgresql", "synchronous")),
    ("a mesh whose control plane is out of reach", "mesh", without(*MESH, "egress")),
    ("a mesh that leads anywhere", "mesh", changed([{}], *MESH, "egress")),
    ("a mesh's port that is closed", "mesh", without(*MESH, "ingress", 0, "ports", 0)),
    ("a mesh's port that is open to all namespaces", "mesh", changed([{"namespaceSelector": {}}], *MESH, "ingress", 0, "from")),
]

# Those that only the service itself finds out.
MISCONFIGURED = [
    ("a key that the service does not know", "embedded", misconfigured("WARDWATCH__SERVER__LISTN", "0.0.0.0:1")),
    ("a key's value that it refuses", "postgres", misconfigured("WARDWATCH__STREAMS__HEARTBEAT", "2m")),
    ("an algorithm with a shared secret", "postgres", misconfigured("WARDWATCH__JWT__ALGORITHMS", "HS256")),
]
