//! The fatigue budget (domain.md section 5): a normal day of England's wards must not drown a site, and must hide
//! nothing either.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;

use serde_json::Value;
use wardwatch::client::json::{Mapped, from_str};
use wardwatch::clock::ManualClock;
use wardwatch::domain::{Policy, Time};
use wardwatch::wire::pb::{self, AlertCondition, AlertState, ReceiptOutcome, Severity};
use wardwatch::wire::to_time;

use super::foreign::{program, python, root};
use crate::support::service::{Place, Service, within};

/// Most alerts of an organisation at the 90th percentile, and most critical ones.
const MOST: (usize, usize) = (60, 12);
/// Most critical alerts in a hundred.
const MOST_CRITICAL_PERCENT: usize = 25;
/// One call takes so many rows.
const ROWS: usize = 1_000;
/// What only depends on when figures were received is not in the oracle.
const ON_RECEIPT: [&str; 2] = ["report.overdue", "source.silent"];

/// The day in steps, as `tests/fatigue.py steps` writes it.
struct Steps {
    writer: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Steps {
    /// The committed sample of every fifth trust; in `WARDWATCH_TEST_ENGLAND` a directory with all of England.
    fn of_the_day(python: &str) -> Self {
        let day = std::env::var("WARDWATCH_TEST_ENGLAND");
        let mut writer = program(python, "tests/fatigue.py", &root().join("tests"));
        let day = day.unwrap_or_else(|_| root().join("tests/data/england_day.csv.gz").display().to_string());
        let reopen = (Policy::default().reopen_within.as_micros() / 60_000_000).to_string();
        let mut writer = writer.args(["steps", &day, "--reopen", &reopen]).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        Self { writer, lines }
    }

    /// Its writer must have come to a good end.
    fn end(mut self) {
        assert!(self.writer.wait().unwrap().success());
    }
}

impl Iterator for Steps {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.lines.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }
}

/// The messages of a list, in the protobuf JSON mapping.
fn messages<M: Mapped>(list: &Value) -> Vec<M> {
    list.as_array().unwrap().iter().map(|m| from_str(&m.to_string()).unwrap()).collect()
}

/// Lines of a list.
fn lines(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned()).collect()
}

async fn register(service: &Service, rows: &Value) {
    let organisations = messages(&rows["organisations"]);
    let request = pb::UpsertOrganisationsRequest { organisations, validate_only: false };
    within(service.register().upsert_organisations(request)).await.unwrap();
    for some in messages::<pb::Ward>(&rows["wards"]).chunks(ROWS) {
        service.register_wards(some.to_vec()).await;
    }
}

async fn report(service: &Service, reports: &Value) {
    for some in messages::<pb::StaffingReport>(reports).chunks(ROWS) {
        let receipts = service.submit(some.to_vec()).await;
        let wrong = receipts.iter().find(|r| r.outcome() != ReceiptOutcome::Accepted);
        assert_eq!(wrong, None, "every report of the day is a good one");
    }
}

fn severity(severity: Severity) -> String {
    severity.as_str_name().trim_start_matches("SEVERITY_").to_lowercase()
}

