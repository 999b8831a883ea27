use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::Time;
use crate::feed::heard;
use crate::gauges::Parts;
use crate::metrics::Figures;
use crate::situation::{self, Census};
use crate::store::StoreError;
use crate::wire::log::Keys;

/// Organisations that have a series of their own for what nobody listens for; all further ones are "other".
const ORGANISATIONS: usize = 300;

/// What is kept of a reading because it ages between two.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Since when the oldest unacknowledged critical alert has been critical.
    pub oldest_critical: Option<Time>,
    /// When each source, by organisation's and source's code, was last heard.
    pub sources: BTreeMap<(String, String), Time>,
}

impl Reading {
    /// Reads the store once, and counts.
    pub(super) async fn read(parts: &Parts) -> Result<(Self, Figures), StoreError> {
        let (_, rows) = parts.store.survey(&[]).await?;
        let database_bytes = parts.store.size().await?;
        let (book, now, feed) = (parts.register.rulebook(), parts.clock.now(), Arc::clone(&parts.feed));
        // A country's wards take tens of milliseconds, which no connection should wait for.
        let counted = tokio::task::spawn_blocking(move || {
            let mut census = situation::census(&rows, &book, now);
            let listeners = feed.audience().listeners();
            let criticals = std::mem::take(&mut census.criticals);
            let keys: Vec<&Keys> = criticals.iter().map(|(keys, _)| keys).collect();
            let unheard = unheard(&keys, &heard(&listeners, &keys));
            (census, unheard, criticals.iter().map(|(_, since)| *since).min())
        });
        let (census, unheard, oldest_critical) = counted.await.map_err(|e| StoreError::Refused(e.to_string()))?;
        let Census { alerts, forecasts, wards, stale_wards, unreadable, criticals: _, sources } = census;
        let figures = Figures { alerts, forecasts, wards, stale_wards, unreadable, unheard, database_bytes };
        Ok((Self { oldest_critical, sources }, figures))
    }
}

/// How many of an organisation's critical alerts nobody hears. An organisation whose alerts are all heard has a 0, so that
/// the least of several replicas is right: heard on one is heard.
fn unheard(alerts: &[&Keys], heard: &[bool]) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for (keys, heard) in alerts.iter().zip(heard) {
        *found.entry(code(&keys.organisation).to_owned()).or_default() += usize::from(!heard);
    }
    if found.len() > ORGANISATIONS {
        let beyond: Vec<String> = found.keys().skip(ORGANISATIONS).cloned().collect();
        let rest: usize = beyond.iter().filter_map(|code| found.remove(code)).sum();
        found.insert("other".to_owned(), rest);
    }
    found
}

/// `RJ1` of `organisations/RJ1`.
fn code(organisation: &str) -> &str {
    organisation.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(organisation: &str) -> Keys {
        Keys { organisation: format!("organisations/{organisation}"), ..Keys::default() }
    }

    #[test]
    fn an_organisation_whose_alerts_are_all_heard_shows_a_nought() {
        let alerts = [keys("RJ1"), keys("RJ2"), keys("RJ1")];
        let alerts: Vec<&Keys> = alerts.iter().collect();
        let found = unheard(&alerts, &[true, false, true]);
        assert_eq!(found, [("RJ1".to_owned(), 0), ("RJ2".to_owned(), 1)].into());
        assert!(unheard(&[], &[]).is_empty());
    }

    #[test]
    fn series_for_organisations_are_bounded() {
        let alerts: Vec<Keys> = (0..1_000).map(|n| keys(&format!("R{n:04}"))).collect();
        let found = unheard(&alerts.iter().collect::<Vec<_>>(), &[false; 1_000]);
        assert_eq!(found.len(), ORGANISATIONS + 1);
        assert_eq!(found["other"], 700);
    }
}
