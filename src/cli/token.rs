use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::Failure;
use super::output::Output;
use crate::access::NewToken;

/// Make tokens for the permissions file.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token and print it once: the token for the client, and the line for the permissions file, which has no more
    /// than its hash.
    New(New),
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// When it stops working, such as 2027-01-31T00:00:00Z. Left out: when it is taken out of the permissions file.
    #[arg(long, value_name = "INSTANT")]
    expires: Option<Timestamp>,
}

impl Token {
    pub(super) fn run(self, mut output: Output) -> Result<(), Failure> {
        let Self::New(New { expires }) = self;
        let NewToken { token, id, sha256 } = NewToken::make();
        let until = expires.map(|at| format!(", expires = \"{at}\"")).unwrap_or_default();
        let entry = format!("tokens = [{{ id = \"{id}\", sha256 = \"{sha256}\"{until} }}]");
        let text = if output.is_json() {
            json!({"token": token, "id": id, "sha256": sha256, "entry": entry}).to_string()
        } else {
            format!(
                "token  {token}\nentry  {entry}\nThe token is shown this once: give it to the client in a file (--token-file). The entry belongs to an [[identity]] of the permissions file."
            )
        };
        output.line(&text)?;
        output.flush()
    }
}
