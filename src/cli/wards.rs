use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value};

use super::import;
use super::table::{Column, Kind};
use super::{Failure, Session, filter, shown};
use crate::client::{Client, instant, pb};

/// The columns of a CSV of wards.
pub(super) const COLUMNS: &[Column] = &[
    Column::plain("organisation", Kind::Text),
    Column::plain("ward", Kind::Text),
    Column::plain("display_name", Kind::Text),
    Column::plain("kind", Kind::OneOf("WardKind")),
    Column::plain("site", Kind::Text),
    Column::plain("beds", Kind::Count),
    Column::plain("limit_patients_per_rn", Kind::Number),
    Column::plain("minimum_registered_nurses", Kind::Count),
    Column::plain("minimum_reason", Kind::OneOf("MinimumReason")),
    Column::plain("report_every_minutes", Kind::Count),
    Column::plain("state", Kind::OneOf("WardState")),
    Column::plain("night_duty_registered_nurses", Kind::Count),
];

/// Those that must be there.
pub(super) const REQUIRED: &[&str] = &[
    "organisation",
    "ward",
    "display_name",
    "kind",
    "site",
    "beds",
    "limit_patients_per_rn",
    "minimum_registered_nurses",
    "minimum_reason",
    "report_every_minutes",
    "state",
];

/// Wards.
#[derive(Debug, Subcommand)]
pub(super) enum Wards {
    /// Create or replace wards from a CSV: organisation,ward,display_name,kind,site,beds,limit_patients_per_rn,
    /// minimum_registered_nurses,minimum_reason,report_every_minutes,state, and if wanted
    /// night_duty_registered_nurses.
    Import {
        /// The CSV.
        file: PathBuf,
    },
    /// List the wards of an organisation, or all.
    List {
        /// ODS code, such as RJ1.
        #[arg(long, value_name = "CODE", value_parser = filter::organisation)]
        organisation: Option<String>,
    },
    /// Show one as it stands: register entry, figures, status, and what every rule says.
    Show {
        /// Its name, organisations/RJ1/wards/A1 or RJ1/A1.
        #[arg(value_name = "WARD", value_parser = filter::ward)]
        name: String,
    },
}

impl Wards {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        match self {
            Self::Import { file } => import(file, session).await,
            Self::List { organisation } => list(session, organisation).await,
            Self::Show { name } => {
                let ward = session.connect().await?.get_ward(&name).await?;
                session.output.message(&ward, in_full)?;
                session.output.flush()
            }
        }
    }
}

/// Makes the resource name of a row's cells.
pub(super) fn name(cells: &mut Map<String, Value>) -> Result<(), String> {
    let mut take = |column: &str| match cells.remove(column) {
        Some(Value::String(code)) => Ok(code),
        _ => Err(format!("{column}: must be given")),
    };
    let name = format!("organisations/{}/wards/{}", take("organisation")?, take("ward")?);
    cells.insert("name".into(), name.into());
    Ok(())
}

async fn import(file: PathBuf, session: Session) -> Result<(), Failure> {
    let rows = import::read::<pb::Ward>(&file, COLUMNS, REQUIRED, name)?;
    let upsert = async |client: &Client, rows| {
        let done = client.upsert_wards(rows).await?;
        Ok([done.created_count, done.updated_count, done.unchanged_count])
    };
    import::send(&file, &rows, session, upsert).await
}

async fn list(mut session: Session, organisation: Option<String>) -> Result<(), Failure> {
    let client = session.connect().await?;
    let parent = organisation.unwrap_or_else(|| "organisations/-".to_owned());
    let mut request = pb::ListWardsRequest { parent, page_size: 1_000, page_token: String::new() };
    loop {
        let page = client.list_wards(request.clone()).await?;
        for ward in &page.wards {
            session.output.message(ward, line)?;
        }
        session.output.flush()?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

fn line(ward: &pb::Ward) -> String {
    let kind = shown::bare(ward.kind().as_str_name(), "WARD_KIND_");
    let beds = ward.beds.map_or_else(|| "-".to_owned(), |beds| beds.to_string());
    let closed = if ward.state() == pb::WardState::Closed { "  CLOSED" } else { "" };
    shown::clean(&format!("{:<34} {kind:<26} {beds:>4} beds  {}{closed}", ward.name, ward.display_name))
}

/// A ward as it stands, a line each.
fn in_full(answer: &pb::GetWardResponse) -> String {
    let mut lines: Vec<String> = answer.ward.iter().map(line).collect();
    let status = shown::bare(answer.status().as_str_name(), "WARD_STATUS_");
    let freshness = shown::bare(answer.freshness().as_str_name(), "FRESHNESS_");
    lines.push(format!("status {status}, {freshness}"));
    lines.extend(answer.blocks.iter().map(block));
    lines.extend(answer.evaluations.iter().map(rule));
    lines.join("\n")
}

/// A current block: what, whether overdue, of when and from whom.
pub(super) fn block(block: &pb::CurrentBlock) -> String {
    let kind = shown::bare(block.block().as_str_name(), "BLOCK_KIND_");
    let time = instant(block.observed_time).map_or_else(|| "-".to_owned(), |t| t.to_string());
    let freshness = shown::bare(block.freshness().as_str_name(), "FRESHNESS_");
    shown::clean(&format!("block  {kind:<24} {freshness:<6} {time} from {}", block.source))
}

/// What a rule says.
pub(super) fn rule(rule: &pb::RuleEvaluation) -> String {
    let says = shown::bare(rule.evaluation().as_str_name(), "EVALUATION_");
    let figures = match (&rule.measured, &rule.limit) {
        (None, None) => String::new(),
        (m, l) => format!("{} against {}", shown::fraction(m.as_ref()), shown::fraction(l.as_ref())),
    };
    let line = format!("rule   {:<24} {says:<14} {figures} {}", rule.rule, rule.reason);
    shown::clean(line.trim_end())
}
