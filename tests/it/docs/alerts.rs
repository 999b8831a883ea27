//! Each alert of the Prometheus rules has its heading in docs/operations.md, and says so in its runbook.

use std::fs;

use super::markdown::{document, root, slug};

const RULES: &str = "deploy/monitoring/wardwatch.rules.yml";

/// Names of alerts, in the order of the file.
fn alerts(rules: &str) -> Vec<&str> {
    rules
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("alert:"))
        .map(str::trim)
        .collect()
}

#[test]
fn each_alert_of_prometheus_says_here_what_it_means_and_what_to_do() {
    let rules = fs::read_to_string(root().join(RULES)).unwrap();
    let anchors = document("docs/operations.md").anchors();
    let alerts = alerts(&rules);
    assert!(alerts.len() >= 6, "{RULES} has {alerts:?}");
    let missing: Vec<_> = alerts.iter().filter(|name| !anchors.contains(&slug(name))).collect();
    assert!(missing.is_empty(), "docs/operations.md has no heading for {missing:?} of {RULES}");
    let runbooks = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook_url:"));
    let lost: Vec<_> = runbooks
        .filter_map(|url| url.trim().trim_matches('"').split_once("operations.md#"))
        .filter(|(_, anchor)| !anchors.iter().any(|known| known == anchor))
        .collect();
    assert!(lost.is_empty(), "{RULES}: no such place in docs/operations.md: {lost:?}");
}

#[test]
fn alerts_are_found_in_a_file_of_rules() {
    assert_eq!(
        alerts("groups:\n- rules:\n  - alert: One\n    expr: up\n  - record: x\n  - alert: Two\n"),
        ["One", "Two"]
    );
}
