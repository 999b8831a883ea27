use std::time::Duration;

use pb::situation_service_client::SituationServiceClient;
use pb::watch_situation_response::Response;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Streaming;
use tracing::{info, warn};

use super::connection::Wire;
use super::retry::Retry;
use super::{ANSWER_BYTES, Client, Error, bounded, pb};

/// The heartbeat interval when none is asked for (contract.md section 1).
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a watcher of the situation hears.
#[derive(Clone, Debug)]
pub enum Sight {
    /// A stream is open; its heartbeat interval. What was shown before is not live until something more is heard.
    Opened(Duration),
    /// The situation.
    Situation(Box<pb::Situation>),
    /// What was shown last still holds, at this time of the service's.
    Live(Option<prost_types::Timestamp>),
}

/// Watches the situation over any number of connections.
#[derive(Debug)]
pub struct SituationWatcher {
    client: Client,
    request: pb::WatchSituationRequest,
    stream: Option<Streaming<pb::WatchSituationResponse>>,
    retry: Retry,
    not_before: Instant,
    come_back_after: Option<Duration>,
    silence: Duration,
}

impl Client {
    /// The situation now, or as of a time.
    pub async fn get_situation(&self, request: pb::GetSituationRequest) -> Result<pb::Situation, Error> {
        let response = self.answer(self.situations().get_situation(bounded(request)).await)?;
        Ok(response.situation.unwrap_or_default())
    }

    /// Watches the situation.
    pub fn watch_situation(&self, request: pb::WatchSituationRequest) -> SituationWatcher {
        let asked = request.heartbeat_interval.and_then(|d| Duration::try_from(d).ok());
        SituationWatcher {
            client: self.clone(),
            request,
            stream: None,
            retry: Retry::new(None),
            not_before: Instant::now(),
            come_back_after: None,
            silence: asked.unwrap_or(HEARTBEAT) * 3,
        }
    }

    fn situations(&self) -> SituationServiceClient<Wire> {
        SituationServiceClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }
}

impl SituationWatcher {
    /// Longest silence believed: three heartbeats.
    pub fn silence(&self) -> Duration {
        self.silence
    }

    /// What comes next; an error only when trying again is of no use. Not to be cut off half way: what it had heard would
    /// be lost.
    pub async fn next(&mut self) -> Result<Sight, Error> {
        loop {
            match self.receive().await {
                Ok(Some(sight)) => {
                    self.retry.succeeded();
                    return Ok(sight);
                }
                Ok(None) => {}
                Err(error) => self.recover(error)?,
            }
        }
    }

    /// One message; none when it says nothing to a watcher.
    async fn receive(&mut self) -> Result<Option<Sight>, Error> {
        if self.stream.is_none() {
            self.stream = Some(self.open().await?);
        }
        let Some(stream) = &mut self.stream else { return Err(Error::Ended(self.client.url().to_owned())) };
        let message = match timeout(self.silence, stream.message()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return Err(Error::Ended(self.client.url().to_owned())),
            Ok(Err(status)) => return Err(self.client.error(&status)),
            Err(_) => return Err(Error::Silent(self.silence)),
        };
        Ok(match message.response {
            Some(Response::Opened(opened)) => {
                let interval = opened.heartbeat_interval.and_then(|d| Duration::try_from(d).ok()).unwrap_or(HEARTBEAT);
                self.silence = interval * 3;
                Some(Sight::Opened(interval))
            }
            Some(Response::Situation(situation)) => Some(Sight::Situation(Box::new(situation))),
            Some(Response::Heartbeat(heartbeat)) => Some(Sight::Live(heartbeat.server_time)),
            Some(Response::Goodbye(goodbye)) => {
                self.come_back_after = goodbye.retry_after.and_then(|d| Duration::try_from(d).ok());
                None
            }
            // A kind of message that this client does not know.
            None => None,
        })
    }

    async fn open(&self) -> Result<Streaming<pb::WatchSituationResponse>, Error> {
        sleep_until(self.not_before).await;
        let mut situations = self.client.situations();
        let answer = timeout(self.silence, situations.watch_situation(self.request.clone())).await;
        self.client.answer(answer.map_err(|_| Error::Silent(self.silence))?)
    }

    /// Prepares the next attempt, or hands the error out when there is none to make.
    fn recover(&mut self, error: Error) -> Result<(), Error> {
        self.stream = None;
        let asked = error.retry_after().max(self.come_back_after.take());
        let Some(delay) = self.retry.helps(&error).then(|| self.retry.failed(asked)).flatten() else {
            return Err(error);
        };
        if asked.is_some() {
            info!("{error}; coming back in {} ms", delay.as_millis());
        } else {
            warn!("{error}; trying again in {} ms", delay.as_millis());
        }
        self.not_before = Instant::now() + delay;
        Ok(())
    }
}
