//! ServerService: what this service is.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::clock::SharedClock;
use crate::feed::cursor;
use crate::grpc::status::Problem;
use crate::store::Store;
use crate::wire::{pb, timestamp_to};

/// The service.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// Whose log it is.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: SharedClock,
    /// Such as "live" or "training".
    pub environment: String,
    /// Bounds that a client should keep to.
    pub limits: pb::ServerLimits,
}

#[tonic::async_trait]
impl pb::server_service_server::ServerService for ServerInfo {
    async fn get_server_info(
        &self,
        _: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        let head = self.store.head().await.map_err(Problem::from)?;
        Ok(Response::new(pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            environment: self.environment.clone(),
            limits: Some(self.limits),
            log_id: format!("{:016x}", head.log_id),
            oldest_cursor: cursor::encode(head.log_id, head.trimmed),
            newest_cursor: cursor::encode(head.log_id, head.point),
            server_time: Some(timestamp_to(self.clock.now())),
            store: self.store.engine().to_owned(),
        }))
    }
}
