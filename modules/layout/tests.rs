//! What modules write through their calls, slot by slot against solc's storage layout of the same state
//! (`tests/layout/Layouts.sol`).

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;
use tulou_slots::{Memory, key_slot};

use crate::{prelude::*, *};

#[path = "tests/consortium.rs"]
mod consortium;
#[path = "tests/people.rs"]
mod people;

const NOW: u64 = 1_767_196_800;
const CHAIR: Address = Address::repeat_byte(0xc4);
const LONG: &str = "a title of more than thirty-one bytes lies in slots of its own";

/// solc's layout of every contract, or `None` with a plain word where solc is not installed.
fn layouts() -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/layout/layout.mjs");
    let Ok(output) = Command::new("node").arg(script).output() else {
        println!("NOT CHECKED: node is not installed, so solc cannot say where it puts variables");
        return None;
    };
    if output.status.code() == Some(3) {
        println!("NOT CHECKED: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// One contract's storage, filled by variable paths like `mandates[0].head.office`.
struct Twin<'l> {
    layout: &'l Value,
    slots: BTreeMap<U256, U256>,
}

impl<'l> Twin<'l> {
    fn of(layouts: &'l Value, contract: &str) -> Self {
        Self { layout: &layouts[contract], slots: BTreeMap::new() }
    }

    /// Slot, offset in bytes and type of a path.
    fn place(&self, path: &str) -> (U256, usize, &'l Value) {
        let mut parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']'));
        let mut member = find(&self.layout["storage"], parts.next().unwrap(), path);
        let mut slot = number(&member["slot"]);
        let mut kind = self.kind(&member["type"]);
        let mut offset = member["offset"].as_u64().unwrap() as usize;
        for part in parts {
            offset = 0;
            match kind["encoding"].as_str().unwrap() {
                "mapping" => {
                    slot = key_slot(part.parse().unwrap(), slot);
                    kind = self.kind(&kind["value"]);
                }
                "dynamic_array" => {
                    let first: U256 = keccak256(slot.to_be_bytes::<32>()).into();
                    kind = self.kind(&kind["base"]);
                    let size = number(&kind["numberOfBytes"]).div_ceil(U256::from(32));
                    slot = first + size * part.parse::<U256>().unwrap();
                }
                _ => {
                    member = find(&kind["members"], part, path);
                    slot += number(&member["slot"]);
                    offset = member["offset"].as_u64().unwrap() as usize;
                    kind = self.kind(&member["type"]);
                }
            }
        }
        (slot, offset, kind)
    }

    fn kind(&self, name: &Value) -> &'l Value {
        &self.layout["types"][name.as_str().unwrap()]
    }

    /// Puts a number, hash or address at a path; at a dynamic array, its length.
    fn put(&mut self, path: &str, value: impl Into<U256>) -> &mut Self {
        let (slot, offset, kind) = self.place(path);
        let (value, bits) = (value.into(), 8 * number(&kind["numberOfBytes"]).to::<usize>());
        assert!(value.bit_len() <= bits, "{path}: {value} needs more than {bits} bits");
        self.or(slot, value << (8 * offset));
        self
    }

    /// Puts a string at a path, as the Solidity documentation describes `bytes` and `string`.
    fn text(&mut self, path: &str, text: &str) -> &mut Self {
        let (slot, _, kind) = self.place(path);
        assert_eq!(kind["encoding"], "bytes", "{path}");
        let word = |part: &[u8]| {
            let mut word = [0u8; 32];
            word[..part.len()].copy_from_slice(part);
            U256::from_be_bytes(word)
        };
        let len = U256::from(text.len());
        if text.len() < 32 {
            self.or(slot, word(text.as_bytes()) | len << 1);
        } else {
            self.or(slot, (len << 1) | U256::ONE);
            let mut at: U256 = keccak256(slot.to_be_bytes::<32>()).into();
            for part in text.as_bytes().chunks(32) {
                self.or(at, word(part));
                at += U256::ONE;
            }
        }
        self
    }

    fn or(&mut self, slot: U256, value: U256) {
        if !value.is_zero() {
            *self.slots.entry(slot).or_default() |= value;
        }
    }

    /// Every slot of the module, and no other.
    fn agrees(&self, m: &Memory, module: Address) {
        let written: BTreeMap<_, _> = m
            .slots
            .iter()
            .filter(|((at, _), _)| *at == module)
            .map(|((_, slot), value)| (*slot, *value))
            .collect();
        assert_eq!(written, self.slots);
    }
}

