use std::process::Stdio;

use tonic::Code;
use wardwatch::wire::pb;

use super::rig::{Guarded, Permissions};
use crate::support::hospital::reason;
use crate::support::process::{Process, refused, said, wardwatch};
use crate::support::service::{Place, eventually, within};

async fn info(guarded: &Guarded, token: &str) -> Result<Option<pb::Caller>, tonic::Status> {
    let answer = within(guarded.by(token).await.info().get_server_info(pb::GetServerInfoRequest {})).await?;
    Ok(answer.into_inner().caller)
}

#[tokio::test]
async fn a_caller_is_told_who_it_is_and_what_it_may_do() {
    let mut permissions = Permissions::new();
    let more = "responder_roles = [\"matron\", \"site_manager\"]";
    let token = permissions.token_with("wall", "subscriber responder", "RJ1 RYJ", "2999-01-01T00:00:00Z", more);
    let guarded = Guarded::start(permissions).await;
    let caller = info(&guarded, &token).await.unwrap().unwrap();
    assert_eq!(caller.identity, "wall");
    assert_eq!(caller.roles, ["subscriber", "responder"]);
    assert_eq!(caller.organisations, ["organisations/RJ1", "organisations/RYJ"]);
    let claims = [pb::ResponderRole::Matron, pb::ResponderRole::SiteManager].map(i32::from);
    assert_eq!(caller.responder_roles, claims);
    assert_eq!(caller.expire_time.unwrap().seconds, 32_472_144_000);
    assert_eq!(info(&guarded, &guarded.root).await.unwrap().unwrap().organisations, ["*"]);
}

#[tokio::test]
async fn a_token_past_its_end_is_refused_as_expired() {
    let mut permissions = Permissions::new();
    let old = permissions.token_with("old", "subscriber", "RJ1", "2026-01-01T00:00:00Z", "");
    let guarded = Guarded::start(permissions).await;
    let refused = info(&guarded, &old).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
}

#[tokio::test]
async fn permissions_change_without_a_restart() {
    let mut permissions = Permissions::new();
    let wall = permissions.token("wall", "subscriber", "RJ1");
    let mut guarded = Guarded::start(permissions).await;
    assert!(info(&guarded, &wall).await.is_ok());
    guarded.permissions.remove("root");
    let newer = guarded.permissions.token("newer", "subscriber", "RJ1");
    guarded.permissions.write();
    eventually("the new token works", async || info(&guarded, &newer).await.is_ok()).await;
    let gone = info(&guarded, &guarded.root).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (Code::Unauthenticated, "CREDENTIALS_INVALID"));
    assert!(info(&guarded, &wall).await.is_ok());
}

#[test]
fn a_token_is_made_and_printed_once_and_its_entry_is_right() {
    let output =
        wardwatch(&["token", "new", "--expires", "2027-01-31T00:00:00Z", "--output", "json"]).output().unwrap();
    let (code, stdout, _) = said(&output);
    assert_eq!(code, Some(0));
    let made: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let (token, entry) = (made["token"].as_str().unwrap(), made["entry"].as_str().unwrap());
    assert!(token.starts_with("ww_") && !entry.contains(token.rsplit('_').next().unwrap()), "{entry}");
    let mut permissions = Permissions::new();
    permissions.add("made", entry, "auditor", "RJ1", "");
    permissions.write();
    let path = permissions.path().display().to_string();
    let (code, stdout, _) = said(&wardwatch(&["permissions", "check", &path]).output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(0), "1 identities\n"));
}

#[tokio::test]
async fn the_doctor_says_who_one_is_and_a_command_without_its_token_is_told_what_to_show() {
    let mut permissions = Permissions::new();
    let wall = permissions.token("wall", "subscriber", "RJ1");
    let guarded = Guarded::start(permissions).await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("token").display().to_string();
    std::fs::write(&file, format!("{wall}\n")).unwrap();
    let url = format!("http://{}", guarded.service.running.address);
    let run = async |arguments: &[&str]| {
        let mut command = wardwatch(arguments);
        command.args(["--server", &url]);
        said(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
    };
    let (code, stdout, _) = run(&["doctor", "--quick", "--token-file", &file]).await;
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("ok    identity    wall: subscriber of organisations/RJ1"), "{stdout}");
    let (code, _, stderr) = run(&["alerts", "list"]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("show who you are") && stderr.contains("CREDENTIALS_MISSING"), "{stderr}");
    let (code, _, stderr) = run(&["wards", "import", "/dev/null", "--token-file", &file]).await;
    assert_ne!(code, Some(0), "a subscriber registers nothing: {stderr}");
}

#[test]
fn a_permissions_file_with_a_mistake_is_a_bad_configuration() {
    let mut permissions = Permissions::new();
    permissions.add("x", "subjects = [\"x\"]", "boss", "RJ1", "");
    permissions.write();
    let path = permissions.path().display().to_string();
    let (code, _, stderr) = said(&wardwatch(&["permissions", "check", &path]).output().unwrap());
    assert_eq!(code, Some(78));
    assert!(stderr.contains("identity \"x\": roles: 'boss' is not a role: write some of reporter"), "{stderr}");
    let place = Place::sqlite();
    let (code, stderr) = refused(&["--database", &place.url(), "--set", &format!("access.permissions_file={path}")]);
    assert_eq!(code, Some(78));
    assert!(stderr.contains("access.permissions_file") && stderr.contains("'boss' is not a role"), "{stderr}");
    let (code, stderr) = refused(&["--database", &place.url(), "--set", "access.permissions_file=/nowhere/p.toml"]);
    assert_eq!(code, Some(78));
    assert!(stderr.contains("cannot read /nowhere/p.toml"), "{stderr}");
}

#[tokio::test]
async fn no_token_is_ever_in_the_log() {
    let mut permissions = Permissions::new();
    let wall = permissions.token("wall", "subscriber", "RJ1");
    let (place, path) = (Place::sqlite(), permissions.path().display().to_string());
    permissions.write();
    let mut command = wardwatch(&["serve", "--database", &place.url(), "--listen", "127.0.0.1:0"]);
    command.args(["--admin-listen", "127.0.0.1:0", "--set", &format!("access.permissions_file={path}")]);
    command.args(["--set", "log.level=trace"]).stdin(Stdio::null());
    let process = Process::launch(command);
    let channel = process.channel().await;
    let mut alerts = pb::alert_service_client::AlertServiceClient::new(channel);
    for token in [wall.clone(), "ww_0123456789ab_nothing".to_owned(), "a.b.c".to_owned()] {
        let mut request = tonic::Request::new(pb::ListAlertsRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let answer = within(alerts.list_alerts(request)).await;
        assert_eq!(answer.is_ok(), token == wall);
    }
    process.signal("TERM");
    let (_, log) = process.wait().await;
    assert!(!log.contains(wall.rsplit('_').next().unwrap()), "the secret is in the log");
    assert!(log.contains("\"reason\":\"malformed\""), "the refusal is in the log");
}
