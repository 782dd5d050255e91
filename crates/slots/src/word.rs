//! Values that fill one 32-byte word.

use alloy_primitives::{Address, B256, U256};
use tulou_primitives::{Area, Fen};

/// A value that fits one storage word, encoded as Solidity does: numbers and addresses to the right.
pub trait Word: Copy {
    /// Bytes the value takes inside a packed word.
    const BYTES: usize;
    /// The value as a word.
    fn to_word(self) -> U256;
    /// The value of a word; bits beyond `BYTES` are ignored.
    fn from_word(word: U256) -> Self;
}

macro_rules! numbers {
    ($($ty:ty),*) => { $(
        impl Word for $ty {
            const BYTES: usize = size_of::<$ty>();
            fn to_word(self) -> U256 {
                U256::from(self)
            }
            fn from_word(word: U256) -> Self {
                word.wrapping_to()
            }
        }
    )* };
}
numbers!(u8, u16, u32, u64, u128);

macro_rules! units {
    ($($ty:ident),*) => { $(
        impl Word for $ty {
            const BYTES: usize = 8;
            fn to_word(self) -> U256 {
                U256::from(self.0)
            }
            fn from_word(word: U256) -> Self {
                Self(word.wrapping_to())
            }
        }
    )* };
}
units!(Fen, Area);

impl Word for bool {
    const BYTES: usize = 1;
    fn to_word(self) -> U256 {
        U256::from(u8::from(self))
    }
    fn from_word(word: U256) -> Self {
        word.byte(0) != 0
    }
}

impl Word for U256 {
    const BYTES: usize = 32;
    fn to_word(self) -> U256 {
        self
    }
    fn from_word(word: U256) -> Self {
        word
    }
}

impl Word for B256 {
    const BYTES: usize = 32;
    fn to_word(self) -> U256 {
        self.into()
    }
    fn from_word(word: U256) -> Self {
        word.into()
    }
}

impl Word for Address {
    const BYTES: usize = 20;
    fn to_word(self) -> U256 {
        self.into_word().into()
    }
    fn from_word(word: U256) -> Self {
        Self::from_word(word.into())
    }
}
