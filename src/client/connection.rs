use std::sync::Arc;
use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::bearer::Bearer;
use super::dial::Dial;
use super::{Client, Error, Target};

/// How often an idle connection is pinged, and how long the answer may take: middleboxes forget silent connections.
const PING: Duration = Duration::from_secs(20);

/// What calls go over: a connection that is made anew when it breaks, and a token with each call.
pub(super) type Wire = InterceptedService<Channel, Bearer>;

impl Client {
    /// Connects to a service: `http://host:port`, or a [`Target`] that says what TLS and tokens need. Fails at once when
    /// nobody listens there, or the two do not get on.
    pub async fn connect(target: impl Into<Target>) -> Result<Self, Error> {
        let (target, endpoint, bearer) = prepared(target.into())?;
        let dial = Dial::new(Arc::clone(&target));
        let channel = Channel::connect(dial.clone(), endpoint).await;
        let channel = channel.map_err(|e| Error::broken(&target.url, &e, dial.is_answered_by_tls()))?;
        Ok(Self { target, wire: InterceptedService::new(channel, bearer), dial })
    }

    /// Connects when first used: for one who would rather wait for the service than fail.
    pub fn lazy(target: impl Into<Target>) -> Result<Self, Error> {
        let (target, endpoint, bearer) = prepared(target.into())?;
        let dial = Dial::new(Arc::clone(&target));
        let channel = Channel::new(dial.clone(), endpoint);
        Ok(Self { target, wire: InterceptedService::new(channel, bearer), dial })
    }
}

fn prepared(target: Target) -> Result<(Arc<Target>, Endpoint, Bearer), Error> {
    let endpoint = Endpoint::from(target.uri()?);
    let bearer = Bearer::open(target.token_file.clone())?;
    let agent = concat!("wardwatch/", env!("CARGO_PKG_VERSION"));
    // Windows as performance.md section 3: 64 KiB a stream, HTTP/2's default, costs a third.
    let endpoint = endpoint
        .user_agent(agent)
        .map_err(|_| Error::Url(target.url.clone()))?
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20);
    Ok((Arc::new(target), endpoint, bearer))
}
