// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Facts of other ledgers: what stands in the book of another estate, proven here by certificates.
interface ILedgers {
    /// Another ledger that this one can check.
    struct Ledger {
        /// Number of the ledger here, from 1.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        string name;
        /// @custom:visibility public
        uint64 chainId;
        /// Hash of its first block.
        /// @custom:visibility public
        bytes32 genesis;
        /// Heights in one of its epochs.
        /// @custom:visibility public
        uint64 epochLength;
        /// First epoch whose validators are known here.
        /// @custom:visibility public
        uint64 firstEpoch;
        /// Last epoch whose validators are known here.
        /// @custom:visibility public
        uint64 epoch;
        /// Its validators in that epoch, ascending.
        /// @custom:visibility public
        bytes32[] validators;
        /// @custom:visibility public
        uint64 registeredAt;
    }

    /// A transaction that is final on another ledger.
    struct Fact {
        /// Number of the fact here, from 1; 0 where it is not on record.
        /// @custom:visibility public
        uint64 id;
        /// Number of the other ledger.
        /// @custom:visibility public
        uint64 ledger;
        /// Hash of the transaction.
        /// @custom:visibility public
        bytes32 transactionHash;
        /// Height of its block.
        /// @custom:visibility public
        uint64 height;
        /// Timestamp of its block.
        /// @custom:visibility public
        uint64 timestamp;
        /// Whether the call went through there.
        /// @custom:visibility public
        bool succeeded;
        /// keccak256 of the RLP of the list of its events.
        /// @custom:visibility public
        bytes32 logsHash;
        /// When it was put on record here; 0 where it was not.
        /// @custom:visibility public
        uint64 recordedAt;
    }

    /// One event of a proven receipt.
    struct LogEntry {
        /// @custom:visibility public
        address emitter;
        /// @custom:visibility public
        bytes32[] topics;
        /// @custom:visibility public
        bytes data;
    }

    /// What `tulou_getReceiptProof` of a node of the other ledger answers.
    struct ReceiptProof {
        /// RLP of the block's header.
        /// @custom:visibility public
        bytes header;
        /// @custom:visibility public
        bytes certificate;
        /// Headers up to the certified one; at most 64.
        /// @custom:visibility public
        bytes[] links;
        /// Place of the transaction in the block.
        /// @custom:visibility public
        uint64 index;
        /// @custom:visibility public
        bytes receipt;
        /// @custom:visibility public
        bytes[] proof;
        /// @custom:visibility public
        bytes transaction;
        /// @custom:visibility public
        bytes[] transactionProof;
    }

    /// A name is 1 to 100 bytes of public text.
    error BadName(uint64 length);
    /// The text is no key sheet.
    error BadSheet(string reason);
    /// The ledger is registered already.
    error AlreadyRegistered(uint64 ledger);
    /// No ledger with this number is registered.
    error UnknownLedger(uint64 ledger);
    /// A proof with more headers, or more bytes, than is taken here.
    error TooLarge(uint64 found, uint64 atMost);
    /// The link is of another epoch than the one that comes next.
    error NotNext(uint64 expectedEpoch, uint64 foundEpoch);
    /// The proof proves nothing: the step that failed, and why.
    error NotProven(string step, string reason);
    /// No fact with this number is on record.
    error UnknownFact(uint64 fact);
    /// The receipt has fewer events.
    error NoSuchLog(uint64 index, uint64 logs);

    /// A ledger was registered.
    /// @custom:visibility public
    event Registered(uint64 indexed ledger, string name, uint64 chainId, bytes32 genesis);
    /// The validators of the next epoch of a ledger became known.
    /// @custom:visibility public
    event Followed(uint64 indexed ledger, uint64 epoch, bool changed);
    /// A fact was put on record.
    /// @custom:visibility public
    event Proven(uint64 indexed fact, uint64 indexed ledger, bytes32 indexed transactionHash, uint64 height, bool succeeded);

    /// Registers another ledger by its key sheet (`tulou:1:...`).
    function register(string calldata name, string calldata sheet) external returns (uint64 ledger);
    /// Learns the validators of the next epoch of a ledger from the last block of the newest known one
    /// (`tulou_getEpochLink`). Anyone may call it: the certificate decides.
    function follow(uint64 ledger, bytes calldata header, bytes calldata certificate, bytes32[] calldata next)
        external returns (uint64 epoch);
    /// Puts a transaction of another ledger on record. One that is on record already is answered as it is.
    function proveReceipt(uint64 ledger, ReceiptProof calldata proof) external returns (Fact memory value);

    /// Checks a receipt without recording it.
    function checkReceipt(uint64 ledger, ReceiptProof calldata proof) external view returns (Fact memory value);
    /// Checks a receipt and gives one of its events.
    function checkLog(uint64 ledger, ReceiptProof calldata proof, uint64 index)
        external view returns (Fact memory value, LogEntry memory entry);
    /// One ledger.
    function ledger(uint64 id) external view returns (Ledger memory value);
    /// All ledgers, oldest first.
    function ledgers(uint64 cursor, uint64 limit) external view returns (Ledger[] memory items, uint64 next);
    /// The validators of an epoch of a ledger, ascending; none where the epoch is not known here.
    /// @custom:visibility public
    function validatorsOf(uint64 ledger, uint64 epoch) external view returns (bytes32[] memory keys);
    /// One fact.
    function fact(uint64 id) external view returns (Fact memory value);
    /// Facts on record, oldest first.
    function facts(uint64 cursor, uint64 limit) external view returns (Fact[] memory items, uint64 next);
    /// The fact of a transaction of a ledger; `id` is 0 where it is not on record.
    function factOf(uint64 ledger, bytes32 transactionHash) external view returns (Fact memory value);
}
