//! The API's descriptors with the comments of its files.

use std::collections::HashMap;

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet, SourceCodeInfo};

/// Made by build.rs.
const COMMENTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/commented.fds"));
/// Numbers of fields of descriptor.proto, of which the paths of comments consist.
pub(super) const MESSAGE: i32 = 4;
pub(super) const ENUM: i32 = 5;
pub(super) const SERVICE: i32 = 6;
/// Fields of a message, values of an enum, methods of a service: all are their second field.
pub(super) const PART: i32 = 2;

/// A file of the API.
pub(super) struct File {
    pub descriptor: FileDescriptorProto,
    comments: HashMap<Vec<i32>, String>,
}

/// The files of wardwatch.v1, by name.
pub(super) fn files() -> Vec<File> {
    let set = FileDescriptorSet::decode(COMMENTED).unwrap();
    let ours = set.file.into_iter().filter(|file| file.package() == "wardwatch.v1");
    let mut files: Vec<File> = ours.map(File::new).collect();
    files.sort_by(|a, b| a.descriptor.name().cmp(b.descriptor.name()));
    files
}

impl File {
    fn new(descriptor: FileDescriptorProto) -> Self {
        let comments = descriptor.source_code_info.as_ref().map(comments).unwrap_or_default();
        Self { descriptor, comments }
    }

    /// The comment above something; its lines joined, its paragraphs kept.
    pub fn comment(&self, path: &[i32]) -> String {
        let text = self.comments.get(path).unwrap_or_else(|| panic!("{}: no comment at {path:?}", self.name()));
        let paragraphs = text.split("\n\n").map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
        paragraphs.filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    /// Its name without the folders.
    pub fn name(&self) -> &str {
        self.descriptor.name().rsplit('/').next().unwrap_or_default()
    }
}

fn comments(info: &SourceCodeInfo) -> HashMap<Vec<i32>, String> {
    let commented = info.location.iter().filter_map(|l| Some((l.path.clone(), l.leading_comments.clone()?)));
    commented.filter(|(_, text)| !text.trim().is_empty()).collect()
}
