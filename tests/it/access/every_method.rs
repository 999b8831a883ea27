//! Every method with every wrong identity.

use bytes::{Buf, BufMut, Bytes};
use prost_reflect::DescriptorPool;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Status};
use wardwatch::access::{NewToken, Role};
use wardwatch::grpc::guard::needs;
use wardwatch::wire;

use super::rig::{As, Guarded, Permissions};
use crate::support::hospital::reason;
use crate::support::service::within;

/// Bytes as they are: every method can be called with an empty message.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        dst.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(src.copy_to_bytes(src.remaining())))
    }
}

/// Every method of the API, as a path.
fn methods() -> Vec<String> {
    let pool = DescriptorPool::decode(wire::DESCRIPTORS).unwrap();
    let ours = pool.services().filter(|s| s.package_name() == "wardwatch.v1");
    let paths = ours.flat_map(|s| s.methods().map(|m| format!("/{}/{}", s.full_name(), m.name())).collect::<Vec<_>>());
    paths.collect()
}

/// What a call with an empty message ends with: its first answer, or its refusal.
async fn call(by: &As, path: &str) -> Result<(), Status> {
    let mut grpc = Grpc::new(by.channel.clone());
    within(grpc.ready()).await.unwrap();
    let mut request = Request::new(Bytes::new());
    tonic::service::Interceptor::call(&mut by.bearer.clone(), Request::new(()))
        .unwrap()
        .metadata()
        .get("authorization")
        .map(|value| request.metadata_mut().insert("authorization", value.clone()));
    let path = path.parse().unwrap();
    let answer = within(grpc.server_streaming(request, path, Raw)).await?;
    within(answer.into_inner().message()).await.map(drop)
}

fn code(answer: &Result<(), Status>) -> Code {
    answer.as_ref().err().map_or(Code::Ok, Status::code)
}

#[tokio::test]
async fn every_method_of_the_api_says_which_roles_it_needs() {
    let methods = methods();
    assert!(methods.len() >= 34, "{methods:?}");
    for path in &methods {
        assert!(needs(path).is_some_and(|roles| !roles.is_empty()), "{path} needs no role");
    }
    assert_eq!(needs("/wardwatch.v1.AlertService/Nothing"), None);
    assert_eq!(needs("/wardwatch.v1.NoService/ListAlerts"), None);
}

#[tokio::test]
async fn whoever_shows_nothing_or_something_wrong_is_refused_by_every_method() {
    let guarded = Guarded::start(Permissions::new()).await;
    let stranger = NewToken::make().token;
    let altered = format!("{}0", &guarded.root[..guarded.root.len() - 1]);
    let altered = if altered == guarded.root { format!("{}1", &altered[..altered.len() - 1]) } else { altered };
    for (header, told) in [
        (String::new(), "CREDENTIALS_MISSING"),
        ("Bearer".to_owned(), "CREDENTIALS_INVALID"),
        ("Basic cm9vdDpyb290".to_owned(), "CREDENTIALS_INVALID"),
        (format!("Bearer {stranger}"), "CREDENTIALS_INVALID"),
        (format!("Bearer {altered}"), "CREDENTIALS_INVALID"),
        (guarded.root.clone(), "CREDENTIALS_INVALID"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.".to_owned(), "CREDENTIALS_INVALID"),
    ] {
        let by = guarded.showing(&header).await;
        for path in methods().iter().map(String::as_str).chain(["/wardwatch.v1.AlertService/Nothing", "/no.Such/Thing"])
        {
            let refused = call(&by, path).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, told), "{header} {path}");
        }
    }
}

#[tokio::test]
async fn whoever_has_another_role_is_refused_and_who_has_the_right_one_is_not() {
    let mut permissions = Permissions::new();
    let tokens: Vec<_> =
        Role::ALL.map(|role| (role, permissions.token(&format!("only-{role}"), role.code(), "RJ1"))).into();
    let guarded = Guarded::start(permissions).await;
    let (mut let_in, mut refused) = (0, 0);
    for (role, token) in &tokens {
        let by = guarded.by(token).await;
        for path in methods() {
            let answer = call(&by, &path).await;
            if needs(&path).unwrap().contains(role) {
                let_in += 1;
                // An empty message is mostly a wrong one; a report stream ends well.
                let refused = matches!(code(&answer), Code::Unauthenticated | Code::PermissionDenied);
                assert!(!refused, "{role} may call {path}: {answer:?}");
            } else {
                refused += 1;
                assert_eq!(code(&answer), Code::PermissionDenied, "{role} {path}");
                let status = answer.unwrap_err();
                assert_eq!(reason(&status), "PERMISSION_DENIED");
            }
        }
    }
    assert!(let_in > 60 && refused > 100, "{let_in} let in, {refused} refused");
}

/// The rights themselves, said once more: a change of the table in the guard must be meant.
#[tokio::test]
async fn each_role_may_write_what_is_its_own_to_write_and_nothing_else() {
    use Role::{Auditor, Configurer, Planner, PolicyOwner, Reporter, Responder};
    for (path, roles) in [
        ("ReportingService/StreamReports", &[Reporter][..]),
        ("ReportingService/SubmitReports", &[Reporter]),
        ("ReportingService/SubmitActivity", &[Reporter, Planner]),
        ("AlertService/AcknowledgeAlert", &[Responder]),
        ("AlertService/UnacknowledgeAlert", &[Responder]),
        ("AlertService/CloseAlert", &[Responder]),
        ("AlertService/ListAuditEntries", &[Auditor]),
        ("RegisterService/UpsertOrganisations", &[Configurer]),
        ("RegisterService/UpsertWards", &[Configurer]),
        ("RegisterService/UpsertCoverGroups", &[Configurer]),
        ("StrikeService/CreateStrike", &[Planner]),
        ("StrikeService/UpdateStrike", &[Planner]),
        ("StrikeService/CallOffStrike", &[Planner]),
        ("StrikeService/RecordDerogation", &[Planner]),
        ("PolicyService/UpdatePolicy", &[PolicyOwner]),
    ] {
        assert_eq!(needs(&format!("/wardwatch.v1.{path}")), Some(roles), "{path}");
    }
    for path in methods() {
        let totals =
            ["ListOrganisations", "GetStrike", "ListStrikes", "GetSituation", "WatchSituation", "GetServerInfo"];
        let national = needs(&path).unwrap().contains(&Role::National);
        assert_eq!(national, totals.iter().any(|m| path.ends_with(&format!("/{m}"))), "{path}");
    }
}

#[tokio::test]
async fn a_probe_needs_no_credential_and_reflection_does() {
    let guarded = Guarded::start(Permissions::new()).await;
    let nobody = guarded.showing("").await;
    assert!(call(&nobody, "/grpc.health.v1.Health/Check").await.is_ok());
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    assert_eq!(code(&call(&nobody, reflection).await), Code::Unauthenticated);
    let root = guarded.by(&guarded.root).await;
    assert_ne!(code(&call(&root, reflection).await), Code::Unauthenticated);
}
