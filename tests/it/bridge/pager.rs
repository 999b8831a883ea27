//! What Alertmanager pages: a webhook that notes what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

/// A webhook receiver; it ends with its test's runtime.
#[derive(Clone, Debug)]
pub struct Pager {
    address: SocketAddr,
    pages: Arc<Mutex<Vec<Value>>>,
}

impl Pager {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pager = Self { address: listener.local_addr().unwrap(), pages: Arc::default() };
        let routes = Router::new().route("/page", post(page)).with_state(Arc::clone(&pager.pages));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        pager
    }

    pub fn url(&self) -> String {
        format!("http://{}/page", self.address)
    }

    /// Status, rule, ward, severity and summary of every alert in every page so far, in the order of their coming.
    pub fn heard(&self) -> Vec<String> {
        let pages = self.pages.lock().unwrap();
        let alerts = pages.iter().flat_map(|page| page["alerts"].as_array().cloned().unwrap_or_default());
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let said = |a: Value| {
            let labels = &a["labels"];
            let words = [&a["status"], &labels["alertname"], &labels["ward"], &labels["severity"]];
            let words: Vec<_> = words.into_iter().map(word).collect();
            format!("{}: {}", words.join(" "), word(&a["annotations"]["summary"]))
        };
        alerts.map(said).collect()
    }
}

async fn page(State(pages): State<Arc<Mutex<Vec<Value>>>>, body: String) {
    pages.lock().unwrap().push(serde_json::from_str(&body).unwrap());
}
