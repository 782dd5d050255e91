//! Typed storage over 32-byte slots, laid out as solc lays it out, so that `eth_getStorageAt`,
//! `eth_getProof` and an auditor's tools read modules like contracts.
//!
//! A [`Slot`] is a whole word (`uint256`, `bytes32`, `address` in the Solidity twin); small numbers
//! that share a word are a `packed!` struct; a `record!` is a Solidity struct or a contract's state.

use core::{fmt, marker::PhantomData};

use alloy_primitives::{U256, keccak256};

use crate::{Cx, Fault, Res, Word};

/// Something that lives at a slot.
pub trait Place: Sized {
    /// Consecutive slots it takes.
    const SLOTS: u64;
    /// The one that begins at `slot`.
    fn at(slot: U256) -> Self;
}

/// One word.
pub struct Slot<T>(U256, PhantomData<T>);

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({})", self.0)
    }
}

impl<T> Place for Slot<T> {
    const SLOTS: u64 = 1;
    fn at(slot: U256) -> Self {
        Self(slot, PhantomData)
    }
}

impl<T: Word> Slot<T> {
    /// The value, zero where nothing was written.
    pub fn get(&self, cx: &mut Cx<'_>) -> Res<T> {
        cx.host.sload(cx.this, self.0).map(T::from_word)
    }

    /// Writes the value; zero frees the slot.
    pub fn set(&self, cx: &mut Cx<'_>, value: T) -> Res<()> {
        cx.host.sstore(cx.this, self.0, value.to_word())
    }
}

macro_rules! arithmetic {
    ($($ty:ty => $one:expr),*) => { $(
        impl Slot<$ty> {
            /// Adds and returns the sum.
            ///
            /// # Errors
            /// - `Panic(0x11)`: the sum does not fit.
            pub fn add(&self, cx: &mut Cx<'_>, value: $ty) -> Res<$ty> {
                let sum = self.get(cx)?.checked_add(value).ok_or_else(Fault::overflow)?;
                self.set(cx, sum)?;
                Ok(sum)
            }

            /// Subtracts and returns the difference.
            ///
            /// # Errors
            /// - `Panic(0x11)`: the difference would be negative.
            pub fn sub(&self, cx: &mut Cx<'_>, value: $ty) -> Res<$ty> {
                let rest = self.get(cx)?.checked_sub(value).ok_or_else(Fault::overflow)?;
                self.set(cx, rest)?;
                Ok(rest)
            }

            /// Counts one up and returns the new value: ids begin with 1, so that 0 is "none".
            pub fn next(&self, cx: &mut Cx<'_>) -> Res<$ty> {
                self.add(cx, $one)
            }
        }
    )* };
}
arithmetic!(
    u8 => 1, u16 => 1, u32 => 1, u64 => 1, u128 => 1, U256 => U256::ONE,
    tulou_primitives::Fen => tulou_primitives::Fen(1), tulou_primitives::Area => tulou_primitives::Area(1)
);

/// Slot of a mapping's value: `keccak256(key . slot)`.
pub fn key_slot(key: U256, slot: U256) -> U256 {
    let mut bytes = [0u8; 64];
    bytes[..32].copy_from_slice(&key.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    keccak256(bytes).into()
}

/// Solidity's `mapping(K => V)`.
pub struct Map<K, V>(U256, PhantomData<(K, V)>);

impl<K, V> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({})", self.0)
    }
}

impl<K, V> Place for Map<K, V> {
    const SLOTS: u64 = 1;
    fn at(slot: U256) -> Self {
        Self(slot, PhantomData)
    }
}

impl<K: Word, V: Place> Map<K, V> {
    /// The place of a key's value. Costs a hash and no state access.
    pub fn of(&self, key: K) -> V {
        V::at(key_slot(key.to_word(), self.0))
    }
}

/// Solidity's dynamic array. Elements are whole places: `List<Slot<u64>>` is `uint256[]`.
pub struct List<V>(U256, PhantomData<V>);

impl<V> fmt::Debug for List<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({})", self.0)
    }
}

impl<V> Place for List<V> {
    const SLOTS: u64 = 1;
    fn at(slot: U256) -> Self {
        Self(slot, PhantomData)
    }
}

