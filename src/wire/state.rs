use bytes::Bytes;
use prost::Message;
use uuid::Uuid;

use crate::domain::{
    BlockKey, ClosedFlag, Current, Doubt, Episode, RecentIds, ReportId, SourceSilence, SubjectState, Time,
};
use crate::wire::blocks::{
    hours_from, hours_to, judgement_from, judgement_to, levels_from, levels_to, nursing_from, nursing_to,
    patients_from, patients_to,
};
use crate::wire::enums::resolution_from;
use crate::wire::{Violations, alert_from, alert_to, pb, stored};

/// The form of stored states that this version writes. It never writes over a newer one.
const VERSION: u32 = 1;

/// Stored bytes that cannot be read: corrupt, or written by a newer version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} in the store cannot be read: it is corrupt, or a newer version of wardwatch wrote it")]
pub struct CorruptState(pub &'static str);

/// The bytes written with each report.
pub fn hot_to(state: &SubjectState) -> Bytes {
    let SubjectState { patients, levels_of_care, nursing, nursing_hours, judgement, recent, .. } = state;
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
        judgement_head: judgement.as_ref().map(head_to),
        judgement: judgement.as_ref().map(|c| encode(&judgement_to(c.body))).unwrap_or_default(),
        recent: recent.0.clone(),
    }
    .encode_to_vec()
    .into()
}

/// The bytes written only when they changed.
pub fn cold_to(state: &SubjectState) -> Bytes {
    stored::Cold {
        version: VERSION,
        registered: state.registered.as_micros(),
        episodes: state.episodes.iter().map(episode_to).collect(),
        closed_flags: state.closed_flags.iter().map(flag_to).collect(),
    }
    .encode_to_vec()
    .into()
}

/// What an organisation reads of a ward.
pub fn summary_to(silences: &[SourceSilence]) -> Bytes {
    let silences = silences
        .iter()
        .map(|s| stored::SourceSilence { source: s.source.to_string(), since: s.since.map(Time::as_micros) })
        .collect();
    stored::Summary { silences }.encode_to_vec().into()
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
    Ok(SubjectState {
        registered: Time::from_micros(cold.registered),
        patients: block(hot.patients_head, &hot.patients, |v, m| Some(patients_from(v, m)))?,
        levels_of_care: block(hot.levels_head, &hot.levels, |v, m| Some(levels_from(v, m)))?,
        nursing: block(hot.nursing_head, &hot.nursing, |v, m| Some(nursing_from(v, m)))?,
        nursing_hours: block(hot.hours_head, &hot.hours, hours_from)?,
        judgement: block(hot.judgement_head, &hot.judgement, judgement_from)?,
        recent: RecentIds(hot.recent),
        episodes: cold.episodes.into_iter().map(episode_from).collect::<Result<_, _>>()?,
        closed_flags: cold.closed_flags.iter().map(flag_from).collect::<Option<_>>().ok_or(CORRUPT)?,
        silences: summary_from(summary)?,
    })
}

/// A ward's summary from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn summary_from(bytes: &Bytes) -> Result<Vec<SourceSilence>, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a ward's summary");
    let summary = stored::Summary::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let silence = |s: stored::SourceSilence| {
        Some(SourceSilence { source: s.source.parse().ok()?, since: s.since.map(Time::from_micros) })
    };
    summary.silences.into_iter().map(silence).collect::<Option<_>>().ok_or(CORRUPT)
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
        key: BlockKey {
            observed: Time::from_micros(head.observed),
            revision: head.revision,
            report: id_from(&head.report_id)?,
        },
        digest: head.digest,
        source: head.source.parse().ok()?,
        heard: Time::from_micros(head.heard),
        correction: head.correction,
        doubt: head.doubt_before.map(|before| Doubt { before, since }),
        body,
    })
}

fn id_from(bytes: &[u8]) -> Option<ReportId> {
    Uuid::from_slice(bytes).ok().map(ReportId)
}

fn episode_to(episode: &Episode) -> stored::Episode {
    let Episode { alert, good_since, ending, last_event } = episode;
    stored::Episode {
        alert: encode(&alert_to(alert)),
        good_since: good_since.map(Time::as_micros),
        ending: ending.map_or(0, |r| pb::Resolution::from(r).into()),
        last_event: last_event.as_micros(),
    }
}

fn episode_from(message: stored::Episode) -> Result<Episode, CorruptState> {
    let alert = pb::Alert::decode(message.alert).map_err(|_| CorruptState("an episode"))?;
    Ok(Episode {
        alert: alert_from(alert)?,
        good_since: message.good_since.map(Time::from_micros),
        ending: resolution_from(message.ending),
        last_event: Time::from_micros(message.last_event),
    })
}

fn flag_to(flag: &ClosedFlag) -> stored::ClosedFlag {
    stored::ClosedFlag { event: Bytes::copy_from_slice(flag.event.0.as_bytes()), at: flag.at.as_micros() }
}

fn flag_from(message: &stored::ClosedFlag) -> Option<ClosedFlag> {
    Some(ClosedFlag { event: id_from(&message.event)?, at: Time::from_micros(message.at) })
}
