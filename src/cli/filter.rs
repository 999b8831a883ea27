use clap::{Args, ValueEnum};

use crate::client::pb;

/// Which alerts: values of one flag are alternatives, different flags must all hold.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Filter {
    /// Organisation by ODS code, such as RJ1; repeatable.
    #[arg(long, value_name = "CODE", value_parser = organisation)]
    organisation: Vec<String>,
    /// Site by ODS code, such as RJ121; repeatable.
    #[arg(long, value_name = "CODE")]
    site: Vec<String>,
    /// Region by ODS code, such as Y56; repeatable.
    #[arg(long, value_name = "CODE")]
    region: Vec<String>,
    /// Ward, as organisations/RJ1/wards/A1 or RJ1/A1; repeatable.
    #[arg(long, value_name = "WARD", value_parser = ward)]
    ward: Vec<String>,
    /// Cover group, as organisations/RJ1/coverGroups/GENMED or RJ1/GENMED; repeatable. With --ward: either.
    #[arg(long, value_name = "GROUP", value_parser = cover_group)]
    cover_group: Vec<String>,
    /// Strike that they belong to, as strikes/bma-2016-04-26 or bma-2016-04-26; repeatable.
    #[arg(long, value_name = "STRIKE", value_parser = strike)]
    strike: Vec<String>,
    /// Rule, such as ratio.over_limit, or family, such as ratio.*; repeatable.
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// Only alerts that have been this severe or worse at some time.
    #[arg(long, value_enum, ignore_case = true)]
    min_severity: Option<MinSeverity>,
    /// Only alerts on what is, none on plans.
    #[arg(long)]
    no_forecasts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MinSeverity {
    Info,
    Warning,
    Critical,
}

/// Types of event, for `watch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum EventType {
    Raised,
    SeverityChanged,
    Updated,
    Acknowledged,
    Unacknowledged,
    Escalated,
    Resolved,
    Reopened,
}

impl Filter {
    /// As the service takes it.
    pub(super) fn to_wire(&self, event_types: &[EventType]) -> pb::AlertFilter {
        let min_severity = match self.min_severity {
            None => pb::Severity::Unspecified,
            Some(MinSeverity::Info) => pb::Severity::Info,
            Some(MinSeverity::Warning) => pb::Severity::Warning,
            Some(MinSeverity::Critical) => pb::Severity::Critical,
        };
        pb::AlertFilter {
            organisations: self.organisation.clone(),
            sites: self.site.clone(),
            regions: self.region.clone(),
            wards: self.ward.clone(),
            cover_groups: self.cover_group.clone(),
            strikes: self.strike.clone(),
            rules: self.rule.clone(),
            event_types: event_types.iter().map(|t| t.to_wire().into()).collect(),
            min_severity: min_severity.into(),
            include_forecasts: !self.no_forecasts,
        }
    }
}

impl EventType {
    fn to_wire(self) -> pb::AlertEventType {
        match self {
            Self::Raised => pb::AlertEventType::Raised,
            Self::SeverityChanged => pb::AlertEventType::SeverityChanged,
            Self::Updated => pb::AlertEventType::Updated,
            Self::Acknowledged => pb::AlertEventType::Acknowledged,
            Self::Unacknowledged => pb::AlertEventType::Unacknowledged,
            Self::Escalated => pb::AlertEventType::Escalated,
            Self::Resolved => pb::AlertEventType::Resolved,
            Self::Reopened => pb::AlertEventType::Reopened,
        }
    }
}

/// `RJ1` or `organisations/RJ1`. Whether it exists is the service's to say.
#[expect(clippy::unnecessary_wraps, reason = "the form of a clap value parser")]
pub(super) fn organisation(text: &str) -> Result<String, String> {
    let code = text.strip_prefix("organisations/").unwrap_or(text);
    Ok(format!("organisations/{code}"))
}

/// `RJ1/A1` or `organisations/RJ1/wards/A1`.
pub(super) fn ward(text: &str) -> Result<String, String> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        ["organisations", o, "wards", w] | [o, w] => Ok(format!("organisations/{o}/wards/{w}")),
        _ => Err("write a ward as organisations/RJ1/wards/A1 or RJ1/A1".to_owned()),
    }
}

/// `strikes/bma-2016-04-26` or `bma-2016-04-26`.
#[expect(clippy::unnecessary_wraps, reason = "the form of a clap value parser")]
pub(super) fn strike(text: &str) -> Result<String, String> {
    let id = text.strip_prefix("strikes/").unwrap_or(text);
    Ok(format!("strikes/{id}"))
}

/// `RJ1/GENMED` or `organisations/RJ1/coverGroups/GENMED`.
pub(super) fn cover_group(text: &str) -> Result<String, String> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        ["organisations", o, "coverGroups", g] | [o, g] => Ok(format!("organisations/{o}/coverGroups/{g}")),
        _ => Err("write a cover group as organisations/RJ1/coverGroups/GENMED or RJ1/GENMED".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ward_has_a_short_and_a_long_name() {
        assert_eq!(ward("RJ1/A1"), ward("organisations/RJ1/wards/A1"));
        assert!(ward("A1").is_err());
        assert_eq!(cover_group("RJ1/ALL"), cover_group("organisations/RJ1/coverGroups/ALL"));
        assert!(cover_group("ALL").is_err());
        assert_eq!(strike("bma-2016-04-26"), strike("strikes/bma-2016-04-26"));
        assert_eq!(organisation("RJ1"), organisation("organisations/RJ1"));
    }
}
