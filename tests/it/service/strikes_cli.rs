//! `wardwatch strikes` against the real service.

use std::process::{Command, Output, Stdio};

use crate::support::hospital::{adult, clock, ward};
use crate::support::service::{Place, Service};

fn strikes(service: &Service, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.arg("strikes").args(arguments).arg("--server").arg(format!("http://{}", service.running.address));
    command.stdin(Stdio::null()).output().unwrap()
}

/// What it printed; it must have ended well.
fn said(service: &Service, arguments: &[&str]) -> String {
    let output = strikes(service, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// How it ended other than well: exit code and stderr.
fn refused(service: &Service, arguments: &[&str]) -> (Option<i32>, String) {
    let output = strikes(service, arguments);
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const APRIL: [&str; 15] = [
    "create",
    "--union",
    "BMA",
    "--staff-group",
    "RESIDENT_DOCTORS",
    "--mode",
    "full-withdrawal",
    "--elective",
    "EMERGENCY_ONLY",
    "--organisation",
    "RJ1",
    "--window",
    "2016-04-26T08:00..2016-04-26T17:00",
    "--window",
    "2016-04-27T08:00..2016-04-27T17:00",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strike_is_announced_shown_changed_and_called_off_from_the_command_line() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_wards(vec![adult(&ward(1)), adult(&ward(2))]).await;
    let checked = said(&service, &[&APRIL[..], &["--validate-only"]].concat());
    assert!(checked.starts_with("checked only, nothing was changed\nstrikes/bma-2016-04-26  version 1  "), "{checked}");
    assert_eq!(said(&service, &["list"]), "");
    let created = said(&service, &APRIL);
    let lines: Vec<_> = created.lines().collect();
    assert_eq!(lines[1], "terms      BMA RESIDENT_DOCTORS, FULL_WITHDRAWAL, planned work EMERGENCY_ONLY");
    assert!(lines[2].starts_with("scope      RJ1: 1 organisation, ") && lines[2].ends_with(", 2 wards"), "{created}");
    let first =
        "window 1   2016-04-26T08:00 to 2016-04-26T17:00 Europe/London = 2016-04-26T07:00Z to 2016-04-26T16:00Z";
    assert_eq!((lines[3], lines[4]), (first, "  strikes  DAY 2016-04-26T07:00Z to 2016-04-26T16:00Z"));
    let (code, why) = refused(&service, &APRIL);
    assert_eq!(code, Some(1), "{why}");
    assert!(why.contains("strikes/bma-2016-04-26 exists"), "{why}");

    // What is shown as JSON can be changed and sent back.
    let shown = said(&service, &["show", "bma-2016-04-26", "--output", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let mut strike = shown["strike"].clone();
    strike["windows"][1]["endLocal"] = "2016-04-27T12:00".into();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strike.json");
    std::fs::write(&file, strike.to_string()).unwrap();
    let update = ["update", "--file", file.to_str().unwrap(), "--reason", "court-order"];
    let updated = said(&service, &update);
    assert!(updated.starts_with("strikes/bma-2016-04-26  version 2  "), "{updated}");
    let (code, why) = refused(&service, &update);
    assert_eq!(code, Some(1), "the etag in the file is an old one: {why}");
    assert!(why.contains("(ETAG_MISMATCH)"), "{why}");

    let off = said(&service, &["call-off", "strikes/bma-2016-04-26", "--reason", "SUSPENDED", "--window", "2"]);
    assert!(off.contains("CALLED OFF: SUSPENDED") && off.contains("version 3"), "{off}");
    let listed = said(&service, &["list"]);
    assert!(listed.starts_with("strikes/bma-2016-04-26 ") && listed.ends_with("2 windows, 1 called off\n"), "{listed}");
    assert_eq!(said(&service, &["list", "--organisation", "RJ1"]), listed);
    let old = said(&service, &["show", "bma-2016-04-26", "--version", "1"]);
    assert!(old.contains("version 1") && !old.contains("CALLED OFF"), "{old}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_ends_with_2_and_bad_usage_with_64() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_wards(vec![adult(&ward(1))]).await;
    let mut bad = APRIL;
    bad[12] = "2016-03-27T01:30..2016-03-27T17:00";
    let (code, why) = refused(&service, &bad);
    assert_eq!(code, Some(2), "{why}");
    assert!(
        why.starts_with("strike.windows[0].start_local: 2016-03-27T01:30 does not exist in Europe/London"),
        "{why}"
    );
    for arguments in [
        vec!["create", "--union", "BMA"],
        vec!["call-off", "bma", "--reason", "RAIN"],
        vec!["derogation", "bma", "--cover-group", "GENMED", "--tier", "1", "--state", "GRANTED"],
        vec!["list", "--output", "csv"],
        vec!["cover"],
    ] {
        let (code, why) = refused(&service, &arguments);
        assert_eq!(code, Some(64), "{arguments:?}: {why}");
    }
    let (code, why) = refused(&service, &["show", "bma-2016-04-26"]);
    assert_eq!(code, Some(1), "{why}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strike.json");
    std::fs::write(&file, r#"{"union":"BMA","weather":"rain"}"#).unwrap();
    let (code, why) = refused(&service, &["create", "--file", file.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{why}");
    assert!(why.contains("strike.json: unrecognized field name 'weather'"), "{why}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readiness_return_is_for_people_and_for_a_spreadsheet() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_wards(vec![adult(&ward(1))]).await;
    said(&service, &APRIL);
    let derogation = ["derogation", "bma-2016-04-26", "--cover-group", "RJ1/ALL", "--tier", "3", "--number", "1"];
    let effective = ["--state", "GRANTED", "--effective", "2016-04-26T06:00:00Z"];
    let recorded = said(&service, &[&derogation[..], &effective].concat());
    let line = "derogation organisations/RJ1/coverGroups/ALL tier 3: 1 GRANTED from 2016-04-26T06:00Z";
    assert!(recorded.lines().any(|l| l == line), "{recorded}");

    let text = said(&service, &["cover", "bma-2016-04-26", "--window", "1"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "strikes/bma-2016-04-26  PLAN as of 2016-04-26T08:00Z: 1 cover group");
    assert!(lines[1].starts_with("0 with a gap (0 doctors missing), 1 not reported, 0 covered"), "{text}");
    assert_eq!(lines[2], line, "once, above all rows");
    assert_eq!(lines[3], "window 1 DAY 2016-04-26T07:00Z to 2016-04-26T16:00Z");
    assert_eq!(lines[4], "  RJ1/ALL          tier 1 -/-  tier 2 -/-  tier 3 -/1 NOT REPORTED  no figures");

    let csv = said(&service, &["cover", "bma-2016-04-26", "--basis", "actual", "--output", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(ToOwned::to_owned).collect();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6, "two windows of three tiers");
    let cell = |row: usize, name: &str| rows[row][header.iter().position(|h| h == name).unwrap()].to_owned();
    assert_eq!((cell(2, "tier"), cell(2, "minimum"), cell(2, "doctors")), ("3".into(), "1".into(), String::new()));
    assert_eq!(
        (cell(2, "basis"), cell(2, "state"), cell(2, "granted")),
        ("ACTUAL".into(), "NOT_REPORTED".into(), "1".into())
    );
    assert_eq!(cell(2, "derogations"), "GRANTED 1 from 2016-04-26T06:00Z");

    let json = said(&service, &["cover", "bma-2016-04-26", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["rows"].as_array().unwrap().len(), &json["counts"]["notReportedCount"]), (2, &2.into()));
    service.stop().await;
}
