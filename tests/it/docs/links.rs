//! Links between documents, and from them to files.

use std::path::Path;

use super::markdown::{Document, documents, root};

/// What is wrong with one link of a document.
fn broken(from: &Document, to: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| to.starts_with(scheme)) {
        return None;
    }
    let (path, anchor) = to.split_once('#').map_or((to, None), |(path, anchor)| (path, Some(anchor)));
    let here = root().join(&from.path);
    let target = if path.is_empty() { here } else { here.parent().unwrap_or(Path::new(".")).join(path) };
    if !target.exists() {
        return Some(format!("{path} does not exist"));
    }
    let anchor = anchor?;
    let text = std::fs::read_to_string(&target).ok()?;
    let anchors = Document { path: target, text }.anchors();
    (!anchors.iter().any(|known| known == anchor)).then(|| format!("no heading makes #{anchor}"))
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let documents = documents();
    let mut found = Vec::new();
    let mut links = 0;
    for document in &documents {
        for (line, to) in document.links() {
            links += 1;
            found.extend(broken(document, &to).map(|why| format!("{}:{line}: {to}: {why}", document.path.display())));
        }
    }
    assert!(documents.len() >= 10 && links > 100, "there is something to read: {links} links");
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_broken_link_is_seen() {
    let from = Document { path: "docs/x.md".into(), text: "# Here\n".into() };
    assert_eq!(broken(&from, "../README.md"), None);
    assert_eq!(broken(&from, "https://example.org/nowhere"), None);
    assert!(broken(&from, "nowhere.md").is_some());
    assert!(broken(&from, "../README.md#no-such-heading").is_some());
}
