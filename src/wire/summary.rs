use bytes::Bytes;
use prost::Message;

use crate::domain::{CoverGap, CoverSummary, Period, SourceSilence, Summary, Time};
use crate::wire::{CorruptState, stored};

const CORRUPT: CorruptState = CorruptState("a subject's summary");

/// What others read of a subject, as stored.
pub fn summary_to(summary: &Summary) -> Bytes {
    let Summary { silences, cover } = summary;
    let silence =
        |s: &SourceSilence| stored::SourceSilence { source: s.source.to_string(), since: s.since.map(Time::as_micros) };
    let silences = silences.iter().map(silence).collect();
    stored::Summary { silences, cover: cover.as_ref().map(cover_to) }.encode_to_vec().into()
}

fn cover_to(cover: &CoverSummary) -> stored::CoverSummary {
    let CoverSummary { gap, missing_since, planned } = cover;
    let gap = match gap {
        CoverGap::Outside => stored::CoverGap::Unspecified,
        CoverGap::Unknown => stored::CoverGap::Unknown,
        CoverGap::Stands => stored::CoverGap::Stands,
        CoverGap::Hole => stored::CoverGap::Hole,
    };
    let span = |p: &Period| stored::Span { start: p.start.as_micros(), end: p.end.as_micros() };
    let planned = planned.iter().map(span).collect();
    stored::CoverSummary { gap: gap.into(), missing_since: missing_since.map(Time::as_micros), planned }
}

/// What others read of a subject, from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn summary_from(bytes: &Bytes) -> Result<Summary, CorruptState> {
    let stored::Summary { silences, cover } = stored::Summary::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let silence = |s: stored::SourceSilence| {
        Some(SourceSilence { source: s.source.parse().ok()?, since: s.since.map(Time::from_micros) })
    };
    let silences = silences.into_iter().map(silence).collect::<Option<_>>().ok_or(CORRUPT)?;
    let cover = cover.map(|c| cover_from(&c).ok_or(CORRUPT)).transpose()?;
    Ok(Summary { silences, cover })
}

fn cover_from(message: &stored::CoverSummary) -> Option<CoverSummary> {
    let gap = match stored::CoverGap::try_from(message.gap).ok()? {
        stored::CoverGap::Unspecified => CoverGap::Outside,
        stored::CoverGap::Unknown => CoverGap::Unknown,
        stored::CoverGap::Stands => CoverGap::Stands,
        stored::CoverGap::Hole => CoverGap::Hole,
    };
    let period = |s: &stored::Span| Period::new(Time::from_micros(s.start), Time::from_micros(s.end));
    let planned = message.planned.iter().map(period).collect::<Option<_>>()?;
    Some(CoverSummary { gap, missing_since: message.missing_since.map(Time::from_micros), planned })
}
