//! From the table's rows to addresses and routes.

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, Bytes};
use tulou_slots::{Cx, Res};

/// Answers one ABI call of the module it belongs to.
pub type Entry = fn(&mut Cx<'_>, &[u8]) -> Res<Bytes>;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Name in REST paths and on the command line.
    pub name: &'static str,
    /// Where it is called.
    pub address: Address,
    /// Answers one ABI call.
    pub entry: Entry,
    /// Its interface.
    pub abi: fn() -> JsonAbi,
    /// Its restricted calls and the offices that may make them: written to `roles` at genesis.
    pub permits: &'static [crate::roles::Permit],
    /// The modules it calls, all of them further down.
    pub needs: &'static [&'static str],
}

/// Address of the system contract with this number: `0x7755...00NN`, never reused.
pub const fn system_address(number: u8) -> Address {
    let mut bytes = [0u8; 20];
    bytes[0] = 0x77;
    bytes[1] = 0x55;
    bytes[19] = number;
    Address::new(bytes)
}

/// The module through which passed decisions of the owners act. It stands above those that obey it, so
/// they know it by address alone.
pub const DECISIONS: Address = system_address(0x0b);

/// The module through which carried proposals of the council act. Its place is at the bottom; those that
/// obey it without asking it anything know it by address alone, too.
pub const COUNCIL: Address = system_address(0x02);

/// The module of keys and invitations. It stands above the register, which lets it bind accounts and knows
/// it by address alone.
pub const ACCOUNTS: Address = system_address(0x05);

/// Whether an address belongs to native code: a module, or an asset of `money`.
pub fn is_native(at: &Address) -> bool {
    route(at).is_some()
}

/// The native code behind an address.
pub fn route(at: &Address) -> Option<Entry> {
    if at[..2] != [0x77, 0x55] {
        return None;
    }
    if crate::money::is_asset(at) {
        return Some(crate::money::token_entry);
    }
    crate::ALL.iter().find(|module| module.address == *at).map(|module| module.entry)
}

/// Declares the modules. `needs` of a row may name rows above it only: a need listed below its user
/// does not compile.
macro_rules! modules {
    ($($name:ident = $number:literal, needs [$($need:ident),*];)*) => {
        $(pub mod $name;)*

        /// Every module, bottom layer first.
        pub const ALL: &[Module] = &[
            $(Module {
                name: stringify!($name),
                address: address::$name,
                entry: $name::entry,
                abi: $name::abi,
                permits: $name::PERMITS,
                needs: &[$(stringify!($need)),*],
            }),*
        ];

        /// Addresses of the modules by name.
        #[allow(non_upper_case_globals)]
        pub mod address {
            use alloy_primitives::Address;
            $(
                #[doc = concat!("Address of `", stringify!($name), "`.")]
                pub const $name: Address = crate::table::system_address($number);
            )*
        }

        #[allow(non_upper_case_globals, dead_code, unused_variables, unused_assignments)]
        const ORDER: () = {
            let mut row = 0usize;
            $(let $name = row; row += 1; $(assert!($need < $name, "a need stands below its user");)*)*
        };
    };
}
pub(crate) use modules;
