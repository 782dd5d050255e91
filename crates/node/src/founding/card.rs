//! What a member shows the others before the founding: its public keys, and proof that it has the
//! secret ones.

use alloy_primitives::{Address, B256, Bytes, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::{Plan, check::host_and_port};

/// First line of what both keys sign.
const DOMAIN: &str = "Tulou member card 1";

/// A member's public card, a small text file. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Name of the member, as in the founding file.
    pub member: String,
    /// EIP-155 id of the ledger that it was made for.
    pub chain_id: u64,
    /// `host:port` at which the other nodes reach it.
    pub address: String,
    /// ed25519 key of its node.
    pub node: B256,
    /// Account that speaks for it.
    pub account: Address,
    /// ed25519 signature of the node key over the lines of this card.
    pub node_proof: Bytes,
    /// EIP-191 signature of the account over the same lines.
    pub account_proof: Bytes,
}

/// A card that does not count.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// Not the text of a card.
    #[error("this is no member card: {0}")]
    Malformed(String),
    /// A name or an address with which no card can be made.
    #[error("{0:?} cannot stand on a card")]
    Unfit(String),
    /// Signed by other keys than it names, or changed since.
    #[error(
        "the {key} key has not signed this card of {member}: it was changed on the way, or its maker \
         lacks the key; ask for it again"
    )]
    NotSigned {
        /// Whose card it says it is.
        member: String,
        /// Which key: `node` or `account`.
        key: &'static str,
    },
    /// Made for another ledger.
    #[error("the card of {member} is for the ledger with chain id {found}, not {expected}")]
    OtherLedger {
        /// Whose card.
        member: String,
        /// Chain id of the founding file.
        expected: u64,
        /// Chain id on the card.
        found: u64,
    },
    /// Nobody of this name is in the founding file.
    #[error("{0} is no member of the founding file: the names must be equal to the letter")]
    NoMember(String),
    /// The founding file says something else about this member.
    #[error(
        "the founding file gives {member} another {what} than its card: {planned}, not {shown}"
    )]
    Differs {
        /// Whose card.
        member: String,
        /// `address`, `node` or `account`.
        what: &'static str,
        /// In the founding file.
        planned: String,
        /// On the card.
        shown: String,
    },
    /// A key that does not sign.
    #[error("the {0} key does not sign")]
    Key(&'static str),
}

impl Card {
    /// Makes the card of a member from its secret keys.
    ///
    /// # Errors
    /// [`CardError::Unfit`], [`CardError::Key`].
    pub fn make(
        member: &str,
        chain_id: u64,
        address: &str,
        validator: B256,
        account: &PrivateKeySigner,
    ) -> Result<Self, CardError> {
        if member.is_empty() || member.chars().any(char::is_control) {
            return Err(CardError::Unfit(member.into()));
        }
        if host_and_port(address).is_none() {
            return Err(CardError::Unfit(address.into()));
        }
        let key = Ed25519KeyPair::from_seed_unchecked(validator.as_slice())
            .map_err(|_| CardError::Key("node"))?;
        let mut card = Self {
            member: member.into(),
            chain_id,
            address: address.into(),
            node: tulou_consensus::public_key(validator.0),
            account: account.address(),
            node_proof: Bytes::new(),
            account_proof: Bytes::new(),
        };
        let lines = card.lines();
        card.node_proof = Bytes::copy_from_slice(key.sign(lines.as_bytes()).as_ref());
        let signature =
            account.sign_message_sync(lines.as_bytes()).map_err(|_| CardError::Key("account"))?;
        card.account_proof = Bytes::copy_from_slice(&signature.as_bytes());
        Ok(card)
    }

    /// Reads a card and checks both signatures.
    ///
    /// # Errors
    /// [`CardError::Malformed`], [`CardError::NotSigned`].
    pub fn read(text: &str) -> Result<Self, CardError> {
        let card: Self =
            toml::from_str(text).map_err(|e| CardError::Malformed(e.message().to_owned()))?;
        let not_signed = |key| CardError::NotSigned { member: card.member.clone(), key };
        let lines = card.lines();
        UnparsedPublicKey::new(&ED25519, card.node.as_slice())
            .verify(lines.as_bytes(), &card.node_proof)
            .map_err(|_| not_signed("node"))?;
        let signer = Signature::try_from(card.account_proof.as_ref())
            .ok()
            .and_then(|signature| signature.recover_address_from_msg(lines.as_bytes()).ok());
        if signer != Some(card.account) {
            return Err(not_signed("account"));
        }
        Ok(card)
    }

    /// The card as a file.
    ///
    /// # Errors
    /// [`CardError::Malformed`]; cannot be for a card that was made or read.
    pub fn text(&self) -> Result<String, CardError> {
        let fields = toml::to_string(self).map_err(|e| CardError::Malformed(e.to_string()))?;
        Ok(format!("# Public card of a member. It holds no secret: pass it on.\n{fields}"))
    }

    /// What both keys sign, in words that a wallet can show.
    fn lines(&self) -> String {
        format!(
            "{DOMAIN}\nledger {}\nmember {}\naddress {}\nnode {}\naccount {}",
            self.chain_id, self.member, self.address, self.node, self.account
        )
    }
}

impl Plan {
    /// Enters what a card says about its member.
    ///
    /// # Errors
    /// [`CardError::OtherLedger`], [`CardError::NoMember`], [`CardError::Differs`].
    pub fn accept(&mut self, card: &Card) -> Result<(), CardError> {
        let expected = self.chain_id();
        if card.chain_id != expected {
            let (member, found) = (card.member.clone(), card.chain_id);
            return Err(CardError::OtherLedger { member, expected, found });
        }
        let found = self.members.iter_mut().find(|member| member.name == card.member);
        let member = found.ok_or_else(|| CardError::NoMember(card.member.clone()))?;
        let differs = |what, planned: Option<String>, shown: String| match planned {
            Some(planned) if planned != shown => {
                Err(CardError::Differs { member: card.member.clone(), what, planned, shown })
            }
            _ => Ok(()),
        };
        differs("address", member.address.clone(), card.address.clone())?;
        differs("node", member.node.map(|key| key.to_string()), card.node.to_string())?;
        differs("account", member.account.map(|a| a.to_string()), card.account.to_string())?;
        member.address = Some(card.address.clone());
        member.node = Some(card.node);
        member.account = Some(card.account);
        Ok(())
    }
}
