//! The protobuf JSON mapping, from the API's own descriptors: camelCase or original names in, camelCase out.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::de::Deserializer;
use serde_json::Value;

use super::pb;

/// What is wrong with a text that should be a message in JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

/// A message that this client reads or writes as JSON.
pub trait Mapped: Message + Default {
    /// Its full name in the protos.
    const NAME: &'static str;
}

impl Mapped for pb::StaffingReport {
    const NAME: &'static str = "wardwatch.v1.StaffingReport";
}
impl Mapped for pb::ReportReceipt {
    const NAME: &'static str = "wardwatch.v1.ReportReceipt";
}
impl Mapped for pb::Activity {
    const NAME: &'static str = "wardwatch.v1.Activity";
}
impl Mapped for pb::Situation {
    const NAME: &'static str = "wardwatch.v1.Situation";
}
impl Mapped for pb::Alert {
    const NAME: &'static str = "wardwatch.v1.Alert";
}
impl Mapped for pb::AuditEntry {
    const NAME: &'static str = "wardwatch.v1.AuditEntry";
}
impl Mapped for pb::AlertEvent {
    const NAME: &'static str = "wardwatch.v1.AlertEvent";
}
impl Mapped for pb::Organisation {
    const NAME: &'static str = "wardwatch.v1.Organisation";
}
impl Mapped for pb::Ward {
    const NAME: &'static str = "wardwatch.v1.Ward";
}
impl Mapped for pb::GetWardResponse {
    const NAME: &'static str = "wardwatch.v1.GetWardResponse";
}
impl Mapped for pb::Strike {
    const NAME: &'static str = "wardwatch.v1.Strike";
}
impl Mapped for pb::CreateStrikeResponse {
    const NAME: &'static str = "wardwatch.v1.CreateStrikeResponse";
}
impl Mapped for pb::UpdateStrikeResponse {
    const NAME: &'static str = "wardwatch.v1.UpdateStrikeResponse";
}
impl Mapped for pb::CallOffStrikeResponse {
    const NAME: &'static str = "wardwatch.v1.CallOffStrikeResponse";
}
impl Mapped for pb::RecordDerogationResponse {
    const NAME: &'static str = "wardwatch.v1.RecordDerogationResponse";
}
impl Mapped for pb::GetStrikeResponse {
    const NAME: &'static str = "wardwatch.v1.GetStrikeResponse";
}
impl Mapped for pb::GetStrikeCoverResponse {
    const NAME: &'static str = "wardwatch.v1.GetStrikeCoverResponse";
}
impl Mapped for pb::CoverGroup {
    const NAME: &'static str = "wardwatch.v1.CoverGroup";
}
impl Mapped for pb::GetCoverGroupResponse {
    const NAME: &'static str = "wardwatch.v1.GetCoverGroupResponse";
}

impl Mapped for pb::Policy {
    const NAME: &'static str = "wardwatch.v1.Policy";
}
impl Mapped for pb::UpdatePolicyResponse {
    const NAME: &'static str = "wardwatch.v1.UpdatePolicyResponse";
}

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(crate::wire::DESCRIPTORS).unwrap_or_default());

fn descriptor<M: Mapped>() -> Result<MessageDescriptor, JsonError> {
    POOL.get_message_by_name(M::NAME).ok_or_else(|| JsonError(format!("{} is not in the descriptors", M::NAME)))
}

fn dynamic<M: Mapped>(message: &M) -> Result<DynamicMessage, JsonError> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message).map_err(|e| JsonError(e.to_string()))?;
    Ok(dynamic)
}

/// A message as one line of JSON.
pub fn to_string<M: Mapped>(message: &M) -> Result<String, JsonError> {
    serde_json::to_string(&dynamic(message)?).map_err(|e| JsonError(e.to_string()))
}

/// A message as a JSON value.
pub fn to_value<M: Mapped>(message: &M) -> Result<Value, JsonError> {
    serde_json::to_value(dynamic(message)?).map_err(|e| JsonError(e.to_string()))
}

/// A message from JSON text; an unknown field is an error that names it.
pub fn from_str<M: Mapped>(text: &str) -> Result<M, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message = from(&mut deserializer).map_err(|e| explain(&e, text))?;
    deserializer.end().map_err(|e| explain(&e, text))?;
    Ok(message)
}

/// A message from a JSON value.
pub fn from_value<M: Mapped>(value: Value) -> Result<M, JsonError> {
    from(value).map_err(|e: serde_json::Error| explain(&e, ""))
}

