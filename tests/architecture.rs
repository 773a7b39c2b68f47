//! The shape of the source: who may use whom (the table in `src/lib.rs` is the rule), and how long files and functions are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{SourceFile, rust_files};

/// The most lines of a file.
const MAX_FILE: usize = 400;

/// What modules without IO never mention.
const IO: [&str; 8] =
    ["std::fs", "std::net", "std::process", "std::env", "std::thread", "tokio::", "SystemTime", "Instant"];

/// A row of the table: a module, whether it is one without IO, and what it may use.
struct Row {
    name: String,
    is_pure: bool,
    uses: BTreeSet<String>,
}

/// The table of `src/lib.rs`, from top to bottom.
fn table() -> Vec<Row> {
    let text = std::fs::read_to_string("src/lib.rs").unwrap();
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//! | [`")) {
        let cells: Vec<&str> = line.split('|').collect();
        let name = cells[0].split('`').next().unwrap().to_owned();
        let above = || rows.iter().map(|row| row.name.clone()).collect();
        let uses = match cells[2].trim() {
            "-" => BTreeSet::new(),
            "all above" | "all" => above(),
            names => names.split(',').map(|name| name.trim().trim_matches('`').to_owned()).collect(),
        };
        rows.push(Row { name, is_pure: cells[1].contains("no IO"), uses });
    }
    rows
}

#[test]
fn the_table_names_every_module_and_nothing_else() {
    let declared: BTreeSet<String> = std::fs::read_to_string("src/lib.rs")
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    let listed: BTreeSet<String> = table().into_iter().map(|row| row.name).collect();
    assert_eq!(declared, listed);
}

#[test]
fn a_module_uses_only_what_the_table_allows() {
    let table = table();
    let modules: BTreeSet<&str> = table.iter().map(|row| row.name.as_str()).collect();
    let mut broken = Vec::new();
    for row in &table {
        for file in rust_files("src").iter().filter(|file| file.module() == row.name) {
            let foreign = file.uses().into_iter().filter(|name| modules.contains(name.as_str()));
            let bad = foreign.filter(|name| *name != row.name && !row.uses.contains(name));
            broken.extend(bad.map(|name| format!("{} uses {name}", file.path.display())));
        }
    }
    assert!(broken.is_empty(), "not allowed by the table in src/lib.rs:\n{}", broken.join("\n"));
}

#[test]
fn a_module_without_io_mentions_none() {
    let table = table();
    let pure: BTreeSet<&str> = table.iter().filter(|row| row.is_pure).map(|row| row.name.as_str()).collect();
    assert!(pure.contains("api") && pure.contains("fold"), "the table says which modules have no IO");
    let mut broken = Vec::new();
    for file in rust_files("src").iter().filter(|file| pure.contains(file.module())) {
        let mentioned = IO.iter().filter(|name| file.code.contains(**name));
        broken.extend(mentioned.map(|name| format!("{} mentions {name}", file.path.display())));
    }
    assert!(broken.is_empty(), "modules without IO:\n{}", broken.join("\n"));
}

#[test]
fn no_file_is_too_long_to_read() {
    let files: Vec<SourceFile> = ["src", "tests", "examples"].iter().flat_map(|dir| rust_files(dir)).collect();
    let long: BTreeMap<_, _> =
        files.iter().map(|file| (&file.path, file.lines)).filter(|(_, lines)| *lines > MAX_FILE).collect();
    assert!(long.is_empty(), "over {MAX_FILE} lines: {long:?}");
}

#[test]
fn the_median_function_is_shorter_than_ten_lines() {
    let mut lengths: Vec<usize> = rust_files("src").iter().flat_map(SourceFile::function_lengths).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median < 10, "the median of {} functions is {median} lines", lengths.len());
}
