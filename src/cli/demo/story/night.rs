//! The night between the windows, and the report on all of it.

use crate::cli::demo::activity;
use crate::cli::demo::day::today;
use crate::cli::demo::doctors::{self, GENMED_LATE};
use crate::cli::demo::stage::{Stage, say, unseen};
use crate::cli::demo::story::{GENMED, RATIO};
use crate::cli::{Failure, situation};
use crate::client::pb;

/// What England postponed: inpatient and day case operations, both together, outpatient appointments, and all of it.
const ENGLAND: [Option<i32>; 5] = [Some(4_187), Some(8_524), Some(12_711), Some(112_856), Some(125_567)];

/// Wards with three nurses by night: the first three are then above eight, the last at eight.
const NIGHT: [&str; 4] = ["A1", "A3", "A6", "A7"];

pub(super) async fn between_the_windows(stage: &mut Stage) -> Result<(), Failure> {
    stage.until(today(19, 30)).await?;
    stage.hospital.change("A4", |ward| ward.patients = 14);
    stage.until(today(20, 0)).await?;
    stage.hospital.change("A4", |ward| ward.nurses = 2);
    for code in NIGHT {
        stage.hospital.change(code, |ward| ward.nurses = 3);
    }
    let at = today(21, 30);
    stage.until(at).await?;
    stage.report(vec![doctors::at_work("GENMED", GENMED_LATE, at)]).await?;
    stage.until(today(22, 0)).await?;
    let above = open(stage, &[RATIO]).await?;
    let cover = open(stage, &["cover.*", "ward.double_gap"]).await?;
    let worst = above.last().ok_or_else(|| unseen("a ward above eight"))?;
    let group = stage.client.get_cover_group(GENMED).await?;
    let tier = group.tiers.iter().find(|t| t.tier == 2).and_then(|t| t.doctors.zip(t.minimum));
    let (doctors, minimum) = tier.ok_or_else(|| unseen("tier 2 of GENMED"))?;
    stage.tell(&format!(
        "Between the windows: GENMED tier 2 at {doctors} of {minimum} and {} cover alerts, but {} wards above 8: {}",
        cover.len(),
        above.len(),
        worst.message
    ));
    if cover.is_empty() { Ok(()) } else { Err(unseen("a night without cover alerts")) }
}

/// Open alerts of some rules, forecasts among them.
async fn open(stage: &Stage, rules: &[&str]) -> Result<Vec<pb::Alert>, Failure> {
    let rules = rules.iter().map(|r| (*r).to_owned()).collect();
    let filter = Some(pb::AlertFilter { rules, include_forecasts: true, ..pb::AlertFilter::default() });
    Ok(stage.client.list_alerts(pb::ListAlertsRequest { filter, ..pb::ListAlertsRequest::default() }).await?.alerts)
}

/// The control room's view: one answer, at one position of the log.
pub(super) async fn situation(stage: &mut Stage) -> Result<(), Failure> {
    stage.client.submit_activity(activity::postponed()).await?;
    stage.heard().await?;
    let request = pb::GetSituationRequest {
        activity_start_day: activity::DAYS.0.to_owned(),
        activity_end_day: activity::DAYS.1.to_owned(),
        total_only: true,
        ..pb::GetSituationRequest::default()
    };
    let situation = stage.client.get_situation(request).await?;
    say(&situation::text::situation(&situation, None));
    let total = situation.total.unwrap_or_default();
    let nurses = total.rns_counted.zip(total.rns_above_limit).zip(total.rns_at_or_above_limit);
    let ((all, above), at) = nurses.ok_or_else(|| unseen("nurses on wards whose ratio is known"))?;
    if above * 2 <= all {
        return Err(unseen("more than half of the nurses on wards above eight"));
    }
    say(&format!(
        "More than half either way: the survey counted eight or more ({at} of {all}), the article more than eight ({above} of {all})."
    ));
    let activity = total.activity.unwrap_or_default();
    let postponed = [activity.inpatient, activity.day_case, activity.operations, activity.outpatient, activity.total];
    match postponed.map(|counts| counts.and_then(|c| c.postponed)) {
        ENGLAND => Ok(()),
        other => Err(unseen(&format!("what England postponed: {other:?}"))),
    }
}
