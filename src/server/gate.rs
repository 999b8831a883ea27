//! Who may come in, by the settings.

use std::sync::Arc;
use std::time::Duration;

use crate::access::{Gate, Issuer, IssuerSettings, KeySource, Keys, PermissionsFile};
use crate::clock::SharedClock;
use crate::config::{Jwt, Settings};
use crate::domain::Span;
use crate::lifecycle::{Lifecycle, Looks};
use crate::metrics::Metrics;
use crate::server::StartError;

/// The gate, and the tasks that keep what it knows up to date.
///
/// # Errors
/// A permissions file or a file of keys that cannot be read or has a mistake.
pub(super) async fn open(
    settings: &Settings,
    clock: &SharedClock,
    lifecycle: &Lifecycle,
    metrics: &Arc<Metrics>,
) -> Result<Arc<Gate>, StartError> {
    let path = &settings.access.permissions_file;
    if path.is_empty() {
        return Ok(Gate::open(Arc::clone(clock)));
    }
    let wrong = |key: &str, what: String| StartError::Configuration(format!("{key}: {what}"));
    let (file, permissions) = PermissionsFile::open(path).map_err(|e| wrong("access.permissions_file", e))?;
    let issuer = issuer(&settings.jwt).await.map_err(|e| wrong("jwt", e))?;
    let gate = Gate::guarded(permissions, issuer, Arc::clone(clock));
    let every = settings.server.reload_every;
    let looks = lifecycle.reload.looks();
    lifecycle.spawn("permissions", watch_permissions(file, Arc::clone(&gate), (looks, every), Arc::clone(metrics)));
    if gate.issuer().is_some() {
        let every = if settings.jwt.jwks_file.is_empty() { settings.jwt.refresh_every } else { every };
        let looks = lifecycle.reload.looks();
        lifecycle.spawn("issuer's keys", watch_keys(Arc::clone(&gate), (looks, every), Arc::clone(metrics)));
    }
    Ok(gate)
}

/// The issuer with its keys. A file must be right at the start; a URL may be away for a while.
async fn issuer(jwt: &Jwt) -> Result<Option<Issuer>, String> {
    if jwt.issuer.is_empty() {
        return Ok(None);
    }
    let from_url = jwt.jwks_file.is_empty();
    let source = if from_url {
        let ca_file = (!jwt.jwks_ca_file.is_empty()).then(|| jwt.jwks_ca_file.clone().into());
        KeySource::Url { url: jwt.jwks_url.clone(), ca_file }
    } else {
        KeySource::File(jwt.jwks_file.clone().into())
    };
    let keys = Keys::new(source)?;
    match keys.refresh().await {
        Err(error) if from_url => tracing::warn!(%error, "no token can be checked until the issuer's keys are there"),
        read => drop(read?),
    }
    let settings = IssuerSettings {
        issuer: jwt.issuer.clone(),
        audience: jwt.audience.clone(),
        algorithms: jwt.algorithm_names().into_iter().map(str::to_owned).collect(),
        leeway: Span::micros(i64::try_from(jwt.leeway.as_micros()).unwrap_or(i64::MAX)),
    };
    Issuer::new(settings, keys).map(Some)
}

async fn watch_permissions(
    mut file: PermissionsFile,
    gate: Arc<Gate>,
    (mut looks, every): (Looks, Duration),
    metrics: Arc<Metrics>,
) {
    loop {
        looks.changed(every).await;
        if let Some(well) = file.look(&gate).await {
            metrics.events.reloaded("permissions", well);
        }
    }
}

async fn watch_keys(gate: Arc<Gate>, (mut looks, every): (Looks, Duration), metrics: Arc<Metrics>) {
    let mut failed = String::new();
    loop {
        looks.changed(every).await;
        let Some(issuer) = gate.issuer() else { return };
        match issuer.keys.refresh().await {
            Ok(changed) => {
                if changed || !failed.is_empty() {
                    metrics.events.reloaded("issuer_keys", true);
                }
                if changed {
                    tracing::info!(keys = issuer.keys.name(), "the issuer's keys changed");
                }
                failed.clear();
            }
            Err(error) if error != failed => {
                metrics.events.reloaded("issuer_keys", false);
                tracing::error!(error, "the issuer's keys cannot be read; those known stay in force");
                failed = error;
            }
            Err(_) => {}
        }
    }
}
