//! The first page: what the modules hold before the first block.

use tulou_primitives::Genesis;
use tulou_slots::Host;

use crate::{
    ALL, address, council, money,
    prelude::*,
    roles::{self, Office},
    rules, validators,
};

/// Marks the modules, writes members and nodes, loads the rule packs, and writes permits and first
/// offices.
///
/// # Errors
/// - `Fault::Fatal`: members, weights or nodes that make no council or no set of validators, an unknown
///   or malformed pack, an unknown office, or an office that cannot be
///   given. Nothing of the genesis may be used then.
pub fn genesis(host: &mut dyn Host, genesis: &Genesis) -> Res<()> {
    for module in ALL {
        host.mark(module.address)?;
    }
    let mut packs = Vec::new();
    for name in &genesis.packs {
        let text = rules::standard_pack(name)
            .ok_or_else(|| Fault::Fatal(format!("genesis: no rule pack is called {name:?}")))?;
        let file = format!("packs/{name}.toml");
        packs.push(rules::pack::parse(&file, text).map_err(|e| Fault::Fatal(e.to_string()))?);
    }
    let mut offices = Vec::new();
    for holder in &genesis.offices {
        let office = Office::from_name(&holder.office).ok_or_else(|| {
            Fault::Fatal(format!("genesis: no office is called {:?}", holder.office))
        })?;
        // The file names the last second of the term, the module the first one after it.
        let until = if holder.until == 0 { 0 } else { exact(holder.until.checked_add(1))? };
        offices.push((office, holder.account, until));
    }
    let permits: Vec<_> = ALL
        .iter()
        .flat_map(|module| module.permits.iter().map(|permit| (module.address, *permit)))
        .collect();
    within(host, address::council, |cx| council::genesis(cx, genesis))?;
    within(host, address::validators, |cx| validators::genesis(cx, genesis))?;
    within(host, address::rules, |cx| rules::genesis(cx, &packs))?;
    within(host, address::roles, |cx| roles::genesis(cx, &offices, &permits))?;
    within(host, address::money, |cx| money::genesis(cx, address::funds))
}

/// Runs `f` as the module at `this`, called by nobody.
fn within<T>(host: &mut dyn Host, this: Address, f: impl FnOnce(&mut Cx<'_>) -> Res<T>) -> Res<T> {
    f(&mut Cx { host, this, caller: Address::ZERO, is_static: false })
}
