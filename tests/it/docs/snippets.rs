//! Code that docs/integration.md shows is code of examples/, and the id that it gives as an example is right.

use std::fs;

use uuid::Uuid;

use super::markdown::{document, root};
use crate::service::foreign::{program, python};
use crate::support::process::said;

const GUIDE: &str = "docs/integration.md";
/// The recipe's namespace and the name of its example, as the guide gives them.
const NAMESPACE: &str = "a5bbb463-a9ae-53a0-a82f-f0019fd792ca";
const NAME: &str = "BEDS|organisations/RJ1/wards/A7|1461664320000000|0|patients";

#[test]
fn code_in_the_guide_is_code_of_the_examples() {
    let guide = document(GUIDE);
    let mut quoted = 0;
    for block in guide.blocks() {
        let Some(path) = block.before.strip_prefix("<!-- from: ").and_then(|rest| rest.strip_suffix(" -->")) else {
            assert!(
                !["python", "java", "go", "csharp"].contains(&block.language),
                "{GUIDE}:{}: say which file of examples/ this is from: <!-- from: PATH -->",
                block.line
            );
            continue;
        };
        quoted += 1;
        let source = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{GUIDE}: {path}: {e}"));
        let bare = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        assert!(
            bare(&source).contains(bare(&block.text).trim()),
            "{GUIDE}:{}: {path} does not hold this:\n{}",
            block.line,
            block.text
        );
    }
    assert!(quoted >= 8, "{quoted} blocks");
}

#[test]
fn the_report_id_of_the_guides_example_is_the_one_it_says() {
    let id = Uuid::new_v5(&NAMESPACE.parse().unwrap(), NAME.as_bytes()).to_string();
    let guide = document(GUIDE).text;
    for part in [NAMESPACE, NAME, &id] {
        assert!(guide.contains(part), "{GUIDE} does not say {part}");
    }
}

#[test]
fn the_example_in_python_makes_the_same_report_id() {
    let Some(python) = python() else { return };
    let modules = root().join("examples/python");
    let output = program(&python, "examples/python/report_ids.py", &modules).output().unwrap();
    let (code, stdout, stderr) = said(&output);
    let id = Uuid::new_v5(&NAMESPACE.parse().unwrap(), NAME.as_bytes());
    assert_eq!((code, stdout.trim()), (Some(0), id.to_string().as_str()), "{stderr}");
}
