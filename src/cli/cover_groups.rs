use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::import;
use super::table::{Column, Kind};
use super::wards::{block, rule};
use super::{Failure, Session, filter, shown};
use crate::client::{Client, pb};

/// The columns of a CSV of cover groups.
const COLUMNS: &[Column] = &[
    Column::plain("organisation", Kind::Text),
    Column::plain("cover_group", Kind::Text),
    Column::plain("display_name", Kind::Text),
    Column::plain("site", Kind::Text),
    Column::plain("specialty", Kind::Text),
    Column::plain("wards", Kind::Text),
    Column::plain("tier1_minimum", Kind::Count),
    Column::plain("tier2_minimum", Kind::Count),
    Column::plain("tier3_minimum", Kind::Count),
    Column::plain("night_tier1_minimum", Kind::Count),
    Column::plain("night_tier2_minimum", Kind::Count),
    Column::plain("night_tier3_minimum", Kind::Count),
    Column::plain("tier3_on_call_counts", Kind::Truth),
    Column::plain("christmas_day_baseline", Kind::Count),
    Column::plain("night_duty_baseline", Kind::Count),
    Column::plain("state", Kind::OneOf("WardState")),
];
/// Those that must be there.
const REQUIRED: &[&str] = &["organisation", "cover_group", "wards"];

/// Cover groups.
#[derive(Debug, Subcommand)]
pub(super) enum CoverGroups {
    /// Create or replace cover groups from a CSV: organisation,cover_group,wards (their codes with spaces between), and
    /// if wanted display_name,site,specialty,tier1_minimum,tier2_minimum,tier3_minimum,night_tier1_minimum,
    /// night_tier2_minimum,night_tier3_minimum,tier3_on_call_counts,christmas_day_baseline,night_duty_baseline,state; or
    /// from a file of JSON lines (.ndjson, .jsonl), which can also set shifts.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// List the cover groups of an organisation, or all.
    List {
        /// ODS code, such as RJ1.
        #[arg(long, value_name = "CODE", value_parser = filter::organisation)]
        organisation: Option<String>,
    },
    /// Show one as it stands: register entry, doctors by tier, status, and what every rule says.
    Show {
        /// Its name, organisations/RJ1/coverGroups/GENMED or RJ1/GENMED.
        #[arg(value_name = "GROUP", value_parser = filter::cover_group)]
        name: String,
    },
}

impl CoverGroups {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        match self {
            Self::Import { file } => import(file, session).await,
            Self::List { organisation } => list(session, organisation).await,
            Self::Show { name } => {
                let group = session.connect().await?.get_cover_group(&name).await?;
                session.output.message(&group, in_full)?;
                session.output.flush()
            }
        }
    }
}

/// Makes a group of a row's cells: names of codes, and lists of the minima and baselines that have a cell.
fn group(cells: &mut Map<String, Value>) -> Result<(), String> {
    let mut take = |column: &str| match cells.remove(column) {
        Some(Value::String(code)) => Ok(code),
        _ => Err(format!("{column}: must be given")),
    };
    let organisation = format!("organisations/{}", take("organisation")?);
    let name = format!("{organisation}/coverGroups/{}", take("cover_group")?);
    let wards = take("wards").unwrap_or_default();
    let wards: Vec<String> = wards.split_whitespace().map(|ward| format!("{organisation}/wards/{ward}")).collect();
    let mut minima = Vec::new();
    for (prefix, period) in [("", "COVER_PERIOD_ALL_DAY"), ("night_", "COVER_PERIOD_NIGHT")] {
        for tier in 1..=3 {
            let doctors = cells.remove(&format!("{prefix}tier{tier}_minimum"));
            minima.extend(doctors.map(|doctors| json!({"tier": tier, "period": period, "doctors": doctors})));
        }
    }
    let mut baselines = Vec::new();
    for (column, mode) in [
        ("christmas_day_baseline", "STRIKE_MODE_CHRISTMAS_DAY_COVER"),
        ("night_duty_baseline", "STRIKE_MODE_NIGHT_DUTY_COVER"),
    ] {
        let doctors = cells.remove(column);
        baselines.extend(doctors.map(|doctors| json!({"mode": mode, "doctors": doctors})));
    }
    cells.insert("name".into(), name.into());
    cells.insert("wards".into(), wards.into());
    cells.insert("minima".into(), minima.into());
    cells.insert("baselines".into(), baselines.into());
    Ok(())
}

async fn import(file: PathBuf, session: Session) -> Result<(), Failure> {
    let rows = import::read::<pb::CoverGroup>(&file, COLUMNS, REQUIRED, group)?;
    let upsert = async |client: &Client, rows| {
        let done = client.upsert_cover_groups(rows).await?;
        Ok([done.created_count, done.updated_count, done.unchanged_count])
    };
    import::send(&file, &rows, session, upsert).await
}

