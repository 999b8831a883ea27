//! Points at which a test makes the service fail (engine.md section 10). They exist only with the Cargo feature `faults`,
//! which no image has; without it a point is nothing.
//!
//! `WARDWATCH_FAULT=NAME:ACTION[:N]`: the N-th time the point NAME is passed (from 1, which N is when left out), the
//! process does ACTION, once. Points count only what stores or sends a report or an event: not the register's changes,
//! nor a tick that finds nothing.

use std::str::FromStr;

/// The environment variable.
pub const VARIABLE: &str = "WARDWATCH_FAULT";

/// Where the service can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// All of a batch is written and nothing is committed (PostgreSQL: nothing is sent).
    BeforeCommit,
    /// A batch is durable and nobody knows.
    AfterCommit,
    /// Events are read from the log and no subscriber has them.
    BeforePublish,
    /// A batch is durable and its receipts are not handed out.
    BeforeReceipt,
    /// A subscriber behind the window has its next events read from the store, and not sent.
    InCatchUp,
}

/// What the process does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ends as by `kill -9`.
    Kill,
    /// Stands still as by `kill -STOP`, until `kill -CONT`.
    Stop,
    /// Waits for a second.
    Sleep,
}

/// A fault that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub point: Point,
    /// What.
    pub action: Action,
    /// At which passage, from 1.
    pub passage: u64,
}

/// Text that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{VARIABLE}: '{0}' is no fault: write NAME:ACTION or NAME:ACTION:N with one of before_commit, after_commit, \
     before_publish, before_receipt, in_catch_up; one of kill, stop, sleep; and N from 1"
)]
pub struct NoSuchFault(pub String);

/// Why the service must not start with what the environment asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotFail {
    /// It asks for nonsense.
    #[error(transparent)]
    NoSuchFault(#[from] NoSuchFault),
    /// It asks a binary that has no fault points.
    #[error("{VARIABLE} is set, but this binary has no fault points: build it with --features faults, or unset it")]
    NoPoints,
}

impl FromStr for Point {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "before_commit" => Self::BeforeCommit,
            "after_commit" => Self::AfterCommit,
            "before_publish" => Self::BeforePublish,
            "before_receipt" => Self::BeforeReceipt,
            "in_catch_up" => Self::InCatchUp,
            _ => return Err(()),
        })
    }
}

impl FromStr for Action {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "kill" => Self::Kill,
            "stop" => Self::Stop,
            "sleep" => Self::Sleep,
            _ => return Err(()),
        })
    }
}

impl FromStr for Fault {
    type Err = NoSuchFault;
    fn from_str(text: &str) -> Result<Self, NoSuchFault> {
        let parse = || {
            let mut parts = text.split(':');
            let point = parts.next()?.parse().ok()?;
            let action = parts.next()?.parse().ok()?;
            let passage = parts.next().map_or(Some(1), |n| n.parse().ok().filter(|n| *n > 0))?;
            parts.next().is_none().then_some(Fault { point, action, passage })
        };
        parse().ok_or_else(|| NoSuchFault(text.to_owned()))
    }
}

pub use points::{arm, point};

/// With the feature.
#[cfg(feature = "faults")]
mod points {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Action, CannotFail, Fault, Point, VARIABLE};

    /// Long enough to be seen, short enough for every promise that names a time.
    const SLEEP: Duration = Duration::from_secs(1);

    static ARMED: OnceLock<Fault> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Reads what the environment asks for.
    ///
    /// # Errors
    /// When it asks for no fault there is.
    pub fn arm() -> Result<(), CannotFail> {
        if let Ok(text) = std::env::var(VARIABLE) {
            let fault: Fault = text.parse()?;
            tracing::warn!(?fault, "this process will fail on purpose");
            // Two services in one process are of one mind.
            let _ = ARMED.set(fault);
        }
        Ok(())
    }

    /// Passes a point, and fails there if that is asked for.
    pub async fn point(here: Point) {
        let Some(fault) = ARMED.get().filter(|fault| fault.point == here) else { return };
        if PASSED.fetch_add(1, Ordering::Relaxed) + 1 != fault.passage {
            return;
        }
        tracing::warn!(?fault, "failing on purpose");
        let signal = match fault.action {
            Action::Kill => Signal::KILL,
            Action::Stop => Signal::STOP,
            Action::Sleep => return tokio::time::sleep(SLEEP).await,
        };
        // A process may always signal itself.
        let _ = kill_process(getpid(), signal);
    }
}

/// Without the feature.
#[cfg(not(feature = "faults"))]
mod points {
    use super::{CannotFail, Point, VARIABLE};

    /// Refuses a fault that this binary could not bring about.
    ///
    /// # Errors
    /// When the environment asks for one.
    pub fn arm() -> Result<(), CannotFail> {
        if std::env::var_os(VARIABLE).is_some() { Err(CannotFail::NoPoints) } else { Ok(()) }
    }

    /// Passes a point.
    pub async fn point(_here: Point) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_a_point_an_action_and_a_passage() {
        let fault = |point, action, passage| Ok(Fault { point, action, passage });
        assert_eq!("before_commit:kill".parse(), fault(Point::BeforeCommit, Action::Kill, 1));
        assert_eq!("after_commit:stop:3".parse(), fault(Point::AfterCommit, Action::Stop, 3));
        assert_eq!("in_catch_up:sleep:12".parse(), fault(Point::InCatchUp, Action::Sleep, 12));
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_there_is() {
        for text in ["", "before_commit", "commit:kill", "before_commit:die", "after_commit:kill:0", "a:b:c:d"] {
            let refused = text.parse::<Fault>().unwrap_err().to_string();
            assert!(refused.contains(&format!("'{text}'")) && refused.contains("before_receipt"), "{refused}");
        }
    }
}
