//! What the service logs is in docs/logs.md, message by message and field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock as _;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::{self, SubscribeRequest};

use crate::support::hospital::{adult, figures, ward};
use crate::support::process::Process;
use crate::support::service::{Place, within};

/// Fields that any line may have.
const EVERYWHERE: [&str; 5] = ["timestamp", "level", "target", "message", "span"];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The table of docs/logs.md: message, and its fields.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root("docs/logs.md")).unwrap();
    let rows = text.lines().filter(|l| l.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let fields = cells[2].split(',').map(|f| f.trim().trim_matches('`').to_owned()).filter(|f| !f.is_empty());
        assert!(["ERROR", "WARN", "INFO"].contains(&cells[1]), "{row}");
        (cells[0].trim_matches('`').to_owned(), fields.collect())
    })
    .collect()
}

/// Whether a message, in which a documented one has `{}` for what varies, is that one.
fn is(message: &str, documented: &str) -> bool {
    let mut rest = message;
    let parts: Vec<&str> = documented.split("{}").collect();
    let first = rest.strip_prefix(parts[0]);
    let Some(after) = first else { return false };
    rest = after;
    for part in &parts[1..] {
        match rest.find(part) {
            Some(at) if !part.is_empty() => rest = &rest[at + part.len()..],
            Some(_) => rest = "",
            None => return false,
        }
    }
    rest.is_empty()
}

#[test]
fn a_message_is_told_from_others() {
    assert!(is("listening", "listening") && !is("listening on", "listening") && !is("x", "listening"));
    assert!(is("the API is open on 1: no TLS", "the API is open on {}: no TLS"));
    assert!(is("gone: going down", "{}: going down") && is("a task {x}", "a task {}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_real_run_is_documented_with_its_fields_and_holds_no_figures_of_a_ward() {
    let place = Place::sqlite();
    let process = Process::serve(&place.url(), &["--listen", "0.0.0.0:0", "--insecure"]);
    let port = process.address.rsplit(':').next().unwrap().to_owned();
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let wards = vec![adult(&ward(1))];
    let mut register = RegisterServiceClient::new(channel.clone());
    within(register.upsert_wards(pb::UpsertWardsRequest { wards, validate_only: false })).await.unwrap();
    let request = SubscribeRequest { subscriber: "BOARD".into(), ..Default::default() };
    let mut alerts = AlertServiceClient::new(channel.clone());
    let stream = within(alerts.subscribe(request)).await.unwrap();
    let reports = vec![figures(&ward(1), SystemClock::default().now(), 28, 0)];
    let id = reports[0].report_id.clone();
    let mut reporting = ReportingServiceClient::new(channel);
    within(reporting.submit_reports(pb::SubmitReportsRequest { reports, validate_only: false })).await.unwrap();
    drop(stream);
    drop((alerts, reporting, register));
    process.signal("TERM");
    let (_, log) = process.wait().await;
    let documented = documented();
    let mut seen = BTreeSet::new();
    for line in log.lines() {
        let entry: BTreeMap<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let message = entry["message"].as_str().unwrap();
        let fields = documented.iter().find(|(said, _)| is(message, said));
        let fields = fields.unwrap_or_else(|| panic!("docs/logs.md does not know: {line}")).1;
        let unknown = |f: &&String| !fields.contains(*f) && !EVERYWHERE.contains(&f.as_str());
        let unknown: Vec<_> = entry.keys().filter(unknown).collect();
        assert!(unknown.is_empty(), "docs/logs.md does not know {unknown:?} of: {line}");
        seen.insert(message.to_owned());
    }
    for expected in ["a subscriber joined", "a subscriber left", "draining"] {
        assert!(seen.contains(expected), "{expected}: {log}");
    }
    assert!(!log.contains(&id) && !log.contains("wards/A1") && !log.contains("RJ1"), "no report is in the log: {log}");
    assert!(!log.contains("SubmitReports"), "one line for each call is not the default: {log}");
}

/// Rooms that never log for the service, or on purpose only in tests of faults.
const OTHERS: [&str; 3] = ["client/", "cli/", "faults.rs"];

/// Rust files under a folder, but not its tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The messages of a text's log lines at info and above: the last literal of each macro, what varies as `{}`.
fn messages(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for level in ["info!(", "warn!(", "error!("] {
        for (at, _) in code.match_indices(level) {
            let call = code[at + level.len()..].split(");").next().unwrap_or_default();
            let call = call.split(")),").next().unwrap_or_default();
            let literals: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
            found.extend(literals.last().map(|literal| unnamed(literal)));
        }
    }
    found
}

/// `{why}: going down` as `{}: going down`.
fn unnamed(literal: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in literal.chars() {
        inside = (inside || c == '{') && c != '}';
        if !inside || c == '{' {
            out.push(c);
        }
    }
    out
}

#[test]
fn every_message_in_the_source_is_documented() {
    let documented = documented();
    let mut files = Vec::new();
    sources(&root("src"), &mut files);
    let mut all = Vec::new();
    for file in files {
        let name = file.strip_prefix(root("src")).unwrap().to_str().unwrap().to_owned();
        let other = OTHERS.iter().any(|o| name.starts_with(o)) && name != "cli/serve.rs";
        if !other && !name.contains("tests") {
            all.extend(messages(&fs::read_to_string(file).unwrap()).into_iter().map(|m| (name.clone(), m)));
        }
    }
    assert!(all.len() > 25, "{all:?}");
    let unknown: Vec<_> = all.iter().filter(|(_, m)| !documented.contains_key(m)).collect();
    assert!(unknown.is_empty(), "docs/logs.md does not know {unknown:#?}");
    let gone: Vec<_> = documented.keys().filter(|said| !all.iter().any(|(_, m)| m == *said)).collect();
    assert!(gone.is_empty(), "docs/logs.md knows what nobody says: {gone:?}");
}
