//! 26 April until five: an acknowledgement that lapses on a rise, and the end of the first window.

use crate::cli::Failure;
use crate::cli::demo::day::{today, told};
use crate::cli::demo::doctors::{self, GENMED_LATE};
use crate::cli::demo::hospital;
use crate::cli::demo::stage::{Stage, unseen};
use crate::cli::demo::story::{GENMED, MINIMUM, RAISED, RATIO, RESOLVED};
use crate::cli::shown::bare;
use crate::client::pb;

/// The ward of this part of the story.
const WARD: &str = "A6";

/// The roster says how many nurses there are now.
async fn nurses(stage: &mut Stage, hour: i64, nurses: i32) -> Result<(), Failure> {
    let at = today(hour, 10);
    stage.until(at).await?;
    stage.hospital.change(WARD, |ward| ward.nurses = nurses);
    stage.report(stage.hospital.roster(WARD, at)).await
}

pub(super) async fn acknowledged(stage: &mut Stage) -> Result<(), Failure> {
    nurses(stage, 13, 3).await?;
    let (_, alert) = stage.saw(&hospital::name(WARD), RATIO, RAISED)?;
    stage.until(today(13, 20)).await?;
    let request = pb::AcknowledgeAlertRequest {
        name: alert.name,
        role: pb::ResponderRole::Matron.into(),
        action: pb::ActionCode::Redeploying.into(),
        client_system: "WARDBOARD".to_owned(),
        ..pb::AcknowledgeAlertRequest::default()
    };
    stage.client.acknowledge_alert(request).await?;
    stage.heard().await?;
    let (_, alert) = stage.saw(&hospital::name(WARD), RATIO, pb::AlertEventType::Acknowledged)?;
    let taken = alert.acknowledgement.unwrap_or_default();
    let role = bare(taken.role().as_str_name(), "RESPONDER_ROLE_");
    let action = bare(taken.action().as_str_name(), "ACTION_CODE_");
    let until = told(taken.expire_time);
    stage.tell(&format!("Acknowledged by {role}, {action}, until {until}: {}", alert.message));
    Ok(())
}

pub(super) async fn rise(stage: &mut Stage) -> Result<(), Failure> {
    nurses(stage, 14, 2).await?;
    let ward = hospital::name(WARD);
    let (rise, alert) = stage.saw(&ward, RATIO, pb::AlertEventType::SeverityChanged)?;
    let (lapse, _) = stage.saw(&ward, RATIO, pb::AlertEventType::Unacknowledged)?;
    if lapse.position != rise.position + 1 {
        return Err(unseen("the acknowledgement lapses with the rise"));
    }
    let [rise, lapse] = [rise, lapse].map(|e| bare(e.r#type().as_str_name(), "ALERT_EVENT_TYPE_"));
    let severity = bare(alert.severity().as_str_name(), "SEVERITY_");
    stage.tell(&format!("{rise} to {severity}, hence {lapse}: {}", alert.message));
    nurses(stage, 15, 4).await
}

pub(super) async fn window_closes(stage: &mut Stage) -> Result<(), Failure> {
    let at = today(16, 30);
    stage.until(at).await?;
    stage.report(vec![doctors::at_work("GENMED", GENMED_LATE, at)]).await?;
    let (_, hole) = stage.saw(GENMED, MINIMUM, RAISED)?;
    stage.until(today(17, 0)).await?;
    let (_, ended) = stage.saw(GENMED, MINIMUM, RESOLVED)?;
    if ended.name != hole.name {
        return Err(unseen("the end of the afternoon's hole"));
    }
    let how = bare(ended.resolution().as_str_name(), "RESOLUTION_");
    stage.tell(&format!("The window closes on another hole, raised {}: {how}.", told(ended.raise_time)));
    Ok(())
}
