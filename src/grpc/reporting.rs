//! ReportingService: reports in, receipts out.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::access::{Caller, Reach, Refused};
use crate::domain::{FieldViolation, Receipt, RejectReason, ReportError, ReportKey, Rulebook, Span, SubjectName, Time};
use crate::grpc::guard::{bound, caller};
use crate::grpc::keyed::Page;
use crate::grpc::quota::Allowance;
use crate::grpc::receipts;
use crate::grpc::register::said;
use crate::grpc::status::Problem;
use crate::intake::{Intake, Item, Submitted};
use crate::lifecycle::Lifecycle;
use crate::register::Register;
use crate::store::{ReportRowKey, Store, StoredReport};
use crate::telemetry::trace::Origin;
use crate::wire::{self, pb, timestamp_to, to_time};

/// Most reports in one message or call (contract.md section 1).
pub const MOST_REPORTS: usize = 1_000;
/// Longest range of `ListReports` (engine.md section 3).
const LONGEST_RANGE: Span = Span::days(7);

/// Most cover groups named to whoever reports doctors on a ward.
const NAMED_GROUPS: usize = 3;

/// How streams of reports are bounded.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Reports sent and not yet receipted on one stream (engine.md section 9).
    pub unreceipted_per_stream: usize,
    /// Greatest age of a stream; each ends up to a fifth sooner or later (architecture.md section 3).
    pub max_stream_age: Duration,
    /// How long `SubmitReports` waits for storage (engine.md section 9).
    pub submit_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unreceipted_per_stream: 1_024,
            max_stream_age: Duration::from_mins(30),
            submit_timeout: Duration::from_secs(10),
        }
    }
}

/// The service.
#[derive(Clone, Debug)]
pub struct Reporting {
    /// Takes reports in.
    pub intake: Intake,
    /// Reads them back.
    pub store: Arc<dyn Store>,
    /// Knows the wards.
    pub register: Arc<Register>,
    /// Tells when to end.
    pub lifecycle: Lifecycle,
    /// Bounds.
    pub settings: Settings,
}

/// A message's reports, formally checked, each in its place.
pub(super) fn items(reports: Vec<pb::StaffingReport>, book: &Rulebook, by: &Caller) -> Vec<Item> {
    reports.into_iter().map(|report| item(report, book, by)).collect()
}

fn item(message: pb::StaffingReport, book: &Rulebook, by: &Caller) -> Item {
    if let Some(field) = foreign(&message, by.reach()) {
        by.refuse(Refused::Organisation, "report");
        let text = "you may not report for this organisation: ask whoever keeps the permissions file";
        let error = FieldViolation::new(field, RejectReason::PermissionDenied, text);
        return Err(Box::new(Receipt::rejected(message.report_id, error)));
    }
    let (sent, ward) = (message.report_id.clone(), message.ward.clone());
    let report = wire::report_from(message).map_err(|mut error| {
        name_groups(&mut error, &ward, book);
        Box::new(Receipt::rejected(sent, error))
    })?;
    let payload = wire::encode_report(&report);
    Ok(Submitted { digest: wire::digest(&payload), payload, report, by: Arc::clone(&by.identity().name) })
}

/// The field that names a subject of another organisation, before anything else is looked at. What is no name is told so.
fn foreign(message: &pb::StaffingReport, reach: &Reach) -> Option<&'static str> {
    if *reach == Reach::All {
        return None;
    }
    let named = [("ward", &message.ward), ("cover_group", &message.cover_group)];
    let other = |name: &str| name.parse::<SubjectName>().is_ok_and(|name| !reach.has(name.organisation()));
    named.into_iter().find(|(_, name)| other(name)).map(|(field, _)| field)
}

/// Says to whoever reports doctors on a ward which cover groups the register has for it.
fn name_groups(error: &mut ReportError, ward: &str, book: &Rulebook) {
    for wrong in error.violations.iter_mut().filter(|v| v.reason == RejectReason::CoverGroupNeeded) {
        let Some(facts) = ward.parse().ok().and_then(|name| book.ward(&name)) else { continue };
        let groups: Vec<String> = facts.groups.iter().take(NAMED_GROUPS).map(ToString::to_string).collect();
        wrong.description = match groups.as_slice() {
            [] => {
                "doctors are counted once, on a cover group, and none covers this ward: name it in one's wards".into()
            }
            groups => format!("doctors are counted once, on a cover group: {}", groups.join(" or ")),
        };
    }
}

