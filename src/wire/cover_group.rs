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
        shifts: shifts.iter().flat_map(Shifts::as_slice).copied().map(shift_to).collect(),
        state: pb::WardState::from(*state).into(),
        implicit: *implicit,
    }
}

pub(super) fn shift_to(shift: Shift) -> pb::LocalShift {
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
mod tests;
