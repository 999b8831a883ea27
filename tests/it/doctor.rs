//! `wardwatch doctor` against services that are well, and ones that are not.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wardwatch::clock::{SharedClock, SystemClock};
use wardwatch::domain::{Clock as _, Span};

use crate::support::hospital::{clock, figures, ward};
use crate::support::process::{said, wardwatch};
use crate::support::service::{Place, Service, within};

/// Check, result, what and remedy of each line.
type Lines = Vec<(String, String, String, String)>;

/// What the doctor says of an address, and its exit code.
async fn examine(address: &str, arguments: &[&str]) -> (Option<i32>, Lines) {
    let server = format!("http://{address}");
    let (code, out, err) =
        run(wardwatch(&[&["doctor", "--server", &server, "--output", "json"], arguments].concat())).await;
    assert_eq!(err, "", "all is said in the lines");
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let part = |key: &str| line[key].as_str().unwrap().to_owned();
        (part("check"), part("result"), part("what"), part("remedy"))
    };
    (code, out.lines().map(line).collect())
}

async fn run(mut command: Command) -> (Option<i32>, String, String) {
    within(tokio::task::spawn_blocking(move || said(&command.output().unwrap()))).await.unwrap()
}

/// Checks and their results.
fn results(lines: &Lines) -> Vec<(&str, &str)> {
    lines.iter().map(|(check, result, ..)| (&**check, &**result)).collect()
}

/// What was said of a check, and what to do.
fn told<'a>(lines: &'a Lines, check: &str) -> (&'a str, &'a str) {
    let line = lines.iter().find(|(of, ..)| of == check).unwrap_or_else(|| panic!("nothing of {check} in {lines:?}"));
    (&line.2, &line.3)
}

async fn serve(place: &Place) -> Service {
    place.serve_with(Arc::new(SystemClock::default()), |_| ()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_well_passes_every_check() {
    let place = Place::sqlite();
    let service = serve(&place).await;
    service.register_many(1).await;
    let now = SystemClock::default().now();
    service.report(figures(&ward(1), now - Span::seconds(1), 20, 2)).await;
    let address = service.running.address.to_string();
    let (code, lines) = examine(&address, &[]).await;
    let checks = ["name", "connect", "tls", "grpc", "service", "identity", "clock", "limits", "log", "heartbeat"];
    assert_eq!(results(&lines), checks.map(|check| (check, "ok")), "{lines:?}");
    assert_eq!(code, Some(0));
    assert!(lines.iter().all(|(_, _, what, remedy)| !what.is_empty() && remedy.is_empty()), "{lines:?}");
    assert!(told(&lines, "service").0.contains("environment \"live\", store sqlite"), "{lines:?}");
    assert!(told(&lines, "log").0.contains("cursors are good back to the event of 2"), "{lines:?}");
    let (code, lines) = examine(&address, &["--quick"]).await;
    assert_eq!((code, lines.len()), (Some(0), checks.len() - 1));
    let (code, out, _) = run(wardwatch(&["doctor", "--quick", "--server", &format!("http://{address}")])).await;
    assert_eq!(code, Some(0));
    assert!(out.lines().all(|line| line.starts_with("ok    ")) && !out.contains('\u{1b}'), "{out}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_told_with_what_to_start() {
    let place = Place::sqlite();
    let service = serve(&place).await;
    let address = service.running.address.to_string();
    service.stop().await;
    let (code, lines) = examine(&address, &[]).await;
    assert_eq!((code, results(&lines)), (Some(1), vec![("name", "ok"), ("connect", "FAIL")]));
    assert!(told(&lines, "connect").1.contains("wardwatch serve"), "{lines:?}");
    let (code, lines) = examine("no-such-host.invalid:50051", &[]).await;
    assert_eq!((code, results(&lines)), (Some(1), vec![("name", "FAIL")]));
    let (code, _, err) = run(wardwatch(&["doctor", "--server", "localhost:50051"])).await;
    assert_eq!(code, Some(64), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_port_is_told_from_the_api() {
    let place = Place::sqlite();
    let service = serve(&place).await;
    let (code, lines) = examine(&service.running.admin_address.to_string(), &[]).await;
    assert_eq!(code, Some(1));
    assert_eq!(results(&lines), [("name", "ok"), ("connect", "ok"), ("grpc", "FAIL")]);
    assert!(told(&lines, "grpc").1.contains("the admin port is another one"), "{lines:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_years_off_fails() {
    let place = Place::sqlite();
    let service = place.serve_with(clock() as SharedClock, |_| ()).await;
    let (code, lines) = examine(&service.running.address.to_string(), &["--quick"]).await;
    assert_eq!(code, Some(1));
    let failed: Vec<_> = lines.iter().filter(|(_, result, ..)| result == "FAIL").collect();
    assert!(failed.len() == 1 && failed[0].0 == "clock", "{lines:?}");
    let (what, remedy) = told(&lines, "clock");
    assert!(what.contains("s behind this one") && remedy.contains("NTP"), "{lines:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_speaks_only_http_1_is_no_api() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 64]).await;
                let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
            });
        }
    });
    let (code, lines) = examine(&address, &[]).await;
    assert_eq!((code, results(&lines).last()), (Some(1), Some(&("grpc", "FAIL"))), "{lines:?}");
    assert!(told(&lines, "grpc").1.contains("speak HTTP/2"), "{lines:?}");
}

/// How a way between is.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Takes everything and passes nothing on.
    Swallows,
    /// Carries until nothing has come for three seconds, and nothing after.
    ForgetsIdle,
}

/// An address behind which the service is.
async fn by_way_of(service: SocketAddr, way: Way) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(carry(client, service, way));
        }
    });
    address
}

async fn carry(client: TcpStream, service: SocketAddr, way: Way) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = TcpStream::connect(service).await.unwrap().into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_service).await };
    let down = async {
        let mut buffer = [0; 4_096];
        while let Way::ForgetsIdle = way {
            let Ok(Ok(n)) = timeout(Duration::from_secs(3), from_service.read(&mut buffer)).await else { break };
            if n == 0 || to_client.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! { _ = up => {}, () = down => {} }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_passes_nothing_on_is_told() {
    let place = Place::sqlite();
    let service = serve(&place).await;
    let address = by_way_of(service.running.address, Way::Swallows).await;
    let (code, lines) = examine(&address, &[]).await;
    assert_eq!((code, results(&lines).last()), (Some(1), Some(&("grpc", "FAIL"))), "{lines:?}");
    assert!(told(&lines, "grpc").0.contains("no answer in 10 s"), "{lines:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_forgets_idle_connections_is_found_by_the_heartbeats() {
    let place = Place::sqlite();
    let service = serve(&place).await;
    let address = by_way_of(service.running.address, Way::ForgetsIdle).await;
    let (code, lines) = examine(&address, &[]).await;
    assert_eq!((code, results(&lines).last()), (Some(1), Some(&("heartbeat", "FAIL"))), "{lines:?}");
    assert!(results(&lines)[..8].iter().all(|(_, result)| *result == "ok"), "{lines:?}");
    assert!(told(&lines, "heartbeat").1.contains("forgets connections"), "{lines:?}");
    service.stop().await;
}
