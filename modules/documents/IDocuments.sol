// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// What is on file: the hash of each document, who keeps the original, and until when.
interface IDocuments {
    /// What a document is.
    enum Kind {
        None, Roll, Notice, Motion, Minutes, ByLaws, Contract, Quote, Invoice, Acceptance, PriceReport,
        Statement, PaperBallots, Appointment, Proof, Other,
        /// Records off the ledger that were destroyed: the hash says which encrypted bytes, to who knew them.
        Erasure
    }

    /// One document on file.
    struct Document {
        /// Number of the document, from 1.
        /// @custom:visibility public
        uint64 id;
        /// SHA-256 or keccak256 of the original's bytes.
        /// @custom:visibility public
        bytes32 hash;
        /// @custom:visibility public
        Kind kind;
        /// Account that keeps the original and shows it on request.
        /// @custom:visibility public
        address custodian;
        /// First second at which the original may be destroyed.
        /// @custom:visibility public
        uint64 retainUntil;
        /// @custom:visibility public
        uint64 registeredAt;
        /// Account that put it on file.
        /// @custom:visibility public
        address registeredBy;
        /// Number of the document it replaces; 0 for none.
        /// @custom:visibility public
        uint64 supersedes;
        /// Number of the document that replaced it; 0 for none.
        /// @custom:visibility public
        uint64 supersededBy;
        /// Public title. Never the name of a person.
        /// @custom:visibility public
        string title;
    }

    /// A document needs a hash other than zero.
    error NoHash();
    /// A document needs a kind.
    error NoKind();
    /// The document is on file already.
    error AlreadyKnown(bytes32 hash, uint64 id);
    /// No document with this hash is on file.
    error UnknownDocument(bytes32 hash);
    /// The custodian is the zero address.
    error NoCustodian();
    /// A document is kept into the future.
    error BadRetention(uint64 retainUntil, uint64 nowAt);
    /// A title is 1 to 200 bytes of public text.
    error BadTitle(uint64 length);
    /// Only who put the document on file, or keeps it, may replace it.
    error NotYours(bytes32 hash, address caller);
    /// What was erased stays erased: the entry of an erasure has no successor.
    error ErasureStands(bytes32 hash);
    /// The document was replaced already; replace its successor.
    error AlreadySuperseded(bytes32 hash, uint64 supersededBy);

    /// A document was put on file.
    /// @custom:visibility public
    event Registered(uint64 indexed id, bytes32 indexed hash, Kind kind, address custodian, uint64 retainUntil, string title);
    /// A document was replaced by another.
    /// @custom:visibility public
    event Superseded(uint64 indexed id, uint64 indexed supersededBy);

    /// Puts a document on file.
    function register(bytes32 hash, Kind kind, address custodian, uint64 retainUntil, string calldata title)
        external returns (uint64 id);
    /// Puts the successor of a document on file. Kind and custodian stay; the old one stays readable. An erasure has none.
    function supersede(bytes32 old, bytes32 hash, uint64 retainUntil, string calldata title)
        external returns (uint64 id);

    /// The document with this hash.
    function document(bytes32 hash) external view returns (Document memory value);
    /// Whether a document with this hash is on file.
    /// @custom:visibility public
    function isKnown(bytes32 hash) external view returns (bool known);
    /// Documents on file, oldest first.
    function documents(uint64 cursor, uint64 limit)
        external view returns (Document[] memory items, uint64 next);
    /// Documents of one kind, oldest first.
    function documentsOf(Kind kind, uint64 cursor, uint64 limit)
        external view returns (Document[] memory items, uint64 next);
}
