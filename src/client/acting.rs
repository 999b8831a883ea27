use super::{Client, Error, bounded, pb};

impl Client {
    /// Takes an alert on; the alert as it is then.
    pub async fn acknowledge_alert(&self, request: pb::AcknowledgeAlertRequest) -> Result<pb::Alert, Error> {
        let done = self.answer(self.alerts().acknowledge_alert(bounded(request)).await)?;
        Ok(done.alert.unwrap_or_default())
    }

    /// Gives an alert back; the alert as it is then.
    pub async fn unacknowledge_alert(&self, request: pb::UnacknowledgeAlertRequest) -> Result<pb::Alert, Error> {
        let done = self.answer(self.alerts().unacknowledge_alert(bounded(request)).await)?;
        Ok(done.alert.unwrap_or_default())
    }

    /// Ends an alert; the alert as it is then.
    pub async fn close_alert(&self, request: pb::CloseAlertRequest) -> Result<pb::Alert, Error> {
        let done = self.answer(self.alerts().close_alert(bounded(request)).await)?;
        Ok(done.alert.unwrap_or_default())
    }

    /// One page of the audit.
    pub async fn list_audit_entries(
        &self,
        request: pb::ListAuditEntriesRequest,
    ) -> Result<pb::ListAuditEntriesResponse, Error> {
        self.answer(self.alerts().list_audit_entries(bounded(request)).await)
    }
}
