//! Classes of calls and events, and answers with fields left out.

use alloy_json_abi::JsonAbi;
use serde_json::json;
use tulou_modules::{ALL, money};

use super::*;
use crate::{
    natspec::Notices,
    sight::table::{call_class, event_class},
};

/// A mixed interface, as no module has one yet.
const MIXED: &str = r"
interface IMixed {
    struct Inner {
        /// @custom:visibility public
        uint64 n;
        /// @custom:visibility private
        string phone;
    }
    struct Row {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility scope
        address account;
        /// @custom:visibility public
        Inner inner;
    }
    /// A row.
    /// @custom:visibility private
    event Seen(uint64 id);
    event Untold(uint64 id);
    function row(uint64 id) external view returns (Row memory value);
    /// @custom:visibility scope
    function raised(uint64 id) external view returns (Row memory value);
    /// @custom:visibility holder
    function held(bytes32 secret) external view returns (Row memory value);
    function rows(uint64 cursor, uint64 limit) external view returns (Row[] memory items, uint64 next);
    /// @custom:visibility public
    function count() external view returns (uint64 n, uint64 m);
    function untold() external view returns (uint64 n);
    function write(uint64 id) external;
    /// @custom:visibility public
    function work() external;
}
";

fn abi() -> JsonAbi {
    let inner = json!([{ "name": "n", "type": "uint64" }, { "name": "phone", "type": "string" }]);
    let row = json!([
        { "name": "id", "type": "uint64" },
        { "name": "account", "type": "address" },
        { "name": "inner", "type": "tuple", "components": inner },
    ]);
    let value = json!([{ "name": "value", "type": "tuple", "components": row }]);
    let items = json!([
        { "name": "items", "type": "tuple[]", "components": row }, { "name": "next", "type": "uint64" },
    ]);
    let id = json!([{ "name": "id", "type": "uint64" }]);
    let page =
        json!([{ "name": "cursor", "type": "uint64" }, { "name": "limit", "type": "uint64" }]);
    let function = |name: &str,
                    how: &str,
                    inputs: &serde_json::Value,
                    outputs: serde_json::Value| {
        json!({
            "type": "function", "name": name, "stateMutability": how, "inputs": inputs, "outputs": outputs,
        })
    };
    let secret = json!([{ "name": "secret", "type": "bytes32" }]);
    let (none, n) = (json!([]), json!([{ "name": "n", "type": "uint64" }]));
    let two = json!([{ "name": "n", "type": "uint64" }, { "name": "m", "type": "uint64" }]);
    serde_json::from_value(json!([
        function("row", "view", &id, value.clone()),
        function("raised", "view", &id, value.clone()),
        function("held", "view", &secret, value),
        function("rows", "view", &page, items),
        function("count", "view", &none, two),
        function("untold", "view", &none, n),
        function("write", "nonpayable", &id, json!([])),
        function("work", "nonpayable", &none, json!([])),
    ]))
    .unwrap()
}

#[test]
fn a_call_has_the_strictest_class_of_its_answer() {
    let mut notices = Notices::default();
    notices.read("mixed", MIXED);
    let (abi, judge) = (abi(), Judge { notices: &notices, module: "mixed" });
    let classes = |name: &str| {
        let function = abi.functions().find(|f| f.name == name).unwrap();
        (judge.call(function), judge.least(function))
    };
    use Visibility::{Private, Public, Scope};
    assert_eq!(classes("row"), (Private, Public));
    assert_eq!(classes("raised"), (Private, Scope));
    assert_eq!(classes("held"), (Public, Public));
    assert_eq!(classes("rows"), (Private, Public));
    assert_eq!(classes("count"), (Public, Public));
    assert_eq!(classes("untold"), (Scope, Scope), "what is not told is members'");
    assert_eq!(classes("write").0, Scope);
    assert_eq!(classes("work").0, Public);
    assert_eq!((judge.event("Seen"), judge.event("Untold")), (Private, Scope));
}

