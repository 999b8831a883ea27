//! What must hold of any bytes at all: one function for each fuzz target, each of which panics if it does not. The
//! service includes this folder in its tests (`src/lib.rs`), which run them over the kept inputs (`kept.rs`); so a file
//! here names rooms by `crate::`, and nothing that only one of the two packages has.

mod configuration;
mod cursor;
#[cfg(test)]
mod kept;
mod report;
mod rows;

pub use configuration::configuration;
pub use cursor::cursor;
pub use report::report;
pub use rows::rows;

/// What people are told: something, in one line that cannot steer a terminal, and not a whole file of it. Text is in
/// errors so that its sender finds it; more of it than that may be about a patient.
fn is_an_error_of_one_line(text: &str, most: usize) {
    assert!(!text.trim().is_empty(), "an error says something");
    assert!(!text.chars().any(char::is_control), "one line without control characters: {text:?}");
    assert!(text.chars().count() <= most, "{} characters, at most {most}: {text}", text.chars().count());
}
