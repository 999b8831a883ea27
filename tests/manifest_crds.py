"""The parts of other projects' custom resources that our manifests use, as JSON Schemas.

Written by hand from their documentation (Gateway API 1.5, Envoy Gateway 1.5, Prometheus operator 0.80, CloudNativePG 1.25,
cert-manager 1.17): kubernetes-validate knows none of them. Nothing beyond what is written here passes, so that a key with a
slip of the pen does not; a new key is added here after a look into its documentation.
"""

import functools

import jsonschema

TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
YES = {"type": "boolean"}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
HOSTNAME = {"type": "string", "pattern": r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$"}
# Envoy Gateway's and Gateway API's durations; not Go's "1.5h".
DURATION = {"type": "string", "pattern": r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
QUANTITY = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|[KMGT]i?)?$"}


def record(required=(), **properties):
    """An object of these keys, and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def several(items, least=1):
    return {"type": "array", "items": items, "minItems": least}


def table(values):
    return {"type": "object", "additionalProperties": values}


def one_of(*words):
    return {"enum": list(words)}


LABELS = table(TEXT)
SELECTOR = record(matchLabels=LABELS)
PARENTS = several(record(["name"], name=TEXT, namespace=TEXT, sectionName=TEXT, port=PORT))
BACKENDS = several(record(["name", "port"], name=TEXT, port=PORT, weight=COUNT))
ROUTE = record(
    ["group", "kind", "name"], group=one_of("gateway.networking.k8s.io"), kind=one_of("GRPCRoute"), name=TEXT
)
RESOURCES = record(requests=record(cpu=QUANTITY, memory=QUANTITY), limits=record(cpu=QUANTITY, memory=QUANTITY))

GRPC_ROUTE = record(
    ["parentRefs", "rules"],
    parentRefs=PARENTS,
    hostnames=several(HOSTNAME),
    rules=several(record(["backendRefs"], backendRefs=BACKENDS)),
)
TLS_ROUTE = record(
    ["parentRefs", "hostnames", "rules"],
    parentRefs=PARENTS,
    hostnames=several(HOSTNAME),
    rules={**several(record(["backendRefs"], backendRefs=BACKENDS)), "maxItems": 1},
)
GATEWAY = record(
    ["gatewayClassName", "listeners"],
    gatewayClassName=TEXT,
    listeners=several(
        record(
            ["name", "port", "protocol"],
            name=TEXT,
            port=PORT,
            protocol=one_of("HTTP", "HTTPS", "TLS", "TCP"),
            hostname=HOSTNAME,
            tls=record(
                ["mode"], mode=one_of("Terminate", "Passthrough"), certificateRefs=several(record(["name"], name=TEXT))
            ),
            allowedRoutes=record(
                kinds=several(record(["kind"], kind=TEXT)),
                namespaces=record(["from"], **{"from": one_of("All", "Same", "Selector"), "selector": SELECTOR}),
            ),
        )
    ),
)
BACKEND_TLS = record(
    ["targetRefs", "validation"],
    targetRefs=several(
        record(["group", "kind", "name"], group=one_of(""), kind=one_of("Service"), name=TEXT, sectionName=TEXT)
    ),
    validation=record(
        ["hostname", "caCertificateRefs"],
        hostname=HOSTNAME,
        caCertificateRefs=several(
            record(["group", "kind", "name"], group=one_of(""), kind=one_of("ConfigMap"), name=TEXT)
        ),
    ),
)
BACKEND_TRAFFIC = record(
    ["targetRefs", "timeout"],
    targetRefs=several(ROUTE),
    timeout=record(http=record(requestTimeout=DURATION, maxStreamDuration=DURATION, streamIdleTimeout=DURATION)),
)
SECURITY = record(
    ["targetRefs", "jwt"],
    targetRefs=several(ROUTE),
    jwt=record(
        ["providers"],
        providers=several(
            record(
                ["name", "issuer", "audiences", "remoteJWKS"],
                name=TEXT,
                issuer=TEXT,
                audiences=several(TEXT),
                remoteJWKS=record(["uri"], uri={"type": "string", "pattern": "^https://"}),
            )
        ),
    ),
)
SERVICE_MONITOR = record(
    ["selector", "endpoints"],
    selector=SELECTOR,
    jobLabel=TEXT,
    endpoints=several(record(["port"], port=TEXT, path=TEXT, interval=DURATION)),
)
PROMETHEUS_RULE = record(
    ["groups"],
    groups=several(
        record(
            ["name", "rules"],
            name=TEXT,
            interval=DURATION,
            labels=LABELS,
            rules=several(
                {
                    **record(
                        ["expr"],
                        alert=TEXT,
                        record=TEXT,
                        expr={"type": ["string", "integer"]},
                        keep_firing_for=DURATION,
                        labels=LABELS,
                        annotations=LABELS,
                        **{"for": DURATION},
                    ),
                    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
                }
            ),
        )
    ),
)
CLUSTER = record(
    ["instances", "storage"],
    instances={"type": "integer", "minimum": 1},
    imageName=TEXT,
    postgresql=record(
        synchronous=record(
            ["method", "number"],
            method=one_of("any", "first"),
            number=COUNT,
            dataDurability=one_of("required", "preferred"),
        ),
        # Texts all: a bare number is refused by the operator's schema.
        parameters=table({"type": "string"}),
    ),
    bootstrap=record(
        initdb=record(
            ["database", "owner"], database=TEXT, owner=TEXT, encoding=TEXT, localeCollate=TEXT, localeCType=TEXT
        )
    ),
    storage=record(["size"], size=QUANTITY, storageClass=TEXT),
    walStorage=record(["size"], size=QUANTITY, storageClass=TEXT),
    resources=RESOURCES,
    affinity=record(enablePodAntiAffinity=YES, podAntiAffinityType=one_of("required", "preferred"), topologyKey=TEXT),
    primaryUpdateStrategy=one_of("unsupervised", "supervised"),
    primaryUpdateMethod=one_of("switchover", "restart"),
)
CERTIFICATE = record(
    ["secretName", "issuerRef"],
    secretName=TEXT,
    duration=DURATION,
    renewBefore=DURATION,
    isCA=YES,
    commonName=TEXT,
    privateKey=record(
        algorithm=one_of("RSA", "ECDSA", "Ed25519"), size=COUNT, rotationPolicy=one_of("Always", "Never")
    ),
    usages=several(one_of("server auth", "client auth", "digital signature", "key encipherment")),
    dnsNames=several(TEXT),
    issuerRef=record(["name"], name=TEXT, kind=one_of("Issuer", "ClusterIssuer")),
)

SPECS = {
    ("gateway.networking.k8s.io/v1", "Gateway"): GATEWAY,
    ("gateway.networking.k8s.io/v1", "GRPCRoute"): GRPC_ROUTE,
    ("gateway.networking.k8s.io/v1", "TLSRoute"): TLS_ROUTE,
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"): BACKEND_TLS,
    ("gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy"): BACKEND_TRAFFIC,
    ("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy"): SECURITY,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): SERVICE_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PROMETHEUS_RULE,
    ("postgresql.cnpg.io/v1", "Cluster"): CLUSTER,
    ("cert-manager.io/v1", "Certificate"): CERTIFICATE,
}


@functools.cache
def validator(api_version, kind):
    """The validator of a custom resource, or None."""
    spec = SPECS.get((api_version, kind))
    if spec is None:
        return None
    metadata = record(["name"], name=TEXT, namespace=TEXT, labels=LABELS, annotations=LABELS)
    document = record(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion=TEXT, kind=TEXT, metadata=metadata, spec=spec
    )
    return jsonschema.Draft202012Validator(document)
