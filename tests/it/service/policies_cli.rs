//! `wardwatch policy` against the real service.

use std::process::{Command, Output, Stdio};

use super::policies::four_wards;
use crate::support::hospital::clock;
use crate::support::service::{Place, Service};

fn wardwatch(service: &Service, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.arg("policy").args(arguments).arg("--server").arg(format!("http://{}", service.running.address));
    command.stdin(Stdio::null()).output().unwrap()
}

/// What it printed; it must have ended well.
fn said(service: &Service, arguments: &[&str]) -> String {
    let output = wardwatch(service, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// How it ended other than well: exit code and stderr.
fn failed(service: &Service, arguments: &[&str]) -> (Option<i32>, String) {
    let output = wardwatch(service, arguments);
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_shown_tried_set_and_taken_back_from_the_command_line() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    four_wards(&service).await;
    let nothing = said(&service, &["show", "RJ1"]);
    assert_eq!(nothing, "# organisations/RJ1/policy: nothing is set; everything is inherited from policies/default\n");
    let tried =
        said(&service, &["set", "RJ1", "limits.ADULT_INPATIENT=9.5", "clear_after_minutes=20", "--validate-only"]);
    let expected = "would raise 0, change 1 and resolve 1 alerts, judging 5 subjects; nothing was written\n";
    assert!(tried.starts_with("organisations/RJ1/policy@1, in force from ") && tried.ends_with(expected), "{tried}");
    assert!(said(&service, &["set", "RJ1", "limits.ADULT_INPATIENT=9.5"]).starts_with("organisations/RJ1/policy@1, "));
    said(&service, &["set", "RJ1", "clear_after_minutes=20", "rules.capacity.over=on"]);
    let shown = said(&service, &["show", "RJ1"]);
    let lines: Vec<_> = shown.lines().skip(1).collect();
    let expected = [
        "clear_after_minutes = 20 # default: 30",
        "[[limits]]",
        "kind = \"WARD_KIND_ADULT_INPATIENT\"",
        "limit_patients_per_rn = 9.5",
        "[rules]",
        "\"capacity.over\" = true",
    ];
    assert_eq!(lines, expected, "one change adds to the one before");

    // What is shown is a file that can be given back.
    let effective = said(&service, &["show", "RJ1", "--effective"]);
    assert!(effective.contains("NICE SG1") && effective.contains("\nreopen_within_minutes = 120\n"), "{effective}");
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.toml");
    std::fs::write(&file, &effective).unwrap();
    said(&service, &["set", "RJ1", "--file", file.to_str().unwrap()]);
    let body = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(body(&said(&service, &["show", "RJ1", "--effective"])), body(&effective));
    let versions = said(&service, &["show", "RJ1", "--versions"]);
    assert_eq!(versions.lines().count(), 3, "{versions}");
    assert!(versions.lines().last().unwrap().ends_with(", sets limits"), "{versions}");

    let (code, why) = failed(&service, &["set", "RJ1", "clear_after_minutes=2000"]);
    assert_eq!(
        (code, why.contains("policy.clear_after_minutes: 2000 is not between 1 and 1440")),
        (Some(2), true),
        "{why}"
    );
    let (code, why) = failed(&service, &["set", "RJ1", "severe_percent=200", "--etag", "organisations/RJ1/policy@1"]);
    assert_eq!((code, why.contains("ETAG_MISMATCH")), (Some(1), true), "{why}");
    for bad in [
        vec!["set", "RJ1"],
        vec!["set", "RJ1", "clear=1"],
        vec!["set", "RJ1", "severe_percent=200", "--effective-time", "soon"],
    ] {
        assert_eq!(failed(&service, &bad).0, Some(64), "{bad:?}");
    }
    assert_eq!(failed(&service, &["show", "RXX1"]).0, Some(1));
    service.stop().await;
}
