use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::figure_flags::Figures;
use super::tally::Tally;
use super::{Failure, Session, filter, grades, shown};
use crate::client::{json as mapping, pb};
use crate::clock::{SharedClock, SystemClock};

/// Send one report.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "a field is a flag, and the flag is the API's report_id")]
pub(super) struct Report {
    /// The ward, as organisations/RJ1/wards/A1 or RJ1/A1.
    #[arg(long, value_parser = filter::ward, required_unless_present = "cover_group")]
    ward: Option<String>,
    /// The cover group of doctors, as organisations/RJ1/coverGroups/GENMED or RJ1/GENMED; RJ1/ALL where none is
    /// registered.
    #[arg(long, value_name = "GROUP", value_parser = filter::cover_group, conflicts_with = "ward")]
    cover_group: Option<String>,
    /// When the facts were true, such as 2016-04-26T08:00:00Z. Default: now.
    #[arg(long, value_name = "TIME")]
    observed_time: Option<Timestamp>,
    /// Code of the sending system.
    #[arg(long, value_name = "CODE", default_value = "CLI")]
    source: String,
    /// UUID of the report. Default: a new one.
    #[arg(long, value_name = "UUID")]
    report_id: Option<String>,
    /// Higher corrects: the same observed time, another report id.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    revision: i64,
    /// A red flag raised by staff, such as nice.sg1.pain_relief_delayed; with =EVENT-ID to name the event, else it is a
    /// new one. Repeatable.
    #[arg(long, value_name = "TYPE[=EVENT-ID]")]
    red_flag: Vec<String>,
    /// When the red flags were put right, such as 2016-04-26T09:00:00Z.
    #[arg(long, value_name = "TIME", requires = "red_flag")]
    red_flag_resolved_time: Option<Timestamp>,
    /// The report is a plan for a period that begins then, such as 2016-04-26T07:00:00Z.
    #[arg(long, value_name = "TIME", requires = "plan_end", help_heading = "Plan")]
    plan_start: Option<Timestamp>,
    /// The first instant after the planned period.
    #[arg(long, value_name = "TIME", requires = "plan_start", help_heading = "Plan")]
    plan_end: Option<Timestamp>,
    /// Take the plan for this period back.
    #[arg(long, requires = "plan_start", help_heading = "Plan")]
    withdrawn: bool,
    /// The doctors of a grade, such as consultant:at_work=2,acting_as_tier2=1,on_call=1; also expected,
    /// acting_as_tier1, absent_industrial_action, absent_other. Grades: f1, f2, core, registrar, locally_employed, sas,
    /// consultant, advanced_clinical_practitioner, physician_associate. Repeatable.
    #[arg(long, value_name = "GRADE:FIGURE=N,...", value_parser = grades::flag, help_heading = "Doctors of a cover group")]
    grade: Vec<Value>,
    #[command(flatten)]
    figures: Figures,
}

impl Report {
    pub(super) async fn run(self: Box<Self>, mut session: Session) -> Result<(), Failure> {
        let clock: SharedClock = std::sync::Arc::new(SystemClock::default());
        let report = self.message(Timestamp::from_microsecond(clock.now().as_micros()).unwrap_or_default())?;
        let client = session.connect().await?;
        let request = pb::SubmitReportsRequest { reports: vec![report], validate_only: false };
        let answer = client.submit_reports(request).await?;
        let mut tally = Tally::default();
        let mut rejections = Vec::new();
        for receipt in &answer.receipts {
            session.output.message(receipt, line)?;
            rejections.extend(tally.count(receipt));
        }
        session.output.flush()?;
        match rejections.as_slice() {
            [] if tally.reports() == 1 => Ok(()),
            [] => Err(Failure::failed("the service gave no receipt: send the report again with the same --report-id")),
            some => Err(Failure::rejected(some.join("\n"))),
        }
    }

    /// The report, made by the same mapping as a line of NDJSON.
    fn message(&self, now: Timestamp) -> Result<pb::StaffingReport, Failure> {
        let observed = self.observed_time.unwrap_or(now);
        let flags: Vec<Value> = self.red_flag.iter().map(|flag| self.flag(flag, observed)).collect();
        let mut report: Map<String, Value> = self.figures.0.clone();
        for (field, name) in [("ward", &self.ward), ("cover_group", &self.cover_group)] {
            report.extend(name.iter().map(|name| (field.into(), name.clone().into())));
        }
        if let (Some(start), Some(end)) = (self.plan_start, self.plan_end) {
            let period =
                json!({"start_time": start.to_string(), "end_time": end.to_string(), "withdrawn": self.withdrawn});
            report.insert("plan_period".into(), period);
        }
        if !self.grade.is_empty() {
            report.insert(grades::BLOCK.into(), json!({"grades": self.grade}));
        }
        report.insert("observed_time".into(), observed.to_string().into());
        report.insert("source".into(), self.source.clone().into());
        let id = self.report_id.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        report.insert("report_id".into(), id.into());
        report.insert("revision".into(), self.revision.into());
        report.insert("red_flags".into(), flags.into());
        Ok(mapping::from_value(report.into())?)
    }

