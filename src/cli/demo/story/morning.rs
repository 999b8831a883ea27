//! 26 April until half past nine: a hole in the cover, seen by time alone, and closed.

use crate::cli::Failure;
use crate::cli::demo::day::today;
use crate::cli::demo::doctors::{self, GENMED_ACTING, GENMED_SHORT};
use crate::cli::demo::hospital::{self, HOSPITAL};
use crate::cli::demo::stage::{Stage, unseen};
use crate::cli::demo::story::{GENMED, MINIMUM, RAISED, RESOLVED};
use crate::cli::shown::bare;
use crate::client::pb;

const DOUBLE_GAP: &str = "ward.double_gap";

/// The figures came before; at eight the clock alone makes a hole of them.
pub(super) async fn window_opens(stage: &mut Stage) -> Result<(), Failure> {
    let at = today(7, 30);
    stage.until(at).await?;
    let mut returns = doctors::others_at_work("", at);
    returns.push(doctors::at_work("GENMED", GENMED_SHORT, at));
    stage.report(returns).await?;
    stage.until(today(8, 0)).await?;
    let (event, hole) = stage.saw(GENMED, MINIMUM, RAISED)?;
    let cause = event.cause.unwrap_or_default();
    if cause.kind() != pb::CauseKind::Timer {
        return Err(unseen("the clock alone raises the hole"));
    }
    let severity = bare(hole.severity().as_str_name(), "SEVERITY_");
    stage.tell(&format!("The window opens, no report arrives, the clock raises {severity}: {}", hole.message));
    Ok(())
}

/// Three systems, none of which has the whole picture.
pub(super) async fn double_gap(stage: &mut Stage) -> Result<(), Failure> {
    let at = today(8, 10);
    stage.until(at).await?;
    stage.hospital.change("A3", |ward| ward.nurses = 3);
    stage.report(stage.hospital.roster("A3", at)).await?;
    let (_, gap) = stage.saw(&hospital::name("A3"), DOUBLE_GAP, RAISED)?;
    let mut sources: Vec<String> = gap.inputs.into_iter().map(|i| i.source).collect();
    sources.extend(stage.client.get_cover_group(GENMED).await?.blocks.into_iter().map(|b| b.source));
    stage.tell(&format!("{}: {}", sources.join(", "), gap.message));
    Ok(())
}

/// Doctors by tier as the service counts them.
async fn tiers(stage: &Stage) -> Result<[i32; 3], Failure> {
    let group = stage.client.get_cover_group(GENMED).await?;
    let doctors = |tier: i32| group.tiers.iter().find(|t| t.tier == tier).and_then(|t| t.doctors);
    match [1, 2, 3].map(doctors) {
        [Some(one), Some(two), Some(three)] => Ok([one, two, three]),
        _ => Err(unseen("doctors of all three tiers")),
    }
}

pub(super) async fn acting_down(stage: &mut Stage) -> Result<(), Failure> {
    let at = today(8, 30);
    stage.until(at).await?;
    stage.report(doctors::others_at_work("SURG", at)).await?;
    let at = today(8, 40);
    stage.until(at).await?;
    let before = tiers(stage).await?;
    stage.report(vec![doctors::at_work("GENMED", GENMED_ACTING, at)]).await?;
    let after = tiers(stage).await?;
    let (_, hole) = stage.saw(GENMED, MINIMUM, pb::AlertEventType::Updated)?;
    let condition = bare(hole.condition().as_str_name(), "ALERT_CONDITION_");
    let (all, still): (i32, i32) = (before.iter().sum(), after.iter().sum());
    let said = |tiers: [i32; 3]| tiers.map(|n| n.to_string()).join("+");
    let (before, after) = (said(before), said(after));
    stage.tell(&format!(
        "A consultant acts down: tiers 1, 2, 3 had {before} = {all} doctors and have {after} = {still}, the hole is {condition}."
    ));
    Ok(())
}

/// Surgery has sent nothing since before the window.
pub(super) async fn return_missing(stage: &mut Stage) -> Result<(), Failure> {
    stage.until(today(9, 0)).await?;
    let (_, missing) = stage.saw(HOSPITAL, "cover.not_reported", RAISED)?;
    let severity = bare(missing.severity().as_str_name(), "SEVERITY_");
    let groups = missing.cover_groups.iter().filter_map(|g| g.rsplit('/').next()).collect::<Vec<_>>().join(", ");
    stage.tell(&format!("One {severity} for the whole organisation: {} ({groups})", missing.message));
    Ok(())
}

pub(super) async fn hole_closed(stage: &mut Stage) -> Result<(), Failure> {
    stage.until(today(9, 10)).await?;
    let (_, hole) = stage.saw(GENMED, MINIMUM, RESOLVED)?;
    let (_, gap) = stage.saw(&hospital::name("A3"), DOUBLE_GAP, RESOLVED)?;
    let [first, second] =
        [&hole, &gap].map(|a| format!("{} {}", a.rule, bare(a.resolution().as_str_name(), "RESOLUTION_")));
    stage.tell(&format!("Half an hour of good figures ends both: {first}, {second}."));
    let at = today(9, 20);
    stage.until(at).await?;
    stage.report(doctors::others_at_work("", at)).await?;
    let at = today(9, 30);
    stage.until(at).await?;
    stage.report(vec![doctors::at_work("GENMED", GENMED_ACTING, at)]).await
}
