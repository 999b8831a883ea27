use std::collections::BTreeSet;

use crate::domain::{Alert, Day, Organisation, OrganisationCode, Rulebook, SiteCode, Span, Time};
use crate::store::{
    ActivityRow, AlertQuery, Head, LogPoint, PastAlert, PastAlerts, Shown, Store, StoreError, SubjectRow,
};
use crate::wire;

/// "An hour ago".
pub(super) const HOUR: Span = Span::hours(1);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Organisations, sites and regions; an empty list means any.
    pub query: AlertQuery,
    /// As of then; none: now.
    pub as_of: Option<Time>,
    /// Planned work from this day.
    pub first_day: Day,
    /// To this one, included.
    pub last_day: Day,
    /// Leave single organisations and regions out.
    pub total_only: bool,
    /// Organisations whose own planner asks: of them small figures of absence are shown too.
    pub planned: BTreeSet<OrganisationCode>,
}

/// Everything that a situation is computed from.
#[derive(Clone, Debug)]
pub struct Material {
    /// The head that the survey saw.
    pub head: Head,
    /// The place of the log that the situation is about.
    pub point: LogPoint,
    /// The instant that it is about.
    pub now: Time,
    /// All subjects of the organisations asked for.
    pub subjects: Vec<SubjectRow>,
    /// The alerts open at `point`, when that is in the past.
    pub past: Option<Vec<Alert>>,
    /// The alerts open an hour before; none: the log does not tell.
    pub hour_ago: Option<Vec<Alert>>,
    /// Planned work of the days asked for.
    pub activity: Vec<ActivityRow>,
}

/// Why there is nothing to compute from.
#[derive(Clone, Debug)]
pub enum Unreadable {
    /// The time asked for is older than the log.
    TooOld,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Unreadable {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Ask {
    /// Whether an organisation is asked for.
    pub fn wants(&self, organisation: &Organisation) -> bool {
        let AlertQuery { organisations, regions, .. } = &self.query;
        let region = organisation.region.as_ref().map(SiteCode::as_str);
        (organisations.is_empty() || organisations.iter().any(|o| o == organisation.code.as_str()))
            && (regions.is_empty() || regions.iter().any(|r| Some(r.as_str()) == region))
    }
    /// Whether what stands on a site is asked for; what stands on none is, unless sites are named.
    pub fn wants_site(&self, site: Option<&str>) -> bool {
        let sites = &self.query.sites;
        sites.is_empty() || sites.iter().any(|s| Some(s.as_str()) == site)
    }
}

impl Material {
    /// When time alone may change it next.
    pub fn next_change(&self) -> Option<Time> {
        self.subjects.iter().filter_map(|s| s.next_check).min()
    }
}

/// Reads the store: one survey, the alerts of an hour before, the planned work.
///
/// # Errors
/// When the time asked for is older than the log, or the store fails.
pub async fn read(store: &dyn Store, book: &Rulebook, ask: &Ask, now: Time) -> Result<Material, Unreadable> {
    let wanted = book.organisations.values().filter(|(_, o)| ask.wants(o));
    let mut numbers: Vec<i64> = wanted.map(|(number, _)| *number).collect();
    let all = numbers.len() == book.organisations.len();
    let (head, subjects) = if !all && numbers.is_empty() {
        (store.head().await?, Vec::new())
    } else {
        if all {
            numbers.clear();
        }
        store.survey(&numbers).await?
    };
    let (point, past) = match ask.as_of {
        None => (head.point, None),
        Some(at) => {
            let (point, alerts) = alerts_at(store, ask, at).await?.ok_or(Unreadable::TooOld)?;
            (point, Some(alerts))
        }
    };
    let now = ask.as_of.unwrap_or(now);
    let hour_ago = alerts_at(store, ask, now - HOUR).await?.map(|(_, alerts)| alerts);
    let activity = if ask.as_of.is_none() && ask.query.sites.is_empty() {
        store.activity(&numbers, ask.first_day.number(), ask.last_day.number()).await?
    } else {
        Vec::new()
    };
    Ok(Material { head, point, now, subjects, past, hour_ago, activity })
}

/// The alerts that were open at an instant, and its place in the log; none when the log does not reach back to it.
async fn alerts_at(store: &dyn Store, ask: &Ask, at: Time) -> Result<Option<(LogPoint, Vec<Alert>)>, StoreError> {
    // What happened at that very instant had happened.
    let Ok(point) = store.point_at(at + Span::micros(1)).await? else { return Ok(None) };
    let open = [wire::pb::AlertState::Open, wire::pb::AlertState::Acknowledged].map(i32::from).to_vec();
    let query = AlertQuery { states: open, limit: u32::MAX, ..ask.query.clone() };
    match store.alerts_as_of(&query, point).await? {
        PastAlerts::Alerts(alerts) => Ok(Some((point, alerts.iter().filter_map(alert).collect()))),
        PastAlerts::Expired(_) | PastAlerts::OtherHistory => Ok(None),
    }
}

/// The alert as it was; one that cannot be read is logged and left out.
fn alert(past: &PastAlert) -> Option<Alert> {
    let message = match &past.shown {
        Shown::Event { payload, .. } => wire::log::event(0, past.raised, payload).map(|e| e.alert.unwrap_or_default()),
        Shown::Alert(payload) => wire::log::alert(payload),
    };
    let read = message.map_err(|e| e.to_string()).and_then(|m| wire::alert_from(m).map_err(|e| e.to_string()));
    let alert = read.inspect_err(|error| tracing::error!(alert = %past.id, %error, "an alert cannot be read")).ok()?;
    alert.is_open().then_some(alert)
}