fn find<'v>(members: &'v Value, name: &str, path: &str) -> &'v Value {
    let all = members.as_array().unwrap();
    let found = all.iter().find(|member| member["label"] == name);
    found.unwrap_or_else(|| panic!("{path}: solc knows no {name}"))
}

fn number(text: &Value) -> U256 {
    text.as_str().unwrap().parse().unwrap()
}

fn word(address: Address) -> U256 {
    address.into_word().into()
}

fn start() -> Memory {
    let mut m = Memory::default();
    m.now = NOW;
    m
}

#[test]
fn rules_lie_where_solc_puts_them() {
    let Some(layouts) = layouts() else { return };
    let text = format!(
        "[pack]\nname = \"x\"\nlayer = \"city\"\ntitle = \"X\"\n[[rule]]\nkey = \"a.b\"\nvalue = \"2/3\"\n\
         unit = \"at_least\"\nsource = \"{LONG}\"\narticle = \"7\"\neffective_from = 2021-01-01\n\
         effective_to = 2031-01-01\nbound = \"ceiling\"\n"
    );
    let pack = rules::pack::parse("x.toml", &text).unwrap();
    let mut m = start();
    m.run(address::rules, Address::ZERO, |cx| rules::genesis(cx, &[pack])).unwrap();
    let book = m.run(address::roles, CHAIR, rules::pack_hash).unwrap();
    let mut twin = Twin::of(&layouts, "Rules");
    twin.put("bookHash", book).put("keys", U256::ONE).text("keys[0]", "a.b");
    twin.put(&format!("ids[{}]", U256::from_be_bytes(keccak256("a.b").0)), U256::ONE);
    twin.put("values[1][2]", U256::ONE);
    let entry = "values[1][2][0]";
    for (field, value) in [
        ("value.num", 2),
        ("value.den", 3),
        ("value.fromAt", 1_609_430_400),
        ("value.untilAt", 1_924_963_200),
        ("kind.unit", 1),
        ("kind.bound", 2),
    ] {
        twin.put(&format!("{entry}.{field}"), U256::from(value));
    }
    twin.text(&format!("{entry}.source"), LONG).text(&format!("{entry}.article"), "7");
    twin.put("editions", U256::ONE).text("editions[0].name", "x");
    twin.put("editions[0].layer", U256::from(2)).put("editions[0].madeAt", U256::from(NOW));
    twin.put("editions[0].source", keccak256(&text)).put("editions[0].bookHash", book);
    twin.agrees(&m, address::rules);
}

