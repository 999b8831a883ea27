//! `wardwatch alerts` against the real service: to act, to look back, to audit.

use std::process::{Command, Output, Stdio};

use wardwatch::domain::Clock as _;

use crate::support::hospital::{clock, figures, morning, pass, ward};
use crate::support::service::{Place, Service};

fn alerts(service: &Service, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.arg("alerts").args(arguments).arg("--server").arg(format!("http://{}", service.running.address));
    command.stdin(Stdio::null()).output().unwrap()
}

/// What it printed; it must have ended well.
fn said(service: &Service, arguments: &[&str]) -> String {
    let output = alerts(service, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// How it ended other than well: exit code and stderr.
fn refused(service: &Service, arguments: &[&str]) -> (Option<i32>, String) {
    let output = alerts(service, arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_taken_on_given_back_and_closed_from_the_command_line() {
    let place = Place::sqlite();
    let clock = clock();
    let service = place.serve_by(&clock).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), morning(), 36, 3)).await;
    let name = service.alert("ratio.over_limit").await.name;
    let id = &name["alerts/".len()..][..8];
    let acked = said(&service, &["ack", id, "--role", "site-manager", "--action", "redeploying", "--for", "90m"]);
    let line = "acknowledged 2016-04-26T08:00:00Z by site manager: redeploying, until 2016-04-26T09:30:00Z through CLI";
    assert!(acked.lines().any(|l| l == line), "{acked}");
    let shown = said(&service, &["show", id]);
    assert!(shown.contains(line) && shown.contains("[by site manager: redeploying, until 2016-04-26T09:30:00Z]"));
    let role = ["--role", "MATRON"];
    let stale = [&["close", id, "--reason", "put-right"][..], &role].concat();
    let (code, why) = refused(&service, &stale);
    assert!(code == Some(1) && why.contains("STILL_BREACHING"), "{why}");
    let (code, why) = refused(&service, &[&["ack", id, "--action", "diverting", "--etag", "x"][..], &role].concat());
    assert!(code == Some(1) && why.contains("ETAG_MISMATCH"), "{why}");
    let late = [&["ack", id, "--action", "diverting", "--until", "2016-04-28T08:00:00Z"][..], &role].concat();
    let (code, why) = refused(&service, &late);
    assert!(code == Some(2) && why.contains("expire_time: ") && why.contains("2016-04-27T08:00:00Z"), "{why}");
    assert_eq!(refused(&service, &["ack", id, "--role", "porter", "--action", "diverting"]).0, Some(64));
    said(&service, &[&["unack", id][..], &role].concat());
    pass(&clock, 20);
    service.settled().await;
    let shown = said(&service, &["show", id]);
    assert!(shown.contains("escalated    2016-04-26T08:20:00Z to site manager"), "{shown}");
    service.report(figures(&ward(1), clock.now(), 21, 3)).await;
    let closed = said(&service, &stale);
    assert!(closed.contains("RESOLVED") && closed.contains("CLOSED_BY_RESPONDER"), "{closed}");

    assert_eq!(said(&service, &["list"]), "");
    assert!(said(&service, &["list", "--as-of", "2016-04-26T08:10:00Z"]).contains(id));
    let audit = said(&service, &["audit", "RJ1"]);
    assert!(audit.contains("RESPONDER CloseAlert matron through CLI put right"), "{audit}");
    assert!(audit.contains("RESPONDER AcknowledgeAlert site manager through CLI redeploying"), "{audit}");
    assert!(!said(&service, &["audit", "--until", "2016-04-26T08:20:00Z"]).contains("CloseAlert"));
    service.stop().await;
}
