use bytes::Bytes;
use prost::Message;
use uuid::Uuid;

use crate::domain::{
    BlockKey, Blocks, ClosedFlag, Current, Doubt, Episode, Period, Plan, RecentIds, ReportId, SubjectState, Time,
};
use crate::wire::blocks::{
    hours_from, hours_to, judgement_from, judgement_to, levels_from, levels_to, nursing_from, nursing_to,
    patients_from, patients_to,
};
use crate::wire::enums::resolution_from;
use crate::wire::{Violations, alert_from, alert_to, medical_cover_from, medical_cover_to, pb, stored, summary_from};

/// The form of stored states that this version writes. It never writes over a newer one.
const VERSION: u32 = 1;

/// Stored bytes that cannot be read: corrupt, or written by a newer version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} in the store cannot be read: it is corrupt, or a newer version of wardwatch wrote it")]
pub struct CorruptState(pub &'static str);

/// The bytes written with each report.
pub fn hot_to(state: &SubjectState) -> Bytes {
    stored::Hot { recent: state.recent.0.clone(), ..blocks_to(&state.blocks) }.encode_to_vec().into()
}

fn blocks_to(blocks: &Blocks) -> stored::Hot {
    let Blocks { patients, levels_of_care, nursing, nursing_hours, medical_cover, judgement } = blocks;
    stored::Hot {
        version: VERSION,
        patients_head: patients.as_ref().map(head_to),
        patients: patients.as_ref().map(|c| encode(&patients_to(&c.body))).unwrap_or_default(),
        levels_head: levels_of_care.as_ref().map(head_to),
        levels: levels_of_care.as_ref().map(|c| encode(&levels_to(&c.body))).unwrap_or_default(),
        nursing_head: nursing.as_ref().map(head_to),
        nursing: nursing.as_ref().map(|c| encode(&nursing_to(&c.body))).unwrap_or_default(),
        hours_head: nursing_hours.as_ref().map(head_to),
        hours: nursing_hours.as_ref().map(|c| encode(&hours_to(&c.body))).unwrap_or_default(),
        cover_head: medical_cover.as_ref().map(head_to),
        cover: medical_cover.as_ref().map(|c| encode(&medical_cover_to(&c.body))).unwrap_or_default(),
        judgement_head: judgement.as_ref().map(head_to),
        judgement: judgement.as_ref().map(|c| encode(&judgement_to(c.body))).unwrap_or_default(),
        recent: Vec::new(),
    }
}

fn blocks_from(hot: stored::Hot) -> Result<Blocks, CorruptState> {
    Ok(Blocks {
        patients: block(hot.patients_head, &hot.patients, |v, m| Some(patients_from(v, m)))?,
        levels_of_care: block(hot.levels_head, &hot.levels, |v, m| Some(levels_from(v, m)))?,
        nursing: block(hot.nursing_head, &hot.nursing, |v, m| Some(nursing_from(v, m)))?,
        nursing_hours: block(hot.hours_head, &hot.hours, hours_from)?,
        medical_cover: block(hot.cover_head, &hot.cover, medical_cover_from)?,
        judgement: block(hot.judgement_head, &hot.judgement, judgement_from)?,
    })
}

/// The bytes written only when they changed.
pub fn cold_to(state: &SubjectState) -> Bytes {
    stored::Cold {
        version: VERSION,
        registered: state.registered.as_micros(),
        episodes: state.episodes.iter().map(episode_to).collect(),
        closed_flags: state.closed_flags.iter().map(flag_to).collect(),
        judged: state.judged,
        plans: state.plans.iter().map(plan_to).collect(),
        judged_policy: state.judged_policy.clone(),
    }
    .encode_to_vec()
    .into()
}

fn plan_to(plan: &Plan) -> stored::Plan {
    let Plan { period, withdrawn, blocks } = plan;
    let withdrawn = withdrawn.map(|(key, digest)| stored::BlockHead {
        observed: key.observed.as_micros(),
        revision: key.revision,
        report_id: Bytes::copy_from_slice(key.report.0.as_bytes()),
        digest,
        ..stored::BlockHead::default()
    });
    let (start, end) = (period.start.as_micros(), period.end.as_micros());
    stored::Plan { start, end, blocks: Some(blocks_to(blocks)), withdrawn }
}

fn plan_from(message: stored::Plan) -> Result<Plan, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a subject's plan");
    let stored::Plan { start, end, blocks, withdrawn } = message;
    let period = Period::new(Time::from_micros(start), Time::from_micros(end)).ok_or(CORRUPT)?;
    let withdrawn = match withdrawn {
        None => None,
        Some(head) => Some((key_from(&head).ok_or(CORRUPT)?, head.digest)),
    };
    Ok(Plan { period, withdrawn, blocks: blocks_from(blocks.unwrap_or_default())? })
}

