//! The real binary against a service that misbehaves on purpose; it runs on the workers while a test blocks.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tonic::Status;
use wardwatch::client::{Client, pb};

use crate::fake::{Fake, draining, events, sent};
use pb::subscribe_request::Start as WireStart;
use pb::subscribe_response::Response;

fn wardwatch(client: &Client, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.args(arguments).args(["--server", client.url()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn end(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_names_every_line_that_was_rejected_and_goes_on() {
    let client = Fake::default().serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.ndjson");
    fs::write(
        &file,
        "{\"reportId\":\"a\",\"patients\":{}}\nhello\n{\"reportId\":\"b\"}\n{\"reportId\":\"c\",\"patients\":{}}\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let (code, stdout, stderr) = end(wardwatch(&client, &["replay", file]).spawn().unwrap());
    assert_eq!(code, Some(2), "{stderr}");
    let mut lines: Vec<_> = stderr.lines().collect();
    lines.sort_unstable();
    let expected = [
        format!("{file}:2: not JSON: expected value (column 1)"),
        format!("{file}:3: report b: MISSING: patients: are missing"),
    ];
    assert_eq!(lines, expected);
    assert!(
        stdout.contains(": 2 accepted, 0 superseded, 0 duplicate, 2 rejected (1 MISSING, 1 UNREADABLE)"),
        "{stdout}"
    );
    let (_, stdout, _) = end(wardwatch(&client, &["replay", file, "--output", "json"]).spawn().unwrap());
    let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&summary["accepted"], &summary["rejected"]), (&2.into(), &2.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_in_the_middle_of_a_replay_loses_nothing() {
    let fake = Fake::default();
    fake.0.lock().unwrap().breaks = [(900, draining()), (3, draining())].into();
    let client = fake.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.csv");
    let mut text = "ward,observed_time,source,report_id,revision,bedded\r\n".to_owned();
    for n in 0..2_000 {
        text.push_str(&["w,2016-04-26T08:00:00Z,BEDS,r", &n.to_string(), ",,3\r\n"].concat());
    }
    fs::write(&file, text).unwrap();
    let (code, stdout, stderr) = end(wardwatch(&client, &["replay", file.to_str().unwrap()]).spawn().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("2000 reports in ") && stdout.contains(": 2000 accepted, "), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stdin_is_sent_as_it_comes() {
    let fake = Fake::default();
    let client = fake.serve().await;
    let mut child = wardwatch(&client, &["replay", "-"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for count in 1..=2 {
        stdin.write_all(b"{\"reportId\":\"a\",\"patients\":{}}\n").unwrap();
        stdin.flush().unwrap();
        // The next line is written only when this one has arrived: a reader that waited for more would wait for ever.
        fake.wait_for(|state| state.streams.iter().map(Vec::len).sum::<usize>() == count).await;
    }
    drop(stdin);
    let (code, stdout, _) = end(child);
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("2 reports in "), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_prints_one_event_a_line_and_goes_on_from_its_cursor() {
    let fake = Fake::default();
    fake.0.lock().unwrap().scripts = [
        (vec![opened(b"\x00"), events(b"\x02", &[1, 2]), Err(draining())], false),
        (vec![opened(b"\x02"), events(b"\x03", &[3])], true),
        (vec![opened(b"\x03"), events(b"\x04", &[4])], true),
    ]
    .into();
    let client = fake.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let cursor = folder.path().join("cursor");
    assert_eq!(watch(&client, &cursor, 3), ["1", "2", "3"]);
    assert_eq!(fs::read_to_string(&cursor).unwrap(), "03\n");
    assert_eq!(watch(&client, &cursor, 1), ["4"]);
    assert_eq!(fake.0.lock().unwrap().starts.last(), Some(&Some(WireStart::AfterCursor(b"\x03".to_vec().into()))));
}

/// Opens with a heartbeat so long that no silence is taken for a dead connection: to come back would use up the next
/// script.
fn opened(cursor: &'static [u8]) -> Result<pb::SubscribeResponse, Status> {
    let heartbeat_interval = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    sent(cursor, Response::Opened(pb::Opened { heartbeat_interval, ..Default::default() }))
}

/// Watches until that many events were printed, ends the command with SIGTERM; the positions.
fn watch(client: &Client, cursor: &Path, count: usize) -> Vec<String> {
    let arguments = ["watch", "--output", "json", "--cursor-file", cursor.to_str().unwrap()];
    let mut child = wardwatch(client, &arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut positions = Vec::new();
    while positions.len() < count {
        let line = lines.next().unwrap().unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        positions.push(event["position"].as_str().unwrap().to_owned());
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(lines.next().is_none(), "nothing but events");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    positions
}
