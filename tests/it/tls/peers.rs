//! What a service learns of who calls it.

use std::convert::Infallible;
use std::future::Ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::service::Routes;
use wardwatch::access::Gate;
use wardwatch::client::Client;
use wardwatch::clock::SystemClock;
use wardwatch::grpc::edge::Api;
use wardwatch::grpc::listener;
use wardwatch::grpc::peer::Peer;
use wardwatch::grpc::quota::{Quotas, Usual};
use wardwatch::grpc::tls::{Files, Keeper, Tls};
use wardwatch::lifecycle::Lifecycle;

use super::house::{Papers, with};
use crate::support::service::{LONG, within};

/// Refuses every call, and says who called.
#[derive(Clone)]
struct Who;

impl NamedService for Who {
    const NAME: &'static str = "grpc.health.v1.Health";
}

impl Service<http::Request<Body>> for Who {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<Peer>();
        let said = peer.map_or("nobody".to_owned(), |p| format!("{} until {}", p.names.join(" "), p.not_after));
        let token = request.headers().get("authorization").map(|t| t.to_str().unwrap().to_owned());
        let said = format!("{said}, {}", token.unwrap_or("no token".into()));
        std::future::ready(Ok(Status::permission_denied(said).into_http()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_a_client_with_a_certificate_carries_its_names_and_its_end_and_the_token() {
    let (papers, lifecycle) = (Papers::new(), Lifecycle::default());
    let files = Files {
        certificate: papers.text("server.pem"),
        key: papers.text("server.key"),
        client_ca: Some(papers.text("clients.pem")),
        required: false,
    };
    let keeper = Keeper::open(files, Arc::new(SystemClock::default())).await.unwrap();
    let tls = Some(Arc::new(Tls::new(&keeper, 4, LONG)));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = papers.target(socket.local_addr().unwrap());
    let (settings, ends) = (listener::Settings { tls, ..Default::default() }, lifecycle.clone());
    let gate = Gate::open(Arc::new(SystemClock::default()));
    let api = Api { routes: Routes::new(Who), gate, quotas: Quotas::new(Usual::default()) };
    let served = tokio::spawn(async move { listener::serve(socket, api, settings, &ends).await });

    let files = papers.clients.client("rostering").write(papers.folder.path(), "client");
    let mut named = with(target.clone(), &files);
    named.token_file = Some(papers.put("token", "ww_first\n"));
    let client = within(Client::connect(&named)).await.unwrap();
    // 4096-01-01, rcgen's own end.
    let peer = "URI:spiffe://nhs/rj1/rostering CN:rostering until 67090118400";
    for token in ["ww_first", "ww_second"] {
        papers.put("token", token);
        let said = within(client.is_serving()).await.unwrap_err().to_string();
        assert_eq!(said, format!("{peer}, Bearer {token} (PermissionDenied)"));
    }
    let nameless = within(Client::connect(&target)).await.unwrap();
    let said = within(nameless.is_serving()).await.unwrap_err().to_string();
    assert_eq!(said, "nobody, no token (PermissionDenied)");
    lifecycle.begin_drain();
    within(served).await.unwrap();
}
