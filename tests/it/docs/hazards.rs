//! The hazard log: each hazard has its controls, and the tests that prove them are there.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use super::markdown::{code, document, root};

/// What each hazard must say.
const PARTS: [&str; 7] = ["Cause", "Effect", "Controls", "Proved by", "Initial risk", "Residual risk", "Status"];
/// Hazards of the design (domain.md section 8).
const HAZARDS: usize = 25;

/// Functions of the source tree that are tests.
pub(super) fn tests() -> HashSet<String> {
    let (mut found, mut folders) = (HashSet::new(), vec![root().join("src"), root().join("tests")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.extend(tests_of(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// A test's attribute stands above its name, perhaps with others between.
fn tests_of(text: &str) -> Vec<String> {
    let (mut found, mut marked) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            found.extend(rest.split_once('(').map(|(name, _)| name.to_owned()));
            marked = false;
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            marked = false;
        }
    }
    found
}

/// The hazards: heading and lines.
fn hazards(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### H-") {
            found.push((heading, Vec::new()));
        } else if line.starts_with('#') {
            found.push(("", Vec::new()));
        } else if let Some((_, lines)) = found.last_mut() {
            lines.push(line);
        }
    }
    found.retain(|(heading, _)| !heading.is_empty());
    found
}

#[test]
fn every_hazard_has_controls_and_tests_that_exist() {
    let (log, tests) = (document("docs/hazard-log.md"), tests());
    let hazards = hazards(&log.text);
    assert!(hazards.len() >= HAZARDS, "{} hazards", hazards.len());
    let mut wrong = Vec::new();
    for (n, (heading, lines)) in hazards.iter().enumerate() {
        if !heading.starts_with(&format!("{:02} ", n + 1)) {
            wrong.push(format!("H-{heading}: expected number {:02}", n + 1));
        }
        for part in PARTS {
            if !lines.iter().any(|line| line.starts_with(&format!("- **{part}.** "))) {
                wrong.push(format!("H-{heading}: says nothing of '{part}'"));
            }
        }
        let proofs: Vec<&str> =
            lines.iter().filter(|l| l.starts_with("- **Proved by.** ")).flat_map(|line| code(line)).collect();
        if proofs.is_empty() {
            wrong.push(format!("H-{heading}: no test proves its control"));
        }
        let missing = proofs.iter().filter(|name| !tests.contains(**name));
        wrong.extend(missing.map(|name| format!("H-{heading}: there is no test {name}")));
    }
    assert!(wrong.is_empty(), "docs/hazard-log.md:\n{}", wrong.join("\n"));
}

#[test]
fn tests_that_other_documents_name_exist() {
    let tests = tests();
    let (mut named, mut missing) = (0, Vec::new());
    for path in ["SECURITY.md", "docs/integration.md", "docs/privacy.md"] {
        let document = document(path);
        for name in document.prose().flat_map(|(_, line)| code(line)).filter(|text| is_sentence(text)) {
            named += 1;
            missing.extend((!tests.contains(name)).then(|| format!("{path}: {name}")));
        }
    }
    assert!(named > 10, "there is something to read: {named}");
    assert!(missing.is_empty(), "there are no such tests: {missing:?}");
}

/// Six words or more with underscores between: no setting and no metric has so many.
fn is_sentence(text: &str) -> bool {
    text.matches('_').count() >= 5 && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn a_test_is_told_from_other_functions() {
    let text =
        "#[tokio::test(flavor = \"x\")]\n#[ignore]\nasync fn a_test() {}\nfn helper() {}\n#[test]\nfn b_test() {}\n";
    assert_eq!(tests_of(text), ["a_test", "b_test"]);
}
