//! The permissions file: who may do what. One mistake refuses all of it, so that nobody is let in by half a file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::access::identity::{Bounds, Identity, Reach};
use crate::access::{Refused, Role, Roles, Token};
use crate::domain::{OrganisationCode, ResponderRole, Time};

/// What is wrong with a permissions file: one line that names the identity, the key and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPermissions(String);

/// Identities, and the credentials that each is known by.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    certificates: HashMap<String, Arc<Identity>>,
    subjects: HashMap<String, Arc<Identity>>,
    tokens: HashMap<String, Kept>,
    count: usize,
}

/// A token of ours, without its secret.
#[derive(Clone, Debug)]
struct Kept {
    sha256: [u8; 32],
    expires: Option<Time>,
    identity: Arc<Identity>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    identity: Vec<Listed>,
}

/// `[[identity]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    #[serde(default)]
    certificates: Vec<String>,
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    tokens: Vec<ListedToken>,
    roles: Vec<String>,
    organisations: Vec<String>,
    responder_roles: Option<Vec<String>>,
    streams: Option<u32>,
    reports_per_second: Option<u32>,
}

/// One of `tokens`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedToken {
    id: String,
    sha256: String,
    expires: Option<String>,
}

/// As acknowledgements name them.
const RESPONDERS: [(&str, ResponderRole); 5] = [
    ("nurse_in_charge", ResponderRole::NurseInCharge),
    ("matron", ResponderRole::Matron),
    ("site_manager", ResponderRole::SiteManager),
    ("chief_nurse", ResponderRole::ChiefNurse),
    ("medical_director", ResponderRole::MedicalDirector),
];

impl Permissions {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn read(text: &str) -> Result<Self, InvalidPermissions> {
        let file: File = toml::from_str(text).map_err(|error| InvalidPermissions(not_toml(text, &error)))?;
        let mut permissions = Self { count: file.identity.len(), ..Self::default() };
        let mut names = std::collections::HashSet::new();
        for listed in file.identity {
            let name = listed.name.clone();
            let wrong = |what: String| InvalidPermissions(format!("identity \"{}\": {what}", name.escape_debug()));
            if !names.insert(name.clone()) {
                return Err(wrong("is there twice: give each a name of its own".into()));
            }
            permissions.add(&listed).map_err(wrong)?;
        }
        Ok(permissions)
    }

    /// Identities in it.
    pub fn count(&self) -> usize {
        self.count
    }

    fn add(&mut self, listed: &Listed) -> Result<(), String> {
        if listed.certificates.is_empty() && listed.subjects.is_empty() && listed.tokens.is_empty() {
            return Err("nothing tells it: name certificates, subjects or tokens".into());
        }
        let Listed { certificates, subjects, tokens, .. } = listed;
        let identity = Arc::new(identity(listed)?);
        for certificate in certificates {
            let known = ["URI:", "DNS:", "CN:"]
                .iter()
                .any(|kind| certificate.len() > kind.len() && certificate.starts_with(kind));
            if !known {
                return Err(format!(
                    "certificates: '{}' is not URI:..., DNS:... or CN:...",
                    certificate.escape_debug()
                ));
            }
            once(&mut self.certificates, certificate, Arc::clone(&identity), "certificates")?;
        }
        for subject in subjects {
            if subject.is_empty() {
                return Err("subjects: one is empty: write the token's \"sub\"".into());
            }
            once(&mut self.subjects, subject, Arc::clone(&identity), "subjects")?;
        }
        for token in tokens {
            let kept = kept(token, &identity)?;
            once(&mut self.tokens, &token.id, kept, "tokens")?;
        }
        Ok(())
    }

    /// Whose certificate it is, by its names.
    ///
    /// # Errors
    /// Nobody's, or that of several.
    pub fn by_certificate(&self, names: &[String]) -> Result<Arc<Identity>, Refused> {
        let mut found = names.iter().filter_map(|name| self.certificates.get(name));
        let first = found.next().ok_or(Refused::Unlisted)?;
        if found.any(|other| other.name != first.name) { Err(Refused::Ambiguous) } else { Ok(Arc::clone(first)) }
    }

    /// Whose subject it is, of the issuer's tokens.
    ///
    /// # Errors
    /// Nobody's.
    pub fn by_subject(&self, subject: &str) -> Result<Arc<Identity>, Refused> {
        self.subjects.get(subject).map(Arc::clone).ok_or(Refused::Unlisted)
    }

