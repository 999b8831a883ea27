use super::connection::Wire;
use super::{ANSWER_BYTES, Client, Error, bounded, pb};
use pb::strike_service_client::StrikeServiceClient;

impl Client {
    /// Announces a strike.
    pub async fn create_strike(&self, request: pb::CreateStrikeRequest) -> Result<pb::CreateStrikeResponse, Error> {
        self.answer(self.strikes().create_strike(bounded(request)).await)
    }

    /// Replaces a strike's definition.
    pub async fn update_strike(&self, request: pb::UpdateStrikeRequest) -> Result<pb::UpdateStrikeResponse, Error> {
        self.answer(self.strikes().update_strike(bounded(request)).await)
    }

    /// Calls off windows of a strike, or all of it.
    pub async fn call_off_strike(&self, request: pb::CallOffStrikeRequest) -> Result<pb::CallOffStrikeResponse, Error> {
        self.answer(self.strikes().call_off_strike(bounded(request)).await)
    }

    /// Records what the union lets return to a cover group.
    pub async fn record_derogation(
        &self,
        request: pb::RecordDerogationRequest,
    ) -> Result<pb::RecordDerogationResponse, Error> {
        self.answer(self.strikes().record_derogation(bounded(request)).await)
    }

    /// One strike, by its full name; now, or at a former version.
    pub async fn get_strike(&self, name: &str, version: Option<i64>) -> Result<pb::GetStrikeResponse, Error> {
        let request = pb::GetStrikeRequest { name: name.to_owned(), version };
        self.answer(self.strikes().get_strike(bounded(request)).await)
    }

    /// One page of strikes.
    pub async fn list_strikes(&self, request: pb::ListStrikesRequest) -> Result<pb::ListStrikesResponse, Error> {
        self.answer(self.strikes().list_strikes(bounded(request)).await)
    }

    /// One page of a strike's cover.
    pub async fn get_strike_cover(
        &self,
        request: pb::GetStrikeCoverRequest,
    ) -> Result<pb::GetStrikeCoverResponse, Error> {
        self.answer(self.strikes().get_strike_cover(bounded(request)).await)
    }

    fn strikes(&self) -> StrikeServiceClient<Wire> {
        StrikeServiceClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }
}
