//! Bad usage, and an Alertmanager that refuses: a stand-in, since the real one takes everything that is well formed.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

use super::rig::{BridgeProcess, Rig, bridge_command};
use crate::support::process::said;
use crate::support::service::eventually;

#[test]
fn bad_usage_is_one_line_that_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, words) = (file("empty", "\n"), file("words", "two words\n"));
    let good = "http://127.0.0.1:9093";
    for (arguments, code, expected) in [
        (&[][..], 64, "--url"),
        (&["--url", "alertmanager:9093"], 64, "write it as http://alertmanager:9093"),
        (&["--url", "ftp://alertmanager"], 64, "is not of http or https"),
        (&["--url", "http://me:hidden-word@alertmanager"], 64, "--alertmanager-token-file"),
        (&["--url", "http://alertmanager/?a=b"], 64, "has a query"),
        (&["--url", good, "--resend-every", "0"], 64, "1..=600"),
        (&["--url", good, "--resend-every", "601"], 64, "1..=600"),
        (&["--url", good, "--service-label", "a b"], 64, "--service-label 'a b'"),
        (&["--url", good, "--alertmanager-token-file", "/nowhere"], 78, "--alertmanager-token-file /nowhere: No such"),
        (&["--url", good, "--alertmanager-token-file", &empty], 78, "holds no token"),
        (&["--url", good, "--alertmanager-token-file", &words], 78, "holds no token"),
        (&["--url", good, "--alertmanager-ca-file", &words], 78, "holds no certificate"),
    ] {
        let output = bridge_command("http://127.0.0.1:1").args(arguments).output().unwrap();
        let (exit, stdout, stderr) = said(&output);
        assert_eq!((exit, stdout.as_str()), (Some(code), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected) && !stderr.contains("hidden-word"), "{arguments:?}: {stderr}");
    }
}

/// The receiver that the example in deploy/ has for these labels.
fn routed(labels: &[&str]) -> String {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/alertmanager.yml");
    let mut amtool = std::process::Command::new("amtool");
    let output = amtool.args(["config", "routes", "test", "--config.file", config]).args(labels).output();
    let (code, stdout, stderr) =
        said(&output.expect("amtool is needed (Debian: apt-get install prometheus-alertmanager)"));
    assert_eq!(code, Some(0), "{stderr}");
    stdout.trim().to_owned()
}

#[test]
fn the_example_pages_for_what_is_critical_and_live_alone() {
    let live = ["service=wardwatch", "environment=live", "alertname=ratio.over_limit"];
    let route = |more: &[&str]| routed(&[&live[..], more].concat());
    assert_eq!(route(&["severity=critical"]), "pager");
    assert_eq!(route(&["severity=warning"]), "board");
    assert_eq!(route(&["severity=critical", "forecast=true"]), "board");
    let watchdog = ["service=wardwatch", "environment=live", "alertname=WardwatchBridgeWatchdog", "severity=none"];
    assert_eq!(routed(&watchdog), "dead-mans-switch");
    let training = ["service=wardwatch", "environment=training", "alertname=ratio.over_limit", "severity=critical"];
    assert_eq!(routed(&training), "nobody");
}

/// What a stand-in answers next, and the tokens it was shown.
#[derive(Debug, Default)]
struct Stand {
    answer: Mutex<StatusCode>,
    tokens: Mutex<Vec<String>>,
    bodies: Mutex<Vec<String>>,
}

/// Answers POSTs as it is told, from a path of its own, and GETs with 404, as a relay might.
async fn stand_in(stand: &Arc<Stand>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kept = Arc::clone(stand);
    let alerts = post(async move |headers: HeaderMap, body: String| {
        let token = headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
        kept.tokens.lock().unwrap().push(token.unwrap_or_default());
        kept.bodies.lock().unwrap().push(body);
        *kept.answer.lock().unwrap()
    });
    let routes = Router::new().route("/relay/api/v2/alerts", alerts);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/relay/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_read_anew_and_a_refusal_is_tried_again() {
    let rig = Rig::start().await;
    let stand = Arc::new(Stand::default());
    *stand.answer.lock().unwrap() = StatusCode::UNAUTHORIZED;
    let url = stand_in(&stand).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first\n").unwrap();
    let mut command = bridge_command(&format!("http://{}", rig.service.running.address));
    command.args(["--url", &url, "--alertmanager-token-file", file.to_str().unwrap(), "--resend-every", "1"]);
    let bridge = BridgeProcess::spawn(&mut command);
    let shown = |token: &str| stand.tokens.lock().unwrap().iter().filter(|t| *t == token).count();
    eventually("it tries again", async || shown("Bearer first") >= 3).await;
    std::fs::write(&file, "second\n").unwrap();
    eventually("it has the new one", async || shown("Bearer second") >= 1).await;
    *stand.answer.lock().unwrap() = StatusCode::BAD_REQUEST;
    let before = shown("Bearer second");
    eventually("it goes on", async || shown("Bearer second") >= before + 2).await;
    *stand.answer.lock().unwrap() = StatusCode::OK;
    let before = shown("Bearer second");
    eventually("it goes on", async || shown("Bearer second") >= before + 2).await;
    assert_eq!(bridge.stop().await, Some(0));
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_vouches_for_no_alert_that_is_not_taken() {
    let rig = Rig::start().await;
    rig.ratio(1, 13).await;
    let stand = Arc::new(Stand::default());
    let url = stand_in(&stand).await;
    let server = format!("http://{}", rig.service.running.address);
    let start = || BridgeProcess::spawn(bridge_command(&server).args(["--url", &url, "--resend-every", "1"]));
    let sent = |what: &str| stand.bodies.lock().unwrap().iter().filter(|body| body.contains(what)).count();
    for answer in [StatusCode::BAD_REQUEST, StatusCode::INTERNAL_SERVER_ERROR] {
        *stand.answer.lock().unwrap() = answer;
        let bridge = start();
        let before = sent("ratio.over_limit");
        eventually("it tries again", async || sent("ratio.over_limit") >= before + 3).await;
        assert_eq!(sent("WardwatchBridgeWatchdog"), 0, "{answer}");
        bridge.kill().await;
    }
    let _bridge = start();
    *stand.answer.lock().unwrap() = StatusCode::OK;
    eventually("the watchdog is back", async || sent("WardwatchBridgeWatchdog") > 0).await;
    rig.service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_refuses_the_bridge_for_good_ends_it() {
    let rig = Rig::start().await;
    let bridge = rig.bridge(&["--organisation", "RXX"]);
    assert_eq!(bridge.wait().await, Some(2));
    rig.service.stop().await;
}