    /// Whose token it is, and until when.
    ///
    /// # Errors
    /// Nobody's.
    pub fn by_token(&self, token: &Token) -> Result<(Arc<Identity>, Option<Time>), Refused> {
        let kept = self.tokens.get(&token.id).filter(|kept| token.is(&kept.sha256)).ok_or(Refused::UnknownToken)?;
        Ok((Arc::clone(&kept.identity), kept.expires))
    }
}

fn once<T>(map: &mut HashMap<String, T>, key: &str, value: T, field: &str) -> Result<(), String> {
    match map.entry(key.to_owned()) {
        Entry::Vacant(free) => {
            free.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => {
            Err(format!("{field}: '{}' is there twice: one credential is one identity", key.escape_debug()))
        }
    }
}

fn identity(listed: &Listed) -> Result<Identity, String> {
    let name = &listed.name;
    if !(1..=64).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return Err(
            "name: write 1 to 64 letters, digits and . _ -; the audit shows it, so name a system and no person".into(),
        );
    }
    let roles: Roles = listed
        .roles
        .iter()
        .map(|role| role.parse::<Role>())
        .collect::<Result<_, _>>()
        .map_err(|e| format!("roles: {e}"))?;
    if roles == Roles::default() {
        return Err("roles: is empty: leave the identity out, or write what it may do".into());
    }
    let responder_roles = listed.responder_roles.as_deref().map(responders).transpose()?;
    if responder_roles.is_some() && !roles.has(Role::Responder) {
        return Err("responder_roles: only a responder claims them: add that role, or leave them out".into());
    }
    Ok(Identity {
        name: name.as_str().into(),
        roles,
        reach: reach(&listed.organisations)?,
        responder_roles,
        bounds: Bounds { streams: listed.streams, reports_per_second: listed.reports_per_second },
    })
}

fn reach(organisations: &[String]) -> Result<Reach, String> {
    match organisations {
        [] => Err("organisations: is empty: write ODS codes, or \"*\" for all".into()),
        [all] if all == "*" => Ok(Reach::All),
        codes => {
            let read = |code: &String| code.parse::<OrganisationCode>().map_err(|e| format!("organisations: {e}"));
            Ok(Reach::Only(codes.iter().map(read).collect::<Result<_, _>>()?))
        }
    }
}

fn responders(codes: &[String]) -> Result<Vec<ResponderRole>, String> {
    let read = |code: &String| {
        let found = RESPONDERS.iter().find(|(known, _)| known == code).map(|(_, role)| *role);
        found.ok_or_else(|| {
            let known = RESPONDERS.map(|(code, _)| code).join(", ");
            format!("responder_roles: '{}' is none: write some of {known}", code.escape_debug())
        })
    };
    codes.iter().map(read).collect()
}

fn kept(token: &ListedToken, identity: &Arc<Identity>) -> Result<Kept, String> {
    let bytes = hex::decode(&token.sha256).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let sha256 = bytes.ok_or("tokens: sha256 is not 64 hexadecimal digits: 'wardwatch token new' prints them")?;
    let expires = token.expires.as_deref().map(|text| {
        let at: Timestamp = text.parse().map_err(|_| {
            format!("tokens: expires '{}' is not an instant such as 2027-01-31T00:00:00Z", text.escape_debug())
        })?;
        Ok::<_, String>(Time::from_micros(at.as_microsecond()))
    });
    Ok(Kept { sha256, expires: expires.transpose()?, identity: Arc::clone(identity) })
}

