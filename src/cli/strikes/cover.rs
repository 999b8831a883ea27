//! The readiness return: for people, as JSON, or as CSV for a spreadsheet.

use clap::Args;

use super::{one_of, said, strike};
use crate::cli::shown::{bare, clean};
use crate::cli::{Failure, Session, filter};
use crate::client::{instant, pb};

/// Which return.
#[derive(Debug, Args)]
pub(in crate::cli) struct Cover {
    /// The strike, strikes/bma-2016-04-26 or bma-2016-04-26.
    #[arg(value_name = "STRIKE", value_parser = strike)]
    name: String,
    /// Which figures: PLAN or ACTUAL.
    #[arg(long, value_name = "BASIS", value_parser = one_of("CoverBasis"), default_value = "PLAN")]
    basis: i32,
    /// Only this employer, by ODS code, such as RJ1; repeatable.
    #[arg(long, value_name = "CODE", value_parser = filter::organisation)]
    organisation: Vec<String>,
    /// Only the window of this number; repeatable.
    #[arg(long, value_name = "N")]
    window: Vec<i32>,
}

/// The columns of the CSV: one line for each tier of each row.
const COLUMNS: [&str; 26] = [
    "strike",
    "basis",
    "as_of_time",
    "window",
    "shift",
    "start_time",
    "end_time",
    "cover_group",
    "display_name",
    "site",
    "tier",
    "state",
    "minimum",
    "doctors",
    "acting_down",
    "on_call",
    "gap",
    "granted",
    "expected",
    "source",
    "observed_time",
    "plan_start_time",
    "plan_end_time",
    "freshness",
    "derogations",
    "ward_forecasts",
];

impl Cover {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let Self { name, basis, organisation, window } = self;
        let request = pb::GetStrikeCoverRequest {
            name: name.clone(),
            basis,
            organisations: organisation,
            window_ids: window,
            page_size: 1_000,
            page_token: String::new(),
        };
        let found = all(&session, request).await?;
        if session.output.is_csv() {
            session.output.raw(&csv(&name, &found)?)?;
        } else {
            session.output.message(&found, |f| text(&name, f))?;
        }
        session.output.flush()
    }
}

/// All pages as one.
async fn all(session: &Session, mut request: pb::GetStrikeCoverRequest) -> Result<pb::GetStrikeCoverResponse, Failure> {
    let client = session.connect().await?;
    let mut found = client.get_strike_cover(request.clone()).await?;
    while !found.next_page_token.is_empty() {
        request.page_token = std::mem::take(&mut found.next_page_token);
        let page = client.get_strike_cover(request.clone()).await?;
        found.rows.extend(page.rows);
        found.next_page_token = page.next_page_token;
    }
    Ok(found)
}

/// Counts above, then a line for each group and shift.
fn text(name: &str, found: &pb::GetStrikeCoverResponse) -> String {
    let counts = found.counts.unwrap_or_default();
    let basis = bare(found.basis().as_str_name(), "COVER_BASIS_");
    let pb::StrikeCoverCounts {
        row_count: _,
        cover_group_count,
        gap_count,
        not_reported_count,
        covered_count,
        missing_doctors,
        forecast_count,
    } = counts;
    let (groups, missing) = (said::counted(cover_group_count, "cover group"), said::counted(missing_doctors, "doctor"));
    let forecasts = said::counted(forecast_count, "forecast");
    let mut lines = vec![
        format!("{name}  {basis} as of {}: {groups}", said::time(instant(found.as_of_time))),
        format!(
            "{gap_count} with a gap ({missing} missing), {not_reported_count} not reported, {covered_count} covered; \
             {forecasts} on their wards"
        ),
    ];
    let mut derogations: Vec<String> = found.rows.iter().flat_map(|r| &r.derogations).map(said::derogation).collect();
    derogations.sort_unstable();
    derogations.dedup();
    lines.extend(derogations);
    let mut part = None;
    for row in &found.rows {
        let this = (row.window_id, row.shift, row.start_time, row.end_time);
        if part != Some(this) {
            part = Some(this);
            let shift = bare(row.shift().as_str_name(), "SHIFT_NAME_");
            let (start, end) = (said::time(instant(row.start_time)), said::time(instant(row.end_time)));
            lines.push(format!("window {} {shift} {start} to {end}", row.window_id));
        }
        lines.push(line(row));
    }
    lines.iter().map(|l| clean(l)).collect::<Vec<_>>().join("\n")
}

