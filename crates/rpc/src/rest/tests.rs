use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::{Function, JsonAbi, Param};
use alloy_primitives::{B256, I256, U256};
use proptest::prelude::*;
use serde_json::json;

use super::{Face, args, fail, names, openapi, shape};
use crate::natspec::Notices;

fn outputs(signature: &str) -> Vec<Param> {
    Function::parse(signature).unwrap().outputs
}

fn uint(value: u64, bits: usize) -> DynSolValue {
    DynSolValue::Uint(U256::from(value), bits)
}

#[test]
fn names_are_written_as_people_do() {
    for (name, snake) in [
        ("areaM2", "area_m2"),
        ("amountFen", "amount_fen"),
        ("earliestOpening", "earliest_opening"),
        ("HTTPServer", "http_server"),
        ("erc20Address", "erc20_address"),
        ("id", "id"),
        ("_id", "id"),
        ("", ""),
    ] {
        assert_eq!(names::snake(name), snake, "{name}");
    }
    assert_eq!(names::words("NoSuchMotion"), "No such motion");
}

#[test]
fn values_take_their_form_from_type_and_name() {
    let params = outputs(
        "f() returns (uint32 heads, uint64 areaM2, uint64[] sharesM2, uint64 sumFen, int16 small, \
         int128 big, bool open, bytes32 hash, bytes4 selector, string text)",
    );
    let values = [
        uint(116, 32),
        uint(1_302_480, 64),
        DynSolValue::Array(vec![uint(5, 64), uint(100, 64)]),
        uint(8_640_000, 64),
        DynSolValue::Int(I256::try_from(-3).unwrap(), 16),
        DynSolValue::Int(I256::try_from(-3).unwrap(), 128),
        DynSolValue::Bool(true),
        DynSolValue::FixedBytes(B256::repeat_byte(1), 32),
        DynSolValue::FixedBytes(B256::repeat_byte(1), 4),
        DynSolValue::String("lift".into()),
    ];
    let expected = json!({
        "heads": 116,
        "area_m2": "13024.80",
        "shares_m2": ["0.05", "1.00"],
        "sum_fen": "8640000",
        "small": -3,
        "big": "-3",
        "open": true,
        "hash": B256::repeat_byte(1),
        "selector": "0x01010101",
        "text": "lift",
    });
    assert_eq!(shape::answer(&values, &params, false), expected);
}

#[test]
fn one_struct_is_the_answer_and_one_nameless_value_too() {
    let tuple = DynSolValue::Tuple(vec![uint(1, 64)]);
    let output = [param("tuple", "value", vec![param("uint64", "id", vec![])])];
    assert_eq!(shape::answer(&[tuple], &output, false), json!({ "id": "1" }));
    let plain = outputs("f() returns (uint64)");
    assert_eq!(shape::answer(&[uint(1, 64)], &plain, false), json!("1"));
    let named = outputs("f() returns (uint64 total)");
    assert_eq!(shape::answer(&[uint(1, 64)], &named, false), json!({ "total": "1" }));
    let list = outputs("f() returns (uint64[] items, uint64 next)");
    let page = |next| [DynSolValue::Array(vec![]), uint(next, 64)];
    assert_eq!(shape::answer(&page(0), &list, true), json!({ "items": [], "next": null }));
    assert_eq!(shape::answer(&page(2), &list, true), json!({ "items": [], "next": "2" }));
    assert_eq!(shape::answer(&page(0), &list, false), json!({ "items": [], "next": "0" }));
}

fn read(signature: &str, query: &[(&str, &str)]) -> Result<Vec<DynSolValue>, String> {
    let function = Function::parse(signature).unwrap();
    let pairs: Vec<_> = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    args::read(&function, &pairs, &["at"]).map_err(|fail| fail.0.message)
}

#[test]
fn arguments_are_read_strictly() {
    let list = "f(bytes32 head, uint64 cursor, uint64 limit) returns (uint64[] items, uint64 next)";
    let head = B256::repeat_byte(3).to_string();
    assert_eq!(
        read(list, &[("head", &head), ("at", "4")]).unwrap(),
        [DynSolValue::FixedBytes(B256::repeat_byte(3), 32), uint(0, 64), uint(50, 64)]
    );
    // Without a next there is no list, and nothing has a default.
    assert!(read("f(uint64 cursor, uint64 limit) returns (uint64 a)", &[]).is_err());
    let area = "f(uint64 ownAreaM2) returns (bool)";
    assert_eq!(read(area, &[("own_area_m2", "89.5")]).unwrap(), [uint(8_950, 64)]);
    assert_eq!(read(area, &[("ownAreaM2", "89.50")]).unwrap(), [uint(8_950, 64)]);
    for bad in ["89.505", "-1", "", "1,000"] {
        assert!(
            read(area, &[("own_area_m2", bad)]).unwrap_err().contains("square metres"),
            "{bad}"
        );
    }
    let small = "f(uint8 state) returns (bool)";
    assert_eq!(read(small, &[("state", "255")]).unwrap(), [uint(255, 8)]);
    assert_eq!(read(small, &[("state", "0xff")]).unwrap(), [uint(255, 8)]);
    for bad in ["256", "0x", "1 ether", "1e3", "+1", "\u{ff11}"] {
        assert!(read(small, &[("state", bad)]).unwrap_err().contains("uint8"), "{bad}");
    }
    assert!(read("f(bool a) returns (bool)", &[("a", "yes")]).is_err());
    assert_eq!(
        read("f(string key) returns (bool)", &[("key", "1 ether, \"")]).unwrap(),
        [DynSolValue::String("1 ether, \"".into())]
    );
    assert_eq!(
        read("f(uint64[] ids) returns (bool)", &[("ids", "[1,2]")]).unwrap(),
        [DynSolValue::Array(vec![uint(1, 64), uint(2, 64)])]
    );
}