/// What the parser says, in one line, and where; never the line itself, which may hold a hash.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|b| *b == b'\n').count());
    format!("line {line}: {}", error.message().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::NewToken;

    const ONE: &str = "[[identity]]\nname = \"rj1-roster\"\ncertificates = [\"DNS:roster.rj1.nhs.uk\"]\nsubjects = [\"abc\"]\n\
                       roles = [\"reporter\"]\norganisations = [\"RJ1\", \"RYJ\"]\n";

    fn refused(text: &str) -> String {
        Permissions::read(text).unwrap_err().0
    }

    #[test]
    fn an_identity_is_found_by_each_of_its_credentials() {
        let made = NewToken::make();
        let expiring = format!(
            "tokens = [{{ id = \"{}\", sha256 = \"{}\", expires = \"2027-01-31T00:00:00Z\" }}]\n",
            made.id, made.sha256
        );
        let read = Permissions::read(&format!("{ONE}{expiring}")).unwrap();
        let by_name = read.by_certificate(&["CN:x".into(), "DNS:roster.rj1.nhs.uk".into()]).unwrap();
        assert_eq!((&*by_name.name, by_name.roles), ("rj1-roster", Roles::from_iter([Role::Reporter])));
        assert!(by_name.reach.has(&"RJ1".parse().unwrap()) && !by_name.reach.has(&"RRV".parse().unwrap()));
        assert_eq!(read.by_subject("abc").unwrap(), by_name);
        let (identity, expires) = read.by_token(&made.token.parse().unwrap()).unwrap();
        assert_eq!((identity, expires.unwrap().to_string()), (by_name, "2027-01-31T00:00:00Z".to_owned()));
        assert_eq!(read.by_subject("abd").unwrap_err(), Refused::Unlisted);
        assert_eq!(read.by_certificate(&["DNS:other".into()]).unwrap_err(), Refused::Unlisted);
        assert_eq!(read.by_token(&NewToken::make().token.parse().unwrap()).unwrap_err(), Refused::UnknownToken);
    }

    #[test]
    fn a_certificate_of_two_identities_is_nobodys() {
        let other = "[[identity]]\nname = \"wall\"\ncertificates = [\"CN:wall\"]\nroles = [\"subscriber\"]\norganisations = [\"*\"]\n";
        let read = Permissions::read(&format!("{ONE}{other}")).unwrap();
        let names = ["CN:wall".to_owned(), "DNS:roster.rj1.nhs.uk".to_owned()];
        assert_eq!(read.by_certificate(&names).unwrap_err(), Refused::Ambiguous);
        assert!(read.by_certificate(&names[..1]).is_ok());
    }

    #[test]
    fn a_mistake_names_the_identity_the_key_and_the_remedy() {
        for (from, to, said) in [
            (
                "\"reporter\"",
                "\"reader\"",
                "identity \"rj1-roster\": roles: 'reader' is not a role: write some of reporter,",
            ),
            ("[\"reporter\"]", "[]", "identity \"rj1-roster\": roles: is empty"),
            ("\"RJ1\"", "\"rj1\"", "identity \"rj1-roster\": organisations: 'rj1' is not an ODS code"),
            ("[\"RJ1\", \"RYJ\"]", "[]", "identity \"rj1-roster\": organisations: is empty"),
            ("DNS:roster.rj1.nhs.uk", "roster", "identity \"rj1-roster\": certificates: 'roster' is not URI:"),
            ("rj1-roster", "Jo Bloggs", "identity \"Jo Bloggs\": name: write 1 to 64"),
            ("roles =", "rolls =", "line 5: unknown field `rolls`"),
            ("[[identity]]", "[[identity]", "line 1: "),
            (
                "\"abc\"]",
                "\"abc\"]\nresponder_roles = [\"matron\"]",
                "identity \"rj1-roster\": responder_roles: only a responder",
            ),
            (
                "\"abc\"]",
                "\"abc\"]\ntokens = [{ id = \"a\", sha256 = \"b\" }]",
                "identity \"rj1-roster\": tokens: sha256 is not",
            ),
            (
                "[\"reporter\"]",
                "[\"responder\"]\nresponder_roles = [\"boss\"]",
                "identity \"rj1-roster\": responder_roles: 'boss' is none",
            ),
        ] {
            let text = ONE.replacen(from, to, 1);
            assert_ne!(text, ONE, "{from}");
            let error = refused(&text);
            assert!(error.starts_with(said), "{error}\nand not\n{said}");
        }
        assert!(refused(&format!("{ONE}{ONE}")).contains("is there twice"));
        let twice = format!("{ONE}{}", ONE.replace("rj1-roster", "other"));
        assert!(refused(&twice).contains("certificates: 'DNS:roster.rj1.nhs.uk' is there twice"));
        let nothing = "[[identity]]\nname = \"x\"\nroles = [\"auditor\"]\norganisations = [\"*\"]\n";
        assert!(refused(nothing).contains("nothing tells it"));
    }

    #[test]
    fn an_empty_file_lets_nobody_in() {
        assert_eq!(Permissions::read("").unwrap().count(), 0);
    }
}