#[test]
fn roles_lie_where_solc_puts_them() {
    use roles::{IRoles::*, Office};
    let Some(layouts) = layouts() else { return };
    let mut m = start();
    let street = Address::repeat_byte(0x57);
    let offices = [(roles::Office::StreetOffice, street, 0), (Office::Chair, CHAIR, NOW + 9)];
    let permits: Vec<_> = roles::PERMITS[2..3].iter().map(|p| (address::roles, *p)).collect();
    m.run(address::roles, Address::ZERO, |cx| roles::genesis(cx, &offices, &permits)).unwrap();
    let freeze = freezeCall { id: 2, untilAt: NOW + 5, reason: LONG.into() };
    m.call(address::roles, roles::entry, street, &freeze).unwrap();
    let above = [Office::StreetOffice, Office::Decision, Office::Council];
    let mask = U256::from(above.iter().fold(0, |mask, office| mask | office.bit()));
    let selector = u32::from_be_bytes(roles::PERMITS[2].1);
    let mut twin = Twin::of(&layouts, "Roles");
    twin.put("mandates", U256::from(2));
    for (index, office, holder, until) in [(0u64, 7u64, street, 0), (1, 1, CHAIR, NOW + 9)] {
        let (row, id) = (format!("mandates[{index}]"), U256::from(index + 1));
        twin.put(&format!("{row}.head.office"), U256::from(office));
        twin.put(&format!("{row}.head.fromAt"), U256::from(NOW));
        twin.put(&format!("{row}.head.untilAt"), U256::from(until));
        twin.put(&format!("{row}.holder"), word(holder));
        twin.put(&format!("byOffice[{office}]"), U256::ONE);
        twin.put(&format!("byOffice[{office}][0]"), id);
        let mine = format!("byHolder[{}][{office}]", word(holder));
        twin.put(&mine, U256::ONE).put(&format!("{mine}[0]"), id);
    }
    twin.put("mandates[1].frozenUntil", U256::from(NOW + 5)).text("mandates[1].reason", LONG);
    twin.put("permits", U256::ONE).text("permits[0].name", "freeze");
    twin.put("permits[0].key.module", word(address::roles));
    twin.put("permits[0].key.selector", U256::from(selector));
    twin.put("permits[0].key.offices", mask);
    twin.put(&format!("officesFor[{}][{selector}]", word(address::roles)), mask);
    twin.agrees(&m, address::roles);
}

#[test]
fn schedule_lies_where_solc_puts_it() {
    let Some(layouts) = layouts() else { return };
    let mut m = start();
    let data: Vec<u8> = (1..=40).collect();
    for due_at in [NOW + 70, NOW + 50] {
        let data = data.clone();
        m.run(address::rules, CHAIR, |cx| schedule::plan(cx, due_at, data)).unwrap();
    }
    let mut twin = Twin::of(&layouts, "Schedule");
    twin.put("tasks", U256::from(2)).put("waiting.turns", U256::from(2));
    for (index, due_at) in [(0u64, NOW + 70), (1, NOW + 50)] {
        let (row, turn) = (format!("tasks[{index}]"), format!("waiting.turns[{}]", 1 - index));
        twin.put(&format!("{row}.head.target"), word(address::rules));
        twin.put(&format!("{row}.head.stage"), U256::ONE);
        twin.put(&format!("{row}.times.dueAt"), U256::from(due_at));
        twin.put(&format!("{row}.times.plannedAt"), U256::from(due_at));
        twin.put(&format!("{row}.times.bytesLength"), U256::from(40));
        twin.put(&format!("{row}.data"), U256::from(2));
        twin.put(&format!("{row}.data[0]"), B256::from_slice(&data[..32]));
        twin.put(&format!("{row}.data[1]"), B256::right_padding_from(&data[32..]));
        twin.put(&format!("{turn}.dueAt"), U256::from(due_at));
        twin.put(&format!("{turn}.id"), U256::from(index + 1));
    }
    twin.agrees(&m, address::schedule);
}

