//! What rooms count that know no metrics, told to them again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::backup;
use crate::grpc::tls::TlsStatus;
use crate::metrics::Metrics;

/// Between two looks. A scrape is rarer.
const EVERY: Duration = Duration::from_secs(2);

/// Tells until it is dropped.
pub(super) async fn run(metrics: Arc<Metrics>, tls: Option<Arc<TlsStatus>>, backups: Option<Arc<backup::Status>>) {
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let events = &metrics.events;
        if let Some(tls) = &tls {
            events.certificate_expires("server", Some(tls.not_after()));
            events.reloads_are("certificate", (tls.reloaded(), tls.refused()), tls.in_step());
            events.handshakes_are("ok", tls.handshakes());
            tls.failed().for_each(|(reason, count)| events.handshakes_are(reason.name(), count));
        }
        if let Some(backups) = &backups {
            let last = backups.last_success().map_or(0, |at| at.as_micros() / 1_000_000);
            events.backups_are(last, backups.bytes(), backups.failures());
        }
    }
}
