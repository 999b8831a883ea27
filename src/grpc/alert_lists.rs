//! ListAlerts and ListAlertEvents: pages that all carry the cursor of the first, so that list-then-subscribe has no gap.

use bytes::Bytes;
use uuid::Uuid;

use crate::access::{Caller, Reach};
use crate::domain::{AlertId, Time};
use crate::feed::cursor;
use crate::grpc::alerts::{Alerts, alert_id};
use crate::grpc::filter::Violations;
use crate::grpc::page;
use crate::grpc::past::Listed;
use crate::grpc::status::Problem;
use crate::store::{AlertQuery, ListedAlert, LogPoint};
use crate::wire::log::{CorruptPayload, alert, encoded, event};
use crate::wire::{pb, to_time};

/// Where a list goes on: the cursor of its first page, and the last alert of the page before.
struct Resume {
    cursor: Bytes,
    after: (Time, AlertId),
}

impl Alerts {
    /// One page of alerts.
    pub(super) async fn list(
        &self,
        mut request: pb::ListAlertsRequest,
        caller: &Caller,
    ) -> Result<pb::ListAlertsResponse, Problem> {
        let size = page::size(request.page_size)?;
        let token = std::mem::take(&mut request.page_token);
        request.page_size = 0;
        let scope = encoded(&request);
        let resume = page::state("ListAlerts", &scope, &token)?.and_then(|state| Resume::read(&state));
        let (query, as_of) = self.query(request, size, resume.as_ref(), caller).await?;
        let (point, mut listed) = match as_of {
            None => self.present(&query).await?,
            Some(time) => {
                let at = match &resume {
                    Some(resume) => resume.point()?,
                    None => self.place_at(time).await?,
                };
                (at, self.past(&query, at).await?)
            }
        };
        let cursor = match resume {
            Some(resume) => resume.cursor,
            None => self.feed.cursor(point).await?,
        };
        let more = listed.len() > size as usize;
        listed.truncate(size as usize);
        let next = listed.last().filter(|_| more).map(|(raised, id, _)| {
            page::token("ListAlerts", &scope, &Resume { cursor: cursor.clone(), after: (*raised, *id) }.state())
        });
        let alerts = listed.into_iter().map(|(.., alert)| alert).collect();
        Ok(pb::ListAlertsResponse { alerts, next_page_token: next.unwrap_or_default(), cursor })
    }
    /// Alerts as they stand.
    async fn present(&self, query: &AlertQuery) -> Result<(LogPoint, Vec<Listed>), Problem> {
        let (point, listed) = self.store.list_alerts(query).await?;
        let read = |l: &ListedAlert| Ok((l.raised, l.id, alert(&l.payload)?));
        let listed = listed.iter().map(read).collect::<Result<_, CorruptPayload>>();
        Ok((point, listed.map_err(|e| Problem::Internal(e.to_string()))?))
    }
    /// The query of a page, one row more than it shows, to know whether there is another page; and the time asked for.
    async fn query(
        &self,
        request: pb::ListAlertsRequest,
        size: u32,
        resume: Option<&Resume>,
        caller: &Caller,
    ) -> Result<(AlertQuery, Option<Time>), Problem> {
        let pb::ListAlertsRequest {
            filter,
            states,
            condition,
            order_by,
            name_prefix,
            as_of_time,
            page_size: _,
            page_token: _,
        } = request;
        let mut wrong = Violations::new();
        let states = listed_states(&states, &mut wrong);
        if pb::AlertCondition::try_from(condition).is_err() {
            wrong.push(("condition".into(), format!("{condition} is not a condition; leave it out for any")));
        }
        let descending = match order_by.as_str() {
            "" | "raise_time" => false,
            "raise_time desc" => true,
            _ => {
                wrong.push(("order_by".into(), "can be \"raise_time\" or \"raise_time desc\"".into()));
                false
            }
        };
        let id_prefix = id_prefix(&name_prefix, &mut wrong);
        let as_of = as_of_time.and_then(|time| past_time(time, self.clock.now(), &mut wrong));
        let wanted = self.wanted(filter, wrong, caller).await?;
        let after = resume.map(|r| r.after);
        let query = AlertQuery { states, condition, descending, id_prefix, after, limit: size + 1, ..wanted.query() };
        Ok((query, as_of))
    }
    /// One page of an alert's events.
    pub(super) async fn events(
        &self,
        request: pb::ListAlertEventsRequest,
        caller: &Caller,
    ) -> Result<pb::ListAlertEventsResponse, Problem> {
        const METHOD: &str = "ListAlertEvents";
        let pb::ListAlertEventsRequest { parent, page_size, page_token } = request;
        let (size, id) = (page::size(page_size)?, alert_id("parent", &parent)?);
        if *caller.reach() != Reach::All {
            self.get(&parent, "parent", caller).await?;
        }
        // The state of a token: the position of the last event, then the cursor of the first page.
        let state = page::state(METHOD, parent.as_bytes(), &page_token)?;
        let (after, cursor) = if let Some((after, cursor)) = state.as_deref().and_then(<[u8]>::split_first_chunk) {
            (i64::from_be_bytes(*after), Bytes::copy_from_slice(cursor))
        } else {
            let head = self.store.head().await?;
            self.get(&parent, "parent", caller).await?;
            (0, self.feed.cursor(head.point).await?)
        };
        let mut entries = self.store.alert_events(id, after, size + 1).await?;
        let more = entries.len() > size as usize;
        entries.truncate(size as usize);
        let next = entries.last().filter(|_| more).map(|last| {
            let state = [&last.point.position.to_be_bytes()[..], &cursor].concat();
            page::token(METHOD, parent.as_bytes(), &state)
        });
        let events = entries.iter().map(|e| event(e.point.position, e.time, &e.payload)).collect::<Result<_, _>>();
        let events = events.map_err(|e| Problem::Internal(e.to_string()))?;
        Ok(pb::ListAlertEventsResponse { events, next_page_token: next.unwrap_or_default(), cursor })
    }
}

