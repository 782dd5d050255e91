// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Register of the estate: its units, who owns them, and who votes by which weight.
/// @notice Owners are salted commitments: no name, phone or identity number is ever here. A head is one vote by
/// head: the developer's unsold and undelivered units together, or the set of a unit's owners.
interface IRegistry {
    enum Use { None, Home, Shop, Parking }

    /// @notice Where an area comes from (Interpretation on building ownership, art. 8).
    enum AreaSource { None, Registered, Surveyed, Contract }

    enum HoldingKind { None, Sole, Joint, ByShare }

    /// @notice By which way an account came to act for an owner: by the registrar at the counter, by a letter, or by an
    /// attestor who read a card or compared a face.
    enum Way { None, Counter, Letter, Card, Face }

    enum ObjectionState { None, Open, Upheld, Dismissed }

    /// @notice One exclusive part, as the registrar enters it.
    struct UnitEntry {
        /// Public code such as `1-2-301`; 1 to 31 bytes, never used twice.
        /// @custom:visibility scope
        string code;
        /// 0 where it belongs to no building (a parking place).
        /// @custom:visibility scope
        uint32 building;
        /// 0 where it belongs to no stair.
        /// @custom:visibility scope
        uint32 stair;
        /// 0 for every floor below ground.
        /// @custom:visibility scope
        uint16 floor;
        /// @custom:visibility scope
        Use use;
        /// @custom:visibility scope
        uint64 areaM2;
        /// @custom:visibility scope
        AreaSource areaSource;
        /// Whether its area counts in decisions.
        /// @custom:visibility scope
        bool countsArea;
        /// Whether its owners count as a head in decisions.
        /// @custom:visibility scope
        bool countsHead;
        /// Whether the keys were handed over.
        /// @custom:visibility scope
        bool delivered;
        /// Whether the developer has not sold it.
        /// @custom:visibility scope
        bool developerOwned;
    }

    struct Unit {
        /// @custom:visibility scope
        uint64 id;
        /// @custom:visibility scope
        UnitEntry entry;
        /// Head that votes for it; zero before its owners are entered.
        /// @custom:visibility scope
        bytes32 head;
    }

    /// @notice A part of a unit in one owner's hands.
    struct Holding {
        /// @custom:visibility scope
        uint64 unit;
        /// Commitment to the owner.
        /// @custom:visibility scope
        bytes32 owner;
        /// @custom:visibility scope
        uint32 shareNum;
        /// @custom:visibility scope
        uint32 shareDen;
        /// @custom:visibility scope
        HoldingKind kind;
        /// Since when, in seconds.
        /// @custom:visibility scope
        uint64 since;
    }

    /// @notice A frozen electorate.
    struct Roll {
        /// @custom:visibility public
        uint64 id;
        /// 1 the estate, 2 one building, 3 one stair.
        /// @custom:visibility public
        uint8 kind;
        /// @custom:visibility public
        uint32 building;
        /// @custom:visibility public
        uint32 stair;
        /// @custom:visibility public
        uint64 areaM2;
        /// @custom:visibility public
        uint32 heads;
        /// @custom:visibility public
        uint32 units;
        /// @custom:visibility public
        uint64 takenAt;
        /// End of the days in which it is posted for objections; 0 where it was not posted.
        /// @custom:visibility public
        uint64 postedUntil;
        /// @custom:visibility public
        uint32 objections;
        /// Objections without an answer.
        /// @custom:visibility public
        uint32 openObjections;
    }

    struct Objection {
        /// @custom:visibility scope
        uint64 id;
        /// @custom:visibility scope
        uint64 roll;
        /// @custom:visibility scope
        uint64 unit;
        /// @custom:visibility scope
        address objector;
        /// Commitment to the reason, which stays with the registrar.
        /// @custom:visibility scope
        bytes32 reasonHash;
        /// @custom:visibility scope
        uint64 raisedAt;
        /// @custom:visibility scope
        ObjectionState state;
        /// Commitment to the answer.
        /// @custom:visibility scope
        bytes32 answerHash;
    }

