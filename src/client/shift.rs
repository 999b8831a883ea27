use jiff::Timestamp;
use uuid::Uuid;

use super::pb;

const NANOS: i128 = 1_000_000_000;

/// Moves reports in time by whole microseconds, so that an old day plays now. A moved report is another report, so its
/// id is derived anew: UUIDv5 with the old id as namespace and the shift in microseconds as name. The same file moved
/// by the same shift is the same reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    micros: i64,
}

impl Shift {
    /// The shift that takes `last` to `now`, both in microseconds since the epoch.
    pub const fn between(last: i64, now: i64) -> Self {
        Self { micros: now.saturating_sub(last) }
    }

    /// Moves every time of a report: observed, planned period, shift, red flags; and renames it and its red flags.
    pub fn apply(self, report: &mut pb::StaffingReport) {
        report.report_id = self.rename(&report.report_id);
        self.shift(&mut report.observed_time);
        if let Some(period) = &mut report.plan_period {
            self.shift(&mut period.start_time);
            self.shift(&mut period.end_time);
        }
        if let Some(hours) = &mut report.nursing_hours {
            self.shift(&mut hours.shift_start_time);
            self.shift(&mut hours.shift_end_time);
        }
        for flag in &mut report.red_flags {
            flag.event_id = self.rename(&flag.event_id);
            self.shift(&mut flag.noticed_time);
            self.shift(&mut flag.resolved_time);
        }
    }

    /// What is not a UUID stays as it is, for the service to refuse.
    fn rename(self, id: &str) -> String {
        match Uuid::try_parse(id) {
            Ok(id) => Uuid::new_v5(&id, self.micros.to_string().as_bytes()).to_string(),
            Err(_) => id.to_owned(),
        }
    }

    fn shift(self, time: &mut Option<prost_types::Timestamp>) {
        if let Some(time) = time {
            let nanos = i128::from(time.seconds) * NANOS + i128::from(time.nanos) + i128::from(self.micros) * 1_000;
            let (seconds, rest) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
            if let (Ok(seconds), Ok(nanos)) = (i64::try_from(seconds), i32::try_from(rest)) {
                *time = prost_types::Timestamp { seconds, nanos };
            }
        }
    }
}

/// A protobuf timestamp, for rooms that do not speak protobuf.
pub type Moment = prost_types::Timestamp;

/// A protobuf timestamp as an instant; `None` when absent or out of range.
pub fn instant(time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    time.and_then(|t| Timestamp::new(t.seconds, t.nanos).ok())
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    #[test]
    fn every_time_of_a_report_moves_by_the_same_and_it_gets_another_id() {
        let text = r#"{"reportId":"018f2b6e-7c1a-7d3e-9b52-3f6c1d2e4a5b","observedTime":"2016-04-26T08:00:00.000001Z",
            "nursingHours":{"shiftStartTime":"2016-04-26T07:30:00Z","shiftEndTime":"2016-04-26T20:00:00Z"},
            "redFlags":[{"eventId":"018f2b6e-7c1a-7d3e-9b52-3f6c1d2e4a5c","noticedTime":"2016-04-26T07:59:59Z"}]}"#;
        let mut report: pb::StaffingReport = json::from_str(text).unwrap();
        let old = report.clone();
        let last = instant(report.observed_time).unwrap().as_microsecond();
        let shift = Shift::between(last, last + 86_400_000_000);
        shift.apply(&mut report);
        let text = json::to_string(&report).unwrap();
        for moved in ["27T08:00:00.000001Z", "27T07:30:00Z", "27T20:00:00Z", "27T07:59:59Z"] {
            assert!(text.contains(&format!("2016-04-{moved}")), "{moved} in {text}");
        }
        assert_ne!(report.report_id, old.report_id);
        assert_ne!(report.red_flags[0].event_id, old.red_flags[0].event_id);
        let mut again = old;
        shift.apply(&mut again);
        assert_eq!(again, report, "the same shift makes the same report");
    }

    #[test]
    fn an_id_that_is_no_uuid_is_left_for_the_service_to_refuse() {
        let mut report = pb::StaffingReport { report_id: "seven".into(), ..Default::default() };
        Shift::between(0, 1).apply(&mut report);
        assert_eq!(report.report_id, "seven");
    }
}
