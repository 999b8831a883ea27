//! Who may call what: the table of docs/operations.md is what the guard asks for.

use std::collections::{BTreeMap, BTreeSet};

use wardwatch::access::Role;
use wardwatch::grpc::guard;

use super::markdown::{code, document};
use super::proto::files;

/// By path of a method, the roles that may call it.
type Table = BTreeMap<String, BTreeSet<String>>;

fn path(service: &str, method: &str) -> String {
    format!("/wardwatch.v1.{service}/{method}")
}

fn documented() -> Table {
    let text = document("docs/operations.md").text;
    let mut rows = text.lines().skip_while(|line| !line.starts_with("| service | calls | `"));
    let roles: Vec<_> = code(rows.next().expect("the table is there")).map(str::to_owned).collect();
    let mut table = Table::new();
    for row in rows.skip(1).take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let marked = roles.iter().zip(&cells[2..]).filter(|(_, cell)| **cell == "x").map(|(role, _)| role.clone());
        let marked: BTreeSet<_> = marked.collect();
        for method in code(cells[1]) {
            let before = table.insert(path(code(cells[0]).next().unwrap(), method), marked.clone());
            assert!(before.is_none(), "{method} is there twice");
        }
    }
    table
}

fn asked_for() -> Table {
    let mut table = Table::new();
    for file in files() {
        for service in &file.descriptor.service {
            for method in &service.method {
                let path = path(service.name(), method.name());
                let roles = guard::needs(&path).unwrap_or_else(|| panic!("nobody may call {path}"));
                table.insert(path, roles.iter().map(|role: &Role| role.code().to_owned()).collect());
            }
        }
    }
    table
}

#[test]
fn the_manual_says_of_every_call_which_roles_may_make_it() {
    let (documented, asked_for) = (documented(), asked_for());
    for path in asked_for.keys().chain(documented.keys()) {
        assert_eq!(documented.get(path), asked_for.get(path), "docs/operations.md, and the guard, of {path}");
    }
}
