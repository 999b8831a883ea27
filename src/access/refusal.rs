/// Why a caller is not let in, or not any longer. The caller hears less of it than the log does: nothing that tells what
/// exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// It showed nothing.
    #[error("no credential was shown")]
    Missing,
    /// The `authorization` header is not a bearer token that could be one of ours or of the issuer.
    #[error("the credential cannot be read")]
    Malformed,
    /// A token of ours that is not in the permissions file, or not any longer.
    #[error("the token is not known")]
    UnknownToken,
    /// Tokens of an issuer are not taken here.
    #[error("no issuer of tokens is configured")]
    NoIssuer,
    /// Its algorithm is not one of those configured; `none` is never.
    #[error("the token's algorithm is not taken")]
    Algorithm,
    /// It names a key that the issuer does not have.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The issuer's keys could not be had.
    #[error("the issuer's keys are not there")]
    NoKeys,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// Of another issuer.
    #[error("the token's issuer is another")]
    Issuer,
    /// For another service.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the credential has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Authentic, but the permissions file does not have it.
    #[error("the caller is not in the permissions file")]
    Unlisted,
    /// The names of its certificate are those of several identities.
    #[error("the certificate's names are those of several identities")]
    Ambiguous,
    /// It does not have the role that the method needs.
    #[error("the caller does not have the role that this needs")]
    Role,
    /// What it asks about is not its organisation's.
    #[error("the caller is not bound to that organisation")]
    Organisation,
    /// What it was allowed when a stream began is not allowed any longer.
    #[error("the caller's permission was withdrawn")]
    Withdrawn,
}

/// A refusal, with what is known of the caller: its identity if that was found, else what it showed and proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// Why.
    pub why: Refused,
    /// Whom; empty when it showed nothing that has a name. The id of an unknown token proves nothing.
    pub whom: String,
}

impl Refused {
    /// Of somebody.
    pub(super) fn of(self, whom: impl Into<String>) -> Denied {
        Denied { why: self, whom: whom.into() }
    }

    /// For metrics and the log: a code that never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownToken => "unknown_token",
            Self::NoIssuer => "no_issuer",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::NoKeys => "no_keys",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Unlisted => "unlisted",
            Self::Ambiguous => "ambiguous",
            Self::Role => "role",
            Self::Organisation => "organisation",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl From<Refused> for Denied {
    fn from(why: Refused) -> Self {
        why.of("")
    }
}
