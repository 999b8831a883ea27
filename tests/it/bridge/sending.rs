//! What is sent while everybody is well.

use serde_json::{Value, json};

use super::alertmanager::{Alertmanager, WATCHDOG};
use super::rig::{QUICK, Rig, SLOW};
use crate::support::hospital::{adult, figures, pass, ward};
use crate::support::service::eventually;
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock as _, Span, Time};
use wardwatch::wire::{pb, timestamp_to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_critical_ward_reaches_the_pager_and_so_does_its_end() {
    let rig = Rig::start().await;
    let bridge = rig.bridge(&SLOW);
    rig.alertmanager.has(&[]).await;
    rig.ratio(1, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let alert = rig.service.alert("ratio.over_limit").await;
    let there = rig.alertmanager.alert("ratio.over_limit").await;
    let expected = json!({
        "alertname": "ratio.over_limit", "severity": "critical", "service": "wardwatch", "environment": "training",
        "organisation": "RJ1", "ward": "A1", "alert": alert.name["alerts/".len()..],
    });
    assert_eq!(there["labels"], expected);
    assert_eq!(there["annotations"], json!({"summary": alert.message, "limit_source": alert.limit_source}));
    assert_eq!(there["startsAt"], "2016-04-26T08:00:00.000Z");
    let firing = format!("firing ratio.over_limit A1 critical: {}", alert.message);
    eventually("the pager rings", async || rig.pager.heard() == [firing.clone()]).await;

    rig.ends(1).await;
    rig.alertmanager.has(&[]).await;
    let rung =
        async || rig.pager.heard().iter().any(|page| page.starts_with("resolved ratio.over_limit A1 critical: "));
    eventually("the pager hears of the end", rung).await;
    assert_eq!(bridge.stop().await, Some(0));
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_that_gets_worse_is_critical_and_no_longer_a_warning() {
    let rig = Rig::start().await;
    rig.ratio(1, 9).await;
    let _bridge = rig.bridge(&SLOW);
    rig.alertmanager.has(&["ratio.over_limit A1 warning"]).await;
    assert!(rig.pager.heard().is_empty(), "a warning pages nobody");
    pass(&rig.clock, 1);
    rig.ratio(1, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    eventually("the pager rings", async || rig.pager.heard().len() == 1).await;
    pass(&rig.clock, 1);
    rig.ratio(1, 9).await;
    rig.alertmanager.has(&["ratio.over_limit A1 warning"]).await;
    let over = async || rig.pager.heard().last().unwrap().starts_with("resolved ratio.over_limit A1 critical");
    eventually("the pager hears that it is critical no more", over).await;
    pass(&rig.clock, 1);
    rig.ratio(1, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_ended_and_reopened_fires_again() {
    let rig = Rig::start().await;
    let _bridge = rig.bridge(&SLOW);
    rig.ratio(1, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let first = rig.alertmanager.alert("ratio.over_limit").await;
    rig.ends(1).await;
    rig.alertmanager.has(&[]).await;
    pass(&rig.clock, 10);
    rig.ratio(1, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let second = rig.alertmanager.alert("ratio.over_limit").await;
    assert_eq!(second["fingerprint"], first["fingerprint"], "the same episode, the same alert");
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_alert_stays_and_says_until_when() {
    let rig = Rig::start().await;
    let _bridge = rig.bridge(&SLOW);
    rig.ratio(1, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let name = rig.service.alert("ratio.over_limit").await.name;
    rig.service.acknowledge(crate::support::acting::ack(&name)).await.unwrap();
    let until = json!("2016-04-26T10:00:00Z");
    let so = async || rig.alertmanager.alert("ratio.over_limit").await["annotations"]["acknowledged_until"] == until;
    eventually("it says until when", so).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_on_a_board_are_not_sent_and_plans_only_when_asked_for() {
    let rig = Rig::start().await;
    let plan = |n, from, to| {
        let at = |hours| Some(timestamp_to(rig.clock.now() + Span::hours(hours)));
        let plan_period = Some(pb::PlanPeriod { start_time: at(from), end_time: at(to), withdrawn: false });
        pb::StaffingReport { plan_period, ..figures(&ward(n), rig.clock.now(), 39, 3) }
    };
    let receipt = rig.service.report(plan(2, 4, 10)).await;
    assert_eq!(receipt.outcome(), pb::ReceiptOutcome::Accepted, "{receipt:?}");
    // More patients than the 20 beds, and six nurses: a figure on a board.
    let enabled_rules = vec!["capacity.over".to_owned()];
    rig.service.register_wards(vec![pb::Ward { enabled_rules, ..adult(&ward(3)) }]).await;
    rig.service.report(figures(&ward(3), rig.clock.now(), 21, 6)).await;
    rig.ratio(1, 9).await;
    let filter = Some(pb::AlertFilter { include_forecasts: true, ..Default::default() });
    let open = rig.service.list(pb::ListAlertsRequest { filter, ..Default::default() }).await;
    let has = |so: &dyn Fn(&pb::Alert) -> bool| open.iter().any(so);
    assert!(has(&|a| a.severity() == pb::Severity::Info) && has(&|a| a.forecast), "there is something to leave out");
    let bridge = rig.bridge(&SLOW);
    rig.alertmanager.has(&["ratio.over_limit A1 warning"]).await;
    bridge.kill().await;
    let _bridge = rig.bridge(&[&SLOW[..], &["--include-forecasts"]].concat());
    let plans = async || rig.alertmanager.alerts().await.iter().any(|a| a["labels"]["forecast"] == "true");
    eventually("the plan is there", plans).await;
    assert!(rig.alertmanager.alerts().await.iter().all(|a| a["labels"]["severity"] != "info"));
    rig.service.stop().await;
}

fn ends_at(alert: &Value) -> Time {
    alert["endsAt"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_alerts_outlive_their_end_while_the_bridge_lives() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let _bridge = rig.bridge(&QUICK);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let first = ends_at(&rig.alertmanager.alert("ratio.over_limit").await);
    // Looked at all the while: it must never be gone, nor the watchdog.
    let clock = SystemClock::default();
    while clock.now() <= first {
        assert_eq!(rig.alertmanager.told().await, [WATCHDOG, "ratio.over_limit A1 critical"]);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(ends_at(&rig.alertmanager.alert("ratio.over_limit").await) > first);
    eventually("the pager rings", async || !rig.pager.heard().is_empty()).await;
    assert_eq!(rig.pager.heard().len(), 1, "once");
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_alertmanagers_has_all_and_one_that_is_down_holds_up_nothing() {
    let rig = Rig::start().await;
    let mut other = Alertmanager::prepared(&rig.pager);
    rig.ratio(1, 13).await;
    let _bridge = rig.bridge_to(&[&other, &rig.alertmanager], &SLOW);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    pass(&rig.clock, 1);
    rig.ratio(1, 9).await;
    rig.ratio(2, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 warning", "ratio.over_limit A2 critical"]).await;
    other.launch().await;
    other.has(&["ratio.over_limit A1 warning", "ratio.over_limit A2 critical"]).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alertmanager_may_be_behind_tls_of_the_hospitals_own() {
    let mut rig = Rig::start().await;
    rig.alertmanager = Alertmanager::prepared(&rig.pager).with_tls();
    rig.alertmanager.launch().await;
    rig.ratio(1, 13).await;
    let ca = rig.alertmanager.certificate();
    let _bridge = rig.bridge(&[&SLOW[..], &["--alertmanager-ca-file", ca.to_str().unwrap()]].concat());
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    rig.service.stop().await;
}
