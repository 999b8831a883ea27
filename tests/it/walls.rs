//! The walls between the rooms (ARCHITECTURE.md): this reads `src` and says who reaches through one.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may use which rooms. A room may use itself; `main` starts `cli`, and `lib` is the map.
const ROOMS: [(&str, &[&str]); 25] = [
    ("domain", &[]),
    ("rules", &["domain"]),
    ("wire", &["domain"]),
    ("access", &["domain", "clock"]),
    ("faults", &[]),
    ("store", &["domain", "faults"]),
    ("clock", &["domain"]),
    ("metrics", &["domain"]),
    ("register", &["domain", "rules", "wire", "store", "clock", "access"]),
    ("intake", &["domain", "rules", "wire", "store", "register", "clock", "metrics", "faults"]),
    ("feed", &["domain", "wire", "access", "store", "clock", "faults"]),
    ("situation", &["domain", "rules", "wire", "store"]),
    (
        "grpc",
        &[
            "domain",
            "rules",
            "wire",
            "access",
            "store",
            "clock",
            "register",
            "intake",
            "feed",
            "situation",
            "lifecycle",
            "metrics",
            "telemetry",
        ],
    ),
    ("lifecycle", &[]),
    (
        "gauges",
        &["domain", "wire", "access", "store", "clock", "register", "feed", "situation", "lifecycle", "metrics"],
    ),
    ("admin", &["lifecycle", "metrics", "gauges"]),
    ("retention", &["domain", "store", "clock"]),
    ("backup", &["domain", "store", "clock"]),
    ("config", &[]),
    ("telemetry", &["config", "store"]),
    (
        "server",
        &[
            "domain",
            "store",
            "clock",
            "register",
            "intake",
            "feed",
            "grpc",
            "lifecycle",
            "access",
            "metrics",
            "gauges",
            "admin",
            "retention",
            "backup",
            "config",
        ],
    ),
    ("client", &["wire"]),
    // Beside the three of the design: nouns and a clock to speak with, a log to set up, the calls of migrate, backup and
    // restore, and how copies are named.
    (
        "cli",
        &[
            "bridge",
            "client",
            "config",
            "server",
            "domain",
            "clock",
            "telemetry",
            "store",
            "backup",
            "faults",
            "access",
        ],
    ),
    ("bridge", &["domain", "client"]),
    ("main", &["cli"]),
];

/// Crates that only some rooms may name.
const CRATES: [(&str, &[&str]); 24] = [
    ("sqlx", &["store"]),
    ("prost", &["wire", "client"]),
    ("prost_types", &["wire", "client", "grpc"]),
    ("prost_reflect", &["client"]),
    ("tonic", &["grpc", "client"]),
    ("tonic_prost", &["grpc"]),
    ("tonic_types", &["grpc", "client"]),
    ("tonic_health", &["grpc", "client"]),
    ("tonic_reflection", &["grpc"]),
    ("hyper", &["grpc"]),
    ("rustls", &["grpc", "client"]),
    ("tokio_rustls", &["grpc", "client"]),
    ("x509_parser", &["grpc", "client"]),
    ("axum", &["admin"]),
    ("jsonwebtoken", &["access"]),
    ("reqwest", &["access", "bridge", "cli"]),
    ("governor", &["grpc"]),
    ("subtle", &["access"]),
    ("clap", &["cli"]),
    ("prometheus_client", &["metrics"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
];

/// Crates that never stand in the nouns and the judgement: no I/O, no async, no bytes.
const NEVER_IN_DOMAIN_OR_RULES: [&str; 8] =
    ["tokio", "tokio_util", "futures_util", "async_trait", "serde", "serde_json", "bytes", "tracing"];

/// Most lines of a file.
const LINES: usize = 400;
/// Most macros of our own, all in tests.
const MACROS: usize = 2;

/// What is wrong with one file of `src`, by its path under it. A room's own tests may look over its walls.
fn breaches(path: &str, text: &str) -> Vec<String> {
    let room = room(path);
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("src/{path}: {room} is no room of the design: say in this test what it may use")];
    };
    let mut found = Vec::new();
    if path.contains("/tests/") || path.ends_with("/tests.rs") {
        return found;
    }
    for (n, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let mut say = |what: String| found.push(format!("src/{path}:{}: {what}", n + 1));
        for used in rooms_named(path, code).filter(|used| *used != room && !allowed.contains(used)) {
            say(format!("{room} must not use {used}"));
        }
        for (name, by) in CRATES.iter().filter(|(name, by)| names(code, name) && !by.contains(&room)) {
            say(format!("{room} must not name {name}: only {} may", by.join(" and ")));
        }
        if matches!(room, "domain" | "rules") {
            for name in NEVER_IN_DOMAIN_OR_RULES.iter().filter(|name| names(code, name)) {
                say(format!("{room} must not name {name}"));
            }
        }
        if code.contains("macro_rules!") {
            say("no macros of our own outside tests".to_owned());
        }
        if code.contains("crate::{") {
            say("name one room a line, so that the walls can be read".to_owned());
        }
    }
    found
}

