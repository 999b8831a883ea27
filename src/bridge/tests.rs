//! The parts without a network: what is told of an alert, and what is due to an Alertmanager.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::board::Board;
use super::holdings::{Holdings, Sending};
use super::notice::{Sender, WATCHDOG};
use crate::client::{ItemKind, pb};

const LIFETIME: Duration = Duration::from_mins(4);
const SILENCE: Duration = Duration::from_secs(45);

fn time(seconds: i64) -> Timestamp {
    Timestamp::new(1_461_657_600 + seconds, 0).unwrap()
}

fn sender(forecasts: bool) -> Sender {
    Sender { service: "wardwatch".into(), environment: "training".into(), forecasts, since: time(0) }
}

fn alert(n: usize, severity: pb::Severity) -> pb::Alert {
    pb::Alert {
        name: format!("alerts/{n:04}"),
        organisation: "organisations/RJ1".into(),
        ward: "organisations/RJ1/wards/A1".into(),
        rule: "ratio.over_limit".into(),
        severity: severity.into(),
        state: pb::AlertState::Open.into(),
        message: "Ward A1: 28 patients, 3 registered nurses.".into(),
        raise_time: Some(prost_types::Timestamp { seconds: time(0).as_second(), nanos: 0 }),
        ..Default::default()
    }
}

fn event(alert: pb::Alert, seconds: i64) -> ItemKind {
    let event_time = Some(prost_types::Timestamp { seconds: time(seconds).as_second(), nanos: 0 });
    ItemKind::Events(vec![pb::AlertEvent { event_time, alert: Some(alert), ..Default::default() }])
}

/// A board and an Alertmanager at one time, which the tests move.
struct Scene {
    board: Board,
    holdings: Holdings,
    began: Instant,
    seconds: i64,
}

impl Scene {
    fn new(alerts: Vec<pb::Alert>) -> Self {
        let board = Board::new(sender(false), SILENCE, LIFETIME);
        let mut scene = Self { board, holdings: Holdings::new(LIFETIME), began: Instant::now(), seconds: 0 };
        scene.snapshot(alerts);
        scene
    }

    fn now(&self) -> (Instant, Timestamp) {
        (self.began + Duration::from_secs(self.seconds.try_into().unwrap()), time(self.seconds))
    }

    fn take(&mut self, item: ItemKind) -> bool {
        let (now, time) = self.now();
        self.board.take(item, now, time)
    }

    fn snapshot(&mut self, alerts: Vec<pb::Alert>) {
        self.take(ItemKind::Opened(pb::Opened::default()));
        self.take(ItemKind::SnapshotAlerts(alerts));
        assert!(self.take(ItemKind::SnapshotComplete(0)));
    }

    fn due(&mut self, all: bool) -> Vec<Vec<Sending>> {
        self.holdings.due(&self.board, self.now(), all)
    }

    /// Name, severity and whether it is over, of all that is sent now; all of it is taken.
    fn sent(&mut self, all: bool) -> Vec<(String, String, bool)> {
        let requests = self.due(all);
        let mut told = Vec::new();
        for sending in requests.into_iter().flatten() {
            let wire = sending.wire();
            let over = wire.ends_at.parse::<Timestamp>().unwrap() <= time(self.seconds);
            let name = wire.labels.get("alert").unwrap_or(&wire.labels["alertname"]).clone();
            told.push((name, wire.labels["severity"].clone(), over));
            self.holdings.took(vec![sending]);
        }
        told
    }
}

fn told(name: &str, severity: &str, over: bool) -> (String, String, bool) {
    (name.to_owned(), severity.to_owned(), over)
}

#[test]
fn an_alert_is_told_by_codes_and_in_the_services_words() {
    let acknowledgement = Some(pb::Acknowledgement {
        expire_time: Some(prost_types::Timestamp { seconds: time(60).as_second(), nanos: 0 }),
        ..Default::default()
    });
    let state = pb::AlertState::Acknowledged.into();
    let alert = pb::Alert { acknowledgement, state, site: "RJ121".into(), ..alert(7, pb::Severity::Critical) };
    let notice = sender(false).notice(&alert).unwrap();
    let labels: Vec<_> = notice.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let expected = [
        "alert=0007",
        "alertname=ratio.over_limit",
        "environment=training",
        "organisation=RJ1",
        "service=wardwatch",
        "severity=critical",
        "site=RJ121",
        "ward=A1",
    ];
    assert_eq!(labels, expected);
    assert_eq!(notice.annotations["summary"], alert.message);
    assert_eq!(notice.annotations["acknowledged_until"], "2016-04-26T08:01:00Z");
    assert_eq!(notice.until(time(240)).starts_at, "2016-04-26T08:00:00Z");
    // The service's clock is ahead: Alertmanager refuses an end before the start.
    assert_eq!(notice.until(time(-5)).starts_at, "2016-04-26T07:59:55Z");
}

#[test]
fn figures_on_a_board_ends_and_unasked_plans_are_not_told() {
    let critical = || alert(1, pb::Severity::Critical);
    assert!(sender(true).notice(&alert(1, pb::Severity::Info)).is_none());
    assert!(sender(true).notice(&pb::Alert { state: pb::AlertState::Resolved.into(), ..critical() }).is_none());
    let forecast = pb::Alert { forecast: true, ..critical() };
    assert!(sender(false).notice(&forecast).is_none());
    assert_eq!(sender(true).notice(&forecast).unwrap().labels["forecast"], "true");
}

