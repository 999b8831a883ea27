//! `wardwatch situation` and `wardwatch activity`: against the real service, and against one that falls silent.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status};
use wardwatch::wire::pb::situation_service_server::{SituationService, SituationServiceServer};
use wardwatch::wire::pb::watch_situation_response::Response as Sent;
use wardwatch::wire::pb::{self};

use super::strikes::{april, create};
use crate::support::hospital::{clock, figures, morning, ward};
use crate::support::service::{Place, Service};

fn command(server: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.args(arguments).arg("--server").arg(server).stdin(Stdio::null());
    command
}

fn run(service: &Service, arguments: &[&str]) -> Output {
    command(&format!("http://{}", service.running.address), arguments).output().unwrap()
}

/// What it printed; it must have ended well.
fn said(service: &Service, arguments: &[&str]) -> String {
    let output = run(service, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_of_april_2016_are_imported_and_shown_on_one_screen() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(2).await;
    create(&service, april()).await;
    service.submit(vec![figures(&ward(1), morning(), 28, 3), figures(&ward(2), morning(), 16, 2)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("work.csv");
    let path = file.to_str().unwrap();
    let header = "organisation,day,category,planned,delivered,postponed";
    fs::write(&file, format!("{header}\r\nRJ1,2016-04-26,INPATIENT,,,4187\r\nRJ1,2016-04-26,DAY_CASE,,,8524\r\n"))
        .unwrap();
    assert_eq!(said(&service, &["activity", "import", path]), "2 accepted\n");
    let lines = folder.path().join("work.ndjson");
    let line = r#"{"organisation":"organisations/RJ1","day":"2016-04-27","category":"ACTIVITY_CATEGORY_OUTPATIENT","postponed":112856}"#;
    fs::write(&lines, line).unwrap();
    let imported = said(&service, &["activity", "import", lines.to_str().unwrap(), "--output", "json"]);
    assert_eq!(imported, "{\"accepted\":1}\n");
    fs::write(&file, format!("{header}\nRJ1,2016-04-26,INPATIENT,-1,,\nRXX,2016-04-26,INPATIENT,1,,\n")).unwrap();
    let refused = run(&service, &["activity", "import", path]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("work.csv:2: planned: -1 is negative"), "{stderr}");
    assert!(stderr.contains("work.csv:3: organisation: organisations/RXX is not registered"), "{stderr}");

    for name in ["situation", "sitrep"] {
        let text = said(&service, &[name, "--organisation", "RJ1"]);
        assert!(text.lines().count() <= 24 && text.lines().all(|l| l.chars().count() <= 100), "{text}");
        assert!(!text.contains('\u{1b}'), "no colour off a terminal");
        for expected in [
            "STRIKE     ON until 17:00 (8 h 00 min left): BMA resident doctors, full withdrawal, 1 employer",
            "TREND      how it was an hour ago is not known",
            "POSTPONED  4,187 inpatient + 8,524 day case = 12,711 operations, 112,856 outpatient appointments",
            "           125,567 together, 2016-04-12 to 2016-05-10",
            "NURSES     3 of 5 registered nurses counted are on wards above 8 (60 %)",
            "           5 of 5 are on wards at 8 or above (100 %)",
        ] {
            assert!(text.lines().any(|l| l == expected), "{expected} in\n{text}");
        }
    }
    let json = said(&service, &["situation", "--output", "json"]);
    let situation: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(situation["organisations"][0]["rnsAboveLimit"], 3);
    assert_eq!(situation["total"]["activity"]["total"]["postponed"], 125_567);
    let past = said(&service, &["situation", "--as-of", "2016-04-26T07:59:59Z"]);
    assert!(
        past.starts_with("SITUATION  as of Tue 26 Apr 08:59") && past.contains("WORST      no alert is open"),
        "{past}"
    );
    let unknown = run(&service, &["situation", "--organisation", "RJ2"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("organisations/RJ2 is not registered"));
    service.stop().await;
}

/// Opens with a heartbeat of 50 ms, shows one situation, and falls silent.
struct Silent;

#[tonic::async_trait]
impl SituationService for Silent {
    type WatchSituationStream = ReceiverStream<Result<pb::WatchSituationResponse, Status>>;

    async fn get_situation(
        &self,
        _: Request<pb::GetSituationRequest>,
    ) -> Result<Response<pb::GetSituationResponse>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn watch_situation(
        &self,
        _: Request<pb::WatchSituationRequest>,
    ) -> Result<Response<Self::WatchSituationStream>, Status> {
        let (out, stream) = tokio::sync::mpsc::channel(4);
        let heartbeat_interval = Some(Duration::from_millis(50).try_into().unwrap());
        let opened = pb::Opened { heartbeat_interval, ..Default::default() };
        let total = Some(pb::SituationBlock { ward_count: 7, ..Default::default() });
        let situation = pb::Situation { total, ..Default::default() };
        tokio::spawn(async move {
            for response in [Sent::Opened(opened), Sent::Situation(situation)] {
                let _ = out.send(Ok(pb::WatchSituationResponse { response: Some(response) })).await;
            }
            out.closed().await;
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_hears_nothing_for_three_heartbeats_is_not_live_and_is_again_when_it_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(SituationServiceServer::new(Silent));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let mut child =
        command(&url, &["situation", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // It connects anew after three silent heartbeats, and is shown the situation again.
    for expected in ["SITUATION", "NOT LIVE   nothing heard for ", "SITUATION"] {
        assert!(lines.any(|line| line.starts_with(expected)), "{expected}");
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
