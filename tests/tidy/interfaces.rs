//! The Solidity interfaces are the public face of the modules: what they promise must be there.

use std::path::{Path, PathBuf};

use crate::tree::{expect_none, files, is_test, read, shown};

/// Each interface file of the modules with the Rust files of its folder.
fn interfaces() -> Vec<(PathBuf, Vec<PathBuf>)> {
    let all = files("modules", &[".sol"]);
    assert!(all.len() >= 8, "found {} interfaces only", all.len());
    all.into_iter()
        .map(|sol| {
            let folder = sol.parent().unwrap_or(Path::new("")).to_owned();
            let rust = files(&shown(&folder), &[".rs"]);
            (sol, rust)
        })
        .collect()
}

/// Names declared with a keyword, in order: `function`, `error`, `event`.
fn declared(sol: &str, keyword: &str) -> Vec<String> {
    sol.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//") && !line.starts_with('*'))
        .filter_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

/// Calls in a `dispatch!` block for this interface, in order; an overload `f_0Call` is `f`.
fn dispatched(rust: &str, interface: &str) -> Option<Vec<String>> {
    let start = rust
        .find(&format!("dispatch! {{ {interface},"))
        .or_else(|| rust.find(&format!("dispatch! {{\n    {interface},")))?;
    let block = &rust[start..];
    let end = block.find("\n}").unwrap_or(block.len());
    let calls = block[..end]
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let call = line.strip_prefix("view ").or_else(|| line.strip_prefix("write "))?;
            let name = &call[..call.find("Call(")?];
            let name = match name.rsplit_once('_') {
                Some((base, n)) if n.bytes().all(|b| b.is_ascii_digit()) => base,
                _ => name,
            };
            Some(name.to_owned())
        })
        .collect();
    Some(calls)
}

#[test]
fn every_call_has_its_function_in_the_same_order() {
    let mut wrong = Vec::new();
    for (sol, rust) in interfaces() {
        let text = read(&sol);
        let name = declared(&text, "interface").pop().unwrap_or_default();
        let answered =
            rust.iter().filter(|p| !is_test(p)).find_map(|path| dispatched(&read(path), &name));
        let promised = declared(&text, "function");
        match answered {
            None => wrong.push(format!("{}: no dispatch! for {name}", shown(&sol))),
            Some(answered) if answered != promised => wrong
                .push(format!("{}: promises {promised:?}, dispatches {answered:?}", shown(&sol))),
            Some(_) => {}
        }
    }
    expect_none("calls of the .sol and arms of dispatch! are the same, in the same order", wrong);
}

#[test]
fn every_error_is_provoked_in_a_test() {
    let mut wrong = Vec::new();
    for (sol, rust) in interfaces() {
        let tests: String = rust.iter().filter(|p| is_test(p)).map(|p| read(p)).collect();
        for error in declared(&read(&sol), "error") {
            if !tests.contains(&error) {
                wrong.push(format!("{}: {error}", shown(&sol)));
            }
        }
    }
    expect_none("every error of a .sol is provoked in the module's tests", wrong);
}

#[test]
fn every_field_has_its_visibility_class() {
    let mut wrong = Vec::new();
    for (sol, _) in interfaces() {
        let text = read(&sol);
        let (mut in_struct, mut class) = (false, None);
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with("struct ") {
                (in_struct, class) = (true, None);
            } else if in_struct && line.starts_with('}') {
                in_struct = false;
            } else if let Some((_, rest)) = line.split_once("@custom:visibility ") {
                class = Some(rest.trim().trim_end_matches("*/").trim().to_owned());
                if in_struct && line.contains(';') {
                    wrong.push(format!(
                        "{}:{}: the class stands above the field",
                        shown(&sol),
                        i + 1
                    ));
                }
            } else if in_struct && line.ends_with(';') {
                match class.take().as_deref() {
                    Some("public" | "scope" | "private") => {}
                    other => wrong.push(format!("{}:{} {line} ({other:?})", shown(&sol), i + 1)),
                }
            }
        }
    }
    expect_none("every struct field says who may see it: public, scope or private", wrong);
}

/// Whether a view answers something else than structs and the cursor of a list, by its declaration.
fn answers_bare_values(declaration: &str, structs: &[String]) -> bool {
    let Some((_, returns)) = declaration.split_once("returns (") else { return false };
    let values = returns.trim_end_matches(&[';', ')', ' '][..]).split(',').map(str::trim);
    let is_list = declaration.contains("uint64 cursor, uint64 limit)");
    values.into_iter().any(|value| {
        let kind = value.split_whitespace().next().unwrap_or_default().trim_end_matches("[]");
        let is_cursor = is_list && value == "uint64 next";
        !is_cursor && !structs.iter().any(|name| name == kind)
    })
}

#[test]
fn every_event_and_every_bare_answer_has_its_visibility_class() {
    let mut wrong = Vec::new();
    for (sol, _) in interfaces() {
        let text = read(&sol);
        let structs = declared(&text, "struct");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (i, line) in lines.iter().enumerate() {
            let is_event = line.starts_with("event ");
            if !is_event && !line.starts_with("function ") {
                continue;
            }
            let mut above = lines[..i].iter().rev().take_while(|line| line.starts_with("///"));
            let class = above.find_map(|line| line.strip_prefix("/// @custom:visibility "));
            let end = lines[i..].iter().position(|line| line.ends_with(';')).unwrap_or_default();
            let declaration = lines[i..=i + end].join(" ");
            let needed = is_event
                || declaration.contains(" view ") && answers_bare_values(&declaration, &structs);
            let known = match class {
                Some("public" | "scope" | "private") => true,
                // For whoever knows a secret that the call names.
                Some("holder") => !is_event && declaration.contains(" view "),
                Some(_) => false,
                None => !needed,
            };
            if !known {
                wrong.push(format!("{}:{} {declaration} ({class:?})", shown(&sol), i + 1));
            }
        }
    }
    expect_none("events, and views that answer bare values, say who may see them", wrong);
}

#[test]
fn every_module_explains_itself() {
    let mut wrong = Vec::new();
    for module in tulou_modules::ALL {
        for file in ["README.md", "mod.rs"] {
            let path = crate::tree::root().join("modules").join(module.name).join(file);
            if !path.is_file() {
                wrong.push(shown(&path));
            }
        }
    }
    expect_none("a module has a README.md and a mod.rs", wrong);
}

#[test]
fn the_web_app_knows_the_interfaces_as_they_are() {
    let generated = crate::tree::root().join("web/src/generated");
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_str(&read(&generated.join(name))).unwrap_or_default()
    };
    let addresses = json("addresses.json");
    let mut old = Vec::new();
    for module in tulou_modules::ALL {
        let abi = serde_json::to_value((module.abi)()).expect("an ABI is JSON");
        if json(&format!("abi/{}.json", module.name)) != abi {
            old.push(format!("abi/{}.json", module.name));
        }
        if addresses[module.name] != module.address.to_string() {
            old.push(format!("addresses.json: {}", module.name));
        }
    }
    expect_none("run `make abi`: generated files are older than the interfaces", old);
}
