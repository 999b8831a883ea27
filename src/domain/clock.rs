use std::fmt::Debug;

use crate::domain::Time;

/// Where "now" comes from: a parameter, never a global, so that a day can be played in a second.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The service's time. Never goes back within a process.
    fn now(&self) -> Time;
}