    struct HeadWeight {
        /// @custom:visibility scope
        bytes32 head;
        /// @custom:visibility scope
        uint64 areaM2;
        /// @custom:visibility scope
        uint32 units;
    }

    struct Building {
        /// @custom:visibility public
        uint32 building;
        /// @custom:visibility public
        uint64 areaM2;
        /// @custom:visibility public
        uint32 heads;
        /// @custom:visibility public
        uint32 units;
        /// Stairs that have units.
        /// @custom:visibility public
        uint32[] stairs;
    }

    /// More entries than one call takes, or none.
    error BadBatch(uint64 given, uint64 most);
    /// The code is empty or longer than 31 bytes.
    error BadCode(uint64 bytesGiven, uint64 bytesMost);
    /// Another unit has this code.
    error CodeTaken(string code, uint64 unit);
    /// A number that the enumeration does not have, or a use, area source or kind left open.
    error BadEntry(string code);
    /// A unit counts by area and by head or by neither, and has an area if it counts.
    error NoArea(string code);
    /// The commitment is zero or known.
    error OwnerKnown(bytes32 owner);
    /// No owner has this commitment.
    error UnknownOwner(bytes32 owner);
    /// No unit has this number.
    error NoSuchUnit(uint64 unit);
    /// The unit has owners; a sale goes through `transfer`.
    error HasHoldings(uint64 unit);
    /// The same owner twice for one unit.
    error OwnerTwice(uint64 unit, bytes32 owner);
    /// The shares of a unit do not fit its kind: sole is one owner with all, joint several with all each, by share
    /// several that add up to one.
    error BadShares(uint64 unit);
    /// The account is bound to an owner.
    error AccountBound(address account, bytes32 owner);
    /// The account is bound to no owner.
    error NotBound(address account);
    /// The estate has one such building or stair, or none.
    error NoSuchScope(uint8 kind, uint32 building, uint32 stair);
    /// No roll has this number.
    error NoSuchRoll(uint64 roll);
    /// The roll is posted no longer, or was not.
    error NotPosted(uint64 roll, uint64 postedUntil);
    /// Only an owner in the estate may object.
    error NotAnOwner(address account);
    /// No objection has this number.
    error NoSuchObjection(uint64 objection);
    /// The objection has its answer.
    error AlreadyAnswered(uint64 objection);

    /// @custom:visibility public
    event UnitsAdded(uint64 first, uint64 count);
    /// @custom:visibility public
    event OwnersAdded(uint64 count);
    /// @custom:visibility scope
    event UnitCorrected(uint64 indexed unit, uint64 areaM2, bool delivered, bool developerOwned, bytes32 basis);
    /// @custom:visibility scope
    event HeadChanged(uint64 indexed unit, bytes32 oldHead, bytes32 newHead, bytes32 basis);
    /// @custom:visibility public
    event DeveloperNamed(bytes32 indexed owner);
    /// @custom:visibility scope
    event AccountAdded(address indexed account, bytes32 indexed owner, Way way, uint64 source);
    /// @custom:visibility scope
    event AccountRemoved(address indexed account, bytes32 indexed owner, bytes32 reasonHash);
    /// @custom:visibility public
    event RollTaken(uint64 indexed roll, uint8 kind, uint32 building, uint32 stair, uint64 areaM2, uint32 heads);
    /// @custom:visibility public
    event RollPosted(uint64 indexed roll, uint64 postedUntil);
    /// @custom:visibility scope
    event ObjectionRaised(uint64 indexed objection, uint64 indexed roll, uint64 unit, address objector, bytes32 reasonHash);
    /// @custom:visibility scope
    event ObjectionAnswered(uint64 indexed objection, bool upheld, bytes32 answerHash);

