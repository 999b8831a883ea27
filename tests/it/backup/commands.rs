//! `wardwatch backup` and `wardwatch restore` with the real binary.

use std::collections::BTreeMap;
use std::fs;

use sqlx::Connection as _;
use tonic::Code;
use wardwatch::client::{Client, Item, ItemKind, Start, Subscription, pb};
use wardwatch::feed::cursor;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::subscribe_request::Start as WireStart;

use super::*;
use crate::support::hospital::reason;
use crate::support::service::eventually;

/// Enough that copying takes longer than a few reports do.
const FILL: &str = "
INSERT INTO report
  WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
  SELECT (SELECT max(observed) FROM report) + n, 1, randomblob(16), n, 0, randomblob(600) FROM n";

async fn resume(process: &Process, cursor: &[u8], on_expired: pb::OnExpired) -> (Code, String) {
    let start = Some(WireStart::AfterCursor(cursor.to_vec().into()));
    let request = pb::SubscribeRequest { start, on_expired: on_expired.into(), ..Default::default() };
    let mut alerts = AlertServiceClient::new(process.channel().await);
    let ended = within(alerts.subscribe(request)).await.expect_err("an old cursor is refused");
    (ended.code(), reason(&ended))
}

/// State and etag of every alert, as listed and as the log tells it up to the place of the list.
async fn told_twice(client: &Client) -> [BTreeMap<String, (i32, String)>; 2] {
    use pb::AlertState::{Acknowledged, Open, Resolved};
    let states = [Open, Acknowledged, Resolved].map(Into::into).to_vec();
    let request = pb::ListAlertsRequest { states, page_size: 1_000, ..Default::default() };
    let listed = within(client.list_alerts(request)).await.unwrap();
    assert!(listed.next_page_token.is_empty(), "one page holds them all");
    let (_, point) = cursor::decode(&listed.cursor).unwrap();
    let mut log =
        client.subscribe(Subscription { start: Start::Since(jiff::Timestamp::UNIX_EPOCH), ..Default::default() });
    let (mut latest, mut seen) = (BTreeMap::new(), 0);
    while seen < point.position {
        let ItemKind::Events(events) = within(log.next()).await.unwrap().kind else { continue };
        for event in events.into_iter().filter(|e| e.position <= point.position) {
            seen += 1;
            assert_eq!(event.position, seen, "the log has no gap");
            let alert = event.alert.unwrap();
            latest.insert(alert.name, (alert.state, alert.etag));
        }
    }
    [listed.alerts.into_iter().map(|a| (a.name, (a.state, a.etag))).collect(), latest]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_copy_made_under_load_restores_whole_and_every_cursor_of_before_is_refused() {
    let house = House::new();
    let process = house.serve().await;
    report(&process, 1..=2).await;
    let early = newest(&process).await;
    house.place.execute(FILL).await;
    let writer = Writer::start(&process).await;
    eventually("it writes", async || writer.receipts() > 20).await;
    let before = writer.receipts();
    let file = house.backup("copy.sqlite").await;
    let meanwhile = writer.receipts() - before;
    eprintln!("{meanwhile} receipts while {} bytes were copied", fs::metadata(&file).unwrap().len());
    assert!(meanwhile >= 5, "a copy keeps no writer waiting");
    eventually("it writes on", async || writer.receipts() > before + meanwhile + 20).await;
    writer.stop().await;
    let late = newest(&process).await;
    drain(process).await;

    let other = House::new();
    let (code, out, err) = other.run(&["restore", text(&file)]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("the log up to position ") && out.contains("every cursor of before is refused"), "{out}");
    assert!((1..house.position().await).contains(&other.position().await));
    assert_eq!(other.files(), ["wardwatch.db", "wardwatch.db.lock"]);
    let restored = other.serve().await;
    let [listed, logged] = told_twice(&client(&restored).await).await;
    assert_eq!(listed, logged);
    assert!(!listed.is_empty());
    for cursor in [&early, &late] {
        for on_expired in [pb::OnExpired::Fail, pb::OnExpired::Snapshot] {
            // Not expired, so that nobody takes a snapshot of another history for the rest of his own without noticing.
            let refused = (Code::OutOfRange, "CURSOR_EPOCH_CHANGED".to_owned());
            assert_eq!(resume(&restored, cursor, on_expired).await, refused);
        }
    }
    begins_anew(&client(&restored).await, late, listed.len()).await;
}

/// Our own subscriber, asked to mend a lost history by a snapshot.
async fn begins_anew(client: &Client, cursor: Vec<u8>, count: usize) {
    let subscription =
        Subscription { start: Start::After(cursor.into()), snapshot_if_lost: true, ..Default::default() };
    let mut subscriber = client.subscribe(subscription);
    let Item { kind, .. } = within(subscriber.next()).await.unwrap();
    assert!(matches!(kind, ItemKind::Restarted(_)), "{kind:?}");
    loop {
        if let ItemKind::SnapshotComplete(alerts) = within(subscriber.next()).await.unwrap().kind {
            return assert!(usize::try_from(alerts).unwrap() <= count);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_of_before_is_kept_with_what_was_only_in_its_write_ahead_log() {
    let house = House::new();
    let process = house.serve().await;
    report(&process, 1..=2).await;
    let file = house.backup("copy.sqlite").await;
    let copied = house.position().await;
    report(&process, 3..=6).await;
    let all = house.position().await;
    process.kill().await;
    assert!(fs::metadata(house.path("wardwatch.db-wal")).unwrap().len() > 0, "a killed service leaves its log");

    let (code, _, err) = house.run(&["restore", text(&file)]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("wardwatch.db exists: --replace"), "{err}");
    assert!(fs::metadata(house.path("wardwatch.db-wal")).unwrap().len() > 0, "what was refused changed nothing");
    let (code, out, err) = house.run(&["restore", text(&file), "--replace", "--output", "json"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["position"], copied);
    assert_eq!(house.position().await, copied);
    let before = told["before"].as_str().unwrap();
    assert!(before.contains("wardwatch.db.before-restore-2"), "{before}");
    assert!(Path::new(&format!("{before}-wal")).exists());
    let mut kept = sqlx::SqliteConnection::connect(&format!("sqlite:{before}")).await.unwrap();
    let held: i64 = sqlx::query_scalar("SELECT position FROM head").fetch_one(&mut kept).await.unwrap();
    assert_eq!(held, all);
    let restored = house.serve().await;
    report(&restored, 3..=3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_and_a_killed_services_file_can_be_copied_too() {
    let house = House::new();
    let process = house.serve().await;
    report(&process, 1..=2).await;
    drain(process).await;
    let stopped = house.backup("stopped.sqlite").await;
    let process = house.serve().await;
    report(&process, 3..=4).await;
    process.kill().await;
    let killed = house.backup("killed.sqlite").await;
    let all = house.position().await;
    for (file, least) in [(stopped, 2), (killed, all)] {
        let other = House::new();
        let (code, out, err) = other.run(&["restore", text(&file)]).await;
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(other.position().await >= least);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_gets_a_copy_named_after_the_time_and_nothing_is_written_over() {
    let house = House::new();
    let _process = house.serve().await;
    let copies = folder();
    let (code, out, err) = house.run(&["backup", "--to", text(copies.path()), "--output", "json"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let names = names(copies.path());
    assert!(names.len() == 1 && names[0].starts_with("wardwatch-2") && names[0].ends_with("Z.sqlite"), "{names:?}");
    let file = copies.path().join(&names[0]);
    assert_eq!(
        (told["file"].as_str(), told["bytes"].as_u64()),
        (file.to_str(), Some(fs::metadata(&file).unwrap().len()))
    );
    assert_eq!((&told["position"], &told["lastEventTime"]), (&0.into(), &serde_json::Value::Null));
    let (code, _, err) = house.run(&["backup", "--to", text(&file)]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains(&format!("{} exists", file.display())), "{err}");
}
