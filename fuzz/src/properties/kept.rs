//! The kept inputs, run by the ordinary suite: what the fuzzer starts from, and every input that broke something once.

use std::fs;
use std::path::{Path, PathBuf};

/// Fewest inputs a target starts from: a folder that went missing must not pass for one that holds.
const FEWEST: usize = 10;

/// Files of `fuzz/{kind}/{target}`, by name. None if the folder is not there.
fn files(kind: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

fn hold(target: &str, property: fn(&[u8])) {
    let corpus = files("corpus", target);
    assert!(corpus.len() >= FEWEST, "fuzz/corpus/{target} has {} inputs, at least {FEWEST}", corpus.len());
    let broken = corpus.into_iter().chain(files("regressions", target)).filter(|file| {
        let bytes = fs::read(file).unwrap();
        std::panic::catch_unwind(|| property(&bytes)).is_err()
    });
    let broken: Vec<_> = broken.map(|file| file.display().to_string()).collect();
    assert!(broken.is_empty(), "the property {target} does not hold (see above) of\n{}", broken.join("\n"));
}

#[test]
fn every_kept_input_of_a_report_is_taken_or_refused_by_field() {
    hold("report", super::report);
}

#[test]
fn every_kept_cursor_is_one_of_ours_or_none() {
    hold("cursor", super::cursor);
}

#[test]
fn every_kept_configuration_is_an_error_of_one_line_or_prints_what_it_means() {
    hold("configuration", super::configuration);
}

#[test]
fn every_kept_file_of_rows_has_a_row_for_each_line() {
    hold("rows", super::rows);
}
