//! The fields of the service's log lines, each in the list of docs/operations.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::markdown::{code, document, root};

/// What is logged by commands that are clients, or on purpose of a test.
const NOT_THE_SERVICE: [&str; 2] = ["src/client", "src/faults.rs"];
const LEVELS: [&str; 4] = ["debug!(", "error!(", "info!(", "warn!("];

/// Fields by name, with a file that has each.
fn fields() -> BTreeMap<String, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            if NOT_THE_SERVICE.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.extend(fields_of(shipped).into_iter().map(|field| (field, name.clone())));
            }
        }
    }
    found
}

/// What stands before the message in each logging macro: `%name`, `?name`, `name`, `name = value`.
fn fields_of(text: &str) -> Vec<String> {
    let calls = LEVELS.iter().flat_map(|level| text.match_indices(level).map(|(at, found)| &text[at + found.len()..]));
    let before_message = |rest| parts(rest).into_iter().take_while(|part| !part.starts_with('"'));
    calls.flat_map(before_message).filter_map(field).collect()
}

/// The field that an argument is, if it is one.
fn field(part: &str) -> Option<String> {
    let bare = part.trim_start_matches(['%', '?']);
    let end = bare.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(bare.len());
    let (name, rest) = bare.split_at(end);
    let is_field = !name.is_empty() && (rest.trim().is_empty() || rest.trim_start().starts_with('='));
    is_field.then(|| name.to_owned())
}

/// The arguments of a call, up to its end.
fn parts(rest: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0_u32, false, false);
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ',' if depth == 0 => {
                parts.push(rest[from..at].trim());
                from = at + 1;
            }
            ')' | ']' | '}' if depth == 0 => {
                parts.push(rest[from..at].trim());
                break;
            }
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    parts
}

#[test]
fn every_field_of_a_log_line_is_in_the_list() {
    let text = document("docs/operations.md").text;
    let section = text.split_once("\n## Logs\n").and_then(|(_, rest)| rest.split_once("\n## ")).unwrap().0;
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let listed: Vec<&str> = rows.flat_map(|row| code(row.split('|').nth(1).unwrap_or_default())).collect();
    let fields = fields();
    assert!(fields.len() > 15, "there is something to read: {fields:?}");
    let missing: Vec<_> = fields.iter().filter(|(field, _)| !listed.contains(&field.as_str())).collect();
    assert!(missing.is_empty(), "docs/operations.md, Logs, lacks {missing:?}");
}

#[test]
fn the_fields_of_a_line_are_read_as_they_are_written() {
    let line = "info!(%peer, reason = \"a, b\", ?numbers, streams = *left, target: \"x\", count, \"a {word}\", other)";
    assert_eq!(fields_of(line), ["peer", "reason", "numbers", "streams", "count"]);
}
