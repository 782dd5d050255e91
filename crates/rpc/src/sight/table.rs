//! Classes of all calls and events of native code, by address and selector.

use std::{collections::HashMap, sync::LazyLock};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256};
use tulou_evm::Sight;
use tulou_modules::{ALL, is_native, money};

use super::{Judge, Visibility};
use crate::natspec::Notices;

static TABLE: LazyLock<Table> = LazyLock::new(Table::of_modules);

/// Whether any call answers private rows.
static HAS_PRIVATE: LazyLock<bool> =
    LazyLock::new(|| TABLE.calls.values().any(|(class, _)| *class == Visibility::Private));

struct Table {
    /// By address, all assets under that of the first, and selector: class and name.
    calls: HashMap<(Address, [u8; 4]), (Visibility, String)>,
    events: HashMap<(Address, B256), Visibility>,
}

/// All assets have one interface.
fn face(at: &Address) -> Address {
    if money::is_asset(at) { money::asset_address(1) } else { *at }
}

impl Table {
    fn of_modules() -> Self {
        let notices = Notices::of_modules();
        let mut table = Self { calls: HashMap::new(), events: HashMap::new() };
        for module in ALL {
            let judge = Judge { notices: &notices, module: module.name };
            table.add(module.address, &(module.abi)(), judge);
        }
        let judge = Judge { notices: &notices, module: "money" };
        table.add(money::asset_address(1), &money::token_abi(), judge);
        table
    }

    fn add(&mut self, at: Address, abi: &JsonAbi, judge: Judge<'_>) {
        for function in abi.functions() {
            let name = format!("{}.{}", judge.module, function.name);
            self.calls.insert((at, function.selector().0), (judge.call(function), name));
        }
        for event in abi.events() {
            self.events.insert((at, event.selector()), judge.event(&event.name));
        }
    }
}

/// Class of a call of native code. What the interface does not know is members'.
pub(crate) fn call_class(at: &Address, calldata: &[u8]) -> Visibility {
    let Some(selector) = calldata.first_chunk::<4>() else { return Visibility::Scope };
    TABLE.calls.get(&(face(at), *selector)).map_or(Visibility::Scope, |(class, _)| *class)
}

/// Name of a call of native code, as people write it.
pub(crate) fn call_name(at: &Address, selector: [u8; 4]) -> String {
    let found = TABLE.calls.get(&(face(at), selector));
    found.map_or_else(|| format!("what {at} answers"), |(_, name)| name.clone())
}

/// Class of an event. Contracts that are not native say what they say to everybody.
pub(crate) fn event_class(at: &Address, topics: &[B256]) -> Visibility {
    if !is_native(at) {
        return Visibility::Public;
    }
    let Some(topic) = topics.first() else { return Visibility::Scope };
    TABLE.events.get(&(face(at), *topic)).copied().unwrap_or(Visibility::Scope)
}

/// What an execution may reach for one who sees rows up to a class.
pub(crate) fn sight_of(most: Visibility) -> Option<Sight> {
    match most {
        Visibility::Public => Some(|at, calldata| call_class(at, calldata) == Visibility::Public),
        // Nothing is hidden from members, so nothing needs looking at.
        Visibility::Scope if !*HAS_PRIVATE => None,
        Visibility::Scope => Some(|at, calldata| call_class(at, calldata) <= Visibility::Scope),
        Visibility::Private => None,
    }
}
