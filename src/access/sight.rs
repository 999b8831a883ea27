//! What of strikes a reach has: they are no organisation's own.

use crate::access::Reach;
use crate::domain::{Organisation, Rulebook, Scope, Strike};

impl Reach {
    /// Whether a strike calls out staff of any of its organisations.
    pub fn sees_strike(&self, book: &Rulebook, strike: &Strike) -> bool {
        let Some(codes) = self.named() else { return true };
        let in_scope =
            |organisation: &Organisation| codes.contains(&organisation.code) && strike.scope.covers(organisation);
        self.has_scope(&strike.scope) || book.organisations.values().any(|(_, organisation)| in_scope(organisation))
    }

    /// Whether nobody else's staff is called out: only then may a strike be announced or changed. Regions and the nation
    /// have organisations to come.
    pub fn has_scope(&self, scope: &Scope) -> bool {
        match (self, scope) {
            (Self::All, _) => true,
            (Self::Only(own), Scope::Organisations(codes)) => codes.iter().all(|code| own.contains(code)),
            (Self::Only(_), Scope::Regions(_) | Scope::England) => false,
        }
    }
}