async fn list(mut session: Session, organisation: Option<String>) -> Result<(), Failure> {
    let client = session.connect().await?;
    let parent = organisation.unwrap_or_else(|| "organisations/-".to_owned());
    let mut request = pb::ListCoverGroupsRequest { parent, page_size: 1_000, page_token: String::new() };
    loop {
        let page = client.list_cover_groups(request.clone()).await?;
        for group in &page.cover_groups {
            session.output.message(group, line)?;
        }
        session.output.flush()?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

fn line(group: &pb::CoverGroup) -> String {
    let wards = match group.wards.as_slice() {
        [] if group.name.ends_with("/ALL") => "every ward".to_owned(),
        [_] => "1 ward".to_owned(),
        wards => format!("{} wards", wards.len()),
    };
    let minima: Vec<String> = group.minima.iter().map(minimum).collect();
    let minima = if minima.is_empty() { "no minima".to_owned() } else { format!("minima {}", minima.join(", ")) };
    let state = match (group.implicit, group.state()) {
        (_, pb::WardState::Closed) => "  CLOSED",
        (true, _) => "  not registered: stands for the organisation",
        _ => "",
    };
    shown::clean(&format!("{:<38} {wards:>10}  {minima}  {}{state}", group.name, group.display_name))
}

/// `tier 1: 4 (NIGHT)`.
fn minimum(minimum: &pb::CoverMinimum) -> String {
    let doctors = minimum.doctors.unwrap_or_default();
    match minimum.period() {
        pb::CoverPeriod::Unspecified | pb::CoverPeriod::AllDay => format!("tier {}: {doctors}", minimum.tier),
        period => format!("tier {}: {doctors} ({})", minimum.tier, shown::bare(period.as_str_name(), "COVER_PERIOD_")),
    }
}

/// A cover group as it stands, a line each.
fn in_full(answer: &pb::GetCoverGroupResponse) -> String {
    let mut lines: Vec<String> = answer.cover_group.iter().map(line).collect();
    let status = shown::bare(answer.status().as_str_name(), "WARD_STATUS_");
    let freshness = shown::bare(answer.freshness().as_str_name(), "FRESHNESS_");
    lines.push(format!("status {status}, {freshness}"));
    let codes: Vec<&str> = answer.wards.iter().map(|ward| ward.rsplit('/').next().unwrap_or(ward)).collect();
    lines.push(shown::clean(&format!("wards  {}", if codes.is_empty() { "-".to_owned() } else { codes.join(" ") })));
    for tier in &answer.tiers {
        let doctors = tier.doctors.map_or_else(|| "not reported".to_owned(), |n| format!("{n} at work"));
        let minimum = tier.minimum.map_or_else(|| "no minimum".to_owned(), |n| format!("minimum {n}"));
        lines.push(format!("tier {} {doctors}, {minimum}", tier.tier));
    }
    lines.extend(answer.blocks.iter().map(block));
    lines.extend(answer.evaluations.iter().map(rule));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;
    use crate::client::json as mapping;

    fn read(cells: &[(&str, &str)]) -> Result<pb::CoverGroup, String> {
        let mut message = Map::new();
        for (name, text) in cells {
            let column = COLUMNS.iter().find(|c| c.name == *name).unwrap();
            column.put(text, &mut message)?;
        }
        group(&mut message)?;
        mapping::from_value(message.into()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_row_is_a_group_with_the_minima_and_baselines_that_have_a_cell() {
        let group = read(&[
            ("organisation", "RJ1"),
            ("cover_group", "GENMED"),
            ("wards", " A7  AMU1 "),
            ("tier1_minimum", "4"),
            ("tier3_minimum", ""),
            ("night_tier1_minimum", "0"),
            ("tier3_on_call_counts", "yes"),
            ("night_duty_baseline", "3"),
            ("state", "OPEN"),
        ]);
        let group = group.unwrap();
        assert_eq!(group.name, "organisations/RJ1/coverGroups/GENMED");
        assert_eq!(group.wards, ["organisations/RJ1/wards/A7", "organisations/RJ1/wards/AMU1"]);
        let minima: Vec<_> = group.minima.iter().map(|m| (m.tier, m.period(), m.doctors)).collect();
        assert_eq!(minima, [(1, pb::CoverPeriod::AllDay, Some(4)), (1, pb::CoverPeriod::Night, Some(0))]);
        let baselines: Vec<_> = group.baselines.iter().map(|b| (b.mode(), b.doctors)).collect();
        assert_eq!(baselines, [(pb::StrikeMode::NightDutyCover, Some(3))]);
        assert!(group.tier3_on_call_counts);
        let line = line(&group);
        let expected = "organisations/RJ1/coverGroups/GENMED      2 wards  minima tier 1: 4, tier 1: 0 (NIGHT)  ";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_group_of_no_ward_is_one_and_a_group_of_no_code_is_not() {
        let all = read(&[("organisation", "RJ1"), ("cover_group", "ALL"), ("wards", "")]).unwrap();
        assert!(all.wards.is_empty() && line(&all).contains("every ward  no minima"), "{}", line(&all));
        assert_eq!(read(&[("organisation", "RJ1"), ("wards", "A1")]).unwrap_err(), "cover_group: must be given");
    }

    #[test]
    fn the_header_needs_the_codes_and_the_wards_only() {
        let header = csv::StringRecord::from(vec!["cover_group", "wards", "organisation"]);
        assert!(table::columns("g.csv", &header, COLUMNS, REQUIRED).is_ok());
    }
}
