//! StrikeService: announcing strikes, changing them, and reading whether the cover stands.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::access::{Caller, Reach, Refused};
use crate::clock::SharedClock;
use crate::domain::{Rulebook, Strike, StrikeId, SubjectName, Time};
use crate::grpc::guard::{bound, caller};
use crate::grpc::keyed::Page;
use crate::grpc::register::said;
use crate::grpc::status::Problem;
use crate::register::{Register, StrikeChanged, StrikeError};
use crate::store::Store;
use crate::wire::{self, pb, to_time};

/// The service.
#[derive(Clone, Debug)]
pub struct Striking {
    /// The register, strikes with it.
    pub register: Arc<Register>,
    /// Reads subjects and the log's head.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: SharedClock,
}

#[tonic::async_trait]
impl pb::strike_service_server::StrikeService for Striking {
    async fn create_strike(
        &self,
        request: Request<pb::CreateStrikeRequest>,
    ) -> Result<Response<pb::CreateStrikeResponse>, Status> {
        let by = caller(&request)?;
        let done = self.register.create_strike(request.into_inner(), &by).await;
        let StrikeChanged { strike, warnings, effect } = shown(done.map_err(|e| said(&by, "CreateStrike", e))?, &by);
        Ok(Response::new(pb::CreateStrikeResponse { strike: Some(strike), warnings, effect: Some(effect) }))
    }

    async fn update_strike(
        &self,
        request: Request<pb::UpdateStrikeRequest>,
    ) -> Result<Response<pb::UpdateStrikeResponse>, Status> {
        let by = caller(&request)?;
        let done = self.register.update_strike(request.into_inner(), &by).await;
        let StrikeChanged { strike, warnings, effect } = shown(done.map_err(|e| said(&by, "UpdateStrike", e))?, &by);
        Ok(Response::new(pb::UpdateStrikeResponse { strike: Some(strike), warnings, effect: Some(effect) }))
    }

    async fn call_off_strike(
        &self,
        request: Request<pb::CallOffStrikeRequest>,
    ) -> Result<Response<pb::CallOffStrikeResponse>, Status> {
        let by = caller(&request)?;
        let done = self.register.call_off_strike(request.into_inner(), &by).await;
        let StrikeChanged { strike, warnings, effect } = shown(done.map_err(|e| said(&by, "CallOffStrike", e))?, &by);
        Ok(Response::new(pb::CallOffStrikeResponse { strike: Some(strike), warnings, effect: Some(effect) }))
    }

    async fn record_derogation(
        &self,
        request: Request<pb::RecordDerogationRequest>,
    ) -> Result<Response<pb::RecordDerogationResponse>, Status> {
        let by = caller(&request)?;
        let done = self.register.record_derogation(request.into_inner(), &by).await;
        let StrikeChanged { strike, warnings, effect } =
            shown(done.map_err(|e| said(&by, "RecordDerogation", e))?, &by);
        Ok(Response::new(pb::RecordDerogationResponse { strike: Some(strike), warnings, effect: Some(effect) }))
    }

    async fn get_strike(
        &self,
        request: Request<pb::GetStrikeRequest>,
    ) -> Result<Response<pb::GetStrikeResponse>, Status> {
        let caller = caller(&request)?;
        let pb::GetStrikeRequest { name, version } = request.into_inner();
        let book = self.current().await?;
        let strike = strike_named(&book, &name, &caller)?;
        let Some(version) = version.filter(|v| *v != strike.version) else {
            let mut effect = self.register.strike_effect(&strike);
            hide_effect(&mut effect, &caller);
            return Ok(Response::new(pb::GetStrikeResponse {
                strike: Some(strike_shown(&strike, &caller)),
                effect: Some(effect),
            }));
        };
        let found = self.register.strike_version(&strike.id, version).await.map_err(Problem::from)?;
        let newest = strike.version;
        let found =
            found.ok_or_else(|| Problem::NotFound(format!("version {version} of {name} (newest: {newest})")))?;
        Ok(Response::new(pb::GetStrikeResponse { strike: Some(strike_shown(&found, &caller)), effect: None }))
    }

    async fn list_strikes(
        &self,
        request: Request<pb::ListStrikesRequest>,
    ) -> Result<Response<pb::ListStrikesResponse>, Status> {
        let caller = caller(&request)?;
        let pb::ListStrikesRequest { page_size, page_token, organisation, ends_after_time } = request.into_inner();
        let scope = format!("{organisation}|{ends_after_time:?}");
        let page = Page::open("ListStrikes", scope, page_size, &page_token, self.store.as_ref()).await?;
        let book = self.current().await?;
        let employer = employer(&book, &organisation, &caller)?;
        let after = ends_after_time.map(|t| to_time(t).ok_or_else(|| Problem::field("ends_after_time", NO_INSTANT)));
        let after = after.transpose()?;
        let wanted = |s: &&Arc<Strike>| {
            page.after.as_deref().is_none_or(|last| s.id.id() > last)
                && caller.reach().sees_strike(&book, s)
                && employer.as_ref().is_none_or(|o| s.scope.covers(o))
                && after.is_none_or(|t| ends_after(s, t))
        };
        let rows: Vec<_> = book.strikes.values().map(|(_, s)| s).filter(wanted).take(page.limit() as usize).collect();
        let next_page_token = page.next(rows.len(), rows.last().map(|s| s.id.id().to_owned()));
        let strikes = rows.iter().map(|s| strike_shown(s, &caller)).collect();
        Ok(Response::new(pb::ListStrikesResponse { strikes, next_page_token, cursor: page.cursor }))
    }

