//! The documents on metrics and the rules and the dashboard name what a real scrape has, and all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tokio_stream::StreamExt as _;
use wardwatch::wire::pb::SubscribeRequest;

use super::scrape::{Described, Scrape, until};
use crate::support::acting::ack;
use crate::support::hospital::{clock, figures, morning, pass, ward};
use crate::support::service::{Place, within};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The scrape of a service on which everything has happened that makes a series.
pub async fn full() -> Scrape {
    let clock = clock();
    let place = Place::sqlite();
    let service = place.serve_by(&clock).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), morning(), 28, 0)).await;
    let request = SubscribeRequest { subscriber: "BOARD".into(), ..Default::default() };
    let mut stream = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
    within(stream.next()).await.unwrap().unwrap();
    let nobody = "alerts/8d7f3f2e-0000-8000-8000-000000000000";
    service.acknowledge(ack(nobody)).await.expect_err("there is no such alert");
    let events = &service.running.metrics.events;
    events.reloaded("certificate", true);
    events.access_refusals_are("expired", 1);
    events.certificate_expires("server", Some(1_900_000_000));
    pass(&clock, 1);
    let handled = |s: &Scrape| s.text.contains("grpc_code=\"NotFound\"");
    let scrape = until(&service, "the refused call is counted", handled).await;
    drop(stream);
    service.stop().await;
    scrape
}

/// The table of docs/metrics.md: name, type, labels.
fn documented() -> Described {
    let text = read("docs/metrics.md");
    let rows = text.lines().filter(|l| l.starts_with("| `"));
    let word = |cell: &str| cell.trim().trim_matches('`').to_owned();
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let labels = cells[2].split(',').map(word).filter(|l| !l.is_empty()).collect();
        assert!(cells.len() == 5 && cells[3].trim().len() > 10, "a meaning for people: {row}");
        (word(cells[0]), (word(cells[1]), labels))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_metrics_is_what_a_scrape_has() {
    let (scraped, documented) = (full().await.described(), documented());
    for (name, described) in &scraped {
        let said = documented.get(name).unwrap_or_else(|| panic!("docs/metrics.md does not know {name} {described:?}"));
        assert_eq!(said, described, "{name}: docs/metrics.md says another type or other labels than a scrape");
    }
    let gone: Vec<_> = documented.keys().filter(|name| !scraped.contains_key(*name)).collect();
    assert!(gone.is_empty(), "docs/metrics.md knows what no scrape has: {gone:?}");
}

/// Names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |w: &&str| ["wardwatch_", "grpc_server_", "process_"].iter().any(|p| w.starts_with(p));
    words.filter(ours).map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_and_dashboard_name_only_what_a_scrape_has() {
    let scrape = full().await;
    let samples: BTreeSet<&str> = scrape.text.lines().filter_map(|l| l.split(['{', ' ']).next()).collect();
    for path in ["deploy/monitoring/wardwatch.rules.yml", "deploy/monitoring/wardwatch.json"] {
        let names = named(&read(path));
        assert!(names.len() > 10, "{path} names metrics");
        let unknown: Vec<_> = names.iter().filter(|name| !samples.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "{path} names what no scrape has: {unknown:?}");
    }
}

#[test]
fn the_dashboard_shows_something_in_every_panel() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("deploy/monitoring/wardwatch.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let shown = panels.iter().filter(|p| p["type"] != "row");
    let mut ids = BTreeSet::new();
    for panel in shown {
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty() && targets.iter().all(|t| !t["expr"].as_str().unwrap().is_empty()), "{title}");
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{title}: two panels with one id");
    }
    assert!(ids.len() > 10);
}

/// Names of the alerts of the rules file.
fn alerts() -> Vec<String> {
    let text = read("deploy/monitoring/wardwatch.rules.yml");
    text.lines().filter_map(|l| l.trim().strip_prefix("- alert: ").map(ToOwned::to_owned)).collect()
}

#[test]
fn every_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on_and_is_tried() {
    let (rules, tests) = (read("deploy/monitoring/wardwatch.rules.yml"), read("deploy/monitoring/wardwatch.test.yml"));
    let blocks: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(blocks.len() >= 12);
    for (name, block) in alerts().iter().zip(blocks) {
        for key in ["severity: ", "summary: ", "description: "] {
            assert!(block.contains(key), "{name} has no {key}");
        }
        let anchor = format!("docs/operations.md#{}", name.to_lowercase());
        assert!(block.contains(&anchor), "{name} does not point to {anchor}");
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} is never tried");
    }
}

#[test]
fn the_operators_manual_has_a_place_for_each_alert_once_it_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let Ok(manual) = fs::read_to_string(path) else { return };
    let missing: Vec<String> = alerts().into_iter().filter(|a| !manual.contains(a.as_str())).collect();
    assert!(missing.is_empty(), "docs/operations.md does not explain {missing:?}");
}
