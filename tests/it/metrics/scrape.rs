//! A scrape of a running service, read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::service::{Service, eventually};

/// The samples of one scrape.
#[derive(Clone, Debug)]
pub struct Scrape {
    pub text: String,
    pub content_type: String,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// A metric as a document would name it: its type and the labels its series have.
pub type Described = BTreeMap<String, (String, BTreeSet<String>)>;

impl Scrape {
    pub async fn of(service: &Service) -> Self {
        Self::at(service.running.admin_address, "*/*").await
    }
    pub async fn at(address: SocketAddr, accept: &str) -> Self {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let header = |line: &str| line.to_lowercase().strip_prefix("content-type: ").map(ToOwned::to_owned);
        let content_type = head.lines().find_map(header).unwrap();
        let samples = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(sample).collect();
        Self { text: text.to_owned(), content_type, samples }
    }
    /// The value of the one series with this name and, among others, these labels.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |s: &&Sample| s.name == name && labels.iter().all(|(k, v)| s.labels.get(*k).is_some_and(|l| l == v));
        let mut found = self.samples.iter().filter(has);
        let value = found.next()?.value;
        assert!(found.next().is_none(), "{name} {labels:?} names more than one series");
        Some(value)
    }
    /// As [`Self::get`]; it must be there.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.get(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} in\n{}", self.text))
    }
    /// Every metric that has series.
    pub fn described(&self) -> Described {
        let types = self.text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split_once(' '));
        types.map(|(family, kind)| self.describe(family, kind)).collect()
    }
    fn describe(&self, family: &str, kind: &str) -> (String, (String, BTreeSet<String>)) {
        let (name, sample) = match kind {
            "counter" => (format!("{family}_total"), format!("{family}_total")),
            "info" => (format!("{family}_info"), format!("{family}_info")),
            "histogram" => (family.to_owned(), format!("{family}_count")),
            _ => (family.to_owned(), family.to_owned()),
        };
        let of = self.samples.iter().filter(|s| s.name == sample);
        (name, (kind.to_owned(), of.flat_map(|s| s.labels.keys().cloned()).collect()))
    }
}

/// Scrapes until it is so; the scrape in which it was.
pub async fn until(service: &Service, what: &str, so: impl Fn(&Scrape) -> bool) -> Scrape {
    let found = std::sync::Mutex::new(None);
    eventually(what, async || {
        let scrape = Scrape::of(service).await;
        let is = so(&scrape);
        *found.lock().unwrap() = Some(scrape);
        is
    })
    .await;
    found.into_inner().unwrap().unwrap()
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').map_or((series, ""), |(n, l)| (n, l.trim_end_matches('}')));
    // No label of ours holds a comma or an escaped character: that is part of the promise.
    let labels = labels.split(',').filter(|l| !l.is_empty()).map(|label| {
        let (key, value) = label.split_once('=').unwrap_or_else(|| panic!("{line}"));
        (key.to_owned(), value.trim_matches('"').to_owned())
    });
    Sample { name: name.to_owned(), labels: labels.collect(), value: value.parse().unwrap() }
}
