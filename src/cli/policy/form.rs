//! A policy as text: the commented default as the form, the values as they are.

use serde_json::{Map, Value};

use crate::client::json::{self, JsonError};
use crate::client::pb;

/// What a policy sets, by the names of the API's fields.
pub(super) type Fields = Map<String, Value>;

/// The default with its comments; a test holds it equal to the values the rules use.
pub(super) const DEFAULT: &str = include_str!("../../register/default_policy.toml");

/// Fields that say which version it is, not what it sets.
const ABOUT: [&str; 5] = ["name", "version", "etag", "effective_time", "record_time"];

/// What a policy sets.
pub(super) fn fields(policy: &pb::Policy) -> Result<Fields, JsonError> {
    let Value::Object(fields) = snake(json::to_value(policy)?) else { return Ok(Fields::new()) };
    Ok(fields.into_iter().filter(|(key, _)| !ABOUT.contains(&key.as_str())).collect())
}

/// Names as they stand in the protos. Ids of rules and codes have no capital letters, and stay as they are.
fn snake(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (snake_name(&k), snake(v))).collect()),
        Value::Array(values) => Value::Array(values.into_iter().map(snake).collect()),
        other => other,
    }
}

fn snake_name(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// The keys of single values, in the order of the form.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    let single = DEFAULT.lines().take_while(|line| !line.starts_with('['));
    single.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = ")).map(|(key, _)| key)
}

/// As TOML in the order of the form: what is set, and with its comments everything.
pub(super) fn text(fields: &Fields, comments: bool) -> String {
    let (mut text, mut comment) = (String::new(), String::new());
    let mut section = "";
    for line in DEFAULT.lines() {
        if line.is_empty() || line.starts_with('#') {
            comment.push_str(line);
            comment.push('\n');
            continue;
        }
        let entry = if line.starts_with('[') {
            let name = line.trim_matches(['[', ']']);
            // All tables of one name are written where its first one stands.
            let first = section != name;
            section = name;
            fields.get(name).filter(|_| first).map(|value| tables(name, value))
        } else if section.is_empty() {
            line.split_once(" = ").and_then(|(key, default)| Some(single(key, fields.get(key)?, default)))
        } else {
            continue;
        };
        if let Some(entry) = entry {
            if comments {
                text.push_str(&comment);
            }
            text.push_str(&entry);
        }
        comment.clear();
    }
    text
}

/// A value; with what it would be by default when it is not that.
fn single(key: &str, value: &Value, default: &str) -> String {
    let value = toml(value);
    let note = if value == default { String::new() } else { format!(" # default: {default}") };
    format!("{key} = {value}{note}\n")
}

fn tables(name: &str, value: &Value) -> String {
    let lines =
        |map: &Fields| map.iter().map(|(k, v)| format!("{} = {}\n", key(k), toml(v))).collect::<Vec<_>>().concat();
    match value {
        Value::Array(entries) => {
            let entries = entries.iter().filter_map(Value::as_object);
            entries.map(|entry| format!("[[{name}]]\n{}", lines(entry))).collect::<Vec<_>>().join("\n")
        }
        Value::Object(map) => format!("[{name}]\n{}", lines(map)),
        _ => String::new(),
    }
}

/// A key, quoted when it is not a plain word.
fn key(key: &str) -> String {
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain { key.to_owned() } else { Value::from(key).to_string() }
}

/// JSON's numbers, booleans and texts are TOML's.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// What a TOML text sets.
pub(super) fn from_toml(text: &str) -> Result<Fields, String> {
    use ::config::{File, FileFormat, Source};
    let read = File::from_str(text, FileFormat::Toml).collect();
    let read =
        read.map_err(|e| format!("not TOML: {}", e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
    Ok(read.into_iter().map(|(k, v)| (k, from_config(v))).collect())
}

fn from_config(value: ::config::Value) -> Value {
    use ::config::ValueKind;
    match value.kind {
        ValueKind::Nil => Value::Null,
        ValueKind::Boolean(b) => b.into(),
        ValueKind::I64(n) => n.into(),
        ValueKind::U64(n) => n.into(),
        ValueKind::I128(n) => n.to_string().into(),
        ValueKind::U128(n) => n.to_string().into(),
        ValueKind::Float(n) => n.into(),
        ValueKind::String(text) => text.into(),
        ValueKind::Table(map) => Value::Object(map.into_iter().map(|(k, v)| (k, from_config(v))).collect()),
        ValueKind::Array(values) => values.into_iter().map(from_config).collect(),
    }
}