    async fn get_strike_cover(
        &self,
        request: Request<pb::GetStrikeCoverRequest>,
    ) -> Result<Response<pb::GetStrikeCoverResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.cover(request.into_inner(), &caller).await?))
    }
}

const NO_INSTANT: &str = "is not an instant between the years 1970 and 9999";

impl Striking {
    /// The rulebook as the store has it now, so that a read follows every write, made on whichever replica.
    pub(super) async fn current(&self) -> Result<Arc<Rulebook>, Problem> {
        self.register.refresh().await?;
        Ok(self.register.rulebook())
    }
}

/// The newest version of a strike; one that the reach does not see is none.
pub(super) fn strike_named(book: &Rulebook, name: &str, caller: &Caller) -> Result<Arc<Strike>, Problem> {
    let id: StrikeId = name.parse().map_err(|e| Problem::field("name", format!("{e}")))?;
    let found = book.strikes.get(&id).map(|(_, strike)| strike);
    if let Some(strike) = found.filter(|strike| caller.reach().sees_strike(book, strike)) {
        return Ok(Arc::clone(strike));
    }
    if found.is_some() {
        caller.refuse(Refused::Organisation, "strike");
    }
    Err(StrikeError::missing(book, &id, caller.reach()).into())
}

/// A strike without the derogations of others.
fn strike_shown(strike: &Strike, caller: &Caller) -> pb::Strike {
    let mut shown = wire::strike_to(strike);
    hide_derogations(&mut shown, caller);
    shown
}

fn has_all(scope: &pb::StrikeScope, reach: &Reach) -> bool {
    *reach == Reach::All
        || !scope.organisations.is_empty() && scope.organisations.iter().all(|name| reach.has_named(name))
}

fn hide_derogations(strike: &mut pb::Strike, caller: &Caller) {
    let wards = caller.identity().sees_wards();
    strike.derogations.retain(|d| wards && caller.reach().has_named(&d.cover_group));
}

/// Leaves counts, which name nobody, and the names that the caller may hear.
fn hide_effect(effect: &mut pb::StrikeEffect, caller: &Caller) {
    effect.organisations.retain(|name| caller.reach().has_named(name));
    let wards = caller.identity().sees_wards();
    for names in [&mut effect.cover_groups, &mut effect.wards] {
        names.retain(|name| wards && caller.reach().has_named(name));
    }
}

/// A change as its caller may see it.
fn shown(done: StrikeChanged, by: &Caller) -> StrikeChanged {
    let mut done = done;
    if done.strike.scope.as_ref().is_some_and(|scope| !has_all(scope, by.reach())) {
        // They tell which others are registered.
        done.warnings.clear();
    }
    hide_derogations(&mut done.strike, by);
    hide_effect(&mut done.effect, by);
    done
}

fn employer(book: &Rulebook, name: &str, caller: &Caller) -> Result<Option<Arc<crate::domain::Organisation>>, Problem> {
    if name.is_empty() {
        return Ok(None);
    }
    let Ok(SubjectName::Organisation(code)) = name.parse() else {
        return Err(Problem::field("organisation", format!("'{name}' is not organisations/{{ods}}")));
    };
    bound(caller, &code, "ListStrikes")?;
    let found = book.organisations.get(&code).map(|(_, o)| Arc::clone(o));
    found.map(Some).ok_or_else(|| Problem::NotFound(name.to_owned()))
}

fn ends_after(strike: &Strike, time: Time) -> bool {
    strike.planned().any(|w| w.end > time)
}

impl From<StrikeError> for Problem {
    fn from(error: StrikeError) -> Self {
        match error {
            StrikeError::Invalid(fields) => Self::BadRequest(fields.0),
            StrikeError::Exists(id) => Self::AlreadyExists(format!(
                "{id} exists: change it with UpdateStrike, or choose another strike_id for another strike"
            )),
            StrikeError::Missing(id, nearest) => {
                let nearest = nearest.map(|n| format!(" (nearest: {n})")).unwrap_or_default();
                Self::NotFound(format!("{id}{nearest}"))
            }
            StrikeError::Changed(id) => Self::EtagMismatch(id.to_string()),
            StrikeError::Foreign => Self::Refused(Refused::Organisation),
            StrikeError::Store(error) => error.into(),
            StrikeError::Contended => Self::Contended,
        }
    }
}
