//! RegisterService: organisations and wards; cover groups are next door.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::access::{Caller, Refused};
use crate::clock::SharedClock;
use crate::domain::{BlockKind, Blocks, OrganisationCode, Rulebook, Subject, SubjectName, Time, WardFacts};
use crate::grpc::guard::{bound, caller};
use crate::grpc::keyed::Page;
use crate::grpc::status::Problem;
use crate::register::{Register, RegisterError, Upserted, reading};
use crate::rules;
use crate::store::Store;
use crate::wire::{self, pb, timestamp_to};

/// The service.
#[derive(Clone, Debug)]
pub struct Registering {
    /// The register.
    pub register: Arc<Register>,
    /// Reads subjects and the log's head.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: SharedClock,
}

#[tonic::async_trait]
impl pb::register_service_server::RegisterService for Registering {
    async fn upsert_organisations(
        &self,
        request: Request<pb::UpsertOrganisationsRequest>,
    ) -> Result<Response<pb::UpsertOrganisationsResponse>, Status> {
        let by = caller(&request)?;
        let pb::UpsertOrganisationsRequest { organisations, validate_only } = request.into_inner();
        let done = self.register.upsert_organisations(organisations, validate_only, &by).await;
        let done = done.map_err(|e| said(&by, "UpsertOrganisations", e))?;
        let Upserted { created, updated, unchanged, organisations: _ } = done;
        Ok(Response::new(pb::UpsertOrganisationsResponse {
            created_count: count(created),
            updated_count: count(updated),
            unchanged_count: count(unchanged),
        }))
    }

    async fn upsert_wards(
        &self,
        request: Request<pb::UpsertWardsRequest>,
    ) -> Result<Response<pb::UpsertWardsResponse>, Status> {
        let by = caller(&request)?;
        let pb::UpsertWardsRequest { wards, validate_only } = request.into_inner();
        let done = self.register.upsert_wards(wards, validate_only, &by).await;
        let done = done.map_err(|e| said(&by, "UpsertWards", e))?;
        let Upserted { created, updated, unchanged, organisations } = done;
        Ok(Response::new(pb::UpsertWardsResponse {
            created_count: count(created),
            updated_count: count(updated),
            unchanged_count: count(unchanged),
            created_organisation_count: count(organisations),
        }))
    }

    async fn list_organisations(
        &self,
        request: Request<pb::ListOrganisationsRequest>,
    ) -> Result<Response<pb::ListOrganisationsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let page = self.page("ListOrganisations", String::new(), request.page_size, &request.page_token).await?;
        let book = self.current().await?;
        let after = page.after.as_deref().unwrap_or_default();
        let seen = |code: &OrganisationCode| code.as_str() > after && caller.sees(code);
        let mut rows: Vec<_> = book.organisations.iter().filter(|(code, _)| seen(code)).collect();
        rows.truncate(page.limit() as usize);
        let next = page.next(rows.len(), rows.last().map(|(code, _)| code.to_string()));
        Ok(Response::new(pb::ListOrganisationsResponse {
            organisations: rows.iter().map(|(_, (_, organisation))| wire::organisation_to(organisation)).collect(),
            next_page_token: next,
            cursor: page.cursor,
        }))
    }

    async fn get_ward(&self, request: Request<pb::GetWardRequest>) -> Result<Response<pb::GetWardResponse>, Status> {
        let caller = caller(&request)?;
        let name = request.into_inner().name;
        let ward: SubjectName = name.parse().map_err(|e| Problem::field("name", format!("{e}")))?;
        bound(&caller, ward.organisation(), "GetWard")?;
        let book = self.current().await?;
        let facts = book.ward(&ward).ok_or_else(|| Problem::NotFound(missing(&book, &ward, &caller)))?;
        let (numbers, now) = ([facts.number], self.clock.now());
        let subjects = reading::subjects(self.store.as_ref(), &book, &numbers, now).await.map_err(Problem::from)?;
        let subject = subjects.into_iter().next().ok_or(Problem::NotFound(name))?;
        Ok(Response::new(self.ward_as_it_stands(&subject, facts)))
    }

    async fn list_wards(
        &self,
        request: Request<pb::ListWardsRequest>,
    ) -> Result<Response<pb::ListWardsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        own_parent(&caller, &request.parent, "ListWards")?;
        let page = self.page("ListWards", request.parent.clone(), request.page_size, &request.page_token).await?;
        let book = self.current().await?;
        let organisation = parent(&book, &request.parent)?;
        let after = page.after.as_deref().unwrap_or_default();
        let belongs = |f: &&WardFacts| {
            caller.sees(&f.ward.organisation) && organisation.as_ref().is_none_or(|o| f.ward.organisation == *o)
        };
        let wards = book.wards.iter().filter(|(_, facts)| belongs(facts));
        let mut rows: Vec<_> =
            wards.map(|(name, f)| (name.to_string(), f)).filter(|(n, _)| n.as_str() > after).collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        rows.truncate(page.limit() as usize);
        let next = page.next(rows.len(), rows.last().map(|(name, _)| name.clone()));
        Ok(Response::new(pb::ListWardsResponse {
            wards: rows.iter().map(|(_, facts)| wire::ward_to(&facts.ward)).collect(),
            next_page_token: next,
            cursor: page.cursor,
        }))
    }

    async fn upsert_cover_groups(
        &self,
        request: Request<pb::UpsertCoverGroupsRequest>,
    ) -> Result<Response<pb::UpsertCoverGroupsResponse>, Status> {
        let by = caller(&request)?;
        Ok(Response::new(self.upsert_groups(request.into_inner(), &by).await?))
    }

    async fn get_cover_group(
        &self,
        request: Request<pb::GetCoverGroupRequest>,
    ) -> Result<Response<pb::GetCoverGroupResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.get_group(request.into_inner().name, &caller).await?))
    }

    async fn list_cover_groups(
        &self,
        request: Request<pb::ListCoverGroupsRequest>,
    ) -> Result<Response<pb::ListCoverGroupsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.list_groups(request.into_inner(), &caller).await?))
    }
}

