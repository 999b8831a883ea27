//! Messages as lines for people.

use anstyle::{AnsiColor, Style};

use crate::client::{instant, pb};

const CRITICAL: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();
const INFO: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default();

/// An event: when, what, how serious, where, which rule, the figures, and the id for `alerts show`.
pub(super) fn event(event: &pb::AlertEvent) -> String {
    let Some(alert) = &event.alert else { return format!("event {} without an alert", event.position) };
    let time = instant(event.event_time.or(alert.raise_time)).map_or_else(|| "-".to_owned(), |t| format!("{t:.0}"));
    let more = more(event, alert).map(|more| format!(" [{more}]")).unwrap_or_default();
    format!("{time}  {}  {}{more}", happened(event, alert), body(alert))
}

/// What an event tells beside the alert's figures: how it ended, who does what, to whom it went.
fn more(event: &pb::AlertEvent, alert: &pb::Alert) -> Option<String> {
    let by = event.cause.as_ref().filter(|c| c.kind() == pb::CauseKind::Responder);
    let by = by.map(|c| format!("by {}", spoken(c.role().as_str_name(), "RESPONDER_ROLE_")));
    match event.r#type() {
        pb::AlertEventType::Resolved => Some(bare(alert.resolution().as_str_name(), "RESOLUTION_").to_owned()),
        pb::AlertEventType::Acknowledged => alert.acknowledgement.as_ref().map(acknowledged),
        pb::AlertEventType::Unacknowledged => Some(by.unwrap_or_else(|| "lapsed".to_owned())),
        pb::AlertEventType::Escalated => alert.escalation.as_ref().map(escalated),
        _ => None,
    }
}

/// Who does what until when.
fn acknowledged(ack: &pb::Acknowledgement) -> String {
    let role = spoken(ack.role().as_str_name(), "RESPONDER_ROLE_");
    let action = spoken(ack.action().as_str_name(), "ACTION_CODE_");
    let until = instant(ack.expire_time).map_or_else(|| "-".to_owned(), |t| format!("{t:.0}"));
    format!("by {role}: {action}, until {until}")
}

/// To whom.
fn escalated(escalation: &pb::Escalation) -> String {
    format!("to {}", spoken(escalation.role().as_str_name(), "RESPONDER_ROLE_"))
}

/// An enum value's name as people say it: SITE_MANAGER is site manager.
pub(super) fn spoken(name: &str, prefix: &str) -> String {
    bare(name, prefix).to_ascii_lowercase().replace('_', " ")
}

/// What happened and how serious it is, in the colour of it. That figures are good again is worth a word of its own.
fn happened(event: &pb::AlertEvent, alert: &pb::Alert) -> String {
    let clearing = alert.condition() == pb::AlertCondition::Clearing;
    let what = match event.r#type() {
        pb::AlertEventType::Unspecified => "STANDING",
        pb::AlertEventType::Updated if clearing => "CLEARING",
        other => bare(other.as_str_name(), "ALERT_EVENT_TYPE_"),
    };
    let good = what == "CLEARING" || event.r#type() == pb::AlertEventType::Resolved;
    let style = if good { GOOD } else { style(alert.severity()) };
    format!("{style}{what:<16} {:<8}{style:#}", severity(alert.severity()))
}

/// An alert as it stands.
pub(super) fn alert(alert: &pb::Alert) -> String {
    let style = style(alert.severity());
    let since = instant(alert.raise_time).map_or_else(|| "-".to_owned(), |t| format!("{t:.0}"));
    let (severity, stands) = (severity(alert.severity()), stands(alert));
    format!("{since}  {style}{stands:<16} {severity:<8}{style:#}  {}", body(alert))
}

/// Everything about an alert, a line each.
pub(super) fn alert_in_full(alert: &pb::Alert) -> String {
    let time = |t| instant(t).map_or_else(|| "-".to_owned(), |t| t.to_string());
    let mut lines = vec![
        ("alert", alert.name.clone()),
        ("about", alert.subject.clone()),
        ("rule", [alert.rule.as_str(), alert.instance.as_str()].join(" ").trim_end().to_owned()),
        ("severity", format!("{} (highest {})", severity(alert.severity()), severity(alert.peak_severity()))),
        ("state", if alert.forecast { format!("{}, FORECAST", stands(alert)) } else { stands(alert) }),
        ("message", clean(&alert.message)),
        ("measured", fraction(alert.measured.as_ref())),
        ("limit", format!("{} ({})", fraction(alert.limit.as_ref()), alert.limit_source)),
        ("raised", time(alert.raise_time)),
    ];
    if alert.state() == pb::AlertState::Resolved {
        let how = bare(alert.resolution().as_str_name(), "RESOLUTION_").to_owned();
        lines.push(("resolved", format!("{} {how}", time(alert.resolve_time))));
    }
    if let Some(ack) = &alert.acknowledgement {
        let through = clean(&ack.client_system);
        let what = format!("{} {} through {through}", time(ack.acknowledge_time), acknowledged(ack));
        lines.push(("acknowledged", what));
    }
    if let Some(escalation) = &alert.escalation {
        lines.push(("escalated", format!("{} {}", time(escalation.escalate_time), escalated(escalation))));
    }
    if !alert.strike.is_empty() {
        lines.push(("strike", clean(&alert.strike)));
    }
    lines.push(("etag", alert.etag.clone()));
    for input in &alert.inputs {
        let block = bare(input.block().as_str_name(), "BLOCK_KIND_");
        let freshness = bare(input.freshness().as_str_name(), "FRESHNESS_");
        let from = format!("{block} from {} at {}, {freshness}", clean(&input.source), time(input.observed_time));
        lines.push(("judged on", format!("{from}, report {}", input.report_id)));
    }
    lines.iter().map(|(name, value)| format!("{name:<12} {value}")).collect::<Vec<_>>().join("\n")
}

