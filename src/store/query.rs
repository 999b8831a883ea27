use bytes::Bytes;

use uuid::Uuid;

use crate::domain::{AlertId, Time};
use crate::store::calls::Arg;

/// Which alerts, from where. An empty list means any.
#[derive(Clone, Debug, Default)]
pub struct AlertQuery {
    /// ODS codes.
    pub organisations: Vec<String>,
    /// Site codes.
    pub sites: Vec<String>,
    /// Region codes.
    pub regions: Vec<String>,
    /// Subject names.
    pub subjects: Vec<String>,
    /// Rule ids.
    pub rules: Vec<String>,
    /// Names of strikes.
    pub strikes: Vec<String>,
    /// Leave out those about a plan.
    pub no_forecasts: bool,
    /// States as numbers.
    pub states: Vec<i32>,
    /// Condition as a number; 0: any.
    pub condition: i32,
    /// Least peak severity as a number; 0: any.
    pub min_severity: i32,
    /// First hexadecimal digits of the id, without hyphens; empty: any.
    pub id_prefix: String,
    /// Newest first.
    pub descending: bool,
    /// Go on after this alert of the page before.
    pub after: Option<(Time, AlertId)>,
    /// At most so many.
    pub limit: u32,
}

/// An alert with what the next page starts after.
#[derive(Clone, Debug)]
pub struct ListedAlert {
    /// When it was raised.
    pub raised: Time,
    /// Its id.
    pub id: AlertId,
    /// Encoded alert.
    pub payload: Bytes,
}

impl AlertQuery {
    /// The parameters of a list statement: $1..$5 lists, $6 states, $7 condition, $8 severity, $9 and $10 the ids from
    /// and to, $11 and $12 the alert to go on after, $13 the limit, $14 strikes, $15 whether forecasts are left out.
    pub(super) fn args(&self) -> Vec<Arg> {
        let (low, high) = self.id_range();
        // Before the first alert, or after the last: every id is greater than no bytes, and less than 17 of the greatest.
        let (at, id) = match (self.after, self.descending) {
            (Some((at, id)), _) => (at.as_micros(), id.0.as_bytes().to_vec()),
            (None, false) => (i64::MIN, vec![]),
            (None, true) => (i64::MAX, vec![0xff; 17]),
        };
        vec![
            Arg::Texts(self.organisations.clone()),
            Arg::Texts(self.sites.clone()),
            Arg::Texts(self.regions.clone()),
            Arg::Texts(self.subjects.clone()),
            Arg::Texts(self.rules.clone()),
            Arg::Ints(self.states.iter().map(|s| i64::from(*s)).collect()),
            Arg::Int(self.condition.into()),
            Arg::Int(self.min_severity.into()),
            Arg::Blob(low),
            Arg::Blob(high),
            Arg::Int(at),
            Arg::Blob(id),
            Arg::Int(self.limit.into()),
            Arg::Texts(self.strikes.clone()),
            Arg::Int(self.no_forecasts.into()),
        ]
    }

    /// The least and the greatest id with the prefix; for what is no prefix of any id, a range that holds none.
    fn id_range(&self) -> (Vec<u8>, Vec<u8>) {
        let padded = |digit: char| -> Option<Vec<u8>> {
            let hex: String = self.id_prefix.chars().chain(std::iter::repeat_n(digit, 32)).take(32).collect();
            Uuid::try_parse(&hex).ok().map(|id| id.as_bytes().to_vec())
        };
        let fits = self.id_prefix.chars().count() <= 32;
        padded('0').zip(padded('f')).filter(|_| fits).unwrap_or((vec![0xff], vec![]))
    }
}
