//! A replica on a host of its own is cut off from the database: real packets are lost, on a link between two network
//! namespaces.

use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ReceiptOutcome};

use super::server::Server;
use super::storage::breach;
use crate::support::hospital::{adult, ward};
use crate::support::process::{Process, free_port, get, wardwatch};
use crate::support::service::{ReportStream, eventually, within};

/// Another host with a link for its clients and one for the database.
struct Host {
    name: String,
    /// Third byte of the links' addresses.
    net: u32,
}

fn ip(args: &str) {
    let output = Command::new("ip").args(args.split(' ')).output().expect("iproute2 is installed: tests/run does it");
    assert!(output.status.success(), "ip {args}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Host {
    /// `None`, said aloud, where nobody may make one.
    fn new() -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            eprintln!("NOT TESTED ON A PARTITION: only root may make network namespaces");
            return None;
        }
        let net = std::process::id() % 100;
        let host = Self { name: format!("ww{}", std::process::id()), net };
        let name = &host.name;
        ip(&format!("netns add {name}"));
        for (link, net) in [("c", net), ("d", 100 + net)] {
            ip(&format!("link add {link}{name} type veth peer name {link} netns {name}"));
            ip(&format!("addr add 10.77.{net}.1/30 dev {link}{name}"));
            ip(&format!("link set dev {link}{name} up"));
            ip(&format!("-n {name} addr add 10.77.{net}.2/30 dev {link}"));
            ip(&format!("-n {name} link set dev {link} up"));
        }
        ip(&format!("-n {name} link set dev lo up"));
        Some(host)
    }

    /// Where its clients find it.
    fn address(&self) -> String {
        format!("10.77.{}.2", self.net)
    }

    /// Where it finds the database.
    fn database(&self, server: &Server) -> String {
        format!("postgres://postgres@10.77.{}.1:{}/ward", 100 + self.net, server.port)
    }

    /// No packet passes between it and the database, and nobody says so.
    fn cut(&self) {
        ip(&format!("-n {} link set dev d down", self.name));
    }

    fn heal(&self) {
        ip(&format!("-n {} link set dev d up", self.name));
    }

    fn serve(&self, server: &Server) -> Process {
        let inner = wardwatch(&["serve", "--insecure", "--database", &self.database(server)]);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(inner.get_program()).args(inner.get_args());
        let any = format!("{}:{}", self.address(), free_port());
        command.args(["--listen", &any, "--admin-listen", &format!("{}:{}", self.address(), free_port())]);
        tokio::task::block_in_place(|| Process::launch(command))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The links go with it.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

/// The replica that is cut off waits, and tells its subscribers nothing but that it lives; the other goes on; when the link
/// is back the first goes on by itself, with all that it missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_p3_a_replica_cut_off_from_the_database_waits_and_catches_up() {
    let (Some(host), Some(server)) = (Host::new(), Server::start().await) else { return };
    let far = host.serve(&server);
    let near = Process::serve(&server.url("ward"), &[]);
    let mut register = pb::register_service_client::RegisterServiceClient::new(near.channel().await);
    let wards = (1..=12).map(|n| adult(&ward(n))).collect();
    within(register.upsert_wards(pb::UpsertWardsRequest { wards, validate_only: false })).await.unwrap();
    let mut alerts = pb::alert_service_client::AlertServiceClient::new(far.channel().await);
    let heartbeat_interval = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    let request = pb::SubscribeRequest { heartbeat_interval, ..Default::default() };
    let mut watching = within(alerts.subscribe(request)).await.unwrap().into_inner();
    within(watching.message()).await.unwrap();
    let mut here = ReportStream::open(near.channel().await).await;
    let mut there = ReportStream::open(far.channel().await).await;
    for (n, stream) in [(1, &mut here), (2, &mut there)] {
        assert!(stream.send(vec![breach(n, true)]).await);
        assert_eq!(stream.receipts(1).await[0].outcome(), ReceiptOutcome::Accepted);
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(wards_of(within(watching.message()).await.unwrap().unwrap()));
    }

    host.cut();
    assert!(there.send(vec![breach(3, true)]).await);
    assert!(here.send(vec![breach(4, true)]).await);
    assert_eq!(here.receipts(1).await[0].outcome(), ReceiptOutcome::Accepted, "the other replica goes on");
    eventually("it is not ready", async || get(&far.admin, "/readyz").await.0 == 503).await;
    assert_eq!(get(&far.admin, "/livez").await.0, 200);
    let early = timeout(Duration::from_millis(100), there.message()).await;
    assert!(early.is_err(), "R4: {early:?}");

    host.heal();
    let healed = Instant::now();
    assert_eq!(there.receipts(1).await[0].outcome(), ReceiptOutcome::Accepted);
    while seen.len() < 4 {
        seen.extend(wards_of(within(watching.message()).await.unwrap().unwrap()));
    }
    let took = healed.elapsed();
    eprintln!("went on after {took:?}");
    // Promised are 2 s; the rest is for a busy machine.
    assert!(took < Duration::from_secs(5), "it went on after {took:?}");
    seen.sort();
    let mut expected = [1, 2, 3, 4].map(ward);
    expected.sort();
    assert_eq!(seen, expected, "each once");
}

/// The wards of a message's events.
fn wards_of(message: pb::SubscribeResponse) -> Vec<String> {
    match message.response {
        Some(Response::Events(events)) => events.events.into_iter().filter_map(|e| Some(e.alert?.ward)).collect(),
        Some(Response::Heartbeat(_)) => Vec::new(),
        other => panic!("{other:?}"),
    }
}
