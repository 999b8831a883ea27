//! The certificates of `[tls]`.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::config::{ClientCertificates, Settings};
use crate::grpc::tls::{Files, Keeper};
use crate::server::StartError;

/// Reads them, if any are named.
///
/// # Errors
/// Files that cannot be read, or do not fit each other.
pub(super) async fn open(settings: &Settings, clock: &SharedClock) -> Result<Option<Keeper>, StartError> {
    let named = |file: &String| Some(file.clone()).filter(|file| !file.is_empty());
    let Some(certificate) = named(&settings.tls.certificate_file) else { return Ok(None) };
    let files = Files {
        certificate,
        key: settings.tls.key_file.clone(),
        client_ca: named(&settings.tls.client_ca_file),
        required: settings.tls.client_certificates == ClientCertificates::Required,
    };
    let keeper = Keeper::open(files, Arc::clone(clock)).await;
    keeper.map(Some).map_err(|flaw| StartError::Configuration(flaw.to_string()))
}
