//! The reasons that errors carry, read from the one map (src/grpc/status.rs), so that none is left out of API.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markdown::{document, root};

/// Where reasons are named, and the enums they are named for: path of the enum, its name, how the map writes it.
const ENUMS: [(&str, &str, &str); 2] =
    [("src/grpc/status.rs", "Problem", "Self::"), ("src/access/refusal.rs", "Refused", "Refused::")];

/// The section of API.md.
pub(super) fn section() -> String {
    let source = document("src/grpc/status.rs").text;
    let (meanings, retries) = (ENUMS.iter().flat_map(meanings_of).collect(), with_retry(&source));
    let rows = rows(&codes(&source), &meanings, &retries);
    assert!(rows.len() >= 18, "src/grpc/status.rs has {} reasons: is it read as it is written?", rows.len());
    let mut text = String::from(
        "## Error reasons\n\nEvery error of `wardwatch.v1` carries `google.rpc.ErrorInfo` with domain `wardwatch` and one of \
         these reasons; decide by code and reason, never by the text. `INVALID_REQUEST` also carries `google.rpc.BadRequest` \
         with every wrong field; those marked carry `google.rpc.RetryInfo`. `CURSOR_EXPIRED` and `TIME_EXPIRED` have the \
         oldest cursor in the metadata `oldest_cursor`, in hexadecimal; `MESSAGE_TOO_LARGE` has `limit_bytes`. What a single \
         report was rejected for is in its receipt instead: [RejectReason](#rejectreason).\n\n\
         | reason | code | RetryInfo | when |\n|---|---|---|---|\n",
    );
    for ((code, reason), (retry, meaning)) in rows {
        writeln!(text, "| `{reason}` | `{code}` | {} | {meaning} |", if retry { "yes" } else { "" }).unwrap();
    }
    text
}

/// By code and reason: whether it may carry RetryInfo, and when it comes.
type Rows = BTreeMap<(String, String), (bool, String)>;

fn rows(codes: &BTreeMap<String, (String, String)>, meanings: &BTreeMap<String, String>, retries: &[String]) -> Rows {
    let mut rows = Rows::new();
    for (variant, answer) in codes {
        let meaning = meanings.get(variant).unwrap_or_else(|| panic!("{variant} has no comment"));
        let (retry, text) = rows.entry(answer.clone()).or_default();
        *retry |= retries.contains(variant);
        if !text.is_empty() {
            text.push_str(" Or: ");
        }
        text.push_str(meaning);
    }
    rows
}

/// `Self::Variant(_) => (Code::NotFound, "NOT_FOUND")`: variant to code and reason.
fn codes(source: &str) -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    let flat = source.split_whitespace().collect::<Vec<_>>().join(" ").replace("( Code::", "(Code::");
    for (before, after) in flat.match_indices("(Code::").map(|(at, found)| (&flat[..at], &flat[at + found.len()..])) {
        let Some((code, rest)) = after.split_once(", \"") else { continue };
        let Some(reason) = rest.split_once('"').map(|(reason, _)| reason) else { continue };
        let before = before.trim_end_matches(['{', ' ']).trim_end_matches("=>");
        // Several variants may share an arm; what stands before the arm is another's.
        for variant in variants(before.rsplit("=>").next().unwrap_or_default()) {
            found.insert(variant, (shouted(code), reason.to_owned()));
        }
    }
    found
}

/// The meaning of each variant of an enum that is there.
fn meanings_of((path, name, _): &(&str, &str, &str)) -> BTreeMap<String, String> {
    if root().join(path).exists() { meanings(&document(path).text, name) } else { BTreeMap::new() }
}

/// What is said of each variant: its error's text, or its comment.
fn meanings(source: &str, name: &str) -> BTreeMap<String, String> {
    let open = format!("pub enum {name} {{");
    let body = source.split_once(&open).and_then(|(_, rest)| rest.split_once("\n}")).unwrap().0;
    let (mut found, mut comment) = (BTreeMap::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment.push(text.to_owned());
        } else if let Some((text, _)) = line.strip_prefix("#[error(\"").and_then(|rest| rest.split_once('"')) {
            comment = vec![sentence(text)];
        } else if line.starts_with(char::is_uppercase) {
            let name = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            found.insert(name.to_owned(), when(&comment.join(" ")));
            comment.clear();
        }
    }
    found
}

/// A comment without what it says of the variant's own fields, which stands behind a colon or semicolon.
fn when(comment: &str) -> String {
    let text = comment.split([':', ';']).next().unwrap_or_default().trim_end_matches('.');
    format!("{}.", text.replace('|', "\\|"))
}

fn sentence(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}.", first.to_uppercase())
}

/// Variants whose details hold RetryInfo.
fn with_retry(source: &str) -> Vec<String> {
    let body = source.split_once("fn details(").and_then(|(_, rest)| rest.split_once("\n    }")).unwrap().0;
    let parts: Vec<&str> = body.split("=>").collect();
    let arms = parts.windows(2).filter(|pair| pair[1].contains("set_retry_info"));
    let found: Vec<String> =
        arms.flat_map(|pair| variants(pair[0].rsplit(['{', '}']).next().unwrap_or_default())).collect();
    assert!(!found.is_empty(), "src/grpc/status.rs: where is RetryInfo set?");
    found
}

fn variants(pattern: &str) -> impl Iterator<Item = String> {
    let parts = ENUMS.iter().flat_map(move |(_, _, prefix)| pattern.split(prefix).skip(1));
    parts.map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        rest[..end].to_owned()
    })
}

/// `NotFound` as gRPC writes it.
fn shouted(code: &str) -> String {
    let mut text = String::new();
    for c in code.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

#[test]
fn the_map_of_errors_is_read_as_it_is_written() {
    let source = "pub enum Problem {\n    /// Gone: its name.\n    Lost(String),\n    /// Wait\n    /// a little.\n    Busy,\n}\n\
                  pub enum Refused {\n    /// x\n    #[error(\"it is not known\")]\n    Unknown,\n}\n\
                  fn details(\n match self { Self::Lost(_) => {} Self::Busy => { x.set_retry_info(1) }\n    }\n\
                  match self { Self::Lost(_) => (Code::NotFound, \"LOST\"), Self::Refused(why) => refused(*why),\n\
                  Self::Busy => {\n (Code::Unavailable, \"BUSY\")\n } }\n\
                  match why { Refused::Unknown | Refused::Other => (\n Code::Unauthenticated,\n \"WHO\",\n \"be gone\") }";
    let pair = |code: &str, reason: &str| (code.to_owned(), reason.to_owned());
    let codes = codes(source);
    assert_eq!(codes.keys().collect::<Vec<_>>(), ["Busy", "Lost", "Other", "Unknown"]);
    assert_eq!((&codes["Lost"], &codes["Busy"]), (&pair("NOT_FOUND", "LOST"), &pair("UNAVAILABLE", "BUSY")));
    assert_eq!(codes["Other"], pair("UNAUTHENTICATED", "WHO"));
    assert_eq!(meanings(source, "Problem")["Busy"], "Wait a little.");
    assert_eq!(meanings(source, "Problem")["Lost"], "Gone.");
    assert_eq!(meanings(source, "Refused")["Unknown"], "It is not known.");
    assert_eq!(with_retry(source), ["Busy"]);
}
