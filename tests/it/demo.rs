//! The acceptance story: 26 April 2016, played by the real binary.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::process::{said, wardwatch};

/// The alert log of both days as it was when somebody last looked at each line of it.
const KNOWN: &str = include_str!("../demo_alert_log.txt");

/// A demo: what it printed, its alert log, and how long it took.
struct Played {
    text: String,
    log: String,
    took: Duration,
}

static PLAYED: LazyLock<Played> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.txt");
    let started = Instant::now();
    let output = wardwatch(&["demo", "--log", path.to_str().unwrap()]).output().unwrap();
    let took = started.elapsed();
    let (code, text, stderr) = said(&output);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{text}");
    Played { text, log: std::fs::read_to_string(path).unwrap(), took }
});

#[test]
fn the_alert_log_of_26_april_2016_is_the_one_we_know() {
    let log = &PLAYED.log;
    let changed = KNOWN.lines().zip(log.lines()).find(|(known, now)| known != now);
    let how = "If each change is meant: cargo run -- demo --log tests/demo_alert_log.txt";
    assert_eq!(changed, None, "the first line that differs (known, now). {how}");
    assert_eq!(log.lines().count(), KNOWN.lines().count(), "more or fewer events. {how}");
}

#[test]
fn the_story_is_told_in_under_forty_lines_and_thirty_seconds() {
    let Played { text, took, .. } = &*PLAYED;
    assert!(text.lines().count() < 40, "{text}");
    assert!(*took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn the_story_tells_what_was_seen_in_the_order_of_the_days() {
    let mut rest = PLAYED.text.as_str();
    for seen in [
        "25 Apr 14:00  strikes/bma-2016-04-26 of BMA, RESIDENT_DOCTORS, FULL_WITHDRAWAL, EMERGENCY_ONLY",
        "26 Apr 08:00 to 26 Apr 17:00 and 27 Apr 08:00 to 27 Apr 17:00",
        "A gap is forecast: Cover group GENMED: doctors planned below minimum: tier 2 1 of 2",
        "PLAN_REPLACED",
        "26 Apr 08:00  The window opens, no report arrives, the clock raises CRITICAL: Cover group GENMED",
        "BEDS, ROSTER, MEDROTA: Ward A3: 9.3 patients per nurse",
        "had 2+1+2 = 5 doctors and have 2+2+1 = 5",
        "26 Apr 09:00  One WARNING for the whole organisation: WW1: no cover return from 1 of 3 cover groups",
        "STAFFING_IMPROVED",
        "GENMED tier 2: minimum 2, planned 2, granted 1",
        "0 missed, 0 twice",
        "WARNING and STALE, not green",
        "Acknowledged by MATRON, REDEPLOYING",
        "SEVERITY_CHANGED to CRITICAL, hence UNACKNOWLEDGED: Ward A6: 26 patients, 2 registered nurses: 13 per nurse",
        "26 Apr 17:00  The window closes on another hole",
        "WINDOW_ENDED",
        "tier 2 at 1 of 2 and 0 cover alerts, but 3 wards above 8",
        "4,187 inpatient + 8,524 day case = 12,711 operations, 112,856 outpatient appointments",
        "125,567 together",
        "the survey counted eight or more (12 of 17), the article more than eight (9 of 17)",
        "none twice",
    ] {
        let at = rest.find(seen).unwrap_or_else(|| panic!("not told, or not then: {seen}\n{}", PLAYED.text));
        rest = &rest[at + seen.len()..];
    }
}

/// A demo that goes on, killed when dropped.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_demo_that_is_kept_answers_the_three_commands_it_names() {
    let mut demo = Kept(wardwatch(&["demo", "--keep"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<String> = lines.by_ref().take_while(|line| line != "Ctrl-C ends it.").collect();
    let commands: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("   wardwatch ")).collect();
    assert_eq!(commands.len(), 3, "{told:?}");
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let (code, text, stderr) = said(&wardwatch(&words).output().unwrap());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{command}");
        assert!(!text.is_empty(), "{command}");
    }
    let asked = std::process::Command::new("kill").args(["-INT", &demo.0.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert_eq!(demo.0.wait().unwrap().code(), Some(0), "the first Ctrl-C ends it in order");
}