/// The room of a file: its folder, or its own name.
fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

/// Rooms that a line names: from the root, or by climbing to it.
fn rooms_named<'a>(path: &str, code: &'a str) -> impl Iterator<Item = &'a str> {
    let depth = path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    let climb = "super::".repeat(depth);
    let climbed: Vec<&str> = code.split(&climb).skip(1).filter(|rest| !rest.starts_with("super::")).collect();
    let from_root = code.split("crate::").skip(1).chain(climbed).map(word);
    from_root.filter(|name| ROOMS.iter().any(|(room, _)| room == name))
}

/// The word that a text begins with.
fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Whether a line names something of a crate.
fn names(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
    code.match_indices(&path).any(|(at, _)| begins(at))
}

/// Rust files under a folder, with their paths under it.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

#[test]
fn nobody_reaches_through_a_wall() {
    let files = files(&root("src"));
    assert!(files.len() > 100, "there is something to read");
    let found: Vec<_> =
        files.iter().filter(|(path, _)| path != "lib.rs").flat_map(|(path, text)| breaches(path, text)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Crates that a fuzzer must not carry: they open, connect and encrypt.
const NEVER_FUZZED: [&str; 12] = [
    "sqlx",
    "sqlx-core",
    "libsqlite3-sys",
    "tonic",
    "tonic-prost",
    "tokio",
    "hyper",
    "h2",
    "axum",
    "rustls",
    "aws-lc-rs",
    "openssl",
];

#[test]
fn the_fuzzer_carries_neither_a_database_nor_tls() {
    let lock = fs::read_to_string(root("fuzz/Cargo.lock")).unwrap();
    let packages: Vec<&str> = lock.lines().filter_map(|l| l.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(packages.contains(&"prost"), "there is something to read");
    let found: Vec<_> = packages.iter().filter(|name| NEVER_FUZZED.contains(name)).collect();
    assert!(found.is_empty(), "fuzz/Cargo.lock has {found:?}");
}

#[test]
fn no_file_is_longer_than_it_can_be_read() {
    for folder in ["src", "tests"] {
        for (path, text) in files(&root(folder)) {
            let lines = text.lines().count();
            assert!(
                lines <= LINES,
                "{folder}/{path} has {lines} lines, at most {LINES}: give a part of it its own file"
            );
        }
    }
}

#[test]
fn there_are_two_macros_of_our_own_at_most_and_both_are_in_tests() {
    let defined = |text: &str| text.lines().filter(|l| l.trim_start().starts_with("macro_rules!")).count();
    let count: usize = files(&root("tests")).iter().map(|(_, text)| defined(text)).sum();
    assert!(count <= MACROS, "{count} macros in tests: a function does nearly everything");
}

#[test]
fn the_checker_sees_what_it_should() {
    for (path, line, expected) in [
        ("rules/ratio.rs", "use crate::store::Store;", "rules must not use store"),
        ("rules/ratio.rs", "fn f(t: tokio::time::Instant) {}", "rules must not name tokio"),
        ("rules/ratio.rs", "#[derive(serde::Serialize)]", "rules must not name serde"),
        ("domain/ward.rs", "use crate::rules::judge;", "domain must not use rules"),
        ("domain/ward.rs", "use super::super::rules::judge;", "domain must not use rules"),
        ("clock.rs", "use super::store::Store;", "clock must not use store"),
        ("grpc/health.rs", "let row = sqlx::query(\"SELECT 1\");", "grpc must not name sqlx: only store may"),
        ("intake/mod.rs", "use tonic::Status;", "intake must not name tonic: only grpc and client may"),
        ("feed/mod.rs", "use prost::Message as _;", "feed must not name prost: only wire and client may"),
        ("feed/mod.rs", "    crate::grpc::status::Problem::from(x)", "feed must not use grpc"),
        ("cli/watch.rs", "use crate::intake::Intake;", "cli must not use intake"),
        ("store/mod.rs", "macro_rules! rows {", "no macros of our own outside tests"),
        ("intake/mod.rs", "use crate::{grpc, store};", "name one room a line, so that the walls can be read"),
        ("attic/mod.rs", "", "attic is no room of the design: say in this test what it may use"),
    ] {
        let found = breaches(path, line);
        assert!(found.len() == 1 && found[0].ends_with(expected), "{path}: {line}: {found:?}");
    }
    for (path, line) in [
        ("rules/ratio.rs", "use crate::domain::Time; // not crate::store::Store"),
        ("rules/overdue.rs", "    use super::ratio;"),
        ("rules/tests/courses.rs", "use crate::wire;"),
        ("store/sqlite/mod.rs", "use sqlx::Connection;"),
        ("store/sqlite/mod.rs", "use super::super::store::Store;"),
        ("grpc/health.rs", "use tonic_health::ServingStatus;"),
        ("wire/state.rs", "let subtonic::x = crate::wire::y;"),
        ("main.rs", "wardwatch::cli::main()"),
    ] {
        assert_eq!(breaches(path, line), Vec::<String>::new());
    }
}