impl Resume {
    /// Raise time, id, cursor.
    fn state(&self) -> Vec<u8> {
        let (raised, id) = self.after;
        [&raised.as_micros().to_be_bytes()[..], id.0.as_bytes(), &self.cursor].concat()
    }
    fn read(state: &[u8]) -> Option<Self> {
        let (raised, rest) = state.split_first_chunk()?;
        let (id, cursor) = rest.split_first_chunk()?;
        let after = (Time::from_micros(i64::from_be_bytes(*raised)), AlertId(Uuid::from_bytes(*id)));
        Some(Self { cursor: Bytes::copy_from_slice(cursor), after })
    }
    /// The place that every page is as of.
    fn point(&self) -> Result<LogPoint, Problem> {
        let (_, point) = cursor::decode(&self.cursor).ok_or_else(|| Problem::field("page_token", "is damaged"))?;
        Ok(point)
    }
}

/// A time that is not in the future.
fn past_time(time: prost_types::Timestamp, now: Time, wrong: &mut Violations) -> Option<Time> {
    let what = match to_time(time) {
        Some(time) if time <= now => return Some(time),
        Some(_) => format!("is in the future: at the latest {now}; leave it out for alerts as they stand"),
        None => "is not an instant between the years 1970 and 9999".to_owned(),
    };
    wrong.push(("as_of_time".into(), what));
    None
}

fn listed_states(states: &[i32], wrong: &mut Violations) -> Vec<i32> {
    if states.is_empty() {
        return vec![pb::AlertState::Open as i32, pb::AlertState::Acknowledged as i32];
    }
    for (i, state) in states.iter().enumerate() {
        if *state == 0 || pb::AlertState::try_from(*state).is_err() {
            wrong.push((format!("states[{i}]"), format!("{state} is not a state; leave the list empty for open ones")));
        }
    }
    states.to_vec()
}

/// The hexadecimal digits of a uuid's beginning.
fn id_prefix(text: &str, wrong: &mut Violations) -> String {
    let digits = text.replace('-', "").to_ascii_lowercase();
    let is_prefix = (8..=32).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !text.is_empty() && !is_prefix {
        let what = "must be the first 8 or more hexadecimal digits of an alert's uuid";
        wrong.push(("name_prefix".into(), what.into()));
    }
    digits
}
