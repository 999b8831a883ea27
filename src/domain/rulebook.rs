use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::{Organisation, OrganisationCode, SubjectName, Ward};

/// A ward with its organisation: what judging it needs from the register.
#[derive(Clone, Debug)]
pub struct WardFacts {
    /// The store's number of the ward as a subject.
    pub number: i64,
    /// Its register entry.
    pub ward: Arc<Ward>,
    /// Its organisation.
    pub organisation: Arc<Organisation>,
}

/// The context of every judgement at one generation: the register (later also policies and strikes). Immutable.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    /// Counts the changes of the register.
    pub generation: i64,
    /// Organisations with their subject numbers, by code.
    pub organisations: BTreeMap<OrganisationCode, (i64, Arc<Organisation>)>,
    /// Wards by name.
    pub wards: HashMap<SubjectName, WardFacts>,
}

impl Rulebook {
    /// The register's facts of a ward.
    pub fn ward(&self, name: &SubjectName) -> Option<&WardFacts> {
        self.wards.get(name)
    }
    /// The store's number of a subject.
    pub fn number(&self, name: &SubjectName) -> Option<i64> {
        match name {
            SubjectName::Organisation(code) => self.organisations.get(code).map(|(n, _)| *n),
            SubjectName::Ward(..) | SubjectName::CoverGroup(..) => self.wards.get(name).map(|w| w.number),
        }
    }
}
