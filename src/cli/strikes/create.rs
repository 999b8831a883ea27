use std::path::PathBuf;

use clap::Args;

use super::{one_of, read, said};
use crate::cli::{Failure, Session, filter};
use crate::client::pb;

/// A strike to announce.
#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// The strike as JSON (protobuf JSON mapping of wardwatch.v1.Strike), instead of the other flags.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["union", "staff_group", "mode", "elective", "window"])]
    file: Option<PathBuf>,
    /// The id of its name, such as bma-2016-04-26. Default: the union and the first day.
    #[arg(long, value_name = "ID", default_value = "")]
    id: String,
    /// Code of the union, such as BMA.
    #[arg(long, value_name = "CODE", required_unless_present = "file")]
    union: Option<String>,
    /// Who is called out: RESIDENT_DOCTORS, CONSULTANTS, SAS_DOCTORS, ALL_DOCTORS or NURSES.
    #[arg(long, value_name = "GROUP", value_parser = one_of("StaffGroup"), required_unless_present = "file")]
    staff_group: Option<i32>,
    /// What they still do: FULL_WITHDRAWAL, EMERGENCY_CARE_ONLY, CHRISTMAS_DAY_COVER, NIGHT_DUTY_COVER or
    /// ACTION_SHORT_OF_STRIKE.
    #[arg(long, value_name = "MODE", value_parser = one_of("StrikeMode"), required_unless_present = "file")]
    mode: Option<i32>,
    /// What is asked of planned work: EMERGENCY_ONLY, URGENT_AND_CANCER or MAINTAIN.
    #[arg(long, value_name = "POLICY", value_parser = one_of("ElectivePolicy"), required_unless_present = "file")]
    elective: Option<i32>,
    /// An employer by ODS code, such as RJ1; repeatable. One of --organisation, --region and --nation is needed.
    #[arg(long, value_name = "CODE", value_parser = filter::organisation, conflicts_with_all = ["region", "nation"])]
    organisation: Vec<String>,
    /// All employers of a region by ODS code, such as Y56; repeatable.
    #[arg(long, value_name = "CODE", conflicts_with = "nation")]
    region: Vec<String>,
    /// All employers of a nation: ENGLAND.
    #[arg(long, value_name = "NATION", default_value = "")]
    nation: String,
    /// A window in local time, such as 2016-04-26T08:00..2016-04-26T17:00; repeatable.
    #[arg(long, value_name = "LOCAL..LOCAL", value_parser = window, required_unless_present = "file")]
    window: Vec<(String, String)>,
    /// IANA zone of the local times.
    #[arg(long, value_name = "ZONE", default_value = "Europe/London")]
    zone: String,
    /// Which work the windows strike: CLOCK, or SHIFT_START.
    #[arg(long, value_name = "WHICH", value_parser = one_of("Attribution"), default_value = "CLOCK")]
    attribution: i32,
    /// Check and show everything, change nothing.
    #[arg(long)]
    validate_only: bool,
}

/// A strike to replace.
#[derive(Debug, Args)]
pub(in crate::cli) struct Update {
    /// The strike as JSON (protobuf JSON mapping of wardwatch.v1.Strike): what `strikes show --output json` prints as
    /// `strike`, changed. Its etag, if kept, makes sure that nobody changed it meanwhile.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Why: SUSPENDED, WITHDRAWN, SETTLED or COURT_ORDER; alerts that this makes untrue end with it.
    #[arg(long, value_name = "REASON", value_parser = one_of("CallOffReason"))]
    reason: Option<i32>,
    /// Check and show everything, change nothing.
    #[arg(long)]
    validate_only: bool,
}

impl Create {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let validate_only = self.validate_only;
        let strike_id = self.id.clone();
        let strike = Some(self.strike()?);
        let request = pb::CreateStrikeRequest { strike, strike_id, validate_only };
        let done = session.connect().await?.create_strike(request).await?;
        let text = |d: &pb::CreateStrikeResponse| said::strike(d.strike.as_ref(), d.effect.as_ref(), &d.warnings);
        session.output.message(&done, |d| said::checked(validate_only, text(d)))?;
        session.output.flush()
    }

    fn strike(self) -> Result<pb::Strike, Failure> {
        if let Some(file) = &self.file {
            return read(file);
        }
        let windows = self.window.into_iter().map(|(start_local, end_local)| pb::StrikeWindow {
            start_local,
            end_local,
            ..Default::default()
        });
        let scope = pb::StrikeScope { organisations: self.organisation, regions: self.region, nation: self.nation };
        Ok(pb::Strike {
            union: self.union.unwrap_or_default(),
            staff_group: self.staff_group.unwrap_or_default(),
            mode: self.mode.unwrap_or_default(),
            elective_policy: self.elective.unwrap_or_default(),
            scope: Some(scope),
            time_zone: self.zone,
            attribution: self.attribution,
            windows: windows.collect(),
            ..Default::default()
        })
    }
}

impl Update {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let Self { file, reason, validate_only } = self;
        let strike = Some(read(&file)?);
        let request = pb::UpdateStrikeRequest { strike, reason: reason.unwrap_or_default(), validate_only };
        let done = session.connect().await?.update_strike(request).await?;
        let text = |d: &pb::UpdateStrikeResponse| said::strike(d.strike.as_ref(), d.effect.as_ref(), &d.warnings);
        session.output.message(&done, |d| said::checked(validate_only, text(d)))?;
        session.output.flush()
    }
}

/// `2016-04-26T08:00..2016-04-26T17:00`. What the times are is the service's to judge.
fn window(text: &str) -> Result<(String, String), String> {
    let (start, end) = text.split_once("..").ok_or("write a window as 2016-04-26T08:00..2016-04-26T17:00")?;
    Ok((start.to_owned(), end.to_owned()))
}
