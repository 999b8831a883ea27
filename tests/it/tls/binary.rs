//! The real binary with TLS: flags, SIGHUP, exit codes, and a client that is not ours.

use std::net::SocketAddr;

use wardwatch::client::{Client, ItemKind, Subscription};

use super::authority::Authority;
use super::house::{Papers, register, report, with};
use crate::service::foreign::{program, python, root};
use crate::support::process::{Process, refused, said, wardwatch};
use crate::support::service::{Place, eventually, within};

/// What `serve` takes to speak TLS; `more` goes with it.
fn settings(papers: &Papers, more: &[&str]) -> Vec<String> {
    let certificate = format!("tls.certificate_file={}", papers.text("server.pem"));
    let key = format!("tls.key_file={}", papers.text("server.key"));
    let all = [certificate, key].into_iter().chain(more.iter().map(|s| (*s).to_owned()));
    all.flat_map(|setting| ["--set".to_owned(), setting]).collect()
}

/// A service that speaks TLS, as a process of its own.
pub fn serve(place: &Place, papers: &Papers, more: &[&str]) -> Process {
    let settings = settings(papers, more);
    let arguments: Vec<_> = settings.iter().map(String::as_str).collect();
    Process::serve(&place.url(), &arguments)
}

pub fn address(process: &Process) -> SocketAddr {
    process.address.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_reaches_a_service_with_mutual_tls_by_its_flags() {
    let (place, papers) = (Place::sqlite(), Papers::new());
    let ca = format!("tls.client_ca_file={}", papers.text("clients.pem"));
    let process = serve(&place, &papers, &[&ca]);
    let client = papers.clients.client("rostering").write(papers.folder.path(), "client");
    let server = format!("https://localhost:{}", address(&process).port());
    let (ca, certificate, key) =
        (papers.text("servers.pem"), client.certificate.to_str().unwrap(), client.key.to_str().unwrap());
    let run = |arguments: &[&str]| said(&wardwatch(&["healthcheck"]).args(arguments).output().unwrap());
    let good = ["--server", &server, "--ca-file", &ca, "--cert-file", certificate, "--key-file", key];
    assert_eq!(run(&good), (Some(0), "SERVING\n".into(), String::new()));

    let plain = server.replace("https", "http");
    for (arguments, code, expected) in [
        (&good[..4], 1, "asks clients for a certificate"),
        (&["--server", &server, "--ca-file", "/nowhere"], 78, "--ca-file: /nowhere: cannot be read"),
        (&good[..6], 64, "--cert-file and --key-file go together"),
        (&["--server", &plain], 1, "it speaks TLS: write https://"),
        (&["--server", &plain, "--ca-file", &ca], 64, "write https://"),
        (&["--server", "http://ward.nhs.example", "--token-file", &ca], 64, "a token is not sent"),
    ] {
        let (exit, stdout, stderr) = run(arguments);
        assert!(stderr.contains(expected) && stderr.trim_end().lines().count() == 1, "{arguments:?}: {stderr}");
        assert_eq!((exit, stdout.as_str()), (Some(code), ""), "{stderr}");
    }
    process.signal("TERM");
    assert!(process.wait().await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_has_new_certificates_taken_and_bad_ones_named_once_and_no_stream_ends() {
    let (place, papers) = (Place::sqlite(), Papers::new());
    let process = serve(&place, &papers, &["server.reload_every=1h"]);
    let client = within(Client::connect(&papers.target(address(&process)))).await.unwrap();
    register(&client).await;
    let mut subscriber = client.subscribe(Subscription::default());
    assert!(matches!(within(subscriber.next()).await.unwrap().kind, ItemKind::Opened(_)));

    // A key of another certificate first: the pair in force stays. Then the pair that belongs to it.
    let successors = Authority::new("successors");
    let next = successors.server();
    let mut newcomer = papers.target(address(&process));
    newcomer.ca_file = Some(papers.put("successors.pem", &successors.pem()));
    papers.put("server.key", &next.key);
    let refused = || process.logged().lines().filter(|line| line.contains("\"ERROR\"")).count();
    eventually("the key is refused", async || {
        process.signal("HUP");
        refused() > 0
    })
    .await;
    assert!(within(Client::connect(&papers.target(address(&process)))).await.is_ok(), "the old pair is in force");
    papers.put("server.pem", &next.certificate);
    eventually("the new pair is in force", async || {
        process.signal("HUP");
        Client::connect(&newcomer).await.is_ok()
    })
    .await;
    report(&client, 18, 1).await.unwrap();
    loop {
        match within(subscriber.next()).await.unwrap().kind {
            ItemKind::Events(events) if !events.is_empty() => break,
            ItemKind::Events(_) | ItemKind::Heartbeat => {}
            other => panic!("the stream goes on undisturbed: {other:?}"),
        }
    }
    process.signal("TERM");
    let (status, log) = process.wait().await;
    assert!(status.success(), "{log}");
    let errors: Vec<_> = log.lines().filter(|line| line.contains("\"ERROR\"")).collect();
    assert!(errors.len() == 1 && errors[0].contains("tls.key_file: ") && errors[0].contains("server.key"), "{log}");
    assert!(log.contains("certificate in force") && log.contains("SIGHUP"), "{log}");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[test]
fn what_is_wrong_with_the_certificates_at_the_start_ends_with_78_and_names_key_and_file() {
    let (papers, other) = (Papers::new(), Authority::new("others"));
    let garbage = papers.put("garbage", "no PEM");
    let (missing, garbage) = ("/nowhere/tls.pem", garbage.to_str().unwrap());
    let wrong = other.server().write(papers.folder.path(), "other");
    let wrong = format!("tls.key_file={}", wrong.key.display());
    for (more, expected) in [
        (vec![wrong.as_str()], "is not the key of the certificate in"),
        (vec!["tls.certificate_file=/nowhere/tls.pem"], missing),
        (vec![&format!("tls.certificate_file={garbage}")], "holds no certificate in PEM"),
        (vec![&format!("tls.key_file={garbage}")], "holds no private key in PEM"),
        (vec![&format!("tls.client_ca_file={garbage}")], "holds no certificate in PEM"),
        (vec!["tls.client_ca_file=/nowhere/ca.pem"], "/nowhere/ca.pem: cannot be read"),
    ] {
        let key = more[0].split('=').next().unwrap();
        let settings = settings(&papers, &more);
        let arguments: Vec<_> = settings.iter().map(String::as_str).collect();
        let (code, stderr) = refused(&arguments);
        assert_eq!(code, Some(78), "{stderr}");
        assert!(stderr.contains(&format!("wardwatch: {key}: ")) && stderr.contains(expected), "{key}: {stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_has_ended_is_taken_and_warned_of() {
    let (place, papers) = (Place::sqlite(), Papers::new());
    let process = serve(&place, &papers, &["server.reload_every=1s"]);
    papers.install(&papers.servers.expired_server());
    eventually("it is warned of", async || {
        process.logged().lines().any(|l| l.contains("\"WARN\"") && l.contains("has ended") && l.contains("2021-01-01"))
    })
    .await;
    let error = within(Client::connect(&papers.target(address(&process)))).await.unwrap_err();
    assert!(error.to_string().contains("its certificate has expired"), "{error}");
    process.signal("TERM");
    assert!(process.wait().await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_made_from_the_proto_files_alone_comes_with_mutual_tls() {
    let Some(python) = python() else { return };
    let (place, papers) = (Place::sqlite(), Papers::new());
    let ca = format!("tls.client_ca_file={}", papers.text("clients.pem"));
    let process = serve(&place, &papers, &[&ca]);
    let files =
        with(papers.target(address(&process)), &papers.clients.client("python").write(papers.folder.path(), "client"));
    let mut client = program(&python, "tests/foreign_client.py", &root().join("tests"));
    client.args(["--server", &process.address, "--ca-file"]).arg(files.ca_file.unwrap());
    client.arg("--cert-file").arg(files.cert_file.unwrap()).arg("--key-file").arg(files.key_file.unwrap());
    let (code, stdout, stderr) = said(&client.output().unwrap());
    assert_eq!(code, Some(0), "\n{stdout}\n{stderr}");
    assert!(stdout.trim().ends_with(" checks"), "{stdout}");
}
