//! Just enough Markdown: lines outside fences, headings, links, spans of code, fenced blocks.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which nothing is ours, or nothing is prose.
const NOT_OURS: [&str; 7] = ["target", "corpus", "regressions", "artifacts", "found", "node_modules", "migrations"];

/// A document of the project.
pub(super) struct Document {
    /// From the project's root.
    pub path: PathBuf,
    pub text: String,
}

/// A fenced block: its language, where it begins, the line before it, and what it holds.
pub(super) struct Block<'a> {
    pub language: &'a str,
    pub line: usize,
    pub before: &'a str,
    pub text: String,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document, in the order of their paths.
pub(super) fn documents() -> Vec<Document> {
    let (mut found, mut folders) = (Vec::new(), vec![root().to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Document { path: path.strip_prefix(root()).unwrap().to_path_buf(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// One document, by its path from the root.
pub(super) fn document(path: &str) -> Document {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    Document { path: path.into(), text }
}

impl Document {
    /// Lines of prose with their numbers: neither fences nor what is in them.
    pub fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fenced = false;
        self.text.lines().enumerate().filter_map(move |(n, line)| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            (!fence && !fenced && !line.starts_with("    ")).then_some((n + 1, line))
        })
    }

    /// Fenced blocks.
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let (mut found, mut open) = (Vec::new(), None::<Block<'_>>);
        let mut before = "";
        for (n, line) in self.text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => found.push(block),
                (Some(language), None) => {
                    open = Some(Block { language: language.trim(), line: n + 1, before, text: String::new() });
                }
                (None, Some(mut block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) if !line.trim().is_empty() => before = line,
                (None, None) => {}
            }
        }
        found
    }

    /// Where links may point: headings as GitHub names them, and anchors of our own.
    pub fn anchors(&self) -> Vec<String> {
        let (mut found, mut seen) = (Vec::new(), HashMap::<String, usize>::new());
        for (_, line) in self.prose() {
            if let Some(heading) = heading(line) {
                let slug = slug(heading);
                let count = seen.entry(slug.clone()).or_default();
                found.push(if *count == 0 { slug } else { format!("{slug}-{count}") });
                *count += 1;
            }
            found.extend(line.split("<a id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
        found
    }

    /// Destinations of links, with their lines.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (n, line) in self.prose() {
            let bare = without_code(line);
            let links = bare.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(links.map(|(to, _)| (n, to.trim().to_owned())));
        }
        found
    }
}

/// The text of a heading.
pub(super) fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    (line.len() > text.len() && text.starts_with(' ')).then(|| text.trim())
}

/// A heading's anchor, as GitHub makes it.
pub(super) fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Spans of code in a line.
pub(super) fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

#[test]
fn headings_are_named_as_github_names_them() {
    let text = "# How a stream ends\n## A `token`, rotated: how?\n```\n# no heading\n```\n## How a stream ends\n";
    let document = Document { path: "x.md".into(), text: text.into() };
    assert_eq!(document.anchors(), ["how-a-stream-ends", "a-token-rotated-how", "how-a-stream-ends-1"]);
    assert_eq!(document.blocks()[0].text, "# no heading\n");
    let linked = Document { path: "x.md".into(), text: "see [a](b.md#c), `[no](link)` and [d](#e)\n".into() };
    assert_eq!(linked.links(), [(1, "b.md#c".to_owned()), (1, "#e".to_owned())]);
}
