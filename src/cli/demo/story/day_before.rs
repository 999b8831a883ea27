//! 25 April: the strike is announced, and a plan is short.

use crate::cli::Failure;
use crate::cli::demo::day::{london, told};
use crate::cli::demo::doctors::{self, GENMED_SHORT, GENMED_WHOLE};
use crate::cli::demo::hospital;
use crate::cli::demo::stage::{Stage, say, unseen};
use crate::cli::demo::story::{GENMED, RAISED, RESOLVED};
use crate::cli::shown::bare;
use crate::client::pb;

const PLAN_GAP: &str = "cover.plan_gap";

pub(super) async fn registered(stage: &mut Stage) -> Result<(), Failure> {
    stage.client.upsert_organisations(hospital::organisations()).await?;
    let wards = stage.client.upsert_wards(stage.hospital.entries()).await?.created_count;
    let groups = stage.client.upsert_cover_groups(doctors::groups()).await?.created_count;
    stage.report(stage.hospital.routine(stage.now())).await?;
    say(&format!(
        "A made-up hospital, {wards} wards, {groups} cover groups of doctors, on 25 and 26 April 2016 (London time)."
    ));
    Ok(())
}

pub(super) async fn announced(stage: &mut Stage) -> Result<(), Failure> {
    stage.until(london(25, 14, 0)).await?;
    let request = pb::CreateStrikeRequest { strike: Some(strike()), ..pb::CreateStrikeRequest::default() };
    let answer = stage.client.create_strike(request).await?;
    stage.heard().await?;
    let (strike, effect) = (answer.strike.unwrap_or_default(), answer.effect.unwrap_or_default());
    let terms = [
        bare(strike.staff_group().as_str_name(), "STAFF_GROUP_"),
        bare(strike.mode().as_str_name(), "STRIKE_MODE_"),
        bare(strike.elective_policy().as_str_name(), "ELECTIVE_POLICY_"),
    ];
    let windows = strike.windows.iter().map(|w| format!("{} to {}", told(w.start_time), told(w.end_time)));
    let (windows, groups) = (windows.collect::<Vec<_>>().join(" and "), effect.cover_group_count);
    let (name, union, terms) = (&strike.name, &strike.union, terms.join(", "));
    stage.tell(&format!("{name} of {union}, {terms}: {windows}; {groups} cover groups in scope."));
    Ok(())
}

pub(super) async fn planned(stage: &mut Stage) -> Result<(), Failure> {
    let at = london(25, 14, 30);
    stage.until(at).await?;
    let mut plans = [26, 27].map(|day| doctors::others_planned(day, at)).concat();
    plans.push(doctors::planned("GENMED", GENMED_WHOLE, 27, at));
    plans.push(doctors::planned("GENMED", GENMED_SHORT, 26, at));
    stage.report(plans).await?;
    let (_, gap) = stage.saw(GENMED, PLAN_GAP, RAISED)?;
    if !gap.forecast {
        return Err(unseen("a forecast"));
    }
    stage.tell(&format!("A gap is forecast: {}", gap.message));
    let at = london(25, 16, 0);
    stage.until(at).await?;
    stage.report(vec![doctors::planned("GENMED", GENMED_WHOLE, 26, at)]).await?;
    let (_, gap) = stage.saw(GENMED, PLAN_GAP, RESOLVED)?;
    let how = bare(gap.resolution().as_str_name(), "RESOLUTION_");
    stage.tell(&format!("A new plan closes the gap, and the forecast ends at once: {how}."));
    Ok(())
}

/// Junior doctors, full withdrawal, on two days; the night between them is in neither window.
fn strike() -> pb::Strike {
    let window = |day: &str| pb::StrikeWindow {
        start_local: format!("{day}T08:00"),
        end_local: format!("{day}T17:00"),
        ..pb::StrikeWindow::default()
    };
    pb::Strike {
        union: "BMA".to_owned(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
        scope: Some(pb::StrikeScope { nation: "ENGLAND".to_owned(), ..pb::StrikeScope::default() }),
        time_zone: "Europe/London".to_owned(),
        windows: vec![window("2016-04-26"), window("2016-04-27")],
        ..pb::Strike::default()
    }
}