#[test]
fn fields_above_the_class_are_left_out() {
    let mut notices = Notices::default();
    notices.read("mixed", MIXED);
    let (abi, judge) = (abi(), Judge { notices: &notices, module: "mixed" });
    let row = json!({ "id": "1", "account": "0x12", "inner": { "n": "2", "phone": "3" } });
    let list = json!({ "items": [row, row], "next": "4" });
    let masked = |name: &str, answer: &serde_json::Value, most| {
        let mut answer = answer.clone();
        let function = abi.functions().find(|f| f.name == name).unwrap();
        judge.mask(function, &mut answer, most);
        answer
    };
    let public = json!({ "id": "1", "account": null, "inner": { "n": "2", "phone": null } });
    let scope = json!({ "id": "1", "account": "0x12", "inner": { "n": "2", "phone": null } });
    assert_eq!(masked("row", &row, Visibility::Public), public);
    assert_eq!(masked("row", &row, Visibility::Scope), scope);
    assert_eq!(masked("raised", &row, Visibility::Public), json!(null));
    assert_eq!(masked("held", &row, Visibility::Public), row);
    assert_eq!(
        masked("rows", &list, Visibility::Public),
        json!({ "items": [public, public], "next": "4" })
    );
    let two = json!({ "n": "1", "m": "2" });
    assert_eq!(masked("count", &two, Visibility::Public), two);
    assert_eq!(masked("untold", &json!({ "n": "1" }), Visibility::Public), json!({ "n": null }));
}

/// The class written in the line before a declaration of an interface.
fn written(module: &str, kind: &str, name: &str) -> Option<String> {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../modules").join(module);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|path| path.extension().is_some_and(|end| end == "sol")) {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| line.starts_with(&format!("{kind} {name}(")));
        if let Some(at) = at {
            return lines[at - 1].strip_prefix("/// @custom:visibility ").map(str::to_owned);
        }
    }
    None
}

#[test]
fn every_event_of_native_code_has_the_class_that_its_interface_says() {
    let assets = (money::asset_address(7), "money", money::token_abi());
    let modules = ALL.iter().map(|module| (module.address, module.name, (module.abi)()));
    let mut seen = 0;
    for (at, module, abi) in modules.chain([assets]) {
        for event in abi.events() {
            let class = event_class(&at, &[event.selector()]);
            let said = written(module, "event", &event.name);
            assert_eq!(json!(class), json!(said), "{module}.{}", event.name);
            seen += 1;
        }
        assert_eq!(event_class(&at, &[]), Visibility::Scope, "{module}: nameless");
        assert_eq!(
            event_class(&at, &[alloy_primitives::B256::ZERO]),
            Visibility::Scope,
            "{module}"
        );
    }
    assert!(seen > 80, "{seen} events");
    let contract = alloy_primitives::Address::repeat_byte(1);
    assert_eq!(event_class(&contract, &[]), Visibility::Public);
}

#[test]
fn assets_of_every_number_have_one_interface() {
    for n in [1, 2, 4_000_000_000] {
        let at = money::asset_address(n);
        for function in money::token_abi().functions() {
            let class = call_class(&at, function.selector().as_slice());
            let said = written("money", "function", &function.name);
            let said = said.as_deref().unwrap_or("scope");
            assert_eq!(json!(class), json!(said), "{}", function.name);
        }
        assert_eq!(call_class(&at, &[]), Visibility::Scope);
        assert_eq!(call_class(&at, &[1, 2, 3, 4, 5]), Visibility::Scope);
    }
}

#[test]
fn open_methods_are_listed_once() {
    let mut open: Vec<_> = methods::open().collect();
    let listed = open.len();
    open.sort_unstable();
    open.dedup();
    assert_eq!(open.len(), listed);
    assert!(!methods::is_open("debug_traceTransaction") && !methods::is_open("eth_getStorageAt"));
}
