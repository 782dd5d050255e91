// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// The numbers of the law and of the community's own by-laws, each with its source and its dates.
interface IRules {
    /// Who made a rule, broadest first. A more specific layer goes before a broader one.
    enum Layer { None, National, City, ByLaws }

    /// What a lower layer may do with a value: anything (None), only raise it (Floor), only lower it
    /// (Ceiling), nothing (Fixed), or anything in a law and nothing in by-laws (Local).
    enum Bound { None, Floor, Ceiling, Fixed, Local }

    /// What the number counts. `AtLeast` and `MoreThan` are shares num/den that include and exclude
    /// the share itself; all others have den = 1. A flag is 0 or 1.
    enum Unit { None, AtLeast, MoreThan, Days, Hours, Months, Years, Count, Fen, Flag }

    /// One value of one key in one layer.
    struct Rule {
        /// Number of the key, from 1, in the order in which keys became known.
        /// @custom:visibility public
        uint64 id;
        /// Dotted name, e.g. vote.participation.area.
        /// @custom:visibility public
        string key;
        /// @custom:visibility public
        Layer layer;
        /// @custom:visibility public
        Unit unit;
        /// @custom:visibility public
        Bound bound;
        /// @custom:visibility public
        uint64 num;
        /// 1 where the value is no share.
        /// @custom:visibility public
        uint64 den;
        /// First second in force.
        /// @custom:visibility public
        uint64 fromAt;
        /// First second no longer in force; 0 has no end.
        /// @custom:visibility public
        uint64 untilAt;
        /// Law, ordinance or by-laws it comes from.
        /// @custom:visibility public
        string source;
        /// Article and paragraph in the source.
        /// @custom:visibility public
        string article;
        /// By-laws only: hash of the text that the owners decided.
        /// @custom:visibility public
        bytes32 basis;
    }

    /// One change of the rule book.
    struct Edition {
        /// Number of the change, from 1.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        Layer layer;
        /// Name of the pack, or the key that by-laws changed.
        /// @custom:visibility public
        string name;
        /// keccak256 of the pack's file, or the hash of the decided text.
        /// @custom:visibility public
        bytes32 source;
        /// Hash of the whole book after the change.
        /// @custom:visibility public
        bytes32 bookHash;
        /// @custom:visibility public
        uint64 madeAt;
    }

    /// No layer has a value in force for this key.
    error NoSuchRule(string key);
    /// The value of this key is of another unit than the one asked for.
    error WrongUnit(string key, Unit unit);
    /// By-laws change by a passed decision of the owners only.
    error OnlyByDecision(address caller);
    /// Not a value: den is 0, a share is above 1, or a number has den other than 1.
    error BadValue(string key, uint64 num, uint64 den);
    /// The law leaves nothing for by-laws to change here.
    error NotForByLaws(string key, Bound bound);
    /// By-laws may only tighten: the law's value is the limit.
    error TooLoose(string key, uint64 num, uint64 den, uint64 lawNum, uint64 lawDen, Bound bound);
    /// The key has had as many values as are kept.
    error TooManyVersions(string key, uint64 most);

    /// The program knows no pack of this name, or not at the release in force.
    error NoSuchPack(string name);
    /// The pack that the program knows by this name has another hash.
    error OtherPack(string name, bytes32 known);
    /// The pack changes nothing, or does not fit what is on the books.
    error PackDoesNotFit(string name, string reason);

    /// A pack became part of the book.
    /// @custom:visibility public
    event PackLoaded(uint64 indexed edition, Layer layer, string name, bytes32 source, bytes32 bookHash);
    /// The owners' by-laws changed a value.
    /// @custom:visibility public
    event RuleTightened(uint64 indexed edition, string key, uint64 num, uint64 den, uint64 fromAt, bytes32 basis);

    /// Sets the by-laws' value of a key, from a time on; a time in the past means from now on, because a
    /// decision may be carried out late and rules do not change backwards. Called by a passed decision.
    function tighten(string calldata key, uint64 num, uint64 den, uint64 fromAt, bytes32 basis) external;

    /// Adds an edition of the law that comes with the program: every value that differs from the book counts
    /// from its own date, and never from before now. Called by a carried proposal of the council.
    function adoptPack(string calldata name, bytes32 hash) external;

    /// The values in force now, one per key, from the most specific layer.
    function rules(uint64 cursor, uint64 limit) external view returns (Rule[] memory items, uint64 next);
    /// The value in force now.
    function rule(string calldata key) external view returns (Rule memory value);
    /// The value in force at a time, from what is on the books today.
    function ruleAt(string calldata key, uint64 at) external view returns (Rule memory value);
    /// Every value a key has had or will have: layer by layer, oldest first.
    function history(string calldata key, uint64 cursor, uint64 limit)
        external view returns (Rule[] memory items, uint64 next);
    /// The changes of the book, oldest first.
    function editions(uint64 cursor, uint64 limit) external view returns (Edition[] memory items, uint64 next);
    /// Hash of the whole book: what decisions, bills and payouts keep with their result.
    /// @custom:visibility public
    function bookHash() external view returns (bytes32 hash);
}