/// Hot and cold bytes of a subject registered at `at`.
pub fn first_state(at: Time) -> (Bytes, Bytes) {
    let state = SubjectState::new(at);
    (hot_to(&state), cold_to(&state))
}

/// A state from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn state_from(hot: &Bytes, cold: &Bytes, summary: &Bytes) -> Result<SubjectState, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a subject's state");
    let hot = stored::Hot::decode(hot.clone()).map_err(|_| CORRUPT)?;
    let cold = stored::Cold::decode(cold.clone()).map_err(|_| CORRUPT)?;
    if hot.version > VERSION || cold.version > VERSION {
        return Err(CORRUPT);
    }
    let recent = RecentIds(hot.recent.clone());
    Ok(SubjectState {
        registered: Time::from_micros(cold.registered),
        blocks: blocks_from(hot)?,
        plans: cold.plans.into_iter().map(plan_from).collect::<Result<_, _>>()?,
        recent,
        episodes: cold.episodes.into_iter().map(episode_from).collect::<Result<_, _>>()?,
        closed_flags: cold.closed_flags.iter().map(flag_from).collect::<Option<_>>().ok_or(CORRUPT)?,
        judged: cold.judged,
        judged_policy: cold.judged_policy,
        summary: summary_from(summary)?,
    })
}

fn encode(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

fn block<M: Message + Default, B>(
    head: Option<stored::BlockHead>,
    bytes: &Bytes,
    body: impl FnOnce(&mut Violations, M) -> Option<B>,
) -> Result<Option<Current<B>>, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a subject's block");
    let Some(head) = head else { return Ok(None) };
    let message = M::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let mut violations = Violations::default();
    let body = body(&mut violations, message).filter(|_| violations.is_empty()).ok_or(CORRUPT)?;
    head_from(&head, body).map(Some).ok_or(CORRUPT)
}

fn head_to<B>(current: &Current<B>) -> stored::BlockHead {
    let Current { key, digest, source, heard, correction, doubt, body: _ } = current;
    stored::BlockHead {
        observed: key.observed.as_micros(),
        revision: key.revision,
        report_id: Bytes::copy_from_slice(key.report.0.as_bytes()),
        digest: *digest,
        source: source.to_string(),
        heard: heard.as_micros(),
        correction: *correction,
        doubt_before: doubt.map(|d| d.before),
        doubt_since: doubt.map_or(0, |d| d.since.as_micros()),
    }
}

fn head_from<B>(head: &stored::BlockHead, body: B) -> Option<Current<B>> {
    let since = Time::from_micros(head.doubt_since);
    Some(Current {
        key: key_from(head)?,
        digest: head.digest,
        source: head.source.parse().ok()?,
        heard: Time::from_micros(head.heard),
        correction: head.correction,
        doubt: head.doubt_before.map(|before| Doubt { before, since }),
        body,
    })
}

fn key_from(head: &stored::BlockHead) -> Option<BlockKey> {
    let observed = Time::from_micros(head.observed);
    Some(BlockKey { observed, revision: head.revision, report: id_from(&head.report_id)? })
}

fn id_from(bytes: &[u8]) -> Option<ReportId> {
    Uuid::from_slice(bytes).ok().map(ReportId)
}

fn episode_to(episode: &Episode) -> stored::Episode {
    let Episode { alert, good_since, ending, last_event, critical_since } = episode;
    stored::Episode {
        alert: encode(&alert_to(alert)),
        good_since: good_since.map(Time::as_micros),
        ending: ending.map_or(0, |r| pb::Resolution::from(r).into()),
        last_event: last_event.as_micros(),
        critical_since: critical_since.map(Time::as_micros),
    }
}

fn episode_from(message: stored::Episode) -> Result<Episode, CorruptState> {
    let alert = pb::Alert::decode(message.alert).map_err(|_| CorruptState("an episode"))?;
    Ok(Episode {
        alert: alert_from(alert)?,
        good_since: message.good_since.map(Time::from_micros),
        ending: resolution_from(message.ending),
        last_event: Time::from_micros(message.last_event),
        critical_since: message.critical_since.map(Time::from_micros),
    })
}

fn flag_to(flag: &ClosedFlag) -> stored::ClosedFlag {
    stored::ClosedFlag { event: Bytes::copy_from_slice(flag.event.0.as_bytes()), at: flag.at.as_micros() }
}

fn flag_from(message: &stored::ClosedFlag) -> Option<ClosedFlag> {
    Some(ClosedFlag { event: id_from(&message.event)?, at: Time::from_micros(message.at) })
}
