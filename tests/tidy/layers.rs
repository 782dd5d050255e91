//! Who may know whom.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::tree::{expect_none, files, is_test, read, root, shown};

/// Each room and the rooms below it that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("tulou-primitives", &[]),
    ("tulou-proofs", &["primitives"]),
    ("tulou-slots", &["primitives"]),
    ("tulou-modules", &["proofs", "slots", "primitives"]),
    ("tulou-invariants", &["modules", "proofs", "slots", "primitives"]),
    ("tulou-evm", &["modules", "slots", "primitives"]),
    ("tulou-ledger", &["evm", "primitives"]),
    ("tulou-place", &[]),
    ("tulou-archive", &["place", "ledger", "primitives"]),
    ("tulou-vault", &["place", "primitives"]),
    ("tulou-mempool", &["ledger", "evm", "primitives"]),
    ("tulou-consensus", &["ledger", "proofs", "primitives"]),
    ("tulou-rpc", &["mempool", "ledger", "evm", "modules", "proofs", "primitives"]),
    ("tulou-client", &["modules", "proofs", "primitives"]),
    (
        "tulou-node",
        &[
            "archive",
            "vault",
            "place",
            "rpc",
            "consensus",
            "mempool",
            "ledger",
            "evm",
            "modules",
            "primitives",
        ],
    ),
    ("tulou-replay", &["rpc", "mempool", "ledger", "evm", "primitives"]),
    (
        "tulou",
        &[
            "node",
            "vault",
            "place",
            "replay",
            "testing",
            "client",
            "modules",
            "proofs",
            "primitives",
        ],
    ),
    ("tulou-testing", &["client", "modules", "place", "primitives"]),
    ("tulou-tests", &["vault", "replay", "testing", "client", "modules", "proofs", "primitives"]),
];

/// Foreign engines and the rooms that name each.
const ENGINES: &[(&str, &str)] = &[
    ("revm", "tulou-evm"),
    ("commonware-", "tulou-consensus"),
    ("fjall", "tulou-ledger"),
    ("object_store", "tulou-place"),
    ("object_store", "tulou-archive"),
    ("object_store", "tulou-vault"),
];

#[test]
fn arrows_point_down() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .expect("cargo metadata");
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(allowed) = arrows.get(name) else {
            wrong.push(format!("{name} is not in the list of rooms"));
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            let in_tests = dependency.kind == DependencyKind::Development;
            if let Some(room) = other.strip_prefix("tulou-")
                && !allowed.contains(&room)
                && !(in_tests && room == "testing")
            {
                wrong.push(format!("{name} must not know {other}"));
            }
            let homes: Vec<&str> = ENGINES
                .iter()
                .filter(|(engine, _)| other.starts_with(engine))
                .map(|(_, home)| *home)
                .collect();
            if !homes.is_empty() && !homes.contains(&name) {
                wrong.push(format!("{name} names {other}; only {} may", homes.join(" and ")));
            }
        }
    }
    expect_none("arrows point down (ARCHITECTURE.md)", wrong);
}

#[test]
fn needs_are_what_modules_use() {
    let names: BTreeSet<&str> = tulou_modules::ALL.iter().map(|module| module.name).collect();
    let mut wrong = Vec::new();
    for module in tulou_modules::ALL {
        let mut used = BTreeSet::new();
        for path in files(&format!("modules/{}", module.name), &[".rs"]) {
            if is_test(&path) {
                continue;
            }
            let code: String =
                read(&path).lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for other in &names {
                if *other != module.name && names_module(&code, other) {
                    used.insert(*other);
                }
            }
        }
        let needs: BTreeSet<&str> = module.needs.iter().copied().collect();
        if used != needs {
            wrong.push(format!("{}: needs {needs:?}, uses {used:?}", module.name));
        }
    }
    expect_none("`needs` of modules/lib.rs is what the module uses", wrong);
}

/// Whether code names another module: `roles::`, `address::roles`, `crate::roles`.
fn names_module(code: &str, module: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
    code.match_indices(module).any(|(at, _)| {
        let before = &code[..at];
        let after = &code[at + module.len()..];
        let alone = !is_word(before.chars().next_back()) && !is_word(after.chars().next());
        alone
            && (after.starts_with("::")
                || before.ends_with("address::")
                || before.ends_with("crate::"))
    })
}

#[test]
fn modules_are_deterministic() {
    let banned = [
        "std::time",
        "SystemTime",
        "Instant::",
        "f32",
        "f64",
        "HashMap",
        "HashSet",
        "rand::",
        ".unwrap()",
        ".expect(",
        "thread",
    ];
    let mut found = Vec::new();
    for path in files("modules", &[".rs"]) {
        if is_test(&path) {
            continue;
        }
        for (i, line) in read(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in banned {
                if code.contains(word) {
                    found.push(format!("{}:{} {word}", shown(&path), i + 1));
                }
            }
        }
    }
    expect_none("replicas must agree: no clock, chance, floats, hash order or panics", found);
}
