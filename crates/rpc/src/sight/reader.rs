//! Who asks, and what they may see now.

use alloy_primitives::Address;
use tulou_evm::Sight;

use super::{Readers, Visibility, methods, sight_of};
use crate::{error::RpcError, node::Node, session::Credential};

/// Who asks, by the newest state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    /// The account that signed in.
    pub(crate) account: Option<Address>,
    /// The strictest class of rows that it may see.
    pub(crate) most: Visibility,
}

impl Reader {
    /// Who asks with a credential. It is asked anew for each call: a key that was revoked or an account that
    /// left the estate reads nothing more from the next block on.
    pub(crate) fn of(node: &Node, credential: Option<&Credential>) -> Self {
        if node.config.readers == Readers::Anyone {
            return Self { account: None, most: Visibility::Scope };
        }
        let standing = credential.and_then(|credential| node.standing(*credential));
        let is_member = standing.is_some_and(|standing| standing.is_member);
        let most = if is_member { Visibility::Scope } else { Visibility::Public };
        Self { account: standing.map(|standing| standing.account), most }
    }

    /// Lets a row through or says why not.
    ///
    /// # Errors
    /// - [`RpcError::Unseen`].
    pub(crate) fn see(
        self,
        class: Visibility,
        what: impl FnOnce() -> String,
    ) -> Result<(), RpcError> {
        if class <= self.most {
            return Ok(());
        }
        Err(RpcError::Unseen { what: what(), needs: class, signed_in: self.account.is_some() })
    }

    /// What an execution may reach.
    pub(crate) fn sight(self) -> Option<Sight> {
        sight_of(self.most)
    }

    /// Whether more than public rows are seen.
    pub(crate) fn is_member(self) -> bool {
        self.most >= Visibility::Scope
    }

    /// Lets a method through that shows more than public rows.
    ///
    /// # Errors
    /// - [`RpcError::Unseen`].
    pub(crate) fn only_members(self, what: &str) -> Result<(), RpcError> {
        self.see(Visibility::Scope, || what.to_owned())
    }

    /// Whether a method may be called at all. Who asks is found out only where it matters.
    ///
    /// # Errors
    /// - [`RpcError::Unseen`].
    pub(crate) fn may_call(
        node: &Node,
        credential: Option<&Credential>,
        method: &str,
    ) -> Result<(), RpcError> {
        if methods::is_open(method) {
            return Ok(());
        }
        Self::of(node, credential).only_members(method)
    }
}
