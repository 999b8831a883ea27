//! Commands that documents show: their subcommands and flags are those of the binary.

use std::collections::HashMap;

use super::markdown::{Document, code, documents};
use crate::support::process::{said, wardwatch};

/// What the binary says of each command, asked once.
#[derive(Default)]
struct Helps(HashMap<Vec<String>, String>);

impl Helps {
    fn of(&mut self, path: &[String]) -> &str {
        self.0.entry(path.to_vec()).or_insert_with(|| {
            let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
            let (code, stdout, stderr) = said(&wardwatch(&arguments).output().unwrap());
            assert_eq!(code, Some(0), "{path:?}: {stderr}");
            stdout
        })
    }

    fn has_command(&mut self, path: &[String], name: &str) -> bool {
        let listed = self.of(path).split_once("Commands:\n").map(|(_, rest)| rest).unwrap_or_default();
        let found =
            listed.lines().take_while(|line| !line.is_empty()).any(|line| line.split_whitespace().next() == Some(name));
        found || path.is_empty() && is_alias(name)
    }

    fn has_flag(&mut self, path: &[String], flag: &str) -> bool {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
        let help = self.of(path);
        help.match_indices(flag).any(|(at, found)| ends(&help[at + found.len()..]))
    }

    /// What is wrong with a command line.
    fn wrong(&mut self, line: &str) -> Option<String> {
        let words = words(line);
        let (mut path, mut flags) = (Vec::new(), Vec::new());
        for word in words.iter().skip(1) {
            if let Some(flag) = word.strip_prefix("--").filter(|f| !f.is_empty()) {
                flags.push(format!("--{}", flag.split('=').next().unwrap_or_default()));
            } else if self.has_command(&path, word) {
                path.push(word.clone());
            } else if path.is_empty() && flags.is_empty() && word != "help" && word.to_uppercase() != *word {
                return Some(format!("there is no command '{word}'"));
            }
        }
        let unknown = flags.into_iter().find(|flag| !self.has_flag(&path, flag));
        unknown.map(|flag| format!("'{}' takes no {flag}", path.join(" ")))
    }
}

/// Another name of a command is in no list.
fn is_alias(name: &str) -> bool {
    !name.starts_with('-') && wardwatch(&[name, "--help"]).output().unwrap().status.success()
}

/// Words up to the end of the command.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>' | '<' | ';' | '&' | '#' | ')') => break,
            (None, c) if c.is_whitespace() => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (_, c) => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Command lines of a document: in shell blocks, and in spans of code.
fn commands(document: &Document) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for block in document.blocks().iter().filter(|b| matches!(b.language, "sh" | "bash" | "console")) {
        let text = block.text.replace("\\\n", " ");
        for line in text.lines() {
            let parts = line.split(" | ").flat_map(|p| p.split(" && ")).map(str::trim);
            found.extend(parts.filter_map(command).map(|c| (block.line, c)));
        }
    }
    for (n, line) in document.prose() {
        found.extend(code(line).filter_map(command).map(|c| (n, c)));
    }
    found
}

fn command(text: &str) -> Option<String> {
    let text = text.strip_prefix("$ ").unwrap_or(text);
    (text.starts_with("wardwatch ")).then(|| text.to_owned())
}

#[test]
fn every_command_that_a_document_shows_exists_with_its_flags() {
    let (mut helps, mut wrong, mut count) = (Helps::default(), Vec::new(), 0);
    for document in documents() {
        for (line, command) in commands(&document) {
            count += 1;
            let why = helps.wrong(&command);
            wrong.extend(why.map(|why| format!("{}:{line}: {command}: {why}", document.path.display())));
        }
    }
    assert!(count > 40, "there is something to read: {count} commands");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_command_is_seen() {
    let mut helps = Helps::default();
    for good in ["wardwatch serve --listen 127.0.0.1:1", "wardwatch --version", "wardwatch sitrep --watch # comment"] {
        assert_eq!(helps.wrong(good), None, "{good}");
    }
    for bad in ["wardwatch sing", "wardwatch serve --loudly", "wardwatch strikes show x --list"] {
        assert!(helps.wrong(bad).is_some(), "{bad}");
    }
}
