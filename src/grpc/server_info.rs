//! ServerService: what this service is.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::access::{Caller, Role};
use crate::clock::SharedClock;
use crate::domain::ResponderRole;
use crate::feed::cursor;
use crate::grpc::guard::caller;
use crate::grpc::status::Problem;
use crate::store::Store;
use crate::wire::{pb, role_to, timestamp_to};

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
        request: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        let caller = caller(&request)?;
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
            caller: caller.is_known().then(|| shown(&caller)),
        }))
    }
}

/// Who the caller is to the service.
fn shown(caller: &Caller) -> pb::Caller {
    let identity = caller.identity();
    let organisations = match identity.reach.named() {
        None => vec!["*".to_owned()],
        Some(codes) => codes.iter().map(|code| format!("organisations/{code}")).collect(),
    };
    let claims =
        ResponderRole::ALL.into_iter().filter(|role| caller.has(&[Role::Responder]) && caller.may_claim(*role));
    pb::Caller {
        identity: identity.name.to_string(),
        roles: identity.roles.iter().map(|role| role.code().to_owned()).collect(),
        organisations,
        responder_roles: claims.map(role_to).collect(),
        expire_time: caller.expires().map(timestamp_to),
    }
}