impl<V: Place> List<V> {
    /// Number of elements.
    pub fn len(&self, cx: &mut Cx<'_>) -> Res<u64> {
        Slot::<u64>::at(self.0).get(cx)
    }

    /// Place of the element at `index`, whether or not it is in the list.
    pub fn of(&self, index: u64) -> V {
        let first = U256::from_be_bytes(keccak256(self.0.to_be_bytes::<32>()).0);
        V::at(first.wrapping_add(U256::from(index).wrapping_mul(U256::from(V::SLOTS))))
    }

    /// Makes room for one more and returns its place and index.
    pub fn push(&self, cx: &mut Cx<'_>) -> Res<(u64, V)> {
        let index = Slot::<u64>::at(self.0).next(cx)? - 1;
        Ok((index, self.of(index)))
    }

    /// Sets the number of elements. Elements beyond it keep their words: clear them first.
    pub fn truncate(&self, cx: &mut Cx<'_>, len: u64) -> Res<()> {
        Slot::<u64>::at(self.0).set(cx, len)
    }
}

/// Declares a struct of places, numbered slot by slot: a Solidity struct, or the state of a module.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug)]
        $vis struct $name { $($(#[$fmeta])* $vis $field: $ty),* }

        impl $crate::Place for $name {
            const SLOTS: u64 = 0 $(+ <$ty as $crate::Place>::SLOTS)*;
            fn at(slot: $crate::alloy_primitives::U256) -> Self {
                let mut next = slot;
                $(
                    let $field = <$ty as $crate::Place>::at(next);
                    next = next.wrapping_add($crate::alloy_primitives::U256::from(
                        <$ty as $crate::Place>::SLOTS,
                    ));
                )*
                let _ = next;
                Self { $($field),* }
            }
        }
    };
}

/// Declares a struct of small values that share one word, first field in the lowest bytes, as solc
/// packs them.
#[macro_export]
macro_rules! packed {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis struct $name { $($(#[$fmeta])* $vis $field: $ty),* }

        const _: () = assert!(0 $(+ <$ty as $crate::Word>::BYTES)* <= 32, "does not fit one word");

        impl $crate::Word for $name {
            const BYTES: usize = 32;
            fn to_word(self) -> $crate::alloy_primitives::U256 {
                let mut word = $crate::alloy_primitives::U256::ZERO;
                let mut shift = 0usize;
                $(
                    word |= $crate::Word::to_word(self.$field) << shift;
                    shift += 8 * <$ty as $crate::Word>::BYTES;
                )*
                let _ = shift;
                word
            }
            fn from_word(word: $crate::alloy_primitives::U256) -> Self {
                let mut shift = 0usize;
                $(
                    let $field = {
                        let bits = 8 * <$ty as $crate::Word>::BYTES;
                        let mask = $crate::alloy_primitives::U256::MAX >> (256 - bits);
                        let value = (word >> shift) & mask;
                        shift += bits;
                        <$ty as $crate::Word>::from_word(value)
                    };
                )*
                let _ = shift;
                Self { $($field),* }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                <Self as $crate::Word>::from_word($crate::alloy_primitives::U256::ZERO)
            }
        }
    };
}

/// Gives a Rust enum with `u8` values its place in a word. A number that names no variant reads as
/// the first one, which must mean "none".
#[macro_export]
macro_rules! stored_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $first:ident = 0 $(, $(#[$vmeta:meta])* $variant:ident = $n:literal)* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        $vis enum $name {
            /// Nothing there.
            #[default]
            $first = 0,
            $($(#[$vmeta])* $variant = $n),*
        }

        impl $name {
            /// The variant with this number.
            $vis fn from_number(number: u8) -> Option<Self> {
                match number {
                    0 => Some(Self::$first),
                    $($n => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl $crate::Word for $name {
            const BYTES: usize = 1;
            fn to_word(self) -> $crate::alloy_primitives::U256 {
                $crate::alloy_primitives::U256::from(self as u8)
            }
            fn from_word(word: $crate::alloy_primitives::U256) -> Self {
                Self::from_number(word.byte(0)).unwrap_or_default()
            }
        }
    };
}
