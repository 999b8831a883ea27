//! A subscriber that reads, what it asks for, and what an error says.

use tonic::transport::Channel;
use tonic::{Status, Streaming};
use wardwatch::domain::Time;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, SubscribeRequest, SubscribeResponse};
use wardwatch::wire::timestamp_to;

use super::rig::within;

/// A subscriber, reading.
pub struct Reader {
    stream: Streaming<SubscribeResponse>,
    pub cursor: Vec<u8>,
}

impl Reader {
    pub async fn open(client: &mut AlertServiceClient<Channel>, request: SubscribeRequest) -> Result<Self, Status> {
        let stream = within(client.subscribe(request)).await?.into_inner();
        Ok(Self { stream, cursor: Vec::new() })
    }
    /// The next message, whatever it is; keeps its cursor.
    pub async fn message(&mut self) -> Result<Response, Status> {
        let message = within(self.stream.message()).await?.expect("a stream ends with a status");
        self.cursor = message.cursor.to_vec();
        Ok(message.response.expect("every message says something"))
    }
    /// Reads `opened`, and says where the stream begins.
    pub async fn start(&mut self) -> Vec<u8> {
        let message = self.message().await.unwrap();
        assert!(matches!(message, Response::Opened(_)), "{message:?} before opened");
        self.cursor.clone()
    }
    /// The next message of events; what else comes before it is passed over.
    pub async fn events(&mut self) -> Vec<pb::AlertEvent> {
        let reading = async {
            loop {
                if let Response::Events(events) = self.message().await.unwrap() {
                    return events.events;
                }
            }
        };
        within(reading).await
    }
    /// Events until there are `count`, message by message.
    pub async fn messages(&mut self, count: usize) -> Vec<Vec<pb::AlertEvent>> {
        let mut messages = Vec::new();
        while messages.iter().map(Vec::len).sum::<usize>() < count {
            messages.push(self.events().await);
        }
        messages
    }
    /// Positions of the next `count` events.
    pub async fn positions(&mut self, count: usize) -> Vec<i64> {
        self.messages(count).await.concat().iter().map(|e| e.position).collect()
    }
    /// Reads until a heartbeat whose cursor is `cursor`; fails on events.
    pub async fn heartbeat_at(&mut self, cursor: &[u8]) {
        let reading = async {
            while self.cursor != cursor {
                match self.message().await.unwrap() {
                    Response::Heartbeat(_) | Response::Opened(_) => {}
                    other => panic!("{other:?} instead of a heartbeat"),
                }
            }
        };
        within(reading).await;
    }
    /// The status the stream ends with.
    pub async fn end(&mut self) -> Status {
        let end = async {
            loop {
                if let Err(status) = self.message().await {
                    return status;
                }
            }
        };
        within(end).await
    }
}

pub fn after(cursor: &[u8]) -> SubscribeRequest {
    let start = Some(pb::subscribe_request::Start::AfterCursor(cursor.to_vec().into()));
    SubscribeRequest { start, ..Default::default() }
}

pub fn snapshot() -> SubscribeRequest {
    let start = Some(pb::subscribe_request::Start::Snapshot(pb::Snapshot {}));
    SubscribeRequest { start, ..Default::default() }
}

/// From the first event of the log on.
pub fn since(time: Time) -> SubscribeRequest {
    let start = Some(pb::subscribe_request::Start::SinceTime(timestamp_to(time)));
    SubscribeRequest { start, ..Default::default() }
}

/// The reason in an error's details.
pub fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    status.get_error_details().error_info().map(|i| i.reason.clone()).unwrap_or_default()
}

/// The fields an error names.
pub fn fields(status: &Status) -> Vec<(String, String)> {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    let violations = details.bad_request().map(|b| b.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|v| (v.field, v.description)).collect()
}