/// A message that holds more than it may.
pub(super) fn too_many(count: usize) -> Problem {
    Problem::field("reports", format!("{count} reports: at most {MOST_REPORTS} in one message"))
}

#[tonic::async_trait]
impl pb::reporting_service_server::ReportingService for Reporting {
    type StreamReportsStream = BoxStream<'static, Result<pb::StreamReportsResponse, Status>>;

    async fn stream_reports(
        &self,
        request: Request<Streaming<pb::StreamReportsRequest>>,
    ) -> Result<Response<Self::StreamReportsStream>, Status> {
        let (caller, allowance) = (caller(&request)?, allowance(&request));
        let origin = request.extensions().get::<Origin>().cloned();
        Ok(Response::new(receipts::answer(self, request.into_inner(), caller, allowance, origin)))
    }

    async fn submit_reports(
        &self,
        request: Request<pb::SubmitReportsRequest>,
    ) -> Result<Response<pb::SubmitReportsResponse>, Status> {
        let (caller, allowance) = (caller(&request)?, allowance(&request));
        let patience = patience(request.metadata(), self.settings.submit_timeout);
        let pb::SubmitReportsRequest { reports, validate_only } = request.into_inner();
        if reports.len() > MOST_REPORTS {
            return Err(too_many(reports.len()).into());
        }
        allowance.take(reports.len())?;
        let items = items(reports, &self.register.rulebook(), &caller);
        let submit = async {
            let receipts = self.intake.submit(items, validate_only).await.ok()?;
            receipts.await.ok()
        };
        let receipts = match tokio::time::timeout(patience, submit).await {
            Ok(Some(receipts)) => receipts,
            Ok(None) => return Err(Problem::Draining(Duration::from_secs(1)).into()),
            Err(_) => return Err(Problem::StorageUnavailable("no commit in time".to_owned()).into()),
        };
        let receipts = receipts.iter().map(wire::receipt_to).collect();
        Ok(Response::new(pb::SubmitReportsResponse { receipts }))
    }

    async fn get_report(
        &self,
        request: Request<pb::GetReportRequest>,
    ) -> Result<Response<pb::GetReportResponse>, Status> {
        let caller = caller(&request)?;
        let name = request.into_inner().name;
        let key: ReportKey = name.parse().map_err(|e| Problem::field("name", format!("{e}")))?;
        bound(&caller, key.subject.organisation(), "GetReport")?;
        let subject = self.number(&key).await?;
        let row = ReportRowKey { observed: key.observed, subject, id: key.id };
        let stored = self.store.get_report(row).await.map_err(Problem::from)?;
        let report = stored.ok_or(Problem::NotFound(name.clone())).and_then(|s| report_of(&key, s))?;
        Ok(Response::new(pb::GetReportResponse { report: Some(report) }))
    }

    async fn list_reports(
        &self,
        request: Request<pb::ListReportsRequest>,
    ) -> Result<Response<pb::ListReportsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let subject = parent(&request.parent)?;
        bound(&caller, subject.organisation(), "ListReports")?;
        let (from, to) = range(&request)?;
        let bound = format!("{}|{}|{}", request.parent, from.as_micros(), to.as_micros());
        let page =
            Page::open("ListReports", bound, request.page_size, &request.page_token, self.store.as_ref()).await?;
        let after = page.after.as_deref().map(after_key).transpose()?;
        let number = self.number_of(&subject).await?.ok_or_else(|| Problem::NotFound(request.parent.clone()))?;
        let rows = self.store.list_reports(number, from, to, after, page.limit()).await.map_err(Problem::from)?;
        let next = page.next(rows.len(), rows.last().map(|r| format!("{}|{}", r.observed.as_micros(), r.id)));
        let reports = rows.into_iter().map(|row| {
            let key = ReportKey { subject: subject.clone(), observed: row.observed, id: row.id };
            report_of(&key, row)
        });
        Ok(Response::new(pb::ListReportsResponse {
            reports: reports.collect::<Result<_, _>>()?,
            next_page_token: next,
            cursor: page.cursor,
        }))
    }

    async fn submit_activity(
        &self,
        request: Request<pb::SubmitActivityRequest>,
    ) -> Result<Response<pb::SubmitActivityResponse>, Status> {
        let by = caller(&request)?;
        let pb::SubmitActivityRequest { activities, validate_only } = request.into_inner();
        let count = self.register.submit_activity(activities, validate_only, &by).await;
        let count = count.map_err(|e| said(&by, "SubmitActivity", e))?;
        let accepted_count = i32::try_from(count).unwrap_or(i32::MAX);
        Ok(Response::new(pb::SubmitActivityResponse { accepted_count }))
    }
}

