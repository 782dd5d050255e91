//! Files and functions that a reader can hold in mind.

use crate::tree::{expect_none, files, read, shown};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn files_are_short() {
    let long = files("", &[".rs", ".ts", ".svelte", ".sol"])
        .iter()
        .map(|path| (shown(path), read(path).lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect();
    expect_none("a file has at most 600 lines", long);
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for path in files("", &[".rs"]) {
        for (name, line, length) in functions(&read(&path)) {
            if length > FUNCTION_LINES_MAX {
                long.push(format!("{}:{line} {name} has {length} lines", shown(&path)));
            }
        }
    }
    expect_none("a function has at most 70 lines", long);
}

/// Name, first line and number of lines of each function. Relies on rustfmt: a function ends at the
/// first closing brace in the column where it began.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let Some(at) = code.find("fn ") else { continue };
        let before = &code[..at];
        let words =
            ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe", "extern", "\"C\""];
        if !before.split_whitespace().all(|word| words.contains(&word)) {
            continue;
        }
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let end = (i..lines.len()).find(|&j| {
            let rest = lines[j].trim_start();
            let column = lines[j].len() - rest.len();
            column == indent
                && (rest.starts_with('}')
                    || (j == i && rest.ends_with('}'))
                    || (rest.ends_with(';') && j == i))
        });
        if let Some(end) = end {
            found.push((name, i + 1, end - i + 1));
        }
    }
    found
}

#[test]
fn the_rule_sees_a_long_function() {
    let body = "    let x = 1;\n".repeat(80);
    let text = format!("pub fn long() {{\n{body}}}\nfn short() {{}}\n");
    let lengths: Vec<usize> = functions(&text).into_iter().map(|(_, _, length)| length).collect();
    assert_eq!(lengths, [82, 1]);
}

#[test]
fn nothing_is_left_open() {
    // Written in two halves, so that this file does not find itself.
    let words =
        [["todo", "!("], ["unimplemented", "!("], ["#[ign", "ore"], ["FIX", "ME"], ["TO", "DO"]];
    let mut open = Vec::new();
    for path in files("", &[".rs", ".ts", ".svelte", ".sol"]) {
        for (i, line) in read(&path).lines().enumerate() {
            for word in &words {
                if line.contains(&word.concat()) {
                    open.push(format!("{}:{} {}", shown(&path), i + 1, line.trim()));
                }
            }
        }
    }
    expect_none("nothing is left open", open);
}

#[test]
fn tests_stand_in_their_own_files() {
    let mut mixed = Vec::new();
    for path in files("", &["mod.rs", "lib.rs"]) {
        if read(&path).contains("#[test]") {
            mixed.push(shown(&path));
        }
    }
    expect_none("tests belong in tests.rs", mixed);
}
