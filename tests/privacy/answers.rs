//! Everything that a node says to anybody who asks: all reads of REST, all blocks, receipts and events, its own
//! pages and figures.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tulou_client::{Rpc, demo_key, parse_number, register};

/// Most questions of one read with different arguments.
const MOST: usize = 150;
/// Blocks asked for at once.
const BLOCKS: u64 = 40;

/// All answers together, one a line.
pub(crate) fn all(rpc: &Rpc) -> String {
    let mut said = String::new();
    rest(rpc, &mut said);
    blocks(rpc, &mut said);
    for path in ["/metrics", "/readyz", "/index.html", "/abi/index.json"] {
        if let Ok(bytes) = rpc.file(path) {
            said.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    for path in ["consortium", "web", "health"] {
        if let Ok(answer) = rpc.get(&format!("/api/v1/node/{path}")) {
            tell(&mut said, &answer);
        }
    }
    said
}

fn tell(said: &mut String, answer: &Value) {
    said.push_str(&answer.to_string());
    said.push('\n');
}

fn rest(rpc: &Rpc, said: &mut String) {
    let described = rpc.get("/api/v1/openapi.json").expect("the description of all reads");
    let paths = described["paths"].as_object().expect("paths");
    let mut silent = BTreeSet::new();
    for (path, about) in paths {
        let parameters = about["get"]["parameters"].as_array().expect("parameters");
        let mut questions = vec![String::new()];
        let mut is_paged = false;
        for parameter in parameters {
            let name = parameter["name"].as_str().expect("a name");
            is_paged |= name == "cursor";
            if parameter["required"] != json!(true) {
                continue;
            }
            let values = candidates(name, &parameter["schema"]);
            let longer = questions.iter().flat_map(|question| {
                values.iter().map(move |value| format!("{question}&{name}={value}"))
            });
            questions = longer.take(MOST).collect();
        }
        let mut answered = false;
        for question in questions {
            let mut cursor = String::new();
            loop {
                let page =
                    if is_paged { format!("&limit=100&cursor={cursor}") } else { String::new() };
                let page = page.trim_end_matches("&cursor=");
                let Ok(answer) = rpc.get(&format!("{path}?{}", [&question, page].concat())) else {
                    break;
                };
                answered = true;
                tell(said, &answer);
                match answer["next"].as_str() {
                    Some(next) if is_paged => cursor = next.to_owned(),
                    _ => break,
                }
            }
        }
        if !answered {
            silent.insert(path.clone());
        }
    }
    // A few reads want arguments that no estate of the demo has.
    assert!(silent.len() * 4 < paths.len(), "{} of {}: {silent:?}", silent.len(), paths.len());
}

/// Values that an argument may have.
fn candidates(name: &str, schema: &Value) -> Vec<String> {
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    if schema["type"] == "boolean" {
        return ["false", "true"].map(str::to_owned).into();
    }
    if schema["type"] == "integer" || pattern == "^[0-9]+$" || pattern == "^-?[0-9]+$" {
        let most = if name.contains("unit") { 126 } else { 14 };
        return (0..=most).map(|number: u64| number.to_string()).collect();
    }
    if pattern.contains("{40}") {
        let names = ["O0002", "O0054", "O0080", "chair", "registrar", "manager"];
        return names.map(|name| demo_key(name).address().to_string()).into();
    }
    if pattern.contains("{64}") {
        return heads();
    }
    if name.contains("code") { vec!["1-1-101".into()] } else { vec![String::new(), "cn".into()] }
}

/// Commitments and heads of some owners, as the demo makes them.
fn heads() -> Vec<String> {
    let files = register::Files {
        units: include_str!("../../demo/guihua/units.csv"),
        owners: include_str!("../../demo/guihua/owners.csv"),
        holdings: include_str!("../../demo/guihua/holdings.csv"),
    };
    let register = register::parse(&files, register::Salts::Seeded([7; 32])).expect("the register");
    let owners = register.owners.iter().take(3).map(|owner| owner.commitment);
    owners
        .chain((0..3).filter_map(|unit| register.head(unit)))
        .map(|head| head.to_string())
        .collect()
}

fn blocks(rpc: &Rpc, said: &mut String) {
    let height = rpc.block_number().expect("the height");
    for from in (0..=height).step_by(BLOCKS as usize) {
        let heights: Vec<String> =
            (from..(from + BLOCKS).min(height + 1)).map(|height| format!("{height:#x}")).collect();
        let mut calls = Vec::new();
        for height in &heights {
            calls.push(("eth_getBlockByNumber", json!([height, true])));
            calls.push(("eth_getBlockReceipts", json!([height])));
            calls.push(("debug_getRawBlock", json!([height])));
        }
        for answer in rpc.batch(&calls).expect("blocks and receipts") {
            tell(said, &answer);
        }
        let range = json!([{ "fromBlock": heights.first(), "toBlock": heights.last() }]);
        tell(said, &rpc.call("eth_getLogs", range).expect("events"));
    }
    for (method, params) in [
        ("txpool_content", json!([])),
        ("tulou_getFinality", json!(["latest"])),
        ("eth_feeHistory", json!(["0x5", "latest", [50]])),
    ] {
        if let Ok(answer) = rpc.call(method, params) {
            tell(said, &answer);
        }
    }
    let newest = rpc.call("eth_getBlockByNumber", json!(["latest", false])).expect("the newest");
    assert_eq!(parse_number(&newest["number"]).map(|number| number >= height), Some(true));
}
