use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Client, Error, bounded};

impl Client {
    /// Whether the service as a whole says that it serves (`grpc.health.v1`).
    pub async fn is_serving(&self) -> Result<bool, Error> {
        let mut health = HealthClient::new(self.wire.clone());
        let answer = self.answer(health.check(bounded(HealthCheckRequest::default())).await)?;
        Ok(answer.status == i32::from(ServingStatus::Serving))
    }
}