fn line(row: &pb::StrikeCover) -> String {
    let group = row.cover_group.replacen("organisations/", "", 1).replacen("/coverGroups/", "/", 1);
    let tiers: Vec<String> = row.tiers.iter().map(tier).collect();
    let from = match row.source.as_str() {
        "" => "no figures".to_owned(),
        source => {
            let stale = if row.freshness() == pb::Freshness::Stale { ", STALE" } else { "" };
            format!("{source} {}{stale}", said::time(instant(row.observed_time)))
        }
    };
    let forecasts = match row.forecast_count {
        0 => String::new(),
        count => format!("  {}", said::counted(count, "ward forecast")),
    };
    format!("  {group:<16} {}  {from}{forecasts}", tiers.join("  "))
}

/// A tier: doctors of minimum, those acting down in brackets.
fn tier(tier: &pb::TierCover) -> String {
    let number = |n: Option<i32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let acting = tier.acting_down.filter(|n| *n > 0).map(|n| format!(" ({n} acting down)")).unwrap_or_default();
    let what = match tier.state() {
        pb::TierState::Gap => format!(" GAP {}", tier.gap.unwrap_or_default()),
        pb::TierState::NotReported => " NOT REPORTED".to_owned(),
        pb::TierState::Covered | pb::TierState::NoMinimum | pb::TierState::Unspecified => String::new(),
    };
    format!("tier {} {}/{}{acting}{what}", tier.tier, number(tier.doctors), number(tier.minimum))
}

/// The return for a spreadsheet. An empty cell is not reported, or not applicable; it is never zero.
fn csv(name: &str, found: &pb::GetStrikeCoverResponse) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: &dyn std::fmt::Display| Failure::failed(format!("cannot write CSV: {e}"));
    writer.write_record(COLUMNS).map_err(|e| failed(&e))?;
    for row in &found.rows {
        for tier in &row.tiers {
            writer.write_record(cells(name, found, row, tier)).map_err(|e| failed(&e))?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

fn cells(
    name: &str,
    found: &pb::GetStrikeCoverResponse,
    row: &pb::StrikeCover,
    tier: &pb::TierCover,
) -> [String; COLUMNS.len()] {
    let number = |n: Option<i32>| n.map(|n| n.to_string()).unwrap_or_default();
    let time = |t| instant(t).map(|t| t.to_string()).unwrap_or_default();
    let derogations: Vec<String> = row.derogations.iter().filter(|d| d.tier == tier.tier).map(derogation).collect();
    [
        name.to_owned(),
        bare(found.basis().as_str_name(), "COVER_BASIS_").to_owned(),
        time(found.as_of_time),
        row.window_id.to_string(),
        bare(row.shift().as_str_name(), "SHIFT_NAME_").to_owned(),
        time(row.start_time),
        time(row.end_time),
        row.cover_group.clone(),
        clean(&row.display_name),
        row.site.clone(),
        tier.tier.to_string(),
        bare(tier.state().as_str_name(), "TIER_STATE_").to_owned(),
        number(tier.minimum),
        number(tier.doctors),
        number(tier.acting_down),
        number(tier.on_call),
        number(tier.gap),
        number(tier.granted),
        number(tier.expected),
        row.source.clone(),
        time(row.observed_time),
        time(row.plan_start_time),
        time(row.plan_end_time),
        bare(row.freshness().as_str_name(), "FRESHNESS_").to_owned(),
        derogations.join("; "),
        row.forecast_count.to_string(),
    ]
}

fn derogation(derogation: &pb::Derogation) -> String {
    let state = bare(derogation.state().as_str_name(), "DEROGATION_STATE_");
    format!("{state} {} from {}", derogation.number.unwrap_or_default(), said::time(instant(derogation.effective_time)))
}
