//! `wardwatch cover-groups`, and doctors by `report` and `replay`, against the real service.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::hospital::clock;
use crate::support::process::said;
use crate::support::service::{Place, Service};

/// Exit code, stdout and stderr of a command against the service.
fn run(service: &Service, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.args(arguments).arg("--server").arg(format!("http://{}", service.running.address));
    said(&command.stdin(Stdio::null()).output().unwrap())
}

/// What a command printed; it must have ended well.
fn good(service: &Service, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = run(service, arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}: {stdout}");
    stdout
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cover_groups_are_imported_listed_and_shown_with_the_doctors_they_report() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(2).await;
    assert!(
        good(&service, &["cover-groups", "list"]).contains("every ward  no minima  ALL  not registered: stands for")
    );

    let folder = tempfile::tempdir().unwrap();
    let csv = file(
        folder.path(),
        "groups.csv",
        "organisation,cover_group,display_name,wards,tier1_minimum,night_tier1_minimum,tier3_on_call_counts\n\
         RJ1,GENMED,General medicine,A1 A2,4,2,yes\nRJ1,SURG,Surgery,A2,,,\n",
    );
    assert_eq!(good(&service, &["cover-groups", "import", &csv]), "2 created, 0 updated, 0 unchanged\n");
    let json = file(folder.path(), "groups.ndjson", "{\"name\":\n");
    let (code, _, stderr) = run(&service, &["cover-groups", "import", &json]);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with(&format!("{json}:1: not JSON: EOF")), "{stderr}");
    let shifts = r#"{"name":"organisations/RJ1/coverGroups/SURG","shifts":[{"name":"SHIFT_NAME_DAY","start":"08:00","end":"08:00"}]}"#;
    let json = file(folder.path(), "groups.ndjson", shifts);
    assert_eq!(good(&service, &["cover-groups", "import", &json]), "0 created, 1 updated, 0 unchanged\n");

    let grade = "consultant:at_work=3,acting_as_tier1=1,on_call=1";
    let time = "2016-04-26T08:00:00Z";
    let report = [
        "report",
        "--cover-group",
        "RJ1/GENMED",
        "--observed-time",
        time,
        "--grade",
        grade,
        "--grade",
        "core:at_work=2",
    ];
    let receipt = good(&service, &report);
    assert!(receipt.starts_with("ACCEPTED organisations/RJ1/coverGroups/GENMED/reports/"), "{receipt}");
    assert!(receipt.trim_end().ends_with(": cover group is OK, FRESH"), "{receipt}");
    let shown = good(&service, &["cover-groups", "show", "RJ1/GENMED"]);
    let lines: Vec<_> = shown.lines().collect();
    let group =
        "organisations/RJ1/coverGroups/GENMED      2 wards  minima tier 1: 4, tier 1: 2 (NIGHT)  General medicine";
    let tiers = ["tier 1 3 at work, minimum 4", "tier 2 not reported, no minimum", "tier 3 2 at work, no minimum"];
    assert_eq!(lines[..6], [&[group, "status OK, FRESH", "wards  A1 A2"][..], &tiers].concat());
    assert_eq!(lines[6], "block  MEDICAL_COVER            FRESH  2016-04-26T08:00:00Z from CLI");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_row_is_named_by_its_line_and_nothing_is_written() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(2).await;
    let folder = tempfile::tempdir().unwrap();
    let header = "organisation,cover_group,wards,tier1_minimum";
    let csv = file(folder.path(), "g.csv", &format!("{header}\nRJ1,GENMED,A1,4\nRJ1,SURG,A2 A9,\n"));
    let (code, stdout, stderr) = run(&service, &["cover-groups", "import", &csv]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let text = "organisations/RJ1/wards/A9 is not registered (nearest: organisations/RJ1/wards/A1): register it first";
    assert!(stderr.contains(&format!("{csv}:3: wards[1]: {text}")), "{stderr}");
    let shown = run(&service, &["cover-groups", "show", "RJ1/GENMED"]);
    assert_eq!(shown.0, Some(1), "{shown:?}");
    assert!(shown.2.contains("(nearest: organisations/RJ1/coverGroups/ALL)"), "{shown:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctors_and_their_plans_are_replayed_from_a_csv() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(1).await;
    let folder = tempfile::tempdir().unwrap();
    let id = |n| format!("018f2b6e-7c1a-7d3e-9b52-3f6c1d2e4a5{n}");
    let (all, at) = ("organisations/RJ1/coverGroups/ALL", "2016-04-26T07:50:00Z");
    let rows = format!(
        "cover_group,observed_time,source,report_id,revision,plan_start_time,plan_end_time,plan_withdrawn,\
         consultant_at_work,f1_at_work\n\
         {all},{at},ROTA,{},0,,,,2,0\n\
         {all},{at},ROTA,{},0,2016-04-27T07:00:00Z,2016-04-27T16:00:00Z,,1,\n\
         {all},{at},ROTA,{},0,2016-04-27T07:00:00Z,,,1,\n",
        id(1),
        id(2),
        id(3)
    );
    let csv = file(folder.path(), "cover.csv", &rows);
    let (code, stdout, stderr) = run(&service, &["replay", &csv]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stdout.contains(": 2 accepted, 0 superseded, 0 duplicate, 1 rejected (1 MISSING)"), "{stdout}");
    assert!(stderr.contains(&format!("{csv}:4: ")) && stderr.contains("plan_period.end_time: is required"), "{stderr}");
    let shown = good(&service, &["cover-groups", "show", "RJ1/ALL"]);
    assert!(shown.contains("tier 1 0 at work") && shown.contains("tier 3 2 at work"), "not the plan's: {shown}");
    service.stop().await;
}
