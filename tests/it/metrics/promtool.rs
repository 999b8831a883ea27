//! promtool, Prometheus' own checker, on a real scrape. `tests/run` has it check the rules.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::scrape::Scrape;
use crate::support::hospital::{clock, figures, morning, ward};
use crate::support::service::Place;

/// What `promtool check metrics` says of a text; nothing is all well.
fn check(text: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool =
        command.spawn().expect("promtool is needed (Debian's package prometheus); tests/run installs it");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    if output.status.success() { said } else { format!("{}: {said}", output.status) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_finds_nothing_wrong_with_a_scrape() {
    let service = Place::sqlite().serve_by(&clock()).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), morning(), 28, 0)).await;
    service.running.metrics.events.reloaded("certificate", true);
    service.running.metrics.events.certificate_expires("server", Some(1_900_000_000));
    let scrape = Scrape::at(service.running.admin_address, "text/plain").await;
    assert_eq!(scrape.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(check(&scrape.text), "");
    assert_ne!(check("# TYPE things counter\nthings 1\n"), "", "it does find what is wrong");
    service.stop().await;
}
