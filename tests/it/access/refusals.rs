//! Who was kept out is in the log, with what is known of them and no secret, and in the counts.

use serde_json::Value;
use tonic::Request;
use tonic::transport::Endpoint;
use wardwatch::access::NewToken;
use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock;
use wardwatch::wire::pb;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;

use super::rig::Permissions;
use crate::support::hospital::beds;
use crate::support::process::{Process, get, wardwatch};
use crate::support::service::within;

/// Reports a ward of RYJ with these tokens, one after the other; none shows nothing.
async fn report(address: &str, tokens: &[Option<&str>]) {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut client = ReportingServiceClient::new(channel);
    for token in tokens {
        let reports = vec![beds("organisations/RYJ/wards/B1", SystemClock::default().now(), 10)];
        let mut request = Request::new(pb::SubmitReportsRequest { reports, validate_only: false });
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        if let Ok(answer) = within(client.submit_reports(request)).await {
            assert_eq!(answer.into_inner().receipts[0].outcome(), pb::ReceiptOutcome::Rejected);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_refused_is_logged_once_with_reason_name_address_and_method_and_counted_each_time() {
    let mut permissions = Permissions::new();
    let old = permissions.token_with("old", "reporter", "*", "2020-01-01T00:00:00Z", "");
    let (wall, near) = (permissions.token("wall", "subscriber", "*"), permissions.token("near", "reporter", "RJ1"));
    permissions.write();
    let unknown = NewToken::make();
    let folder = tempfile::TempDir::new().unwrap();
    let database = format!("sqlite:{}", folder.path().join("wardwatch.db").display());
    let mut command = wardwatch(&["serve", "--database", &database, "--listen", "127.0.0.1:0"]);
    command.args(["--admin-listen", "127.0.0.1:0"]).env("WARDWATCH__ACCESS__PERMISSIONS_FILE", permissions.path());
    let process = Process::launch(command);
    let shown = [None, Some(old.as_str()), Some(&unknown.token), Some(&wall), Some(&near), Some("nonsense"), None];
    report(&process.address, &shown).await;
    let (_, metrics) = within(get(&process.admin, "/metrics")).await;
    process.signal("TERM");
    let (_, log) = process.wait().await;

    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let refused = lines.filter(|line| line["target"] == "wardwatch::access" && line["level"] == "WARN");
    let told: Vec<_> = refused
        .map(|line| {
            assert_eq!(line["from"], "127.0.0.1", "{line}");
            ["reason", "identity", "method"].map(|field| line[field].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ["missing", "", "SubmitReports"],
        ["expired", "old", "SubmitReports"],
        ["unknown_token", &unknown.id, "SubmitReports"],
        ["role", "wall", "SubmitReports"],
        ["organisation", "near", "report"],
        ["no_issuer", "", "SubmitReports"],
    ];
    assert_eq!(told, expected, "{log}");
    for secret in [&old, &unknown.token, &wall, &near] {
        assert!(!log.contains(&secret[20..]), "a secret is in the log");
    }
    for (reason, count) in [("missing", 2), ("expired", 1), ("unknown_token", 1), ("role", 1), ("organisation", 1)] {
        let sample = format!("wardwatch_access_refusals_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&sample), "{sample} is not in {metrics}");
    }
}