/// What the caller may still send; without authentication there is no bound.
fn allowance<T>(request: &Request<T>) -> Allowance {
    request.extensions().get().cloned().unwrap_or_default()
}

impl Reporting {
    async fn number(&self, key: &ReportKey) -> Result<i64, Problem> {
        self.number_of(&key.subject).await?.ok_or_else(|| Problem::NotFound(key.to_string()))
    }

    /// The store's number of a subject; asks the store when the register here does not know it.
    async fn number_of(&self, subject: &SubjectName) -> Result<Option<i64>, Problem> {
        // What was reported of a cover group stays readable when the group is no longer in force.
        let number = |book: &Rulebook| book.number(subject).or_else(|| book.group(subject).map(|facts| facts.number));
        let known = number(&self.register.rulebook());
        if known.is_some() {
            return Ok(known);
        }
        self.register.refresh().await?;
        Ok(number(&self.register.rulebook()))
    }
}

fn parent(name: &str) -> Result<SubjectName, Problem> {
    let subject = name.parse().map_err(|e| Problem::field("parent", format!("{e}")))?;
    match subject {
        SubjectName::Ward(..) | SubjectName::CoverGroup(..) => Ok(subject),
        SubjectName::Organisation(_) => {
            let text = format!("'{name}' is neither a ward, organisations/{{ods}}/wards/{{ward}}, nor a cover group");
            Err(Problem::field("parent", text))
        }
    }
}

/// How long a call may wait for storage: our limit, or nine tenths of the caller's deadline, so that the answer arrives
/// before it. The header (gRPC over HTTP/2) is up to eight digits and a unit.
pub(super) fn patience(headers: &MetadataMap, most: Duration) -> Duration {
    let asked = headers.get("grpc-timeout").and_then(|value| {
        let (digits, unit) = value.to_str().ok()?.split_at_checked(value.len().checked_sub(1)?)?;
        let nanos: u64 = match unit {
            "H" => 3_600_000_000_000,
            "M" => 60_000_000_000,
            "S" => 1_000_000_000,
            "m" => 1_000_000,
            "u" => 1_000,
            "n" => 1,
            _ => return None,
        };
        Some(Duration::from_nanos(digits.parse::<u32>().ok().map(u64::from)?.saturating_mul(nanos)))
    });
    asked.map_or(most, |asked| most.min(asked / 10 * 9))
}

fn range(request: &pb::ListReportsRequest) -> Result<(Time, Time), Problem> {
    let time = |field: &str, value: Option<prost_types::Timestamp>| {
        value.and_then(to_time).ok_or_else(|| Problem::field(field, "is required: an instant"))
    };
    let (from, to) = (time("start_time", request.start_time)?, time("end_time", request.end_time)?);
    if to <= from || to - from > LONGEST_RANGE {
        return Err(Problem::field("end_time", "must be after start_time and at most 7 days later"));
    }
    Ok((from, to))
}

fn after_key(key: &str) -> Result<(Time, crate::domain::ReportId), Problem> {
    let invalid = || Problem::field("page_token", "is not one that this service gave");
    let (micros, id) = key.split_once('|').ok_or_else(invalid)?;
    let observed = Time::from_micros(micros.parse().map_err(|_| invalid())?);
    Ok((observed, id.parse().map_err(|_| invalid())?))
}

fn report_of(key: &ReportKey, stored: StoredReport) -> Result<pb::StoredReport, Problem> {
    let mut report = wire::decode_report(stored.payload).map_err(|e| Problem::Internal(format!("{key}: {e}")))?;
    wire::withhold_absences(&mut report);
    Ok(pb::StoredReport {
        name: key.to_string(),
        report: Some(report),
        received_time: Some(timestamp_to(stored.received)),
    })
}
