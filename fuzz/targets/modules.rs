//! Any sequence of calls to the modules is done or refused: never a panic, and never a fault, which
//! would stop a block.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use tulou_modules::{ALL, roles::Office};
use tulou_primitives::{Genesis, GenesisMember, NodeKind, OfficeHolder};
use tulou_slots::{
    Fault, Memory,
    alloy_primitives::{Address, B256},
};

const NOW: u64 = 1_767_196_800;
/// Bytes that, repeated, are points of edwards25519.
const KEYS: [u8; 5] = [1, 3, 6, 9, 10];

#[derive(Arbitrary, Debug)]
struct Call {
    module: u8,
    /// Names one of the module's calls; beyond them the bytes are the calldata as they are.
    selector: u8,
    /// Even: holds every office. Odd: holds none.
    caller: u8,
    arguments: Vec<u8>,
    later: u32,
}

/// Selectors of each module, in the order of the table.
static SELECTORS: LazyLock<Vec<Vec<[u8; 4]>>> = LazyLock::new(|| {
    let selectors = |module: &tulou_modules::Module| {
        (module.abi)().functions().map(|function| function.selector().0).collect()
    };
    ALL.iter().map(selectors).collect()
});

static FIRST_PAGE: LazyLock<Memory> = LazyLock::new(|| {
    let holder = |office: &str| OfficeHolder {
        office: office.into(),
        account: Address::with_last_byte(2),
        until: 0,
    };
    // The account that holds every office speaks for a member, too.
    let member = |number: u8| GenesisMember {
        name: format!("member {number}"),
        account: Address::with_last_byte(number),
        weight: 10,
        node: B256::repeat_byte(KEYS[usize::from(number - 2)]),
        kind: NodeKind::Validator,
        address: format!("127.0.0.1:900{number}"),
    };
    let page = Genesis {
        chain_id: 1,
        timestamp: NOW,
        gas_limit: 30_000_000,
        epoch_length: 100,
        heartbeat_ms: 5_000,
        release: 1,
        members: (2..7).map(member).collect(),
        packs: vec!["cn".into(), "cn-hangzhou".into()],
        offices: Office::NAMED.iter().map(|&(office, _)| holder(office)).collect(),
        ..Default::default()
    };
    let mut memory = Memory::default();
    memory.now = NOW;
    tulou_modules::genesis(&mut memory, &page).expect("the first page is sound");
    memory
});

fuzz_target!(|calls: Vec<Call>| {
    let mut memory = FIRST_PAGE.clone();
    for call in calls {
        let index = usize::from(call.module) % ALL.len();
        let mut calldata = Vec::new();
        if let Some(selector) = SELECTORS[index].get(usize::from(call.selector)) {
            calldata.extend_from_slice(selector);
        }
        calldata.extend_from_slice(&call.arguments);
        memory.now = memory.now.saturating_add(u64::from(call.later));
        let caller = Address::with_last_byte(2 + call.caller % 2);
        let module = &ALL[index];
        let answer = memory.run(module.address, caller, |cx| (module.entry)(cx, &calldata));
        assert!(!matches!(answer, Err(Fault::Fatal(_))), "{}: {answer:?}", module.name);
    }
});