/// An exact fraction and its unit: `28/3 patients per registered nurse`.
pub(super) fn fraction(fraction: Option<&pb::Fraction>) -> String {
    match fraction {
        Some(f) if f.denominator == 1 => format!("{} {}", f.numerator, clean(&f.unit)),
        Some(f) => format!("{}/{} {}", f.numerator, f.denominator, clean(&f.unit)),
        None => "-".to_owned(),
    }
}

/// An enum value's name without its prefix.
pub(super) fn bare<'a>(name: &'a str, prefix: &str) -> &'a str {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => "-",
        bare => bare,
    }
}

/// Text from the wire without control characters: a name must not be able to steer the terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn body(alert: &pb::Alert) -> String {
    let subject = alert.subject.replacen("organisations/", "", 1).replacen("/wards/", "/", 1);
    let id = alert.name.strip_prefix("alerts/").unwrap_or(&alert.name).get(..8).unwrap_or("-");
    // A forecast must not be taken for what is.
    let forecast = if alert.forecast { "FORECAST: " } else { "" };
    format!("{:<14} {:<20} {forecast}{}  ({id})", clean(&subject), clean(&alert.rule), clean(&alert.message))
}

fn stands(alert: &pb::Alert) -> String {
    let state = bare(alert.state().as_str_name(), "ALERT_STATE_");
    match alert.condition() {
        pb::AlertCondition::Clearing if alert.state() != pb::AlertState::Resolved => format!("{state}, CLEARING"),
        _ => state.to_owned(),
    }
}

fn severity(severity: pb::Severity) -> &'static str {
    bare(severity.as_str_name(), "SEVERITY_")
}

fn style(severity: pb::Severity) -> Style {
    match severity {
        pb::Severity::Critical => CRITICAL,
        pb::Severity::Warning => WARNING,
        pb::Severity::Info => INFO,
        pb::Severity::Unspecified => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::json;

    #[test]
    fn an_event_is_one_line_with_figures_and_the_id_to_show_it() {
        let text = r#"{"position":"7","eventTime":"2016-04-26T10:52:00.123Z","type":"ALERT_EVENT_TYPE_RAISED","alert":{
            "name":"alerts/1a2b3c4d-0000-8000-8000-000000000000","subject":"organisations/RJ1/wards/A7",
            "rule":"ratio.over_limit","severity":"SEVERITY_WARNING","message":"Ward A7:\u001b[2J 28 patients"}}"#;
        let line = event(&json::from_str(text).unwrap());
        let plain = anstream::adapter::strip_str(&line).to_string();
        let expected = "2016-04-26T10:52:00Z  RAISED           WARNING   RJ1/A7         ratio.over_limit     \
                        Ward A7: [2J 28 patients  (1a2b3c4d)";
        assert_eq!(plain, expected);
        assert_ne!(plain, line, "a severity has a colour");
    }

    #[test]
    fn a_forecast_is_marked_and_an_acknowledgement_says_who_does_what() {
        let text = r#"{"type":"ALERT_EVENT_TYPE_ACKNOWLEDGED","alert":{"rule":"cover.plan_gap","forecast":true,
            "severity":"SEVERITY_CRITICAL","message":"2 doctors","acknowledgement":{"role":"RESPONDER_ROLE_SITE_MANAGER",
            "action":"ACTION_CODE_BANK_REQUESTED","expireTime":"2016-04-26T10:00:00Z"}}}"#;
        let plain = anstream::adapter::strip_str(&event(&json::from_str(text).unwrap())).to_string();
        assert!(plain.contains("FORECAST: 2 doctors"), "{plain}");
        assert!(plain.ends_with("[by site manager: bank requested, until 2016-04-26T10:00:00Z]"), "{plain}");
    }
}
