use serde::{Deserialize, Serialize};

/// `[database]`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// sqlite:PATH or postgres://...; already read from `url_file` if that is set. May hold a password.
    pub url: String,
    /// A file that holds the URL.
    pub url_file: String,
    /// Whether the start brings the schema up to date.
    pub migrate: bool,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({}, migrate: {})", self.shown_url(), self.migrate)
    }
}

impl Database {
    /// The URL without its password, for logs and errors. It may be one that no database takes, so what could be meant for
    /// a password is not shown either.
    pub fn shown_url(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return self.url.clone() };
        // A password with a slash or an at sign that nobody encoded ends at the last at sign.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (hide_after_name(user), rest),
            None => (String::new(), rest),
        };
        let rest = match rest.split_once('?') {
            Some((place, parameters)) => format!("{place}?{}", hide_passwords(parameters)),
            None => rest.to_owned(),
        };
        format!("{scheme}://{user}{rest}")
    }
}

/// `user:password` as `user:***@`.
fn hide_after_name(user: &str) -> String {
    match user.find([':', '/', '?', '#']) {
        Some(end) => format!("{}:***@", &user[..end]),
        None => format!("{user}@"),
    }
}

/// `?password=...` is the other way to say it, and `%77` a way to write it.
fn hide_passwords(parameters: &str) -> String {
    let hide = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if name.contains('%') || name.to_ascii_lowercase().contains("password") => {
            format!("{name}=***")
        }
        _ => parameter.to_owned(),
    };
    parameters.split('&').map(hide).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_password_is_shown() {
        for (url, shown) in [
            ("postgres://ward@db/w", "postgres://ward@db/w"),
            ("postgres://ward:s3cret@db:5432/w?sslmode=require", "postgres://ward:***@db:5432/w?sslmode=require"),
            ("postgres://ward:s3/cr@et@db/w", "postgres://ward:***@db/w"),
            ("postgres://ward:s3?cret@db/w", "postgres://ward:***@db/w"),
            ("postgres://db?password=s3cret", "postgres://db?password=***"),
            (
                "postgres://db/w?password=a&user=ward&Password=s3cret",
                "postgres://db/w?password=***&user=ward&Password=***",
            ),
            ("postgres://db/w?pass%77ord=s3cret", "postgres://db/w?pass%77ord=***"),
            ("postgres://db/w?password=s3cret&application_name=a@b", "postgres://db:***@b"),
            ("sqlite:ward.sqlite", "sqlite:ward.sqlite"),
        ] {
            let database = |url: &str| Database { url: url.to_owned(), url_file: String::new(), migrate: true };
            assert_eq!(database(url).shown_url(), shown, "{url}");
            assert_eq!(database(shown).shown_url(), shown, "once is enough");
        }
    }
}