impl Registering {
    /// The rulebook as the store has it now, so that a read follows every write, made on whichever replica.
    pub(super) async fn current(&self) -> Result<Arc<Rulebook>, Problem> {
        self.register.refresh().await?;
        Ok(self.register.rulebook())
    }

    pub(super) async fn page(
        &self,
        method: &'static str,
        scope: String,
        size: i32,
        token: &str,
    ) -> Result<Page, Problem> {
        Page::open(method, scope, size, token, self.store.as_ref()).await
    }

    fn ward_as_it_stands(&self, subject: &Subject, facts: &WardFacts) -> pb::GetWardResponse {
        let (state, reads) = (&subject.state, &subject.reads);
        let now = self.clock.now();
        let (status, freshness) = rules::status(facts, state, reads, now);
        let evaluations = rules::evaluate(facts, state, reads, now);
        pb::GetWardResponse {
            ward: Some(wire::ward_to(&facts.ward)),
            status: pb::WardStatus::from(status).into(),
            freshness: pb::Freshness::from(freshness).into(),
            current: Some(wire::current_report(&subject.name, &state.blocks)),
            blocks: BlockKind::OF_WARD.into_iter().filter_map(|kind| block(facts, &state.blocks, kind, now)).collect(),
            evaluations: evaluations.iter().map(evaluation).collect(),
        }
    }
}

fn block(facts: &WardFacts, blocks: &Blocks, kind: BlockKind, now: Time) -> Option<pb::CurrentBlock> {
    current_block(blocks, kind, now, |at| rules::overdue_time(facts, &facts.context.policy(now), kind, at))
}

/// A block that is current, `overdue` from when by its observed time.
pub(super) fn current_block(
    blocks: &Blocks,
    kind: BlockKind,
    now: Time,
    overdue: impl Fn(Time) -> Option<Time>,
) -> Option<pb::CurrentBlock> {
    let (key, source, _) = blocks.current(kind)?;
    let overdue = overdue(key.observed);
    let is_overdue = overdue.is_some_and(|at| at <= now);
    let freshness = if is_overdue { pb::Freshness::Stale } else { pb::Freshness::Fresh };
    Some(pb::CurrentBlock {
        block: pb::BlockKind::from(kind).into(),
        source: source.to_string(),
        observed_time: Some(timestamp_to(key.observed)),
        revision: i64::from(key.revision),
        report_id: key.report.to_string(),
        freshness: freshness.into(),
        overdue_time: overdue.map(timestamp_to),
    })
}

/// What a change ended with; a refusal is noted.
pub(super) fn said<E: Into<Problem>>(by: &Caller, method: &str, error: E) -> Problem {
    let problem = error.into();
    if let Problem::Refused(why) = problem {
        by.refuse(why, method);
    }
    problem
}

/// That the organisation whose rows are asked for is the caller's.
pub(super) fn own_parent(caller: &Caller, parent: &str, method: &str) -> Result<(), Problem> {
    match parent.parse() {
        Ok(SubjectName::Organisation(code)) if parent != "organisations/-" => bound(caller, &code, method),
        _ => Ok(()),
    }
}

pub(super) fn parent(book: &Rulebook, parent: &str) -> Result<Option<OrganisationCode>, Problem> {
    if parent == "organisations/-" {
        return Ok(None);
    }
    match parent.parse() {
        Ok(SubjectName::Organisation(code)) if book.organisations.contains_key(&code) => Ok(Some(code)),
        Ok(SubjectName::Organisation(_)) => Err(Problem::NotFound(parent.to_owned())),
        _ => Err(Problem::field(
            "parent",
            format!("'{parent}' is not organisations/{{ods}}, or organisations/- for all"),
        )),
    }
}

pub(super) fn missing(book: &Rulebook, name: &SubjectName, caller: &Caller) -> String {
    let nearest =
        rules::nearest(book, name, |o| caller.sees(o)).map(|n| format!(" (nearest: {n})")).unwrap_or_default();
    format!("{name}{nearest}")
}

pub(super) fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Invalid(fields) => Self::BadRequest(fields.0),
            RegisterError::Foreign => Self::Refused(Refused::Organisation),
            RegisterError::Store(error) => error.into(),
            RegisterError::Contended => Self::Contended,
        }
    }
}

pub(super) fn evaluation(of: &rules::Evaluation) -> pb::RuleEvaluation {
    let (answer, reason) = match &of.answer {
        rules::Answer::Breaching => (pb::Evaluation::Breaching, ""),
        rules::Answer::WithinLimit => (pb::Evaluation::WithinLimit, ""),
        rules::Answer::NotEvaluable(why) => (pb::Evaluation::NotEvaluable, why.as_str()),
        rules::Answer::Disabled(why) => (pb::Evaluation::Disabled, why.as_str()),
    };
    pb::RuleEvaluation {
        rule: of.rule.to_owned(),
        evaluation: answer.into(),
        measured: of.measured.as_ref().map(wire::fraction_to),
        limit: of.limit.as_ref().map(wire::fraction_to),
        reason: reason.to_owned(),
    }
}
