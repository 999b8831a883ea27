//! The two sides of the bridge go away and come back.

use super::rig::{QUICK, Rig, SLOW};
use crate::support::hospital::pass;
use crate::support::service::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_that_lost_everything_has_it_again() {
    let mut rig = Rig::start().await;
    rig.ratio(1, 13).await;
    rig.ratio(2, 13).await;
    let _bridge = rig.bridge(&QUICK);
    rig.alertmanager.has(&["ratio.over_limit A1 critical", "ratio.over_limit A2 critical"]).await;
    rig.alertmanager.kill();
    rig.ends(1).await;
    pass(&rig.clock, 1);
    rig.ratio(2, 9).await;
    rig.ratio(3, 13).await;
    rig.alertmanager.launch().await;
    rig.alertmanager.has(&["ratio.over_limit A2 warning", "ratio.over_limit A3 critical"]).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_while_alertmanager_is_away_is_sent_when_it_is_back_and_not_with_the_next_sending() {
    let mut rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let _bridge = rig.bridge(&SLOW);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    rig.alertmanager.kill();
    rig.ratio(2, 13).await;
    rig.alertmanager.launch().await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical", "ratio.over_limit A2 critical"]).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_service_ends_no_alert_and_the_stream_goes_on() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let bridge = rig.bridge(&QUICK);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    // Away until the bridge says by its watchdog that it hears nothing; its alerts stand.
    let deaf = async |alertmanager: &super::alertmanager::Alertmanager| {
        alertmanager.has_exactly(&["ratio.over_limit A1 critical"]).await;
    };
    let rig = rig.restart_service("training", deaf).await;
    rig.ratio(2, 13).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical", "ratio.over_limit A2 critical"]).await;
    rig.ends(1).await;
    rig.alertmanager.has(&["ratio.over_limit A2 critical"]).await;
    assert_eq!(bridge.stop().await, Some(0));
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_started_before_the_service_waits_for_it() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let url = format!("http://{}", rig.service.running.address);
    let to = rig.alertmanager.url();
    let started = std::sync::Mutex::new(None);
    let start = async |_: &super::alertmanager::Alertmanager| {
        let mut command = super::rig::bridge_command(&url);
        let mut child = command.args(["--url", &to]).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut line).unwrap();
        assert!(line.contains("cannot reach the service"), "{line}");
        *started.lock().unwrap() = Some(child);
    };
    let rig = rig.restart_service("training", start).await;
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let mut child = started.lock().unwrap().take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn training_that_becomes_live_behind_the_same_name_ends_the_bridge() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let bridge = rig.bridge(&SLOW);
    rig.alertmanager.has(&["ratio.over_limit A1 critical"]).await;
    let rig = rig.restart_service("live", async |_| ()).await;
    assert_eq!(bridge.wait().await, Some(1));
    let environments = async || {
        let alerts = rig.alertmanager.alerts().await;
        alerts.iter().map(|a| a["labels"]["environment"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(environments().await, ["training"; 2], "the alerts of training are not live");
    let _bridge = rig.bridge(&SLOW);
    eventually("the alerts of both are told apart", async || {
        let mut both = environments().await;
        both.sort();
        both == ["live", "live", "training", "training"]
    })
    .await;
    rig.service.stop().await;
}