    fn flag(&self, flag: &str, observed: Timestamp) -> Value {
        let (kind, id) = match flag.split_once('=') {
            Some((kind, id)) => (kind, id.to_owned()),
            None => (flag, Uuid::now_v7().to_string()),
        };
        let mut flag = json!({"type": kind, "event_id": id, "noticed_time": observed.to_string()});
        if let Some(resolved) = self.red_flag_resolved_time {
            flag["resolved_time"] = resolved.to_string().into();
        }
        flag
    }
}

/// A receipt for people.
fn line(receipt: &pb::ReportReceipt) -> String {
    let outcome = shown::bare(receipt.outcome().as_str_name(), "RECEIPT_OUTCOME_");
    if receipt.name.is_empty() {
        return format!("{outcome} report {}", shown::clean(&receipt.report_id));
    }
    let status = shown::bare(receipt.status().as_str_name(), "WARD_STATUS_");
    let freshness = shown::bare(receipt.freshness().as_str_name(), "FRESHNESS_");
    let changed = match receipt.changed_alerts.as_slice() {
        [] => String::new(),
        names => format!("; changed {}", names.join(", ")),
    };
    let what = if receipt.name.contains("/coverGroups/") { "cover group" } else { "ward" };
    format!("{outcome} {}: {what} is {status}, {freshness}{changed}", receipt.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        report: Report,
    }

    fn message(line: &str) -> Result<pb::StaffingReport, String> {
        let parsed = Line::try_parse_from(line.split(' ')).map_err(|e| e.to_string())?;
        parsed.report.message("2016-04-26T08:00:00Z".parse().unwrap()).map_err(|f| f.message().to_owned())
    }

    #[test]
    fn flags_make_the_blocks_they_belong_to_and_no_other() {
        let report =
            message("report --ward RJ1/A1 --source ROSTER --bedded 28 --registered-nurses 3 --judgement unsafe");
        let report = report.unwrap();
        assert_eq!(report.ward, "organisations/RJ1/wards/A1");
        assert_eq!(report.patients.unwrap().bedded, Some(28));
        let nursing = report.nursing.unwrap();
        assert_eq!((nursing.registered_nurses, nursing.students), (Some(3), None));
        assert_eq!(report.professional_judgement.unwrap().judgement(), pb::Judgement::Unsafe);
        assert!(report.nursing_hours.is_none() && report.levels_of_care.is_none());
        assert!(Uuid::try_parse(&report.report_id).is_ok());
    }

    #[test]
    fn a_red_flag_may_name_its_event() {
        let report = message("report --ward RJ1/A1 --red-flag a.b=E1 --red-flag c.d").unwrap();
        let flags: Vec<_> = report.red_flags.iter().map(|f| (f.r#type.as_str(), f.event_id.len())).collect();
        assert_eq!(flags, [("a.b", 2), ("c.d", 36)]);
        assert_eq!(report.red_flags[0].noticed_time, report.observed_time);
    }

    #[test]
    fn doctors_are_reported_and_planned_on_a_cover_group() {
        let grades = "--grade consultant:at_work=2,acting_as_tier2=1 --grade f1:at_work=0";
        let report = message(&format!("report --cover-group RJ1/GENMED {grades}")).unwrap();
        let names = (report.ward.as_str(), report.cover_group.as_str());
        assert_eq!(names, ("", "organisations/RJ1/coverGroups/GENMED"));
        let cover: Vec<_> = report.medical_cover.unwrap().grades.iter().map(|g| (g.grade(), g.at_work)).collect();
        assert_eq!(cover, [(pb::MedicalGrade::Consultant, Some(2)), (pb::MedicalGrade::F1, Some(0))]);
        assert!(report.plan_period.is_none());

        let period = "--plan-start 2016-04-26T07:00:00Z --plan-end 2016-04-26T16:00:00Z";
        let plan = message(&format!("report --cover-group RJ1/GENMED {period} --withdrawn")).unwrap();
        assert!(plan.plan_period.unwrap().withdrawn && plan.medical_cover.is_none());
        for bad in ["--ward RJ1/A1 --cover-group RJ1/GENMED", "--grade f1:at_work=1", "--cover-group RJ1/G --withdrawn"]
        {
            assert!(message(&format!("report {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_negative_count_is_the_services_to_refuse() {
        assert_eq!(message("report --ward RJ1/A1 --bedded -1").unwrap().patients.unwrap().bedded, Some(-1));
        assert!(message("report --ward RJ1/A1 --bedded few").unwrap_err().contains("--bedded: 'few'"));
        assert!(message("report --ward A1 --bedded 3").unwrap_err().contains("organisations/RJ1/wards/A1"));
    }
}
