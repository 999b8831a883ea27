use bytes::Bytes;
use prost::Message;

use crate::domain::{
    BaselineMode, CoverBaseline, CoverGroup, CoverMinimum, CoverPeriod, OrganisationCode, RejectReason, Shift,
    ShiftName, Shifts, SubjectName, Tier, WardCode,
};
use crate::wire::blocks::int;
use crate::wire::register::{minute_of_day, text, ward_state};
use crate::wire::{CorruptState, Violations, pb};

/// A cover group that someone registers, with what is wrong noted in `v`. Whether its wards exist is the register's to
/// say.
pub fn cover_group_from(v: &mut Violations, message: pb::CoverGroup) -> Option<CoverGroup> {
    let pb::CoverGroup {
        name,
        display_name,
        site,
        specialty,
        wards,
        minima,
        tier3_on_call_counts,
        baselines,
        shifts,
        state,
        implicit: _,
    } = message;
    let ids = group_name(v, &name);
    text(v, "display_name", &display_name);
    text(v, "specialty", &specialty);
    let site = v.parse_optional("site", &site);
    let wards = wards_from(v, ids.as_ref().map(|(organisation, _)| organisation), &wards);
    let minima = minima_from(v, &minima);
    let baselines = baselines_from(v, &baselines);
    let shifts = shifts_from(v, &shifts);
    let state = ward_state(v, state);
    let (organisation, code) = ids?;
    let display_name = if display_name.is_empty() { code.to_string() } else { display_name };
    Some(CoverGroup {
        organisation,
        code,
        display_name,
        site,
        specialty,
        wards,
        minima,
        tier3_on_call_counts,
        baselines,
        shifts,
        state,
        implicit: false,
    })
}

fn group_name(v: &mut Violations, name: &str) -> Option<(OrganisationCode, WardCode)> {
    match v.parse("name", name)? {
        SubjectName::CoverGroup(organisation, code) => Some((organisation, code)),
        SubjectName::Organisation(_) | SubjectName::Ward(..) => {
            let text = format!("'{name}' is not a cover group: organisations/{{ods}}/coverGroups/{{group}}");
            v.add("name", RejectReason::Malformed, text);
            None
        }
    }
}

