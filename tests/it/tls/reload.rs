//! Certificates that are replaced while the service serves.

use std::time::Duration;

use wardwatch::client::{Client, ItemKind, Subscriber, Subscription};
use wardwatch::config::ClientCertificates;

use super::authority::Authority;
use super::house::{Secure, register, report, with};
use crate::support::service::{eventually, within};

/// The positions of events until there are some.
async fn events(subscriber: &mut Subscriber) -> usize {
    loop {
        match within(subscriber.next()).await.unwrap().kind {
            ItemKind::Events(events) => return events.len(),
            ItemKind::Opened(_) | ItemKind::Heartbeat => {}
            other => panic!("the stream goes on undisturbed: {other:?}"),
        }
    }
}

async fn opened(client: &Client) -> Subscriber {
    let mut subscriber = client.subscribe(Subscription::default());
    assert!(matches!(within(subscriber.next()).await.unwrap().kind, ItemKind::Opened(_)));
    subscriber
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_shown_to_newcomers_and_an_open_subscription_goes_on() {
    let secure = Secure::open(|_, _| ()).await;
    let client = secure.client().await;
    register(&client).await;
    let mut subscriber = opened(&client).await;

    // Of another issuer: whoever knows only that one is let in only after it has been replaced.
    let successors = Authority::new("successors");
    secure.papers.put("successors.pem", &successors.pem());
    let mut newcomer = secure.target();
    newcomer.ca_file = Some(secure.papers.path("successors.pem"));
    assert!(within(Client::connect(&newcomer)).await.is_err());
    secure.papers.install(&successors.server());
    secure.running.lifecycle.reload.ask();
    eventually("the new pair is in force", async || secure.status().reloaded() == 1).await;
    assert!(within(Client::connect(&newcomer)).await.unwrap().is_serving().await.unwrap());
    assert!(within(Client::connect(&secure.target())).await.is_err(), "the old one is shown no more");

    report(&client, 18, 1).await.unwrap();
    assert!(events(&mut subscriber).await > 0);
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_issuer_of_client_certificates_counts_for_newcomers() {
    let secure = Secure::asking(ClientCertificates::Required).await;
    let (old, strangers) = (secure.papers.clients.client("rostering"), Authority::new("strangers"));
    let new = strangers.client("rostering");
    let client = secure.as_client(&old).await.unwrap();
    register(&client).await;
    let mut subscriber = opened(&client).await;
    assert!(secure.as_client(&new).await.is_err());

    secure.papers.put("clients.pem", &strangers.pem());
    secure.running.lifecycle.reload.ask();
    eventually("the new issuer is in force", async || secure.status().reloaded() == 1).await;
    let newcomer = secure.as_client(&new).await.unwrap();
    assert!(secure.as_client(&old).await.is_err(), "the old issuer counts no more, also for one who was in before");
    report(&newcomer, 18, 1).await.unwrap();
    assert!(events(&mut subscriber).await > 0, "who is in stays in until it comes anew");
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_new_pair_keeps_the_old_one_and_is_counted_once() {
    let secure = Secure::open(|papers, settings| {
        papers.ask(settings, ClientCertificates::Optional);
        settings.server.reload_every = Duration::from_millis(20);
    })
    .await;
    let good = |name: &str| std::fs::read_to_string(secure.papers.path(name)).unwrap();
    let before = [good("server.pem"), good("server.key"), good("clients.pem")];
    let restore = || {
        for (name, text) in ["server.pem", "server.key", "clients.pem"].iter().zip(&before) {
            secure.papers.put(name, text);
        }
    };
    let served = async || secure.client().await.is_serving().await.unwrap();
    let other = secure.papers.servers.server();
    let bad: [(&str, Option<&str>); 5] = [
        ("server.key", Some(&other.key)),
        ("server.pem", Some("garbage")),
        ("server.key", Some("-----BEGIN PRIVATE KEY-----\nhalf of a")),
        ("clients.pem", Some("")),
        ("server.pem", None),
    ];
    for (count, (name, text)) in (1..).zip(bad) {
        match text {
            Some(text) => drop(secure.papers.put(name, text)),
            None => std::fs::remove_file(secure.papers.path(name)).unwrap(),
        }
        eventually("it is refused", async || secure.status().refused() == count).await;
        assert!(!secure.status().in_step());
        // It is looked at again and again, and complained of once.
        for _ in 0..10 {
            assert!(served().await, "the old pair is in force");
        }
        assert_eq!(secure.status().refused(), count, "{name}");
        restore();
        eventually("what is in force is there again", async || secure.status().in_step()).await;
    }
    assert_eq!(secure.status().reloaded(), 0);
    // And after all that a good one is taken.
    secure.papers.install(&other);
    eventually("the new pair is in force", async || secure.status().reloaded() == 1).await;
    assert!(served().await && secure.status().in_step());
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_behind_a_symbolic_link_is_swapped_as_kubernetes_does_it() {
    let secure = Secure::open(|papers, settings| {
        // secret/..data -> v1, and the files point into ..data.
        for version in ["v1", "v2"] {
            std::fs::create_dir(papers.path(version)).unwrap();
            papers.servers.server().write(&papers.path(version), "tls");
        }
        std::os::unix::fs::symlink("v1", papers.path("..data")).unwrap();
        settings.tls.certificate_file = papers.text("..data/tls.pem");
        settings.tls.key_file = papers.text("..data/tls.key");
        settings.server.reload_every = Duration::from_millis(20);
    })
    .await;
    assert!(secure.client().await.is_serving().await.unwrap());
    std::os::unix::fs::symlink("v2", secure.papers.path("..data_tmp")).unwrap();
    std::fs::rename(secure.papers.path("..data_tmp"), secure.papers.path("..data")).unwrap();
    eventually("the new pair is in force", async || secure.status().reloaded() == 1).await;
    assert_eq!(secure.status().refused(), 0);
    assert!(secure.client().await.is_serving().await.unwrap());
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_connects_anew_shows_its_new_certificate() {
    let secure = Secure::asking(ClientCertificates::Required).await;
    let files = secure.papers.clients.client("rostering").write(secure.papers.folder.path(), "client");
    let client = Client::lazy(with(secure.target(), &files)).unwrap();
    std::fs::write(&files.certificate, "garbage").unwrap();
    let error = within(client.is_serving()).await.unwrap_err();
    assert!(error.to_string().contains("--cert-file"), "{error}");
    secure.papers.clients.client("rostering").write(secure.papers.folder.path(), "client");
    assert!(within(client.is_serving()).await.unwrap(), "the files are read for each connection");
    secure.stop().await;
}
