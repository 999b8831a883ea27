//! What the server warns of while it carries out a write. A commit whose wait for the synchronous standby is cancelled is
//! reported as done, with a warning ("canceling wait for synchronous replication ..."): it may be lost with the primary. sqlx
//! hands no notice on to its caller; it only logs them, so they are heard there.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// What sqlx 0.9 logs notices under.
const TARGET: &str = "sqlx::postgres::notice";

static HEARD: AtomicU64 = AtomicU64::new(0);

/// How many warnings servers have sent to this process. One more after a write than before: it was not simply done. Our
/// statements give no cause for any other; and to look up what was done is never wrong.
pub(super) fn heard() -> u64 {
    HEARD.load(Ordering::Relaxed)
}

struct Ear;

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // By level and not by text, which is in the server's language.
        if event.metadata().target() == TARGET && *event.metadata().level() <= Level::WARN {
            HEARD.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// To be added to the process's subscriber, whatever else that takes.
pub fn warnings_heard<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Ear.with_filter(Targets::new().with_target(TARGET, Level::WARN))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn warnings_of_the_server_are_heard_and_nothing_else() {
        let subscriber = tracing_subscriber::registry().with(warnings_heard());
        tracing::subscriber::with_default(subscriber, || {
            let before = heard();
            tracing::info!(target: "sqlx::postgres::notice", "relation exists, skipping");
            tracing::warn!("something else");
            assert_eq!(heard(), before);
            tracing::warn!(target: "sqlx::postgres::notice", "canceling wait for synchronous replication");
            assert_eq!(heard(), before + 1);
        });
    }
}