#[test]
fn a_change_of_severity_ends_the_old_and_begins_the_new_in_one_request() {
    let mut scene = Scene::new((0..200).map(|n| alert(n, pb::Severity::Warning)).collect());
    assert_eq!(scene.sent(true).len(), 201);
    scene.seconds = 10;
    for n in 0..200 {
        scene.take(event(alert(n, pb::Severity::Critical), 7));
    }
    let requests = scene.due(false);
    assert!(requests.len() > 5 && requests.iter().all(|r| r.len() <= 64), "bounded");
    for pair in requests.iter().flat_map(|request| request.chunks(2)) {
        let [old, new] = [pair[0].wire(), pair[1].wire()];
        assert_eq!(old.labels["alert"], new.labels["alert"]);
        assert_eq!((&*old.labels["severity"], &*old.ends_at), ("warning", "2016-04-26T08:00:07Z"));
        assert_eq!((&*new.labels["severity"], &*new.ends_at), ("critical", "2016-04-26T08:04:10Z"));
    }
    assert_eq!(scene.sent(false).len(), 400);
    assert_eq!(scene.sent(false), [], "and nothing twice");
}

#[test]
fn an_alert_that_falls_to_a_figure_on_a_board_ends_and_may_come_back() {
    let mut scene = Scene::new(vec![alert(1, pb::Severity::Warning)]);
    scene.sent(true);
    scene.take(event(alert(1, pb::Severity::Info), 1));
    scene.seconds = 2;
    assert_eq!(scene.sent(false), [told("0001", "warning", true)]);
    scene.take(event(alert(1, pb::Severity::Warning), 2));
    assert_eq!(scene.sent(false), [told("0001", "warning", false)]);
}

#[test]
fn what_a_later_snapshot_has_not_ends() {
    let mut scene = Scene::new(vec![alert(1, pb::Severity::Warning), alert(2, pb::Severity::Warning)]);
    scene.sent(true);
    scene.seconds = 5;
    scene.take(ItemKind::SnapshotAlerts(vec![alert(3, pb::Severity::Critical)]));
    scene.take(ItemKind::Restarted("it broke off".into()));
    assert_eq!(scene.sent(false), [], "half a snapshot says nothing");
    scene.snapshot(vec![alert(2, pb::Severity::Warning)]);
    assert_eq!(scene.sent(false), [told("0001", "warning", true)]);
}

#[test]
fn what_may_have_been_taken_is_ended_too() {
    let mut scene = Scene::new(vec![alert(1, pb::Severity::Critical)]);
    for request in scene.due(true) {
        scene.holdings.may_have_taken(request);
    }
    scene.seconds = 3;
    scene.take(event(pb::Alert { state: pb::AlertState::Resolved.into(), ..alert(1, pb::Severity::Critical) }, 2));
    let expected = [told("0001", "critical", true), told(WATCHDOG, "none", false)];
    assert_eq!(scene.sent(true), expected);
}

#[test]
fn an_end_that_nobody_took_is_forgotten_when_alertmanager_has_ended_it_by_itself() {
    let mut scene = Scene::new(vec![alert(1, pb::Severity::Critical)]);
    scene.sent(true);
    scene.seconds = 100;
    scene.take(event(pb::Alert { state: pb::AlertState::Resolved.into(), ..alert(1, pb::Severity::Critical) }, 99));
    scene.seconds = 241;
    scene.take(ItemKind::Heartbeat);
    assert_eq!(scene.sent(true), [told(WATCHDOG, "none", false)]);
}

#[test]
fn a_deaf_bridge_ends_its_watchdog_and_no_alert() {
    let mut scene = Scene::new(vec![alert(1, pb::Severity::Critical)]);
    scene.sent(true);
    scene.seconds = 46;
    assert_eq!(scene.sent(true), [told("0001", "critical", false), told(WATCHDOG, "none", true)]);
    scene.seconds = 120;
    assert!(scene.take(ItemKind::Heartbeat), "to be heard again is news");
    assert_eq!(scene.sent(false), [told(WATCHDOG, "none", false)]);
    scene.seconds = 121;
    assert!(!scene.take(ItemKind::Heartbeat));
}

#[test]
fn what_a_bridge_before_left_ends_and_keeps_its_words() {
    let mut scene = Scene::new(vec![alert(1, pb::Severity::Critical)]);
    scene.sent(true);
    let left = sender(false).notice(&alert(2, pb::Severity::Warning)).unwrap();
    let open = sender(false).notice(&alert(1, pb::Severity::Critical)).unwrap();
    scene.holdings.found(vec![(left, time(200)), (open, time(200))]);
    scene.seconds = 1;
    let requests = scene.due(false);
    assert_eq!(requests.len(), 1);
    let [over] = requests[0].as_slice() else { panic!("one") };
    assert_eq!(over.wire().ends_at, "2016-04-26T08:00:01Z");
    assert!(over.wire().annotations["summary"].contains("28 patients"));
}