fn wards_from(v: &mut Violations, organisation: Option<&OrganisationCode>, names: &[String]) -> Vec<WardCode> {
    let mut codes: Vec<WardCode> = Vec::with_capacity(names.len());
    for (n, name) in names.iter().enumerate() {
        let field = format!("wards[{n}]");
        match v.parse(&field, name) {
            Some(SubjectName::Ward(of, code)) if organisation.is_none_or(|o| *o == of) => codes.push(code),
            Some(SubjectName::Ward(of, _)) => {
                v.add(&field, RejectReason::Implausible, format!("'{name}' is a ward of {of}: a group covers its own"));
            }
            Some(_) => {
                let text = format!("'{name}' is not a ward: organisations/{{ods}}/wards/{{ward}}");
                v.add(&field, RejectReason::Malformed, text);
            }
            None => {}
        }
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn minima_from(v: &mut Violations, messages: &[pb::CoverMinimum]) -> Vec<CoverMinimum> {
    let mut minima: Vec<CoverMinimum> = Vec::with_capacity(messages.len());
    for (n, message) in messages.iter().enumerate() {
        let pb::CoverMinimum { tier, period, doctors } = *message;
        let path = format!("minima[{n}]");
        let doctors = v.required(&format!("{path}.doctors"), doctors);
        let tier = tier_from(tier).or_else(|| {
            v.add(&format!("{path}.tier"), RejectReason::Malformed, format!("{tier} is not a tier: 1, 2 or 3"));
            None
        });
        let period = period_from(period).or_else(|| {
            v.add(&format!("{path}.period"), RejectReason::Malformed, "is none of ALL_DAY, DAY, NIGHT");
            None
        });
        let (Some(tier), Some(period)) = (tier, period) else { continue };
        if minima.iter().any(|m| (m.tier, m.period) == (tier, period)) {
            let period = period_name(period);
            let text = format!("tier {} has two minima for {period}: name one", tier.number());
            v.add(&path, RejectReason::Conflict, text);
        }
        minima.push(CoverMinimum { tier, period, doctors });
    }
    minima.sort_unstable();
    minima
}

fn baselines_from(v: &mut Violations, messages: &[pb::CoverBaseline]) -> Vec<CoverBaseline> {
    let mut baselines: Vec<CoverBaseline> = Vec::with_capacity(messages.len());
    for (n, message) in messages.iter().enumerate() {
        let pb::CoverBaseline { mode, doctors } = *message;
        let path = format!("baselines[{n}]");
        let doctors = v.required(&format!("{path}.doctors"), doctors);
        let Some(mode) = mode_from(mode) else {
            let text = "only CHRISTMAS_DAY_COVER and NIGHT_DUTY_COVER have a baseline";
            v.add(&format!("{path}.mode"), RejectReason::Malformed, text);
            continue;
        };
        if baselines.iter().any(|b| b.mode == mode) {
            let text = format!("{} has two baselines: name one", mode_name(mode));
            v.add(&path, RejectReason::Conflict, text);
        }
        baselines.push(CoverBaseline { mode, doctors });
    }
    baselines.sort_unstable();
    baselines
}

/// Shifts that follow on each other through the whole day.
pub(super) fn shifts_from(v: &mut Violations, messages: &[pb::LocalShift]) -> Option<Shifts> {
    if messages.is_empty() {
        return None;
    }
    let read: Vec<_> = messages.iter().enumerate().filter_map(|(n, shift)| shift_from(v, n, shift)).collect();
    if read.len() < messages.len() {
        return None;
    }
    let shifts = Shifts::new(read).map_err(|e| v.add("shifts", RejectReason::Conflict, e.to_string())).ok()?;
    let all = shifts.as_slice();
    let next = all.iter().cycle().skip(1);
    for (shift, next) in all.iter().zip(next).filter(|(shift, next)| shift.end != next.start) {
        let [start, end, next] = [shift.start, shift.end, next.start].map(hhmm);
        let text =
            format!("the shift from {start} ends at {end} and the next begins at {next}: leave no gap or overlap");
        v.add("shifts", RejectReason::Conflict, text);
    }
    Some(shifts)
}

fn shift_from(v: &mut Violations, n: usize, message: &pb::LocalShift) -> Option<Shift> {
    let pb::LocalShift { name, start, end } = message;
    let of_day = |v: &mut Violations, field: &str, time: &str| {
        minute_of_day(time).or_else(|| {
            v.add(&format!("shifts[{n}].{field}"), RejectReason::Malformed, format!("'{time}' is not HH:MM"));
            None
        })
    };
    let name = match pb::ShiftName::try_from(*name) {
        Ok(pb::ShiftName::Day) => Some(ShiftName::Day),
        Ok(pb::ShiftName::Night) => Some(ShiftName::Night),
        Ok(pb::ShiftName::Unspecified) | Err(_) => {
            v.add(&format!("shifts[{n}].name"), RejectReason::Malformed, "is neither DAY nor NIGHT");
            None
        }
    };
    let (start, end) = (of_day(v, "start", start), of_day(v, "end", end));
    Some(Shift { name: name?, start: start?, end: end? })
}

pub(super) fn hhmm(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn tier_from(number: i32) -> Option<Tier> {
    Tier::ALL.into_iter().find(|t| int(t.number()) == number)
}

fn period_from(value: i32) -> Option<CoverPeriod> {
    match pb::CoverPeriod::try_from(value).ok()? {
        pb::CoverPeriod::Unspecified | pb::CoverPeriod::AllDay => Some(CoverPeriod::AllDay),
        pb::CoverPeriod::Day => Some(CoverPeriod::Day),
        pb::CoverPeriod::Night => Some(CoverPeriod::Night),
    }
}

fn period_name(period: CoverPeriod) -> &'static str {
    match period {
        CoverPeriod::AllDay => "ALL_DAY",
        CoverPeriod::Day => "DAY",
        CoverPeriod::Night => "NIGHT",
    }
}

impl From<CoverPeriod> for pb::CoverPeriod {
    fn from(period: CoverPeriod) -> Self {
        match period {
            CoverPeriod::AllDay => Self::AllDay,
            CoverPeriod::Day => Self::Day,
            CoverPeriod::Night => Self::Night,
        }
    }
}

fn mode_from(value: i32) -> Option<BaselineMode> {
    match pb::StrikeMode::try_from(value).ok()? {
        pb::StrikeMode::ChristmasDayCover => Some(BaselineMode::ChristmasDay),
        pb::StrikeMode::NightDutyCover => Some(BaselineMode::NightDuty),
        pb::StrikeMode::Unspecified
        | pb::StrikeMode::FullWithdrawal
        | pb::StrikeMode::EmergencyCareOnly
        | pb::StrikeMode::ActionShortOfStrike => None,
    }
}

fn mode_name(mode: BaselineMode) -> &'static str {
    let name = pb::StrikeMode::from(mode).as_str_name();
    name.strip_prefix("STRIKE_MODE_").unwrap_or(name)
}

impl From<BaselineMode> for pb::StrikeMode {
    fn from(mode: BaselineMode) -> Self {
        match mode {
            BaselineMode::ChristmasDay => Self::ChristmasDayCover,
            BaselineMode::NightDuty => Self::NightDutyCover,
        }
    }
}

/// A cover group as its message.
pub fn cover_group_to(group: &CoverGroup) -> pb::CoverGroup {
    let CoverGroup {
        organisation,
        code,
        display_name,
        site,
        specialty,
        wards,
        minima,
        tier3_on_call_counts,
        baselines,
        shifts,
        state,
        implicit,
    } = group;
    let minimum = |m: &CoverMinimum| pb::CoverMinimum {
        tier: int(m.tier.number()),
        period: pb::CoverPeriod::from(m.period).into(),
        doctors: Some(int(m.doctors)),
    };
    let baseline = |b: &CoverBaseline| pb::CoverBaseline {
        mode: pb::StrikeMode::from(b.mode).into(),
        doctors: Some(int(b.doctors)),
    };
    pb::CoverGroup {
        name: format!("organisations/{organisation}/coverGroups/{code}"),
        display_name: display_name.clone(),
        site: site.as_ref().map(ToString::to_string).unwrap_or_default(),
        specialty: specialty.clone(),
        wards: wards.iter().map(|ward| format!("organisations/{organisation}/wards/{ward}")).collect(),
        minima: minima.iter().map(minimum).collect(),
        tier3_on_call_counts: *tier3_on_call_counts,
        baselines: baselines.iter().map(baseline).collect(),
        shifts: shifts.iter().flat_map(|s| s.as_slice()).map(shift_to).collect(),
        state: pb::WardState::from(*state).into(),
        implicit: *implicit,
    }
}

pub(super) fn shift_to(shift: &Shift) -> pb::LocalShift {
    let name = match shift.name {
        ShiftName::Day => pb::ShiftName::Day,
        ShiftName::Night => pb::ShiftName::Night,
    };
    pb::LocalShift { name: name.into(), start: hhmm(shift.start), end: hhmm(shift.end) }
}

/// A cover group as the register stores it.
pub fn encode_cover_group(group: &CoverGroup) -> Bytes {
    cover_group_to(group).encode_to_vec().into()
}

/// A cover group from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn decode_cover_group(bytes: &Bytes) -> Result<CoverGroup, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a cover group");
    let message = pb::CoverGroup::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let implicit = message.implicit;
    let mut v = Violations::default();
    let group = cover_group_from(&mut v, message).filter(|_| v.is_empty()).ok_or(CORRUPT)?;
    Ok(CoverGroup { implicit, ..group })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimum(tier: i32, period: pb::CoverPeriod, doctors: i32) -> pb::CoverMinimum {
        pb::CoverMinimum { tier, period: period.into(), doctors: Some(doctors) }
    }

    fn shift(name: pb::ShiftName, start: &str, end: &str) -> pb::LocalShift {
        pb::LocalShift { name: name.into(), start: start.into(), end: end.into() }
    }

    fn medicine() -> pb::CoverGroup {
        pb::CoverGroup {
            name: "organisations/RJ1/coverGroups/GENMED".into(),
            display_name: "General medicine".into(),
            site: "RJ121".into(),
            specialty: "300 GENERAL MEDICINE".into(),
            wards: vec!["organisations/RJ1/wards/A7".into(), "organisations/RJ1/wards/AMU1".into()],
            minima: vec![minimum(1, pb::CoverPeriod::Day, 4), minimum(1, pb::CoverPeriod::Night, 2)],
            tier3_on_call_counts: true,
            baselines: vec![pb::CoverBaseline { mode: pb::StrikeMode::NightDutyCover.into(), doctors: Some(3) }],
            shifts: vec![shift(pb::ShiftName::Day, "08:00", "20:30"), shift(pb::ShiftName::Night, "20:30", "08:00")],
            state: pb::WardState::Open.into(),
            implicit: false,
        }
    }

    fn wrong(message: pb::CoverGroup) -> Vec<(String, String)> {
        let mut v = Violations::default();
        cover_group_from(&mut v, message);
        v.into_fields()
    }

    #[test]
    fn a_group_comes_back_as_it_went_in() {
        let mut v = Violations::default();
        let group = cover_group_from(&mut v, medicine()).unwrap();
        assert_eq!((v.is_empty(), cover_group_to(&group)), (true, medicine()));
        assert_eq!(decode_cover_group(&encode_cover_group(&group)).unwrap(), group);
        let all = CoverGroup::implicit_all("RJ1".parse().unwrap());
        assert_eq!(decode_cover_group(&encode_cover_group(&all)).unwrap(), all);
    }

    #[test]
    fn nobody_can_say_that_nobody_registered_a_group() {
        let mut v = Violations::default();
        let all = pb::CoverGroup {
            name: "organisations/RJ1/coverGroups/ALL".into(),
            implicit: true,
            ..pb::CoverGroup::default()
        };
        let group = cover_group_from(&mut v, all).unwrap();
        assert!(v.is_empty() && !group.implicit && group.covers_all());
    }

    #[test]
    fn every_contradiction_is_named_by_its_path() {
        use pb::CoverPeriod::{AllDay, Unspecified};
        let christmas = pb::CoverBaseline { mode: pb::StrikeMode::ChristmasDayCover.into(), doctors: Some(2) };
        let full = pb::CoverBaseline { mode: pb::StrikeMode::FullWithdrawal.into(), ..christmas };
        let found = wrong(pb::CoverGroup {
            name: "organisations/RJ1/wards/A7".into(),
            specialty: "x".repeat(201),
            minima: vec![
                minimum(1, AllDay, 2),
                minimum(1, Unspecified, 3),
                minimum(4, AllDay, 2),
                pb::CoverMinimum { doctors: None, ..minimum(2, AllDay, 0) },
            ],
            baselines: vec![christmas, full, pb::CoverBaseline { doctors: Some(-1), ..christmas }],
            ..medicine()
        });
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        let expected = [
            "name",
            "specialty",
            "minima[1]",
            "minima[2].tier",
            "minima[3].doctors",
            "baselines[1].mode",
            "baselines[2].doctors",
            "baselines[2]",
        ];
        assert_eq!(fields, expected, "{found:?}");
        assert_eq!(found[2].1, "tier 1 has two minima for ALL_DAY: name one");
    }

    #[test]
    fn a_group_covers_wards_of_its_own_organisation() {
        let wards = ["organisations/RXX/wards/A7", "A7", "organisations/RJ1", "organisations/RJ1/wards/A7"];
        let found = wrong(pb::CoverGroup { wards: wards.map(String::from).to_vec(), ..medicine() });
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["wards[0]", "wards[1]", "wards[2]"]);
        assert_eq!(found[0].1, "'organisations/RXX/wards/A7' is a ward of RXX: a group covers its own");
    }

    #[test]
    fn shifts_leave_no_gap_and_do_not_overlap() {
        use pb::ShiftName::{Day, Night};
        let shifts = |shifts: &[pb::LocalShift]| wrong(pb::CoverGroup { shifts: shifts.to_vec(), ..medicine() });
        assert!(
            shifts(&[shift(Day, "08:00", "14:00"), shift(Night, "20:00", "08:00"), shift(Day, "14:00", "20:00")])
                .is_empty()
        );
        assert!(shifts(&[shift(Day, "08:00", "08:00")]).is_empty(), "one shift may be the whole day");
        let gap = shifts(&[shift(Day, "08:00", "19:00"), shift(Night, "20:00", "08:00")]);
        let text = "the shift from 08:00 ends at 19:00 and the next begins at 20:00: leave no gap or overlap";
        assert_eq!(gap, [("shifts".to_owned(), text.to_owned())]);
        assert_eq!(shifts(&[shift(Day, "08:00", "20:30"), shift(Night, "20:00", "08:00")]).len(), 1, "an overlap");
        assert_eq!(shifts(&[shift(Day, "08:00", "20:00")]).len(), 1, "half a day has no shift");
        assert_eq!(shifts(&[shift(Day, "08:00", "20:00"), shift(Night, "08:00", "20:00")]).len(), 1);
        let bad = shifts(&[shift(Day, "8:00", "24:00"), pb::LocalShift { name: 0, ..shift(Day, "20:00", "08:00") }]);
        let fields: Vec<_> = bad.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["shifts[0].start", "shifts[0].end", "shifts[1].name"]);
    }
}