/// Every page of a list, without what the oracle does not know.
async fn all(service: &Service, request: pb::ListAlertsRequest) -> Vec<pb::Alert> {
    let mut request = pb::ListAlertsRequest { page_size: 1_000, ..request };
    let mut found = Vec::new();
    loop {
        let page = within(service.alerts().list_alerts(request.clone())).await.unwrap().into_inner();
        found.extend(page.alerts.into_iter().filter(|a| !ON_RECEIPT.contains(&&*a.rule)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return found;
        }
    }
}

/// Ward, rule and severity of all that breaches, as the oracle writes them.
async fn breaching(service: &Service) -> Vec<String> {
    let condition = AlertCondition::Breaching.into();
    let alerts = all(service, pb::ListAlertsRequest { condition, ..Default::default() }).await;
    let told = |a: &pb::Alert| format!("{} {} {}", a.subject, a.rule, severity(a.severity()));
    let mut found: Vec<_> = alerts.iter().map(told).collect();
    found.sort();
    found
}

/// Everything that was raised after an instant, whatever became of it: organisation, rule and highest severity.
async fn raised(service: &Service, after: Time) -> Vec<String> {
    let states = [AlertState::Open, AlertState::Acknowledged, AlertState::Resolved].map(i32::from).to_vec();
    let alerts = all(service, pb::ListAlertsRequest { states, ..Default::default() }).await;
    let day = alerts.iter().filter(|a| to_time(a.raise_time.unwrap()).unwrap() > after);
    let told = |a: &pb::Alert| {
        let organisation = a.organisation.trim_start_matches("organisations/");
        format!("{organisation} {} {}", a.rule, severity(a.peak_severity()))
    };
    let mut found: Vec<_> = day.map(told).collect();
    found.sort();
    found
}

/// The count of an organisation that nine in ten do not exceed.
fn ninetieth(raised: &[String], organisations: usize, which: impl Fn(&str) -> bool) -> usize {
    let mut counts = BTreeMap::<&str, usize>::new();
    for alert in raised.iter().filter(|a| which(a)) {
        *counts.entry(alert.split(' ').next().unwrap()).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.resize(organisations, 0);
    counts.sort_unstable();
    counts[(9 * organisations).div_ceil(10) - 1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_normal_day_drowns_no_site_and_hides_no_breach() {
    let Some(python) = python() else { return };
    let mut steps = Steps::of_the_day(&python);
    let rows = steps.next().expect("the registers");
    let organisations = rows["organisations"].as_array().unwrap().len();
    let first: Time = rows["start"].as_str().unwrap().parse().unwrap();
    let clock = Arc::new(ManualClock::new(first));
    let place = Place::sqlite();
    let service = place.serve_by(&clock).await;
    register(&service, &rows).await;
    let mut last = None;
    for step in &mut steps {
        let Some(now) = step["now"].as_str() else {
            last = Some(step);
            break;
        };
        clock.advance_to(now.parse().unwrap());
        service.settled().await;
        report(&service, &step["reports"]).await;
        service.settled().await;
        let (does, must) = (breaching(&service).await, lines(&step["breaching"]));
        assert!(does == must, "at {now}, {}", difference(&does, &must));
    }
    let last = last.expect("the steps end with what was raised");
    steps.end();
    let counted: Time = last["counted"].as_str().unwrap().parse().unwrap();
    let raised = raised(&service, counted).await;
    service.stop().await;

    let must = lines(&last["raised"]);
    assert!(raised == must, "raised in the day: {}", difference(&raised, &must));
    let critical = |alert: &str| alert.ends_with(" critical");
    let numbers = (ninetieth(&raised, organisations, |_| true), ninetieth(&raised, organisations, critical));
    let criticals = raised.iter().filter(|a| critical(a)).count();
    eprintln!("{} raised, {criticals} critical; at the 90th percentile {numbers:?} of {MOST:?}", raised.len());
    assert!(organisations > 10 && raised.len() > 10 * organisations, "a day on which something happens");
    assert!(numbers.0 <= MOST.0 && numbers.1 <= MOST.1, "{numbers:?} at the 90th percentile, at most {MOST:?}");
    assert!(criticals * 100 <= raised.len() * MOST_CRITICAL_PERCENT, "{criticals} of {} are critical", raised.len());
}

/// What only one of two sorted lists has.
fn difference(does: &[String], must: &[String]) -> String {
    let count = |list: &[String]| {
        let mut counts = BTreeMap::<String, i64>::new();
        for line in list {
            *counts.entry(line.clone()).or_default() += 1;
        }
        counts
    };
    let (does, must) = (count(does), count(must));
    let more = |a: &BTreeMap<String, i64>, b: &BTreeMap<String, i64>| -> Vec<String> {
        a.iter().filter(|(l, n)| b.get(*l).unwrap_or(&0) < *n).map(|(l, _)| l.clone()).collect()
    };
    format!("not expected: {:#?}, missing: {:#?}", more(&does, &must), more(&must, &does))
}