#[test]
fn documents_lie_where_solc_puts_them() {
    use documents::IDocuments::*;
    let Some(layouts) = layouts() else { return };
    let mut m = start();
    let permits: Vec<_> = documents::PERMITS.iter().map(|p| (address::documents, *p)).collect();
    let offices = [(roles::Office::Chair, CHAIR, 0)];
    m.run(address::roles, Address::ZERO, |cx| roles::genesis(cx, &offices, &permits)).unwrap();
    let (old, new) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let (custodian, title, retain) = (Address::repeat_byte(0x3a), LONG.to_owned(), NOW + 7);
    let kind = Kind::Contract;
    let call = registerCall { hash: old, kind, custodian, retainUntil: retain, title };
    m.call(address::documents, documents::entry, CHAIR, &call).unwrap();
    let call = supersedeCall { old, hash: new, retainUntil: retain, title: "Annex".into() };
    m.call(address::documents, documents::entry, CHAIR, &call).unwrap();
    let mut twin = Twin::of(&layouts, "Documents");
    let kind = U256::from(kind as u8);
    twin.put("documents", U256::from(2)).put(&format!("byKind[{kind}]"), U256::from(2));
    for (index, hash, title) in [(0u64, old, LONG), (1, new, "Annex")] {
        let (row, id) = (format!("documents[{index}]"), U256::from(index + 1));
        twin.put(&format!("{row}.hash"), hash).text(&format!("{row}.title"), title);
        twin.put(&format!("{row}.head.kind"), kind);
        twin.put(&format!("{row}.head.registeredAt"), U256::from(NOW));
        twin.put(&format!("{row}.head.retainUntil"), U256::from(retain));
        twin.put(&format!("{row}.custodian"), word(custodian));
        twin.put(&format!("{row}.registeredBy"), word(CHAIR));
        twin.put(&format!("byKind[{kind}][{index}]"), id);
        twin.put(&format!("ids[{}]", U256::from_be_bytes(hash.0)), id);
    }
    twin.put("documents[0].links.supersededBy", U256::from(2));
    twin.put("documents[1].links.supersedes", U256::ONE);
    twin.agrees(&m, address::documents);
}

#[test]
fn money_and_its_tokens_lie_where_solc_puts_them() {
    use money::{IMoney::*, IToken::*};
    let Some(layouts) = layouts() else { return };
    let (mut m, holder, spender) =
        (start(), Address::repeat_byte(0x4d), Address::repeat_byte(0x5e));
    let token = money::asset_address(money::CNY);
    m.run(address::money, Address::ZERO, |cx| money::genesis(cx, address::funds)).unwrap();
    let (owner, memo) = (CHAIR, B256::repeat_byte(6));
    m.run(address::funds, CHAIR, |cx| money::issue(cx, money::CNY, owner, Fen(900), memo)).unwrap();
    let call = holdCall { asset: 1, holder, amountFen: 70, memo, expiresAt: NOW + 9 };
    m.call(address::money, money::entry, owner, &call).unwrap();
    let call = holdCall { amountFen: 30, expiresAt: 0, ..call };
    m.call(address::money, money::entry, owner, &call).unwrap();
    let call = captureCall { id: 2, to: holder, amountFen: 20 };
    m.call(address::money, money::entry, holder, &call).unwrap();
    let call = approveCall { spender, value: U256::from(55) };
    m.call(token, money::token_entry, owner, &call).unwrap();
    let mut twin = Twin::of(&layouts, "Money");
    twin.put("assets", U256::ONE)
        .put("mandates[1]", word(address::funds))
        .put("holds", U256::from(2));
    // number, amount, captured, state (1 held, 2 captured), expiry
    for (index, amount, captured, state, expires_at) in
        [(0u64, 70u64, 0u64, 1u64, NOW + 9), (1, 30, 20, 2, 0)]
    {
        let row = format!("holds[{index}]");
        let fields = [("asset", 1), ("amount", amount), ("captured", captured)];
        for (field, value) in
            fields.into_iter().chain([("state", state), ("expiresAt", expires_at)])
        {
            twin.put(&format!("{row}.head.{field}"), U256::from(value));
        }
        twin.put(&format!("{row}.account"), word(owner))
            .put(&format!("{row}.holder"), word(holder));
        twin.put(&format!("{row}.memo_"), memo);
    }
    twin.agrees(&m, address::money);
    let mut twin = Twin::of(&layouts, "Token");
    let (name, symbol) = ("人民币(银行存款镜像)", "CNY");
    twin.put("supply", U256::from(900)).text("name", name).text("symbol", symbol);
    let place = |who: Address, field: &str| format!("balances[{}].{field}", word(who));
    twin.put(&place(owner, "total"), U256::from(880)).put(&place(owner, "held"), U256::from(70));
    twin.put(&place(holder, "total"), U256::from(20));
    twin.put(&format!("allowances[{}][{}]", word(owner), word(spender)), U256::from(55));
    twin.agrees(&m, token);
}
