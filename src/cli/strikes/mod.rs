//! Strikes: announce, change, call off, and read whether the cover stands.

mod cover;
mod create;
mod said;

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, Session, filter};
use crate::client::json;
use crate::client::{pb, timestamp_to};
use crate::domain::Time;

/// Strikes.
#[derive(Debug, Subcommand)]
pub(super) enum Strikes {
    /// Announce a strike, from flags or from a file; says what it comes to.
    Create(Box<create::Create>),
    /// Replace a strike's definition by a file: shorten, move or add windows, change scope or terms.
    Update(create::Update),
    /// List strikes.
    List {
        /// Only those whose scope has this organisation, by ODS code, such as RJ1.
        #[arg(long, value_name = "CODE", value_parser = filter::organisation)]
        organisation: Option<String>,
    },
    /// Show one, and what it comes to.
    Show {
        /// Its name, strikes/bma-2016-04-26 or bma-2016-04-26.
        #[arg(value_name = "STRIKE", value_parser = strike)]
        name: String,
        /// A former version.
        #[arg(long, value_name = "N")]
        version: Option<i64>,
    },
    /// Show whether the cover stands, shift by shift and group by group: the readiness return.
    Cover(cover::Cover),
    /// Call off a strike, or some of its windows.
    CallOff(CallOff),
    /// Record what the union lets return to a cover group, or refused.
    Derogation(Derogation),
}

/// What is called off, and why.
#[derive(Debug, clap::Args)]
pub(super) struct CallOff {
    /// Its name, strikes/bma-2016-04-26 or bma-2016-04-26.
    #[arg(value_name = "STRIKE", value_parser = strike)]
    name: String,
    /// Why: SUSPENDED, WITHDRAWN, SETTLED or COURT_ORDER.
    #[arg(long, value_name = "REASON", value_parser = one_of("CallOffReason"))]
    reason: i32,
    /// Number of a window; repeatable. Default: all of them.
    #[arg(long, value_name = "N")]
    window: Vec<i32>,
    /// The etag that was read: another version since then is not touched.
    #[arg(long, value_name = "ETAG", default_value = "")]
    etag: String,
    /// Check and show everything, change nothing.
    #[arg(long)]
    validate_only: bool,
}

/// What the union lets return.
#[derive(Debug, clap::Args)]
pub(super) struct Derogation {
    /// Its name, strikes/bma-2016-04-26 or bma-2016-04-26.
    #[arg(value_name = "STRIKE", value_parser = strike)]
    name: String,
    /// The cover group, organisations/RJ1/coverGroups/GENMED or RJ1/GENMED.
    #[arg(long, value_name = "GROUP", value_parser = group)]
    cover_group: String,
    /// The tier: 1, 2 or 3.
    #[arg(long, value_name = "N")]
    tier: i32,
    /// How many doctors; needed for REQUESTED and GRANTED.
    #[arg(long, value_name = "N")]
    number: Option<i32>,
    /// How far it got: REQUESTED, GRANTED, REFUSED or WITHDRAWN.
    #[arg(long, value_name = "STATE", value_parser = one_of("DerogationState"))]
    state: i32,
    /// From when it holds, such as 2016-04-26T09:30:00Z. Default: now.
    #[arg(long, value_name = "TIME")]
    effective: Option<Time>,
    /// The etag that was read: another version since then is not touched.
    #[arg(long, value_name = "ETAG", default_value = "")]
    etag: String,
    /// Check and show everything, change nothing.
    #[arg(long)]
    validate_only: bool,
}

impl Strikes {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::Update(update) => update.run(session).await,
            Self::List { organisation } => list(session, organisation.unwrap_or_default()).await,
            Self::Show { name, version } => {
                let found = session.connect().await?.get_strike(&name, version).await?;
                session.output.message(&found, |f| said::strike(f.strike.as_ref(), f.effect.as_ref(), &[]))?;
                session.output.flush()
            }
            Self::Cover(cover) => cover.run(session).await,
            Self::CallOff(call_off) => call_off.run(session).await,
            Self::Derogation(derogation) => derogation.run(session).await,
        }
    }
}

