//! All services together.

use std::sync::Arc;
use std::time::Duration;

pub use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error as ReflectionError};

use crate::clock::SharedClock;
use crate::feed::Feed;
use crate::grpc::alerts::Alerts;
use crate::grpc::health::Reporter;
use crate::grpc::policy::Policies;
use crate::grpc::register::Registering;
use crate::grpc::reporting::{self, MOST_REPORTS, Reporting};
use crate::grpc::server_info::ServerInfo;
use crate::grpc::situation::Situations;
use crate::grpc::status::MAX_INBOUND_BYTES;
use crate::grpc::strikes::Striking;
use crate::grpc::subscribe::AlertApi;
use crate::intake::Intake;
use crate::lifecycle::Lifecycle;
use crate::register::Register;
use crate::rules;
use crate::store::Store;
use crate::wire::{self, pb};

/// A health question is a name; nobody who asks it has been asked who they are.
const PROBE_BYTES: usize = 1 << 10;
/// A reflection question is a name too.
const QUESTION_BYTES: usize = 64 << 10;

/// What the services call.
#[derive(Clone, Debug)]
pub struct Services {
    /// Where facts are kept.
    pub store: Arc<dyn Store>,
    /// The rulebook in force.
    pub register: Arc<Register>,
    /// Takes reports in.
    pub intake: Intake,
    /// Follows the log.
    pub feed: Arc<Feed>,
    /// Now.
    pub clock: SharedClock,
    /// Tells streams when to end.
    pub lifecycle: Lifecycle,
}

/// Bounds and names that clients are told.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Streams on one connection.
    pub streams_per_connection: u32,
    /// Bytes in one inbound message of reports or register rows.
    pub message_bytes: usize,
    /// Unreceipted reports on one stream.
    pub unreceipted_per_stream: usize,
    /// Greatest age of a stream.
    pub max_stream_age: Duration,
    /// Days a report is kept.
    pub report_days: u16,
    /// Days an event is kept.
    pub event_days: u16,
    /// Such as "live".
    pub environment: String,
}

impl Services {
    /// Every service of the API with health and reflection (v1, and v1alpha for Python's tools).
    ///
    /// # Errors
    /// When the descriptors in this binary cannot be read.
    pub fn routes(self, limits: &Limits) -> Result<(Routes, Reporter), ReflectionError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        let reflection = || {
            Builder::configure()
                .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let feed = Arc::clone(&self.feed);
        let alerts = Alerts {
            feed: self.feed,
            register: Arc::clone(&self.register),
            store: Arc::clone(&self.store),
            intake: self.intake.clone(),
            clock: Arc::clone(&self.clock),
            rules: rules::RULES,
        };
        let registering = Registering {
            register: Arc::clone(&self.register),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        };
        let policies = Policies {
            register: Arc::clone(&self.register),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        };
        let situations = Situations {
            store: Arc::clone(&self.store),
            register: Arc::clone(&self.register),
            feed: Arc::clone(&feed),
            clock: Arc::clone(&self.clock),
            lifecycle: self.lifecycle.clone(),
        };
        let striking = Striking {
            register: Arc::clone(&self.register),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        };
        let info = ServerInfo {
            store: Arc::clone(&self.store),
            clock: self.clock,
            environment: limits.environment.clone(),
            limits: told(limits),
        };
        let reporting = Reporting {
            intake: self.intake,
            store: self.store,
            register: self.register,
            lifecycle: self.lifecycle,
            settings: reporting::Settings {
                unreceipted_per_stream: limits.unreceipted_per_stream,
                max_stream_age: limits.max_stream_age,
                ..reporting::Settings::default()
            },
        };
        let reporting = pb::reporting_service_server::ReportingServiceServer::new(reporting);
        let registering = pb::register_service_server::RegisterServiceServer::new(registering);
        let policies = pb::policy_service_server::PolicyServiceServer::new(policies);
        let situations = pb::situation_service_server::SituationServiceServer::new(situations);
        let striking = pb::strike_service_server::StrikeServiceServer::new(striking);
        let info = pb::server_service_server::ServerServiceServer::new(info);
        let routes = Routes::new(health.max_decoding_message_size(PROBE_BYTES))
            .add_service(reflection().build_v1()?.max_decoding_message_size(QUESTION_BYTES))
            .add_service(reflection().build_v1alpha()?.max_decoding_message_size(QUESTION_BYTES))
            .add_service(AlertApi::new(alerts))
            .add_service(reporting.max_decoding_message_size(limits.message_bytes))
            .add_service(registering.max_decoding_message_size(limits.message_bytes))
            .add_service(policies.max_decoding_message_size(limits.message_bytes))
            .add_service(situations.max_decoding_message_size(MAX_INBOUND_BYTES))
            .add_service(striking.max_decoding_message_size(limits.message_bytes))
            .add_service(info.max_decoding_message_size(MAX_INBOUND_BYTES));
        Ok((routes, reporter))
    }
}

fn told(limits: &Limits) -> pb::ServerLimits {
    let int = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    pb::ServerLimits {
        reports_per_message: int(MOST_REPORTS),
        message_bytes: int(limits.message_bytes),
        streams_per_connection: i32::try_from(limits.streams_per_connection).unwrap_or(i32::MAX),
        unreceipted_reports_per_stream: int(limits.unreceipted_per_stream),
        report_retention_days: i32::from(limits.report_days),
        event_retention_days: i32::from(limits.event_days),
    }
}
