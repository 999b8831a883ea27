//! Organisations added up: one alone, those of a region, all that were asked for.

use std::collections::BTreeMap;

use crate::domain::{Rulebook, Time};
use crate::situation::absence::absence;
use crate::situation::activity::activity;
use crate::situation::known::{Known, forecasts, worst};
use crate::situation::material::{Ask, Material};
use crate::situation::nurses::{count_nurses, doctors, unknown};
use crate::situation::part::{Part, Read};
use crate::situation::strikes::Interval;
use crate::situation::{holes, int, strikes};
use crate::wire::{pb, timestamp_to};

/// The situation, without the cursor, which belongs to the feed. `now` is the service's time.
pub fn situation(material: &Material, book: &Rulebook, ask: &Ask, now: Time) -> pb::Situation {
    let read = Read::new(material, book);
    let parts = read.parts(material, book, ask);
    let all: Vec<&Part<'_>> = parts.iter().collect();
    let (mut regions, mut organisations) = (Vec::new(), Vec::new());
    if !ask.total_only {
        let mut by_region: BTreeMap<&str, Vec<&Part<'_>>> = BTreeMap::new();
        for part in &parts {
            let Some(region) = &part.organisation.region else { continue };
            by_region.entry(region.as_str()).or_default().push(part);
        }
        regions.extend(by_region.into_iter().map(|(code, parts)| of_region(code, &parts, material, ask)));
        organisations.extend(parts.iter().map(|part| of_organisation(part, material, ask)));
    }
    pb::Situation {
        cursor: Vec::new().into(),
        position: material.point.position,
        server_time: Some(timestamp_to(now)),
        as_of_time: ask.as_of.map(timestamp_to),
        total: Some(pb::SituationBlock { display_name: only(&parts), ..block(&all, material, ask) }),
        regions,
        organisations,
        activity_start_day: ask.first_day.to_string(),
        activity_end_day: ask.last_day.to_string(),
    }
}

/// The name of the only organisation.
fn only(parts: &[Part<'_>]) -> String {
    match parts {
        [only] => only.organisation.display_name.clone(),
        _ => String::new(),
    }
}

fn of_region(code: &str, parts: &[&Part<'_>], material: &Material, ask: &Ask) -> pb::SituationBlock {
    let name = parts.iter().map(|p| &p.organisation.region_name).find(|name| !name.is_empty());
    let display_name = name.cloned().unwrap_or_default();
    pb::SituationBlock { region: code.to_owned(), display_name, ..block(parts, material, ask) }
}

fn of_organisation(part: &Part<'_>, material: &Material, ask: &Ask) -> pb::SituationBlock {
    let organisation = part.organisation;
    pb::SituationBlock {
        organisation: format!("organisations/{}", organisation.code),
        region: organisation.region.as_ref().map(ToString::to_string).unwrap_or_default(),
        display_name: organisation.display_name.clone(),
        ..block(&[part], material, ask)
    }
}

fn block(parts: &[&Part<'_>], material: &Material, ask: &Ask) -> pb::SituationBlock {
    let now = material.now;
    let alerts: Vec<Known<'_>> = parts.iter().flat_map(|p| &p.alerts).copied().collect();
    let intervals: Vec<Interval<'_>> = parts.iter().flat_map(|p| &p.strikes).copied().collect();
    let hour_ago: Vec<_> = parts.iter().filter_map(|p| p.hour_ago.as_ref()).collect();
    let (next_forecast, forecast_count) = forecasts(&alerts, &intervals);
    let mut block = pb::SituationBlock {
        organisation_count: int(parts.len()),
        ward_count: int(parts.iter().map(|p| p.wards.len()).sum::<usize>()),
        cover_group_count: int(parts.iter().map(|p| p.groups.len()).sum::<usize>()),
        strikes: strikes::shown(parts.iter().map(|p| p.strikes.as_slice()), now),
        holes: Some(holes::holes(alerts.iter().copied())),
        holes_hour_ago: (!hour_ago.is_empty()).then(|| holes::holes(hour_ago.into_iter().flatten().copied())),
        hour_ago_time: Some(timestamp_to(material.hour_ago_time())),
        responders: Some(holes::responders(&alerts, now)),
        worst: worst(&alerts),
        next_forecast,
        forecast_count: int(forecast_count),
        ..pb::SituationBlock::default()
    };
    if ask.as_of.is_none() {
        add_figures(&mut block, parts, &alerts, ask);
    }
    block
}

/// What only the present knows.
fn add_figures(block: &mut pb::SituationBlock, parts: &[&Part<'_>], alerts: &[Known<'_>], ask: &Ask) {
    let wards = || parts.iter().flat_map(|p| &p.wards);
    let groups = || parts.iter().flat_map(|p| &p.groups).copied();
    let silent = alerts.iter().filter(|k| k.is_hole() && k.alert.rule == "source.silent");
    block.unknown = Some(pb::SituationUnknown {
        silent_sources: int(silent.count()),
        unreadable: int(parts.iter().map(|p| p.unreadable).sum::<usize>()),
        ..unknown(wards(), groups())
    });
    count_nurses(block, wards().filter_map(|w| w.nurses.as_ref()));
    block.doctors = Some(doctors(groups()));
    if ask.query.sites.is_empty() {
        let reporting = parts.iter().filter(|p| !p.activity.is_empty()).count();
        let rows: Vec<_> = parts.iter().flat_map(|p| &p.activity).collect();
        block.activity = Some(activity(&rows, int(reporting)));
        block.absence = absence(parts, &ask.planned);
    }
}
