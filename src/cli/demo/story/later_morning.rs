//! 26 April until noon: a derogation, a subscriber that is cut off, and a ward that falls silent meanwhile.

use crate::cli::Failure;
use crate::cli::demo::checks;
use crate::cli::demo::day::{london, today, told};
use crate::cli::demo::hospital::{self, HOSPITAL};
use crate::cli::demo::listener::Listener;
use crate::cli::demo::stage::{Stage, unseen};
use crate::cli::demo::story::{GENMED, STRIKE};
use crate::cli::shown::bare;
use crate::client::{Start, pb, timestamp_to};

/// The union lets one senior decision maker return to general medicine on the second day.
pub(super) async fn derogation(stage: &mut Stage) -> Result<(), Failure> {
    stage.until(today(10, 15)).await?;
    let derogation = pb::Derogation {
        cover_group: GENMED.to_owned(),
        tier: 2,
        number: Some(1),
        state: pb::DerogationState::Granted.into(),
        effective_time: Some(timestamp_to(london(27, 8, 0))),
    };
    let name = STRIKE.to_owned();
    let request =
        pb::RecordDerogationRequest { name: name.clone(), derogation: Some(derogation), ..Default::default() };
    stage.client.record_derogation(request).await?;
    stage.heard().await?;
    let organisations = vec![HOSPITAL.to_owned()];
    let request = pb::GetStrikeCoverRequest { name, organisations, window_ids: vec![2], ..Default::default() };
    let rows = stage.client.get_strike_cover(request).await?.rows;
    let row =
        rows.into_iter().find(|r| r.cover_group == GENMED).ok_or_else(|| unseen("GENMED in the strike's cover"))?;
    let tier = row.tiers.iter().find(|t| t.granted.is_some()).ok_or_else(|| unseen("a granted number"))?;
    let shown = |n: Option<i32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    stage.tell(&format!(
        "A derogation shows in the readiness return: {} to {}, GENMED tier {}: minimum {}, planned {}, granted {}.",
        told(row.start_time),
        told(row.end_time),
        tier.tier,
        shown(tier.minimum),
        shown(tier.doctors),
        shown(tier.granted)
    ));
    Ok(())
}

pub(super) async fn cut_and_resumed(stage: &mut Stage) -> Result<(), Failure> {
    stage.hospital.change("A5", |ward| ward.silent = true);
    stage.until(today(10, 30)).await?;
    let away = stage.listener.take().map(Listener::cut).unwrap_or_default();
    let at = today(10, 40);
    stage.until(at).await?;
    stage.hospital.change("A3", |ward| ward.nurses = 4);
    stage.report(stage.hospital.roster("A3", at)).await?;
    stage.until(today(12, 0)).await?;
    let before = away.events.len();
    stage.listener = Some(Listener::begin(&stage.client, Start::After(away.cursor.clone()), away));
    stage.heard().await?;
    let received = stage.listener.as_ref().map(Listener::seen).unwrap_or_default().events;
    let log = checks::whole_log(&stage.client).await?;
    let (missed, twice) = checks::missed_and_twice(&log, &received);
    let caught_up = received.len() - before;
    stage.tell(&format!(
        "A subscriber that was cut off at 10:30 resumes and catches up on {caught_up} events: {missed} missed, {twice} twice."
    ));
    if missed + twice == 0 && caught_up > 0 { Ok(()) } else { Err(unseen("all events, once")) }
}

pub(super) async fn silence(stage: &mut Stage) -> Result<(), Failure> {
    let ward = stage.client.get_ward(&hospital::name("A5")).await?;
    if ward.status() == pb::WardStatus::Ok || ward.freshness() != pb::Freshness::Stale {
        return Err(unseen("a silent ward that is stale and not green"));
    }
    let status = bare(ward.status().as_str_name(), "WARD_STATUS_");
    let freshness = bare(ward.freshness().as_str_name(), "FRESHNESS_");
    let last = told(ward.blocks.iter().filter_map(|b| b.observed_time).max_by_key(|t| t.seconds));
    stage.tell(&format!("Ward A5 has been silent since {last}: it stands at {status} and {freshness}, not green."));
    Ok(())
}
