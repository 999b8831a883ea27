//! API.md is what the protos say: `UPDATE_API=1 cargo test --test it docs::api` writes it anew.

use std::collections::HashSet;
use std::fmt::Write as _;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, MethodDescriptorProto};

use super::markdown::{Document, root};
use super::proto::{ENUM, File, MESSAGE, PART, SERVICE, files};
use super::reasons;

const HEAD: &str = "# API\n\n<!-- Made from the comments in proto/wardwatch/v1: do not edit. \
                    UPDATE_API=1 cargo test --test it docs::api writes it anew. -->\n\n\
    Package `wardwatch.v1`, made from the comments in [proto/wardwatch/v1](proto/wardwatch/v1). \
    [docs/integration.md](docs/integration.md) says how to write a client.\n\n\
    A field marked *optional* tells \"absent\" from its zero; *one of* marks the members of a oneof, of which at most one is \
    set. Messages are absent unless set. Times are UTC. Beside these services `grpc.health.v1.Health` and \
    `grpc.reflection.v1` and `v1alpha` are served.\n";

/// The whole document.
fn api(files: &[File]) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n| service | calls |\n|---|---|\n");
    for (file, n) in services(files) {
        let service = &file.descriptor.service[n];
        let calls: Vec<_> =
            service.method.iter().map(|m| format!("[{}](#{})", m.name(), anchor(service.name(), m.name()))).collect();
        writeln!(text, "| {} | {} |", link(service.name()), calls.join(", ")).unwrap();
    }
    text.push_str("\nMessages and enums by file: ");
    text.push_str(
        &files.iter().map(|f| format!("[{0}](#{1})", f.name(), file_anchor(f))).collect::<Vec<_>>().join(", "),
    );
    text.push_str(". Errors: [reasons](#error-reasons).\n");
    for (file, n) in services(files) {
        service(&mut text, file, n);
    }
    writeln!(text, "\n{}", reasons::section().trim_end()).unwrap();
    for file in files {
        types(&mut text, file);
    }
    text
}

fn services(files: &[File]) -> impl Iterator<Item = (&File, usize)> {
    files.iter().flat_map(|file| (0..file.descriptor.service.len()).map(move |n| (file, n)))
}

fn service(text: &mut String, file: &File, n: usize) {
    let service = &file.descriptor.service[n];
    let at = [SERVICE, index(n)];
    write!(text, "\n## {}\n\n{}\n", service.name(), prose(&file.comment(&at))).unwrap();
    for (m, method) in service.method.iter().enumerate() {
        let heading = format!("{}.{}", service.name(), method.name());
        let comment = prose(&file.comment(&[at[0], at[1], PART, index(m)]));
        write!(text, "\n### {heading}\n\n{}\n\n{comment}\n", signature(method)).unwrap();
    }
}

fn signature(method: &MethodDescriptorProto) -> String {
    let side =
        |streaming: bool, name: &str| format!("{}{}", if streaming { "stream of " } else { "" }, reference(name));
    let request = side(method.client_streaming(), method.input_type());
    format!("{request} → {}", side(method.server_streaming(), method.output_type()))
}

fn types(text: &mut String, file: &File) {
    let descriptor = &file.descriptor;
    if descriptor.message_type.is_empty() && descriptor.enum_type.is_empty() {
        return;
    }
    write!(text, "\n## {}\n", file.name()).unwrap();
    for (n, values) in descriptor.enum_type.iter().enumerate() {
        enumeration(text, file, n, values);
    }
    for (n, fields) in descriptor.message_type.iter().enumerate() {
        message(text, file, n, fields);
    }
}

fn enumeration(text: &mut String, file: &File, n: usize, values: &EnumDescriptorProto) {
    let at = [ENUM, index(n)];
    write!(text, "\n### {}\n\n{}\n\n", values.name(), prose(&file.comment(&at))).unwrap();
    text.push_str("| no. | value | meaning |\n|---|---|---|\n");
    for (v, value) in values.value.iter().enumerate() {
        let meaning = cell(&file.comment(&[at[0], at[1], PART, index(v)]));
        writeln!(text, "| {} | `{}` | {meaning} |", value.number(), value.name()).unwrap();
    }
}

fn message(text: &mut String, file: &File, n: usize, message: &DescriptorProto) {
    let at = [MESSAGE, index(n)];
    write!(text, "\n### {}\n\n{}\n", message.name(), prose(&file.comment(&at))).unwrap();
    if message.field.is_empty() {
        text.push_str("\nIt has no fields.\n");
        return;
    }
    text.push_str("\n| no. | field | type | meaning |\n|---|---|---|---|\n");
    for (f, field) in message.field.iter().enumerate() {
        let meaning = cell(&file.comment(&[at[0], at[1], PART, index(f)]));
        writeln!(text, "| {} | `{}` | {} | {meaning} |", field.number(), field.name(), kind(message, field)).unwrap();
    }
}

/// A field's type as the proto writes it, with links.
fn kind(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let plain = |field: &FieldDescriptorProto| match field.r#type() {
        Type::Message | Type::Enum => reference(field.type_name()),
        other => format!("`{}`", other.as_str_name().trim_start_matches("TYPE_").to_lowercase()),
    };
    let entry = message.nested_type.iter().find(|nested| {
        nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
            && field.type_name().ends_with(&format!(".{}.{}", message.name(), nested.name()))
    });
    if let Some(entry) = entry {
        return format!("map of {} to {}", plain(&entry.field[0]), plain(&entry.field[1]));
    }
    let label = match field.oneof_index {
        _ if field.label() == Label::Repeated => "repeated ".to_owned(),
        _ if field.proto3_optional() => "optional ".to_owned(),
        Some(n) => format!("one of `{}`: ", message.oneof_decl[usize::try_from(n).unwrap()].name()),
        None => String::new(),
    };
    label + &plain(field)
}

/// A type by its full name: ours with a link.
fn reference(full: &str) -> String {
    full.strip_prefix(".wardwatch.v1.").map_or_else(|| format!("`{}`", full.trim_start_matches('.')), link)
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase())
}

fn anchor(service: &str, method: &str) -> String {
    format!("{service}{method}").to_lowercase()
}

fn file_anchor(file: &File) -> String {
    super::markdown::slug(file.name())
}

/// Comments are plain text: what Markdown would take for its own is escaped.
fn prose(comment: &str) -> String {
    comment.replace('*', "\\*").replace('<', "&lt;")
}

fn cell(comment: &str) -> String {
    prose(comment).replace('|', "\\|").replace("\n\n", "<br>")
}

fn index(n: usize) -> i32 {
    i32::try_from(n).unwrap()
}

#[test]
fn api_md_is_what_the_protos_say() {
    let (path, made) = (root().join("API.md"), api(&files()));
    if std::env::var_os("UPDATE_API").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(made.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == made,
        "API.md is not what proto/ and src/grpc/status.rs say (first: {differs:?}): run \
         UPDATE_API=1 cargo test --test it docs::api"
    );
}

#[test]
fn every_name_of_the_api_has_an_anchor_of_its_own() {
    let document = Document { path: "API.md".into(), text: api(&files()) };
    let anchors = document.anchors();
    let known: HashSet<&String> = anchors.iter().collect();
    assert_eq!(anchors.len(), known.len(), "two headings make one anchor");
    assert!(anchors.len() > 150, "{} headings", anchors.len());
    let links = document.links();
    let lost: Vec<_> =
        links.iter().filter_map(|(_, to)| to.strip_prefix('#')).filter(|a| !known.contains(&(*a).to_owned())).collect();
    assert!(links.len() > 300 && lost.is_empty(), "{lost:?}");
}
