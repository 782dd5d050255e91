//! All that a module may use.

pub use crate::roles::{Office, Permit};
pub use alloy_primitives::{Address, B256, U256, keccak256};
pub use tulou_primitives::{Area, Fen};
pub use tulou_slots::{
    Cx, Fault, List, Map, Place, Res, Slot, Text, Word, dispatch, ensure, packed, record,
    stored_enum,
};

/// Most items a list call returns at once; asking for more gives this many.
pub const PAGE_ITEMS_MAX: u64 = 200;

/// The indexes of one page of a list: `cursor` is the index to begin with, the second value the cursor
/// of the next page, 0 where this was the last.
pub fn page(cursor: u64, limit: u64, len: u64) -> (core::ops::Range<u64>, u64) {
    let from = cursor.min(len);
    let to = from.saturating_add(limit.clamp(1, PAGE_ITEMS_MAX)).min(len);
    (from..to, if to < len { to } else { 0 })
}

/// Sum of a lock-step computation, or Solidity's overflow panic.
pub fn exact<T>(value: Option<T>) -> Res<T> {
    value.ok_or_else(Fault::overflow)
}

/// Gives Solidity enums of `sol!` their place in a storage word: one byte, as solc lays them out. A
/// number that names no variant reads as `None`, which every enum has first.
macro_rules! abi_enum {
    ($($ty:path),* $(,)?) => { $(
        impl $crate::prelude::Word for $ty {
            const BYTES: usize = 1;
            fn to_word(self) -> $crate::prelude::U256 {
                $crate::prelude::U256::from(self as u8)
            }
            fn from_word(word: $crate::prelude::U256) -> Self {
                <$ty>::try_from(word.byte(0)).unwrap_or(<$ty>::None)
            }
        }
    )* };
}
pub(crate) use abi_enum;
