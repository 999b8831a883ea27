//! ListAuditEntries: who or what caused each change of state (A1).

use std::collections::{BTreeSet, HashMap};

use crate::access::Caller;
use crate::domain::{OrganisationCode, Rulebook, SubjectName};
use crate::grpc::alerts::Alerts;
use crate::grpc::guard::bound;
use crate::grpc::keyed::Page;
use crate::grpc::status::Problem;
use crate::store::{AuditQuery, AuditRow};
use crate::wire::{AuditPlace, Violations, audit_to, pb};

/// No subject's number.
const NOBODY: i64 = -1;

impl Alerts {
    /// One page of the audit.
    pub(super) async fn audit(
        &self,
        request: pb::ListAuditEntriesRequest,
        caller: &Caller,
    ) -> Result<pb::ListAuditEntriesResponse, Problem> {
        let pb::ListAuditEntriesRequest { parent, start_time, end_time, page_size, page_token } = request;
        let mut wrong = Violations::default();
        let from = wrong.time_optional("start_time", start_time);
        let to = wrong.time_optional("end_time", end_time);
        if from.zip(to).is_some_and(|(from, to)| to <= from) {
            wrong.add("end_time", crate::domain::RejectReason::Conflict, "must be after start_time");
        }
        let about = wrong.parse_optional::<SubjectName>("parent", &parent);
        if !wrong.is_empty() {
            return Err(Problem::BadRequest(wrong.into_fields()));
        }
        let subjects = match (&about, caller.reach().named()) {
            (Some(name), _) => {
                bound(caller, name.organisation(), "ListAuditEntries")?;
                self.numbers(name).await?
            }
            (None, None) => Vec::new(),
            (None, Some(codes)) => self.numbers_of(codes).await?,
        };
        let scope = format!("{parent} {from:?} {to:?}");
        let page = Page::open("ListAuditEntries", scope, page_size, &page_token, &*self.store).await?;
        let after = page.after.as_deref().and_then(|key| key.parse().ok()).unwrap_or_default();
        let query = AuditQuery { from, to, subjects, after, limit: page.limit() };
        let rows = self.store.list_audit(&query).await?;
        let next_page_token = page.next(rows.len(), rows.last().map(|row| row.sequence.to_string()));
        let entries = self.entries(rows).await?;
        Ok(pb::ListAuditEntriesResponse { entries, next_page_token, cursor: page.cursor })
    }

    /// The numbers of a subject and of what belongs to it.
    async fn numbers(&self, name: &SubjectName) -> Result<Vec<i64>, Problem> {
        self.register.refresh().await?;
        let book = self.register.rulebook();
        let numbers = within(&book, name);
        if numbers.is_empty() { Err(Problem::NotFound(name.to_string())) } else { Ok(numbers) }
    }

    /// The numbers of several organisations and of what belongs to them.
    async fn numbers_of(&self, codes: &BTreeSet<OrganisationCode>) -> Result<Vec<i64>, Problem> {
        self.register.refresh().await?;
        let book = self.register.rulebook();
        let mut numbers: Vec<i64> =
            codes.iter().flat_map(|code| within(&book, &SubjectName::Organisation(code.clone()))).collect();
        if numbers.is_empty() {
            // An empty list would mean: of everything.
            numbers.push(NOBODY);
        }
        Ok(numbers)
    }

    /// Rows with the names of their subjects.
    async fn entries(&self, rows: Vec<AuditRow>) -> Result<Vec<pb::AuditEntry>, Problem> {
        let numbers: BTreeSet<i64> = rows.iter().filter_map(|row| row.subject).collect();
        let found = self.store.summaries_of(&numbers.into_iter().collect::<Vec<_>>()).await?;
        let names: HashMap<i64, String> =
            found.into_iter().map(|(number, name, _)| (number, name.to_string())).collect();
        let entry = |AuditRow { sequence, recorded, subject, position, entry }: AuditRow| {
            let subject = subject.and_then(|number| names.get(&number).cloned()).unwrap_or_default();
            audit_to(AuditPlace { sequence, recorded, subject, position }, &entry)
        };
        rows.into_iter().map(entry).collect::<Result<_, _>>().map_err(|e| Problem::Internal(e.to_string()))
    }
}

/// The subject itself; of an organisation also its wards and cover groups, whether in force or not.
fn within(book: &Rulebook, name: &SubjectName) -> Vec<i64> {
    match name {
        SubjectName::Organisation(code) => {
            let itself = book.organisations.get(code).map(|(number, _)| *number);
            let wards =
                book.wards.iter().filter(|(ward, _)| ward.organisation() == code).map(|(_, facts)| facts.number);
            let groups = book.groups.iter().filter(|(group, _)| group.organisation() == code);
            itself.into_iter().chain(wards).chain(groups.map(|(_, facts)| facts.number)).collect()
        }
        SubjectName::Ward(..) => book.ward(name).map(|facts| facts.number).into_iter().collect(),
        SubjectName::CoverGroup(..) => book.group(name).map(|facts| facts.number).into_iter().collect(),
    }
}
