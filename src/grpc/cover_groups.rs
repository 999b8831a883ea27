//! RegisterService's calls about cover groups.

use crate::access::Caller;
use crate::domain::{BlockKind, GroupFacts, SubjectName, SubjectState, Tier};
use crate::grpc::guard::bound;
use crate::grpc::register::{Registering, count, current_block, evaluation, missing, own_parent, parent, said};
use crate::grpc::status::Problem;
use crate::register::{Upserted, reading};
use crate::rules;
use crate::wire::{self, pb};

impl Registering {
    pub(super) async fn upsert_groups(
        &self,
        request: pb::UpsertCoverGroupsRequest,
        by: &Caller,
    ) -> Result<pb::UpsertCoverGroupsResponse, Problem> {
        let pb::UpsertCoverGroupsRequest { cover_groups, validate_only } = request;
        let done = self.register.upsert_cover_groups(cover_groups, validate_only, by).await;
        let done = done.map_err(|e| said(by, "UpsertCoverGroups", e))?;
        let Upserted { created, updated, unchanged, organisations: _ } = done;
        Ok(pb::UpsertCoverGroupsResponse {
            created_count: count(created),
            updated_count: count(updated),
            unchanged_count: count(unchanged),
        })
    }

    pub(super) async fn get_group(&self, name: String, caller: &Caller) -> Result<pb::GetCoverGroupResponse, Problem> {
        let group: SubjectName = name.parse().map_err(|e| Problem::field("name", format!("{e}")))?;
        bound(caller, group.organisation(), "GetCoverGroup")?;
        let book = self.current().await?;
        let facts = book.group(&group).filter(|facts| shown(facts));
        let facts = facts.ok_or_else(|| Problem::NotFound(missing(&book, &group, caller)))?;
        let subjects = reading::subjects(self.store.as_ref(), &book, &[facts.number], self.clock.now()).await?;
        let subject = subjects.into_iter().next().ok_or(Problem::NotFound(name))?;
        Ok(self.group_as_it_stands(&group, facts, &subject.state))
    }

    pub(super) async fn list_groups(
        &self,
        request: pb::ListCoverGroupsRequest,
        caller: &Caller,
    ) -> Result<pb::ListCoverGroupsResponse, Problem> {
        own_parent(caller, &request.parent, "ListCoverGroups")?;
        let page = self.page("ListCoverGroups", request.parent.clone(), request.page_size, &request.page_token).await?;
        let book = self.current().await?;
        let organisation = parent(&book, &request.parent)?;
        let after = page.after.as_deref().unwrap_or_default();
        let belongs = |f: &GroupFacts| {
            caller.sees(&f.group.organisation) && organisation.as_ref().is_none_or(|o| f.group.organisation == *o)
        };
        let groups = book.groups.iter().filter(|(_, facts)| shown(facts) && belongs(facts));
        let mut rows: Vec<_> =
            groups.map(|(name, f)| (name.to_string(), f)).filter(|(n, _)| n.as_str() > after).collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        rows.truncate(page.limit() as usize);
        let next = page.next(rows.len(), rows.last().map(|(name, _)| name.clone()));
        Ok(pb::ListCoverGroupsResponse {
            cover_groups: rows.iter().map(|(_, facts)| wire::cover_group_to(&facts.group)).collect(),
            next_page_token: next,
            cursor: page.cursor,
        })
    }

    fn group_as_it_stands(
        &self,
        name: &SubjectName,
        facts: &GroupFacts,
        state: &SubjectState,
    ) -> pb::GetCoverGroupResponse {
        let now = self.clock.now();
        let (status, freshness) = rules::group_status(facts, state, now);
        let overdue = |at| rules::cover_overdue_time(facts, at, now);
        let mut current = wire::current_report(name, &state.blocks);
        wire::withhold_absences(&mut current);
        pb::GetCoverGroupResponse {
            cover_group: Some(wire::cover_group_to(&facts.group)),
            status: pb::WardStatus::from(status).into(),
            freshness: pb::Freshness::from(freshness).into(),
            current: Some(current),
            blocks: current_block(&state.blocks, BlockKind::MedicalCover, now, overdue).into_iter().collect(),
            evaluations: rules::evaluate_group(facts, state, now).iter().map(evaluation).collect(),
            tiers: Tier::ALL.map(|tier| self.tier(facts, state, tier)).to_vec(),
            wards: facts.wards.iter().map(ToString::to_string).collect(),
        }
    }

    fn tier(&self, facts: &GroupFacts, state: &SubjectState, tier: Tier) -> pb::TierCount {
        let now = self.clock.now();
        let shift = rules::shifts(facts, &facts.context.policy(now)).at(now, &facts.organisation.zone);
        let doctors = state.blocks.medical_cover.as_ref().and_then(|c| c.body.tier_count(tier));
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        pb::TierCount {
            tier: number(tier.number()),
            doctors: doctors.map(number),
            minimum: facts.group.minimum(tier, shift).map(number),
        }
    }
}

/// Whoever registered a group sees it, closed or not; the one nobody registered is there as long as it is in force.
fn shown(facts: &GroupFacts) -> bool {
    facts.in_force || !facts.group.implicit
}
