//! How much one identity may ask for, whatever its connections and streams: a reporter that runs wild hurts itself alone.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{Bounds, Caller};
use crate::grpc::status::Problem;

/// Bytes of messages of one identity that have begun and not come whole: they lie in memory until they have.
pub(super) const UNFINISHED: usize = 16 << 20;

/// A burst has room for one full message at least.
const LEAST_BURST: u32 = 1_000;

/// Bounds of identities that have none of their own; 0: none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usual {
    /// Streams at a time.
    pub streams: u32,
    /// Reports a second.
    pub reports_per_second: u32,
}

/// What each identity has left.
#[derive(Debug)]
pub struct Quotas {
    usual: Usual,
    of: Mutex<HashMap<Arc<str>, Account>>,
}

/// One identity's; made anew when the permissions file gives it other bounds.
#[derive(Clone, Debug)]
struct Account {
    bounds: Bounds,
    streams: Option<Arc<Semaphore>>,
    allowance: Allowance,
    unfinished: Arc<Semaphore>,
}

/// A place among an identity's streams.
pub type Seat = OwnedSemaphorePermit;

/// What a call is given of what its identity has.
#[derive(Debug, Default)]
pub struct Place {
    /// Its place among the streams.
    pub seat: Option<Seat>,
    /// The reports it may send.
    pub allowance: Allowance,
    /// Bytes of messages that have not come whole; none: they are not bounded.
    pub unfinished: Option<Arc<Semaphore>>,
}

/// The reports that an identity may send; an extension of each request.
#[derive(Clone, Debug, Default)]
pub struct Allowance(Option<Arc<DefaultDirectRateLimiter>>);

impl Quotas {
    /// Everyone is bounded as usual.
    pub fn new(usual: Usual) -> Arc<Self> {
        Arc::new(Self { usual, of: Mutex::default() })
    }

    /// A place for one more call of a caller. Those who are not known are not counted.
    ///
    /// # Errors
    /// When it has as many streams as it may; it may come back after `retry_after`.
    pub fn seat(&self, caller: &Caller, retry_after: Duration) -> Result<Place, Problem> {
        if !caller.is_known() {
            return Ok(Place::default());
        }
        let Account { streams, allowance, unfinished, .. } = self.account(caller);
        let full = |_| Problem::TooManyStreams(retry_after);
        let seat = streams.map(|streams| streams.try_acquire_owned().map_err(full)).transpose()?;
        Ok(Place { seat, allowance, unfinished: Some(unfinished) })
    }

    fn account(&self, caller: &Caller) -> Account {
        let (name, bounds) = (&caller.identity().name, caller.identity().bounds);
        let mut accounts = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        match accounts.get(name) {
            Some(account) if account.bounds == bounds => account.clone(),
            _ => {
                let account = self.open(bounds);
                accounts.insert(Arc::clone(name), account.clone());
                account
            }
        }
    }

    fn open(&self, bounds: Bounds) -> Account {
        let streams = bounds.streams.unwrap_or(self.usual.streams);
        let reports = bounds.reports_per_second.unwrap_or(self.usual.reports_per_second);
        let limiter = NonZeroU32::new(reports).map(|rate| {
            let burst = rate.saturating_mul(TWICE).max(NonZeroU32::MIN.saturating_add(LEAST_BURST - 1));
            Arc::new(RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)))
        });
        let streams = (streams > 0).then(|| Arc::new(Semaphore::new(streams as usize)));
        Account { bounds, streams, allowance: Allowance(limiter), unfinished: Arc::new(Semaphore::new(UNFINISHED)) }
    }
}

/// A burst is the reports of two seconds.
const TWICE: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

impl Allowance {
    /// Takes so many reports out of it.
    ///
    /// # Errors
    /// When there are not so many left; when there will be.
    pub fn take(&self, reports: usize) -> Result<(), Problem> {
        let Some((limiter, count)) = self.0.as_ref().zip(u32::try_from(reports).ok().and_then(NonZeroU32::new)) else {
            return Ok(());
        };
        match limiter.check_n(count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Problem::TooManyReports(not_until.wait_time_from(DefaultClock::default().now()))),
            // More than the burst: a message has no more than the least burst holds, so this is none of ours.
            Err(_) => Err(Problem::TooManyReports(Duration::from_secs(1))),
        }
    }
}
