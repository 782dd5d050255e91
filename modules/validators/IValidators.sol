// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// The nodes that keep the ledger, and which of them vote on blocks in which epoch.
interface IValidators {
    /// What a node does: votes on blocks; follows, checks and serves; or that and keeps every block for ever.
    enum Kind { None, Validator, Observer, Archive }

    /// One node.
    struct Node {
        /// ed25519 key: signs votes and authenticates connections.
        /// @custom:visibility public
        bytes32 key;
        /// Account that speaks for the member whose node it is.
        /// @custom:visibility public
        address member;
        /// @custom:visibility public
        Kind kind;
        /// `host:port` at which the other nodes reach it; empty where they need not.
        /// @custom:visibility public
        string endpoint;
        /// Epoch from which the node is of this kind.
        /// @custom:visibility public
        uint64 fromEpoch;
        /// First epoch in which it is no node any more; 0 while there is none.
        /// @custom:visibility public
        uint64 untilEpoch;
    }

    /// Not a key that can sign: no point of the curve, not in its one spelling, or of small order.
    error BadKey(bytes32 key);
    /// A key is used once, for ever.
    error KeyUsed(bytes32 key);
    /// No node has this key.
    error NoSuchNode(bytes32 key);
    /// The node was dismissed, or its key replaced.
    error NodeGone(bytes32 key, uint64 untilEpoch);
    /// The account speaks for no member of the council.
    error NotAMember(address account);
    /// A node is a validator, an observer or an archive, and not what it is already.
    error BadKind(Kind kind);
    /// Not `host:port`, or empty although the node is a validator.
    error BadEndpoint(string endpoint);
    /// So many nodes may connect at once.
    error TooManyNodes(uint64 most);
    /// So many validators vote in one epoch.
    error TooManyValidators(uint64 most);
    /// A set is never empty, and never below four once it had four.
    error TooFewValidators(uint64 left, uint64 least);
    /// One member would hold more validators than may fail together.
    error TooManyOfOne(address member, uint64 held, uint64 most);
    /// Only the member moves its node.
    error NotYourNode(bytes32 key, address caller);

    /// A node may connect, and is of this kind from an epoch on.
    /// @custom:visibility public
    event NodeAdmitted(bytes32 indexed key, address indexed member, Kind kind, string endpoint, uint64 fromEpoch);
    /// A node is none any more from an epoch on.
    /// @custom:visibility public
    event NodeDismissed(bytes32 indexed key, uint64 untilEpoch);
    /// A node signs with another key from an epoch on.
    /// @custom:visibility public
    event KeyReplaced(bytes32 indexed oldKey, bytes32 indexed newKey, uint64 fromEpoch);
    /// A node is of another kind from an epoch on.
    /// @custom:visibility public
    event KindSet(bytes32 indexed key, Kind kind, uint64 fromEpoch);
    /// A node is reached elsewhere.
    /// @custom:visibility public
    event NodeMoved(bytes32 indexed key, string endpoint);
    /// The validators from an epoch on: how many, and the commitment that the last block before it carries.
    /// @custom:visibility public
    event SetScheduled(uint64 indexed fromEpoch, uint64 validators, bytes32 commitment);

    /// Admits a node of a member. A validator votes from the epoch after the next. Council only.
    function admit(bytes32 key, address member, Kind kind, string calldata endpoint) external;
    /// Dismisses a node. A validator votes until the end of the next epoch. Council only.
    function dismiss(bytes32 key) external;
    /// Gives a node another key. Council only.
    function replaceKey(bytes32 oldKey, bytes32 newKey) external;
    /// Makes a node a validator, an observer or an archive. Council only.
    function setKind(bytes32 key, Kind kind) external;
    /// Says where a node is reached, at once. Caller: the member whose node it is.
    function moveTo(bytes32 key, string calldata endpoint) external;

    /// The validators of an epoch, in ascending order, by what is scheduled today. The sets of this epoch
    /// and the next do not change any more.
    /// @custom:visibility public
    function setOf(uint64 epoch) external view returns (bytes32[] memory keys);
    /// All nodes that may connect now.
    function peers() external view returns (Node[] memory items);
    /// All nodes there ever were, oldest first.
    function nodes(uint64 cursor, uint64 limit) external view returns (Node[] memory items, uint64 next);
    /// The epoch of this block, its length in heights, and the next epoch with another set (0: none is scheduled).
    /// @custom:visibility public
    function epoch() external view returns (uint64 current, uint64 length, uint64 nextChangeEpoch);
}
