//! What becomes of alerts when the bridge ends, in order or not.

use super::rig::{QUICK, Rig, SLOW};
use crate::support::hospital::pass;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_dies_takes_its_watchdog_with_it() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let bridge = rig.bridge(&QUICK);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    bridge.kill().await;
    rig.alertmanager.has_exactly(&[]).await;
    let _bridge = rig.bridge(&QUICK);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_told_to_end_leaves_open_alerts_to_the_next() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let bridge = rig.bridge(&SLOW);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    assert_eq!(bridge.stop().await, Some(0));
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_or_changed_while_no_bridge_ran_is_put_right_at_once() {
    let rig = Rig::start().await;
    for n in 1..=3 {
        rig.ratio(n, 13).await;
    }
    let bridge = rig.bridge(&SLOW);
    let critical = ["ratio.over_limit A1 critical", "ratio.over_limit A2 critical", "ratio.over_limit A3 critical"];
    rig.alertmanager.has(&critical).await;
    // A bridge for something else has alerts there too.
    let other = rig.bridge(&[&SLOW[..], &["--service-label", "other", "--organisation", "RJ1"]].concat());
    let all =
        [&critical[..1], &critical[..1], &critical[1..2], &critical[1..2], &critical[2..], &critical[2..]].concat();
    let twice = ["WardwatchBridgeWatchdog none"; 2];
    rig.alertmanager.has_exactly(&[&twice[..], &all].concat()).await;
    other.kill().await;
    bridge.kill().await;
    rig.ends(1).await;
    pass(&rig.clock, 1);
    rig.ratio(2, 9).await;
    rig.ratio(4, 13).await;
    let _bridge = rig.bridge(&SLOW);
    let mut expected = [&critical[..], &twice].concat();
    expected.extend(["ratio.over_limit A2 warning", "ratio.over_limit A3 critical", "ratio.over_limit A4 critical"]);
    expected.sort_unstable();
    rig.alertmanager.has_exactly(&expected).await;
    rig.service.stop().await;
}