/// The names of an enum's values without its prefix and without UNSPECIFIED: for `WardKind`, ADULT_INPATIENT and on.
pub fn enum_values(name: &str) -> Vec<String> {
    let Some(found) = POOL.get_enum_by_name(&format!("wardwatch.v1.{name}")) else { return Vec::new() };
    let names: Vec<String> = found.values().map(|v| v.name().to_owned()).collect();
    let prefix = names.first().and_then(|n| n.strip_suffix("UNSPECIFIED")).unwrap_or_default().to_owned();
    names.iter().skip(1).map(|n| n.strip_prefix(&prefix).unwrap_or(n).to_owned()).collect()
}

/// The scalar fields of a message: (name, whether it may be absent). For the test that no count is forgotten.
#[cfg(test)]
pub(crate) fn field_names(message: &str) -> Vec<String> {
    let found = POOL.get_message_by_name(&format!("wardwatch.v1.{message}"));
    found.map(|m| m.fields().map(|f| f.name().to_owned()).collect()).unwrap_or_default()
}

fn from<'de, M: Mapped, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    use serde::de::Error;
    let descriptor = descriptor::<M>().map_err(D::Error::custom)?;
    let dynamic = DynamicMessage::deserialize(descriptor, deserializer)?;
    dynamic.transcode_to().map_err(D::Error::custom)
}

/// One line of text has no use for "line 1": only the column is kept, and the field it is in.
fn explain(error: &serde_json::Error, text: &str) -> JsonError {
    let said = error.to_string();
    let what = &in_one_line(said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what));
    let before = text.get(..error.column()).unwrap_or_default();
    // A name that is not known stands after the last key that is.
    let key = last_key(before).map(in_one_line).filter(|_| !what.starts_with("unrecognized field name"));
    match (error.is_data(), key, error.column()) {
        (false, _, column) => JsonError(format!("not JSON: {what} (column {column})")),
        (true, _, 0) => JsonError(what.to_owned()),
        (true, Some(key), column) => JsonError(format!("{key}: {what} (column {column})")),
        (true, _, column) => JsonError(format!("{what} (column {column})")),
    }
}

/// As much as a terminal and a log should be told: what is in the text may be long, and may be about a patient.
fn in_one_line(text: &str) -> String {
    const MOST: usize = 160;
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    if text.chars().count() > MOST {
        line.push('…');
    }
    line
}

/// The last `"key":` of a text.
fn last_key(text: &str) -> Option<&str> {
    let end = text.rfind("\":")?;
    text[..end].rsplit_once('"').map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<pb::StaffingReport, String> {
        from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn both_forms_of_a_name_are_read_and_nothing_is_not_zero() {
        let camel = read(r#"{"reportId":"x","patients":{"bedded":0},"nursing":{"registeredNurses":3}}"#).unwrap();
        let snake = read(r#"{"report_id":"x","patients":{"bedded":0},"nursing":{"registered_nurses":3}}"#).unwrap();
        assert_eq!(camel, snake);
        let patients = camel.patients.unwrap();
        assert_eq!((patients.bedded, patients.boarded), (Some(0), None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read("hello").unwrap_err(), "not JSON: expected value (column 1)");
        assert!(read(r#"{"patients":{"#).unwrap_err().starts_with("not JSON: EOF"));
        assert!(read(r#"{"patients":{"beds":3}}"#).unwrap_err().starts_with("unrecognized field name 'beds'"));
        let many = read(r#"{"patients":{"bedded":"many"}}"#).unwrap_err();
        assert!(many.starts_with("bedded: ") && many.ends_with("(column 28)"), "{many}");
        let long = read(&format!(r#"{{"note\n{}":1}}"#, "x".repeat(900))).unwrap_err();
        assert!(long.starts_with("unrecognized field name 'note xxx") && long.len() < 200, "{long}");
        assert!(read("{} {}").unwrap_err().starts_with("not JSON: trailing"));
        assert!(read(r#"{"observedTime":"2016-04-26 08:00"}"#).is_err());
        assert!(read("[]").is_err());
    }

    #[test]
    fn enum_values_come_without_their_prefix() {
        assert_eq!(enum_values("WardState"), ["OPEN", "CLOSED"]);
        assert!(enum_values("WardKind").contains(&"ADULT_INPATIENT".to_owned()));
    }

    #[test]
    fn an_alert_is_written_as_the_mapping_says() {
        let alert = pb::Alert { name: "alerts/1".into(), severity: 3, ..Default::default() };
        assert_eq!(to_string(&alert).unwrap(), r#"{"name":"alerts/1","severity":"SEVERITY_CRITICAL"}"#);
    }
}