proptest! {
    #[test]
    fn no_argument_makes_reading_panic(ty in "(u?int(8|64|256)|address|bool|bytes(4|32)?|string)(\\[\\])?", text in ".{0,60}") {
        let _ = read(&format!("f({ty} a) returns (bool)"), &[("a", &text)]);
    }

    #[test]
    fn no_revert_data_makes_decoding_panic(data in prop::collection::vec(any::<u8>(), 0..100)) {
        let abi = JsonAbi::parse(["error NoSuchMotion(uint64 id, string[] names)"]).unwrap();
        let selector = abi.errors().next().unwrap().selector();
        let with = [selector.as_slice(), &data].concat();
        for data in [data, with] {
            fail::refusal(&data, "decisions", &[("decisions", &abi)], &Notices::default());
        }
    }
}

#[test]
fn refusals_speak() {
    let abi = JsonAbi::parse([
        "error NoSuchMotion(uint64 id)",
        "error Closed()",
        "error TooSmall(uint64 neededM2, bytes32 hash)",
    ])
    .unwrap();
    let mut notices = Notices::default();
    notices
        .read("decisions", "    /// The box is closed.\n    /// @param x y\n    error Closed();");
    let say =
        |data: Vec<u8>| fail::refusal(&data, "decisions", &[("decisions", &abi)], &notices).message;
    let encode = |name: &str, words: &[U256]| {
        let error = abi.errors().find(|error| error.name == name).unwrap();
        let words = words.iter().flat_map(|word| word.to_be_bytes::<32>());
        [error.selector().to_vec(), words.collect()].concat()
    };
    assert_eq!(say(encode("NoSuchMotion", &[U256::from(7)])), "No such motion (id 7)");
    assert_eq!(say(encode("Closed", &[])), "The box is closed");
    assert_eq!(
        say(encode("TooSmall", &[U256::from(8_950), U256::ZERO])),
        "Too small (needed m2 89.50, hash 0x00000000...)"
    );
    assert!(say(Vec::new()).contains("without a reason"));
    assert!(say(vec![1, 2, 3, 4]).contains("not known here"));
}

#[test]
fn comments_before_a_declaration_are_its_notice() {
    let mut notices = Notices::default();
    notices.read(
        "m",
        "/// @title Nothing\n/// @notice First line\ninterface IM {\n  /** Block. */\n  error A();\n\
         /// One\n  /// two.\n  function b(\n /// inside\n uint64 x) external;\n  error C();\n}",
    );
    assert_eq!(notices.get("m", "interface", "IM"), Some("First line"));
    assert_eq!(notices.get("m", "error", "A"), Some("Block."));
    assert_eq!(notices.get("m", "function", "b"), Some("One two."));
    assert_eq!(notices.get("m", "error", "C"), None);
}

#[test]
fn the_nearest_names_are_suggested() {
    let all = ["motion", "motions", "ballots", "votes_of"];
    assert_eq!(names::nearest("motoin", all.into_iter()), ["motion", "motions"]);
    assert_eq!(names::nearest("xyzzy", all.into_iter()), Vec::<String>::new());
}

#[test]
fn structs_are_described_once_and_by_name() {
    let abi = JsonAbi::from_iter([function(
        "motion",
        vec![param("uint64", "id", vec![])],
        vec![param("tuple", "value", vec![param("uint64", "areaM2", vec![])])],
    )]);
    let face = Face { name: "decisions", address: Default::default(), abi };
    let mut notices = Notices::default();
    notices.read(
        "decisions",
        "/// A question.\n struct Motion {\n /// hundredths\n uint64 areaM2;\n}\n struct A { bool b; }",
    );
    let api = openapi::describe(&[face], &notices);
    let motion = &api["components"]["schemas"]["decisions.Motion"];
    assert_eq!(motion["properties"]["area_m2"]["type"], json!("string"), "{api}");
    assert_eq!(motion["description"], json!("A question."));
    let get = &api["paths"]["/api/v1/decisions/motion"]["get"];
    assert_eq!(get["parameters"][0]["required"], json!(true));
    assert_eq!(get["parameters"][1]["name"], json!("at"));
    assert_eq!(notices.struct_name("decisions", vec!["b".into()]), Some("A"));
}

fn param(ty: &str, name: &str, components: Vec<Param>) -> Param {
    Param { ty: ty.into(), name: name.into(), components, internal_type: None }
}

fn function(
    name: &str,
    inputs: Vec<Param>,
    outputs: Vec<Param>,
) -> alloy_json_abi::AbiItem<'static> {
    let state_mutability = alloy_json_abi::StateMutability::View;
    let function = Function { name: name.into(), inputs, outputs, state_mutability };
    alloy_json_abi::AbiItem::Function(std::borrow::Cow::Owned(function))
}
