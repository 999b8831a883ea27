//! Who gets in, who does not, and what each is told in one line.

use wardwatch::client::{Client, Error, Target};
use wardwatch::config::ClientCertificates;
use wardwatch::grpc::tls::Reason;

use super::authority::{Authority, Pair};
use super::house::{Secure, register, report, with};
use crate::support::service::{Place, eventually, within};

/// What a client that cannot get in is told; it must be one line.
async fn told(target: &Target) -> String {
    let error = match within(Client::connect(target)).await {
        Err(error) => error,
        // Without TLS nobody speaks before the first call.
        Ok(client) => within(client.is_serving()).await.unwrap_err(),
    };
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_and_alerts_go_over_tls() {
    let secure = Secure::open(|_, _| ()).await;
    let client = secure.client().await;
    assert!(client.is_serving().await.unwrap());
    register(&client).await;
    report(&client, 18, 1).await.unwrap();
    assert!(secure.status().handshakes() >= 1 && secure.status().in_step());
    assert!(secure.status().not_after() > 0);
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_asks_for_certificates_lets_in_whom_its_issuer_knows_and_tells_the_others_why() {
    let secure = Secure::asking(ClientCertificates::Required).await;
    let (ours, strangers) = (&secure.papers.clients, Authority::new("strangers"));
    let good = secure.as_client(&ours.client("rostering")).await.unwrap();
    register(&good).await;
    report(&good, 18, 1).await.unwrap();

    let refused = async |pair: Pair| secure.as_client(&pair).await.unwrap_err().to_string();
    let said = refused(strangers.client("rostering")).await;
    assert!(said.contains("does not know the issuer of our certificate (--cert-file)"), "{said}");
    let said = refused(ours.expired_client()).await;
    assert!(said.contains("our certificate (--cert-file) has expired"), "{said}");
    let said = told(&secure.target()).await;
    assert!(said.contains("asks clients for a certificate: name yours with --cert-file and --key-file"), "{said}");
    // A certificate for servers is none for clients.
    let said = refused(ours.server()).await;
    assert!(said.contains("refused us or our certificate"), "{said}");
    for (reason, count) in [
        (Reason::UnknownIssuer, 1),
        (Reason::Expired, 1),
        (Reason::NoCertificate, 1),
        (Reason::BadCertificate, 1),
        (Reason::NotTls, 0),
    ] {
        eventually("each is counted", async || secure.failed(reason) == count).await;
    }
    // Those who were refused did no harm to those who are in.
    report(&good, 17, 1).await.unwrap();
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_certificates_are_optional_one_may_have_none_but_not_a_bad_one() {
    let secure = Secure::asking(ClientCertificates::Optional).await;
    assert!(secure.client().await.is_serving().await.unwrap());
    let good = secure.as_client(&secure.papers.clients.client("rostering")).await.unwrap();
    assert!(good.is_serving().await.unwrap());
    for bad in [Authority::new("strangers").client("rostering"), secure.papers.clients.expired_client()] {
        assert!(matches!(secure.as_client(&bad).await, Err(Error::Tls { .. })));
    }
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_says_in_one_line_what_it_has_against_the_services_certificate() {
    let secure = Secure::open(|_, _| ()).await;
    let said = told(&Target { ca_file: Some(secure.papers.path("clients.pem")), ..secure.target() }).await;
    assert!(said.contains("is not issued by those in") && said.contains("clients.pem"), "{said}");
    let said = told(&Target { ca_file: None, ..secure.target() }).await;
    assert!(said.contains("--ca-file"), "{said}");
    eventually("the service counts those who hung up", async || secure.failed(Reason::RefusedByClient) >= 1).await;
    secure.stop().await;

    let expired = Secure::open(|papers, _| drop(papers.install(&papers.servers.expired_server()))).await;
    let said = told(&expired.target()).await;
    assert!(said.contains("its certificate has expired"), "{said}");
    expired.stop().await;
    let elsewhere = Secure::open(|papers, _| drop(papers.install(&papers.servers.elsewhere()))).await;
    let said = told(&elsewhere.target()).await;
    assert!(said.contains("not for localhost but for") && said.contains("elsewhere.nhs.example"), "{said}");
    elsewhere.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_where_tls_is_spoken_and_tls_where_it_is_not_are_told_apart() {
    let secure = Secure::open(|_, _| ()).await;
    let plain = format!("http://localhost:{}", secure.running.address.port());
    let said = told(&Target::new(plain)).await;
    assert!(said.contains("it speaks TLS: write https://"), "{said}");
    assert!(secure.failed(Reason::NotTls) >= 1);

    let (place, papers) = (Place::sqlite(), &secure.papers);
    let open = place.serve_with(std::sync::Arc::new(wardwatch::clock::SystemClock::default()), |_| ()).await;
    let said = told(&papers.target(open.running.address)).await;
    assert!(said.contains("it does not speak TLS: write http://"), "{said}");
    let nowhere = told(&Target { url: "https://127.0.0.1:1".into(), ..secure.target() }).await;
    assert!(nowhere.contains("cannot reach the service") && nowhere.contains("refused"), "{nowhere}");
    open.stop().await;
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_the_client_that_cannot_be_used_are_named_with_their_flag() {
    let secure = Secure::asking(ClientCertificates::Required).await;
    let pair = secure.papers.clients.client("rostering").write(secure.papers.folder.path(), "client");
    let garbage = secure.papers.put("garbage", "no PEM at all");
    let good = with(secure.target(), &pair);
    for (target, expected) in [
        (
            Target { ca_file: Some("/nowhere/ca.pem".into()), ..good.clone() },
            "--ca-file: /nowhere/ca.pem: cannot be read",
        ),
        (Target { ca_file: Some(garbage.clone()), ..good.clone() }, "holds no certificate in PEM"),
        (Target { cert_file: Some(garbage.clone()), ..good.clone() }, "--cert-file: "),
        (Target { key_file: Some(garbage), ..good.clone() }, "holds no private key in PEM"),
        (
            Target { key_file: Some(secure.papers.path("server.key")), ..good.clone() },
            "is not the key of the certificate in",
        ),
        (
            Target { token_file: Some("/nowhere/token".into()), ..good.clone() },
            "--token-file: /nowhere/token: cannot be read",
        ),
    ] {
        let error = within(Client::connect(&target)).await.unwrap_err();
        assert!(matches!(&error, Error::Credentials(what) if what.contains(expected)), "{error}");
    }
    assert!(within(Client::connect(&good)).await.unwrap().is_serving().await.unwrap());
    secure.stop().await;
}