impl CallOff {
    async fn run(self, mut session: Session) -> Result<(), Failure> {
        let Self { name, reason, window, etag, validate_only } = self;
        let request = pb::CallOffStrikeRequest { name, window_ids: window, reason, etag, validate_only };
        let done = session.connect().await?.call_off_strike(request).await?;
        let text = |d: &pb::CallOffStrikeResponse| said::strike(d.strike.as_ref(), d.effect.as_ref(), &d.warnings);
        session.output.message(&done, |d| said::checked(validate_only, text(d)))?;
        session.output.flush()
    }
}

impl Derogation {
    async fn run(self, mut session: Session) -> Result<(), Failure> {
        let Self { name, cover_group, tier, number, state, effective, etag, validate_only } = self;
        let effective_time = effective.map(timestamp_to);
        let derogation = Some(pb::Derogation { cover_group, tier, number, state, effective_time });
        let request = pb::RecordDerogationRequest { name, derogation, etag, validate_only };
        let done = session.connect().await?.record_derogation(request).await?;
        let text = |d: &pb::RecordDerogationResponse| said::strike(d.strike.as_ref(), d.effect.as_ref(), &d.warnings);
        session.output.message(&done, |d| said::checked(validate_only, text(d)))?;
        session.output.flush()
    }
}

async fn list(mut session: Session, organisation: String) -> Result<(), Failure> {
    let client = session.connect().await?;
    let mut request = pb::ListStrikesRequest { page_size: 1_000, organisation, ..Default::default() };
    loop {
        let page = client.list_strikes(request.clone()).await?;
        for strike in &page.strikes {
            session.output.message(strike, said::line)?;
        }
        session.output.flush()?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

/// `bma-2016-04-26` or `strikes/bma-2016-04-26`.
#[expect(clippy::unnecessary_wraps, reason = "the form of a clap value parser")]
fn strike(text: &str) -> Result<String, String> {
    let id = text.strip_prefix("strikes/").unwrap_or(text);
    Ok(format!("strikes/{id}"))
}

/// `RJ1/GENMED` or `organisations/RJ1/coverGroups/GENMED`.
fn group(text: &str) -> Result<String, String> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        ["organisations", o, "coverGroups", g] | [o, g] => Ok(format!("organisations/{o}/coverGroups/{g}")),
        _ => Err("write a cover group as organisations/RJ1/coverGroups/GENMED or RJ1/GENMED".to_owned()),
    }
}

/// A parser of the values of an enum of the API, without their prefix, in any case, with hyphens or underscores.
pub(super) fn one_of(name: &'static str) -> impl Fn(&str) -> Result<i32, String> + Clone + Send + Sync + 'static {
    move |text| {
        let wanted = text.to_ascii_uppercase().replace('-', "_");
        let values = json::enum_values(name);
        let found = values.iter().position(|v| *v == wanted).and_then(|n| i32::try_from(n + 1).ok());
        found.ok_or_else(|| format!("one of {}", values.join(", ")))
    }
}

/// Reads a strike in the protobuf JSON mapping.
fn read(path: &PathBuf) -> Result<pb::Strike, Failure> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::failed(format!("cannot read {file}: {e}")))?;
    json::from_str(&text).map_err(|e| Failure::rejected(format!("{file}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_short_and_a_long_form() {
        assert_eq!(strike("bma-2016-04-26"), strike("strikes/bma-2016-04-26"));
        assert_eq!(group("RJ1/GENMED"), group("organisations/RJ1/coverGroups/GENMED"));
        assert!(group("GENMED").is_err() && group("organisations/RJ1/wards/A1").is_err());
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        let mode = one_of("StrikeMode");
        for text in ["FULL_WITHDRAWAL", "full-withdrawal", "full_withdrawal"] {
            assert_eq!(mode(text), Ok(pb::StrikeMode::FullWithdrawal.into()));
        }
        assert!(mode("total").unwrap_err().starts_with("one of FULL_WITHDRAWAL, EMERGENCY_CARE_ONLY"));
        assert!(one_of("CallOffReason")("UNSPECIFIED").is_err());
    }
}