    /// @notice Enters units, at most 50 at once. Caller: registrar.
    function addUnits(UnitEntry[] calldata entries) external returns (uint64 first);
    /// @notice Enters owners by their commitments, at most 200 at once. Caller: registrar.
    function addOwners(bytes32[] calldata owners) external;
    /// @notice Enters who owns units that have no owner yet, at most 40 at once; all holdings of a unit come in one
    /// call, one after the other. Caller: registrar.
    function addHoldings(Holding[] calldata holdings) external;
    /// @notice Corrects area or hand-over of a unit; earlier rolls stay as they were. Caller: registrar.
    function correctUnit(uint64 unit, uint64 areaM2, AreaSource areaSource, bool delivered, bool developerOwned, bytes32 basis) external;
    /// @notice Replaces all holdings of a unit after a sale or an inheritance; earlier rolls stay as they were. What
    /// the developer sold is unsold no longer, but stays its head's until it is handed over. Caller: registrar.
    function transfer(uint64 unit, Holding[] calldata holdings, bytes32 basis) external;
    /// @notice Says which owner the developer is: it speaks for the developer's head also where all is sold and some
    /// is not handed over. Whoever holds unsold units does so in any case. Caller: registrar.
    function nameDeveloper(bytes32 owner) external;
    /// @notice Lets accounts act for owners, at most 100 pairs at once. Caller: registrar.
    function bind(address[] calldata accounts, bytes32[] calldata owners) external;
    /// @notice Ends what `bind` began. Caller: registrar.
    function unbind(address account, bytes32 reasonHash) external;
    /// @notice Freezes the estate's roll and posts it for objections. Caller: registrar, chair or street office.
    function postRoll() external returns (uint64 roll);
    /// @notice Objects to a posted roll. Caller: an owner.
    function object(uint64 roll, uint64 unit, bytes32 reasonHash) external returns (uint64 objection);
    /// @notice Answers an objection; the correction itself is a call of its own. Caller: registrar or street office.
    function answer(uint64 objection, bool upheld, bytes32 answerHash) external;

    /// @notice Units that count, their area, heads, and parking places.
    /// @custom:visibility public
    function totals() external view returns (uint32 units, uint64 areaM2, uint32 heads, uint32 places);
    /// @notice Buildings with their sums. Heads of buildings do not add up: one head may own in two.
    function buildings() external view returns (Building[] memory);
    /// @notice Units in the order they were entered; `ofBuilding` 0 for all.
    function units(uint32 ofBuilding, uint64 cursor, uint64 limit) external view returns (Unit[] memory items, uint64 next);
    /// @notice One unit.
    function unit(uint64 id) external view returns (Unit memory);
    /// @notice One unit by its code.
    function unitByCode(string calldata code) external view returns (Unit memory);
    /// @notice Who owns a unit, as commitments.
    function holdingsOf(uint64 ofUnit) external view returns (Holding[] memory);
    /// @notice Owner an account acts for; zero for none.
    /// @custom:visibility scope
    function ownerOf(address account) external view returns (bytes32 owner);
    /// @notice By which way an account came to act for its owner: the way, the number of the letter or the attestor (0 at
    /// the counter), and when; all zero for an account that acts for none.
    /// @custom:visibility scope
    function bindingOf(address account) external view returns (Way way, uint64 source, uint64 boundAt);
    /// @notice How many bindings were ever made by each way; ended ones count on.
    /// @custom:visibility public
    function bindings() external view returns (uint64 counter, uint64 letter, uint64 card, uint64 face);
    /// @notice Owner that was named as the developer; zero for none.
    /// @custom:visibility public
    function developer() external view returns (bytes32 owner);
    /// @notice Heads an account votes for now.
    function headsOf(address account) external view returns (HeadWeight[] memory);
    /// @notice Units an account's owner holds now.
    function mine(address account) external view returns (Unit[] memory);
    /// @notice Rolls, oldest first.
    function rolls(uint64 cursor, uint64 limit) external view returns (Roll[] memory items, uint64 next);
    /// @notice One roll.
    function roll(uint64 id) external view returns (Roll memory);
    /// @notice Weight of a head in a roll; all zero where it is not in that electorate.
    function weightOf(uint64 ofRoll, bytes32 head) external view returns (HeadWeight memory);
    /// @notice Objections, oldest first; `ofRoll` 0 for all.
    function objections(uint64 ofRoll, uint64 cursor, uint64 limit) external view returns (Objection[] memory items, uint64 next);
}
