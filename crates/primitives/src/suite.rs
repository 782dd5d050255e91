//! The kinds of keys that may sign transactions.

/// A kind of key. The number of each is its bit in the council's parameter `suites`, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Suite {
    /// ECDSA over secp256k1 with keccak256: Ethereum's wallets.
    Secp256k1 = 1,
    /// ECDSA over P-256 with SHA-256: passkeys and keys that a browser holds.
    P256 = 2,
    /// SM2 with SM3: the national algorithms.
    Sm2 = 4,
}

impl Suite {
    /// Every kind, lowest bit first.
    pub const ALL: [Self; 3] = [Self::Secp256k1, Self::P256, Self::Sm2];
    /// The bits of every kind.
    pub const ALL_BITS: u8 = 7;

    /// Its bit.
    pub const fn bit(self) -> u8 {
        self as u8
    }

    /// Its name, as people may read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secp256k1 => "secp256k1 (wallet)",
            Self::P256 => "P-256 (passkey)",
            Self::Sm2 => "SM2",
        }
    }

    /// The names of the kinds whose bits are set, with commas.
    pub fn names(bits: u8) -> String {
        let set = Self::ALL.into_iter().filter(|suite| bits & suite.bit() != 0);
        set.map(Self::name).collect::<Vec<_>>().join(", ")
    }
}
