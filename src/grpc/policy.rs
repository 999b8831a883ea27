//! PolicyService: what the rules judge by, layer by layer.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::access::{Caller, Refused};
use crate::clock::SharedClock;
use crate::domain::{InForce, PolicyName, Rulebook, Time, in_force};
use crate::grpc::guard::{bound, caller};
use crate::grpc::keyed::Page;
use crate::grpc::register::said;
use crate::grpc::status::Problem;
use crate::register::{
    PolicyChanged, PolicyError, PolicyPreview, Register, first_policy, newest_policy, policy_exists,
};
use crate::store::Store;
use crate::wire::{self, pb};

/// The service.
#[derive(Clone, Debug)]
pub struct Policies {
    /// The register, policies with it.
    pub register: Arc<Register>,
    /// Reads the log's head.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: SharedClock,
}

#[tonic::async_trait]
impl pb::policy_service_server::PolicyService for Policies {
    async fn get_policy(
        &self,
        request: Request<pb::GetPolicyRequest>,
    ) -> Result<Response<pb::GetPolicyResponse>, Status> {
        let caller = caller(&request)?;
        let pb::GetPolicyRequest { name, effective } = request.into_inner();
        let (book, name) = self.named(&name, &caller).await?;
        let policy = if effective {
            let InForce { from, policy } = effective_at(&book, &name, self.clock.now());
            wire::policy_in_force_to(&name, &policy, from)
        } else {
            wire::policy_version_to(&newest_policy(&book, &name))
        };
        Ok(Response::new(pb::GetPolicyResponse { policy: Some(policy) }))
    }

    async fn update_policy(
        &self,
        request: Request<pb::UpdatePolicyRequest>,
    ) -> Result<Response<pb::UpdatePolicyResponse>, Status> {
        let by = caller(&request)?;
        let done = self.register.update_policy(request.into_inner(), &by).await;
        let done = done.map_err(|e| said(&by, "UpdatePolicy", e))?;
        let PolicyChanged { version, preview } = done;
        let policy = Some(wire::policy_version_to(&version));
        Ok(Response::new(pb::UpdatePolicyResponse { policy, preview: preview.map(preview_to) }))
    }

    async fn list_policy_versions(
        &self,
        request: Request<pb::ListPolicyVersionsRequest>,
    ) -> Result<Response<pb::ListPolicyVersionsResponse>, Status> {
        let caller = caller(&request)?;
        let pb::ListPolicyVersionsRequest { name, page_size, page_token } = request.into_inner();
        let page = Page::open("ListPolicyVersions", name.clone(), page_size, &page_token, self.store.as_ref()).await?;
        let (book, name) = self.named(&name, &caller).await?;
        let below = page.after.as_deref().and_then(|last| last.parse::<i64>().ok()).unwrap_or(i64::MAX);
        let first = first_policy(&name);
        let set = book.policies.get(&name).into_iter().flatten().rev();
        let all = set.chain(std::iter::once(&first)).filter(|v| v.version > 0 && v.version < below);
        let rows: Vec<_> = all.take(page.limit() as usize).collect();
        let next_page_token = page.next(rows.len(), rows.last().map(|v| v.version.to_string()));
        let versions = rows.into_iter().map(wire::policy_version_to).collect();
        Ok(Response::new(pb::ListPolicyVersionsResponse { versions, next_page_token, cursor: page.cursor }))
    }
}

impl Policies {
    /// The rulebook as the store has it now, so that a read follows every write, made on whichever replica; and a policy
    /// that there is.
    async fn named(&self, name: &str, caller: &Caller) -> Result<(Arc<Rulebook>, PolicyName), Problem> {
        let parsed: PolicyName = name.parse().map_err(|e| Problem::field("name", format!("{e}")))?;
        if let PolicyName::Organisation(code) = &parsed {
            bound(caller, code, "GetPolicy")?;
        }
        self.register.refresh().await?;
        let book = self.register.rulebook();
        if policy_exists(&book, &parsed) { Ok((book, parsed)) } else { Err(PolicyError::Missing(parsed).into()) }
    }
}

/// The values in force at an instant, and since when.
fn effective_at(book: &Rulebook, name: &PolicyName, now: Time) -> InForce {
    let of = |name| book.policies.get(name).map_or(&[][..], Vec::as_slice);
    let own = if *name == PolicyName::Default { &[] } else { of(name) };
    let all = in_force(of(&PolicyName::Default), own);
    let found = all.iter().rfind(|p| p.from <= now).cloned();
    found.unwrap_or_else(|| InForce { from: now, policy: Arc::default() })
}

fn preview_to(preview: PolicyPreview) -> pb::PolicyPreview {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let PolicyPreview { raised, changed, resolved, subjects } = preview;
    pb::PolicyPreview {
        raised_count: count(raised),
        changed_count: count(changed),
        resolved_count: count(resolved),
        subject_count: count(subjects),
    }
}

impl From<PolicyError> for Problem {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Invalid(fields) => Self::BadRequest(fields.0),
            PolicyError::Missing(name) => Self::NotFound(match &name {
                PolicyName::Default => name.to_string(),
                PolicyName::Organisation(code) => format!("{name} (organisations/{code} is not registered)"),
            }),
            PolicyError::Changed(name) => Self::EtagMismatch(name.to_string()),
            PolicyError::Foreign => Self::Refused(Refused::Organisation),
            PolicyError::Store(error) => error.into(),
            PolicyError::Contended => Self::Contended,
        }
    }
}
