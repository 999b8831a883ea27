//! Who may call which method: the first thing that happens to a call, before anything is read of it.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tonic::Request;

use crate::access::{Caller, Gate, Refused, Role, Shown};
use crate::domain::Time;
use crate::grpc::peer::Peer;
use crate::grpc::status::Problem;

/// Everyone with a role that reads figures of wards.
const READERS: &[Role] = &[
    Role::Reporter,
    Role::Subscriber,
    Role::Responder,
    Role::Planner,
    Role::Configurer,
    Role::PolicyOwner,
    Role::Auditor,
];
/// Those who look at alerts.
const WATCHERS: &[Role] = &[Role::Subscriber, Role::Responder, Role::Planner, Role::Auditor];
/// Everyone who was let in.
const ANYONE: &[Role] = &Role::ALL;

/// A method, and the roles one of which it needs.
type Method = (&'static str, &'static [Role]);

/// The services' methods.
const METHODS: [(&str, &[Method]); 7] = [
    (
        "ReportingService",
        &[
            ("StreamReports", &[Role::Reporter]),
            ("SubmitReports", &[Role::Reporter]),
            ("GetReport", &[Role::Reporter, Role::Subscriber, Role::Responder, Role::Planner, Role::Auditor]),
            ("ListReports", &[Role::Reporter, Role::Subscriber, Role::Responder, Role::Planner, Role::Auditor]),
            ("SubmitActivity", &[Role::Reporter, Role::Planner]),
        ],
    ),
    (
        "AlertService",
        &[
            ("Subscribe", WATCHERS),
            ("ListAlerts", WATCHERS),
            ("GetAlert", WATCHERS),
            ("ListAlertEvents", WATCHERS),
            ("ListAuditEntries", &[Role::Auditor]),
            ("AcknowledgeAlert", &[Role::Responder]),
            ("UnacknowledgeAlert", &[Role::Responder]),
            ("CloseAlert", &[Role::Responder]),
        ],
    ),
    (
        "RegisterService",
        &[
            ("UpsertOrganisations", &[Role::Configurer]),
            ("ListOrganisations", ANYONE),
            ("UpsertWards", &[Role::Configurer]),
            ("GetWard", READERS),
            ("ListWards", READERS),
            ("UpsertCoverGroups", &[Role::Configurer]),
            ("GetCoverGroup", READERS),
            ("ListCoverGroups", READERS),
        ],
    ),
    (
        "StrikeService",
        &[
            ("CreateStrike", &[Role::Planner]),
            ("UpdateStrike", &[Role::Planner]),
            ("CallOffStrike", &[Role::Planner]),
            ("RecordDerogation", &[Role::Planner]),
            ("GetStrike", ANYONE),
            ("ListStrikes", ANYONE),
            ("GetStrikeCover", &[Role::Subscriber, Role::Responder, Role::Planner]),
        ],
    ),
    (
        "PolicyService",
        &[("GetPolicy", READERS), ("UpdatePolicy", &[Role::PolicyOwner]), ("ListPolicyVersions", READERS)],
    ),
    (
        "SituationService",
        &[
            ("GetSituation", &[Role::Subscriber, Role::Responder, Role::Planner, Role::National]),
            ("WatchSituation", &[Role::Subscriber, Role::Responder, Role::Planner, Role::National]),
        ],
    ),
    ("ServerService", &[("GetServerInfo", ANYONE)]),
];

/// Our own services; everything else that is served (reflection) is for whoever was let in.
const OURS: &str = "/wardwatch.v1.";

/// The roles, one of which a path needs; none: there is no such method.
pub fn needs(path: &str) -> Option<&'static [Role]> {
    let Some(name) = path.strip_prefix(OURS) else { return Some(ANYONE) };
    let (service, method) = name.split_once('/')?;
    let (_, methods) = METHODS.iter().find(|(known, _)| *known == service)?;
    methods.iter().find(|(known, _)| *known == method).map(|(_, roles)| *roles)
}

/// What a call shows of itself, in its headers and by its connection.
pub fn shown(headers: &HeaderMap, peer: Option<&Peer>, from: Option<IpAddr>) -> Shown {
    let authorization = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default().to_owned());
    let end = |peer: &Peer| Time::from_micros(peer.not_after.saturating_mul(1_000_000));
    let certificate = peer.map(|peer| (Arc::clone(&peer.names), end(peer)));
    Shown { certificate, authorization, from }
}

/// Makes what a call shows into its caller, and sees that it may call the method at all.
///
/// # Errors
/// When it shows nothing that is known, or has none of the roles that the method needs.
pub async fn admit(gate: &Arc<Gate>, path: &str, shown: Shown) -> Result<Caller, Problem> {
    let caller = gate.admit(shown, method_shown(path)).await.map_err(Problem::Refused)?;
    // A method that does not exist is told so to whoever was let in, by the services.
    if needs(path).is_some_and(|roles| !caller.has(roles)) {
        caller.refuse(Refused::Role, method_shown(path));
        return Err(Problem::Refused(Refused::Role));
    }
    Ok(caller)
}

/// A method for the log: whatever else a caller may have written there is not repeated.
fn method_shown(path: &str) -> &str {
    let ours = path.starts_with(OURS) && needs(path).is_some();
    path.rsplit('/').next().filter(|_| ours).unwrap_or("another")
}

/// Who sent a request.
///
/// # Errors
/// When nobody asked: then nothing is answered.
pub fn caller<T>(request: &Request<T>) -> Result<Caller, Problem> {
    let found = request.extensions().get::<Caller>().cloned();
    found.ok_or_else(|| Problem::Internal("the caller was not looked at".to_owned()))
}

/// That a caller is bound to an organisation, before anything is said of it.
///
/// # Errors
/// When it is not.
pub fn bound(caller: &Caller, organisation: &crate::domain::OrganisationCode, method: &str) -> Result<(), Problem> {
    if caller.sees(organisation) {
        return Ok(());
    }
    caller.refuse(Refused::Organisation, method);
    Err(Problem::Refused(Refused::Organisation))
}
