// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Offices, the people and bodies that hold them for a term, and what each office may do.
interface IRoles {
    /// Offices. In masks, office n is bit n; bit 30 is a carried proposal of the council, bit 31 a passed
    /// decision of the owners.
    enum Office {
        None, Chair, Member, Treasurer, Manager, Registrar, Auditor, StreetOffice, HousingBureau, Bank,
        Keeper, Counter
    }

    /// Why a call would be allowed or refused.
    enum Reason {
        None,
        /// An office held in term allows it.
        Office,
        /// The caller is the decisions module, and a passed decision may do this.
        Decision,
        /// The call is not restricted by office; the module itself checks who calls.
        Unrestricted,
        /// The account holds none of the offices.
        NoOffice,
        /// The term of the office has not begun.
        NotYet,
        /// The term of the office is over, or the mandate was revoked.
        Over,
        /// The mandate is frozen.
        Frozen,
        /// The caller is the council, and a carried proposal may do this.
        Council
    }

    /// One office in one hand for one term.
    struct Mandate {
        /// Number of the mandate, from 1.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        Office office;
        /// Account of the holder.
        /// @custom:visibility public
        address holder;
        /// First second of the term.
        /// @custom:visibility public
        uint64 fromAt;
        /// First second after the term; 0 has no end.
        /// @custom:visibility public
        uint64 untilAt;
        /// When it was revoked or given back; 0 where it was not.
        /// @custom:visibility public
        uint64 revokedAt;
        /// First second after the last freeze; 0 where there was none.
        /// @custom:visibility public
        uint64 frozenUntil;
        /// Who granted it; zero at genesis.
        /// @custom:visibility public
        address grantedBy;
        /// Hash of the decision's text or of the document of appointment.
        /// @custom:visibility public
        bytes32 basis;
        /// Public reason of the last freeze or revocation.
        /// @custom:visibility public
        string reason;
    }

    /// One restricted call and the offices that may make it.
    struct Permit {
        /// Number of the permit, from 1.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        address module;
        /// @custom:visibility public
        bytes4 selector;
        /// Name of the call.
        /// @custom:visibility public
        string name;
        /// Mask of the offices.
        /// @custom:visibility public
        uint32 offices;
    }

    /// The account holds, in term and not frozen, none of the offices that may make this call.
    error NotPermitted(address account, address module, bytes4 selector, uint32 offices);
    /// There is no such mandate.
    error NoSuchMandate(uint64 id);
    /// Not an office that anybody can hold.
    error NoSuchOffice(uint8 office);
    /// The caller may make this call, but not for this office.
    error NotYours(address caller, Office office);
    /// Nobody acts on an office of their own.
    error Own(address account);
    /// The holder is the zero address or a module.
    error BadHolder(address holder);
    /// The term is empty, already over, has no end where it must have one, or is longer than allowed.
    error BadTerm(uint64 fromAt, uint64 untilAt, uint64 latestUntilAt);
    /// The holder has this office at that time already, or one that has not begun.
    error AlreadyHolds(address holder, Office office, uint64 mandate);
    /// The mandate is over or revoked.
    error MandateOver(uint64 id);
    /// A freeze ends within the longest time allowed, and not in the past.
    error BadFreeze(uint64 untilAt, uint64 latestUntilAt);
    /// The mandate is not frozen.
    error NotFrozen(uint64 id);
    /// A reason is 1 to 512 bytes of public text.
    error BadReason(uint64 length);

    /// An office was given.
    /// @custom:visibility public
    event Granted(uint64 indexed id, Office indexed office, address indexed holder, uint64 fromAt, uint64 untilAt, bytes32 basis);
    /// An office was taken away or given back.
    /// @custom:visibility public
    event Revoked(uint64 indexed id, Office indexed office, address indexed holder, string reason);
    /// An office does not work until a time.
    /// @custom:visibility public
    event Frozen(uint64 indexed id, uint64 untilAt, string reason);
    /// A freeze was lifted early.
    /// @custom:visibility public
    event Unfrozen(uint64 indexed id, string reason);

    /// Gives an office for a term. Chair, member, treasurer and manager, and the bodies outside the
    /// community, by passed decision; registrar, auditor, keeper and counter also by the street office; these
    /// and the bodies outside the community also by the council.
    function grant(Office office, address holder, uint64 fromAt, uint64 untilAt, bytes32 basis)
        external returns (uint64 id);
    /// Takes an office away, with a public reason. Who may grant an office may revoke it.
    function revoke(uint64 id, string calldata reason) external;
    /// Suspends an office for a time, with a public reason.
    function freeze(uint64 id, uint64 untilAt, string calldata reason) external;
    /// Lifts a freeze early, with a public reason.
    function unfreeze(uint64 id, string calldata reason) external;
    /// Gives one's own office back.
    function resign(uint64 id) external;

    /// One mandate.
    function mandate(uint64 id) external view returns (Mandate memory value);
    /// All mandates ever granted, oldest first.
    function mandates(uint64 cursor, uint64 limit) external view returns (Mandate[] memory items, uint64 next);
    /// The mandates of one office, oldest first.
    function holders(Office office, uint64 cursor, uint64 limit)
        external view returns (Mandate[] memory items, uint64 next);
    /// The offices an account holds now, as a mask.
    /// @custom:visibility public
    function officesOf(address account) external view returns (uint32 offices);
    /// What each office may do. Fixed at genesis.
    function permits(uint64 cursor, uint64 limit) external view returns (Permit[] memory items, uint64 next);
    /// Whether an account may make a call now, and why: the offices needed, the offices held now, and
    /// the second at which the answer's term ends or begins (0: no such time).
    /// @custom:visibility public
    function explain(address account, address module, bytes4 selector)
        external view returns (bool allowed, Reason reason, uint32 needed, uint32 held, uint64 termAt);
}
