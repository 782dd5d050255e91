// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Keys of accounts: device keys, recovery, freeze, invitations, attestors, helpers.
/// @notice No name, phone or label is here: people and labels are salted commitments.
interface IAccounts {
    /// @notice How a key signs.
    enum Suite { None, Secp256k1, P256, WebAuthn, Sm2 }

    /// @notice Stage of a recovery.
    enum Stage { None, Open, Done, Vetoed, Lapsed }

    /// @notice Why an account was frozen.
    enum FreezeCode { None, Lost, Stolen, Suspicious, Other }

    /// @notice Stage of an invitation.
    enum InvitationStage { None, Open, Used, Revoked, Expired }

    /// @notice How an attestor knows a person. There is no field anywhere for what it read or saw.
    enum Method { None, Card, Face }

    /// @notice One call a device key may make.
    struct Scope {
        /// A module, an asset or a contract.
        /// @custom:visibility scope
        address target;
        /// Zero for all calls of the target.
        /// @custom:visibility scope
        bytes4 selector;
    }

    /// @notice A device key, as it is authorised.
    struct Grant {
        /// Address of the key.
        /// @custom:visibility scope
        address key;
        /// @custom:visibility scope
        Suite suite;
        /// Salted commitment to the device's name; zero for none.
        /// @custom:visibility scope
        bytes32 label;
        /// First second in which it no longer acts.
        /// @custom:visibility scope
        uint64 expiresAt;
        /// Most it may spend in one period; 0 for nothing.
        /// @custom:visibility scope
        uint64 limitFen;
        /// Length of a period, counted from the authorisation; 0 where nothing may be spent.
        /// @custom:visibility scope
        uint64 periodSeconds;
        /// What it may call, 1 to 16 entries.
        /// @custom:visibility scope
        Scope[] scope;
    }

    /// @notice A device key, as it stands.
    struct Key {
        /// @custom:visibility scope
        Grant grant;
        /// @custom:visibility scope
        uint64 sinceAt;
        /// 0 where it was not revoked.
        /// @custom:visibility scope
        uint64 revokedAt;
        /// Spent in the period of now.
        /// @custom:visibility scope
        uint64 spentFen;
        /// First second of the next period; 0 where nothing may be spent.
        /// @custom:visibility scope
        uint64 resetsAt;
    }

    /// @notice Who may help to recover: an account, or whoever holds an office.
    struct Guardian {
        /// Zero for an office.
        /// @custom:visibility scope
        address account;
        /// As in `IRoles.Office`: chair, member, registrar or street office; 0 for an account.
        /// @custom:visibility scope
        uint8 office;
    }

    /// @notice An account, as it stands.
    struct Account {
        /// Key that signs for it: the account's own until a recovery.
        /// @custom:visibility scope
        address root;
        /// None where it is the account's own.
        /// @custom:visibility scope
        Suite rootSuite;
        /// First second after the last freeze; 0 where there was none or it was lifted.
        /// @custom:visibility scope
        uint64 frozenUntil;
        /// @custom:visibility scope
        FreezeCode freezeCode;
        /// Number of the last recovery; 0 for none.
        /// @custom:visibility scope
        uint64 recovery;
        /// Who prepares its acts and confirms none; zero for nobody.
        /// @custom:visibility scope
        address helper;
        /// @custom:visibility scope
        Guardian[] guardians;
    }

    /// @notice A recovery.
    struct Recovery {
        /// Number, from 1.
        /// @custom:visibility scope
        uint64 id;
        /// @custom:visibility scope
        address account;
        /// The root key to be.
        /// @custom:visibility scope
        address key;
        /// @custom:visibility scope
        Suite suite;
        /// @custom:visibility scope
        Stage stage;
        /// @custom:visibility scope
        uint64 openedAt;
        /// First second in which it may be finished.
        /// @custom:visibility scope
        uint64 readyAt;
        /// First second in which it no longer may.
        /// @custom:visibility scope
        uint64 lapsesAt;
        /// When it was finished or vetoed; 0 for neither.
        /// @custom:visibility scope
        uint64 endedAt;
        /// Who asked first, or the registrar.
        /// @custom:visibility scope
        address first;
        /// Who asked second; zero where the registrar opened it.
        /// @custom:visibility scope
        address second;
        /// Hash of the registrar's document; zero where guardians opened it.
        /// @custom:visibility scope
        bytes32 document;
    }

    /// @notice A letter to be printed.
    struct Letter {
        /// @custom:visibility scope
        uint64 unit;
        /// Salted commitment to the person.
        /// @custom:visibility scope
        bytes32 owner;
        /// Address of the one-time key whose private half is in the letter.
        /// @custom:visibility scope
        address key;
        /// First second in which it no longer works.
        /// @custom:visibility scope
        uint64 expiresAt;
    }

    /// @notice An invitation, as it stands.
    struct Invitation {
        /// Number, from 1.
        /// @custom:visibility scope
        uint64 id;
        /// @custom:visibility scope
        Letter letter;
        /// @custom:visibility scope
        uint64 issuedAt;
        /// @custom:visibility scope
        InvitationStage stage;
        /// Who used it.
        /// @custom:visibility scope
        address account;
    }

    /// @notice A body outside the ledger that may say who stands before it, as it is listed.
    struct Listing {
        /// Address of the secp256k1 key that signs its statements.
        /// @custom:visibility public
        address key;
        /// @custom:visibility public
        Method method;
        /// Name of the body, 1 to 96 bytes; never a person's.
        /// @custom:visibility public
        string name;
        /// Its page, where the app sends people: `https://`, 9 to 200 characters, no fragment.
        /// @custom:visibility public
        string page;
        /// First second in which it no longer binds anybody.
        /// @custom:visibility public
        uint64 untilAt;
        /// Hash of the contract or decision it rests on.
        /// @custom:visibility public
        bytes32 basis;
    }

    /// @notice An attestor, as it stands.
    struct Attestor {
        /// Number, from 1.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        Listing listing;
        /// @custom:visibility public
        uint64 sinceAt;
        /// When it was ended; 0 where it was not.
        /// @custom:visibility public
        uint64 endedAt;
        /// Accounts it has bound.
        /// @custom:visibility public
        uint64 bindings;
        /// Whether its statements are taken now.
        /// @custom:visibility public
        bool works;
    }

    /// @notice What an attestor signs as EIP-712 typed data: that whoever holds the account is the owner. Domain: name
    /// `Tulou`, version `1`, the ledger's chain id, this module's address.
    struct Statement {
        /// Number of the attestor.
        /// @custom:visibility scope
        uint64 attestor;
        /// As in `Method`: 1 a card was read, 2 a face was compared.
        /// @custom:visibility scope
        uint8 method;
        /// @custom:visibility scope
        address account;
        /// @custom:visibility scope
        uint64 unit;
        /// Salted commitment to the person.
        /// @custom:visibility scope
        bytes32 owner;
        /// @custom:visibility scope
        uint64 issuedAt;
        /// First second in which it no longer works; at most an hour after `issuedAt`.
        /// @custom:visibility scope
        uint64 expiresAt;
        /// Drawn at random; nothing about the person.
        /// @custom:visibility scope
        bytes32 nonce;
    }

    /// Nobody, a module, or the account's own root key.
    error BadKey(address key);
    /// The key is or was a key of the account.
    error KeyKnown(address account, address key);
    /// The suite is missing, or not the one the key was authorised with.
    error BadSuite(address key, Suite suite);
    /// A term ends in the future, and within the longest time allowed.
    error BadTerm(uint64 endsAt, uint64 latestEndsAt);
    /// A limit has a period of an hour to 366 days; without a limit there is no period.
    error BadLimit(uint64 limitFen, uint64 periodSeconds);
    /// A key has 1 to 16 scope entries.
    error BadScope(uint64 given, uint64 most);
    /// Needs the root key whatever a device key's scope says.
    error NeverForKeys(address target, bytes4 selector);
    /// The account has as many keys as it may; one must be revoked first.
    error TooManyKeys(uint64 most);
    /// Not a key of the account.
    error NoSuchKey(address account, address key);
    /// The key was revoked or is past its expiry.
    error KeyOver(address account, address key, uint64 overAt);
    /// The key is lost: a recovery gave the account another root key.
    error RootMoved(address account, address root);
    /// The account is frozen by its owner or its guardians: only calls of this module go through, by its root key.
    error AccountFrozen(address account, uint64 untilAt);
    /// The key's scope does not contain the call.
    error OutOfScope(address account, address key, address target, bytes4 selector);
    /// The call costs more than what is left of the key's limit in this period.
    error OverLimit(address account, address key, uint256 askedFen, uint64 restFen, uint64 resetsAt);
    /// Guardians are none, two or three, all different, none of them the account itself; an office is chair, member, registrar or street office.
    error BadGuardians();
    /// The caller is no guardian of the account.
    error NotGuardian(address account, address caller);
    /// The caller is neither the account nor a living key of it.
    error NotYours(address account, address caller);
    /// The account has an open recovery.
    error RecoveryOpen(address account, uint64 id);
    /// No recovery has this number, or the account has none.
    error NoSuchRecovery(uint64 id);
    /// The recovery is done, vetoed or lapsed.
    error RecoveryOver(uint64 id, Stage stage);
    /// The waiting period is not over.
    error TooEarly(uint64 id, uint64 readyAt);
    /// A document is named by its hash.
    error NoDocument();
    /// The registrar opens recoveries only for accounts that act for an owner.
    error NotResident(address account);
    /// A freeze has a code.
    error NoCode();
    /// The account is not frozen.
    error NotFrozen(address account);
    /// Nobody, a module or the account itself.
    error BadHelper(address helper);
    /// More letters than one call takes, or none.
    error BadBatch(uint64 given, uint64 most);
    /// The owner does not hold the unit now.
    error NotHolder(uint64 unit, bytes32 owner);
    /// No invitation has this number.
    error NoSuchInvitation(uint64 id);
    /// The invitation was used, revoked or is past its expiry.
    error InvitationOver(uint64 id, InvitationStage stage);
    /// The signature is not the letter's over this account.
    error BadProof(uint64 id, address account);
    /// Neither a card nor a face, or not the attestor's own method.
    error BadMethod(uint8 method);
    /// A name is 1 to 96 bytes of text without control characters.
    error BadName(uint64 length);
    /// A page begins with `https://`, has 9 to 200 characters, and no fragment, user name or blank.
    error BadPage(uint64 length);
    /// A reason is 1 to 512 bytes of public text.
    error BadReason(uint64 length);
    /// No attestor has this number.
    error NoSuchAttestor(uint64 id);
    /// The attestor was ended or its term is over.
    error AttestorOver(uint64 id, uint64 overAt);
    /// While no registrar holds office there is neither letter nor counter, and a face is never the only way.
    error NotTheOnlyWay();
    /// The statement is not valid yet, no longer, or for longer than an hour.
    error StatementOver(uint64 issuedAt, uint64 expiresAt, uint64 nowAt);
    /// The statement is about another account than the caller.
    error OtherAccount(address account, address caller);
    /// The signature is not the attestor's over this statement on this ledger.
    error BadStatement(uint64 attestor, address account);
    /// The statement was used.
    error StatementUsed(bytes32 digest);
    /// An account acts for the owner already: a further one comes by a letter or at the counter.
    error OwnerBound(bytes32 owner);

    /// @custom:visibility scope
    event KeyAuthorised(address indexed account, address indexed key, Suite suite, uint64 expiresAt, uint64 limitFen, uint64 periodSeconds);
    /// @custom:visibility scope
    event KeyRevoked(address indexed account, address indexed key);
    /// @custom:visibility scope
    event GuardiansSet(address indexed account, uint64 count);
    /// One guardian asks for a new root key.
    /// @custom:visibility scope
    event RecoveryAsked(address indexed account, address key, address indexed by);
    /// @custom:visibility scope
    event RecoveryOpened(uint64 indexed id, address indexed account, address key, uint64 readyAt, uint64 lapsesAt, bytes32 document);
    /// @custom:visibility scope
    event RecoveryVetoed(uint64 indexed id, address indexed account, address by);
    /// @custom:visibility scope
    event RecoveryDone(uint64 indexed id, address indexed account, address oldRoot, address newRoot);
    /// One guardian asks for a freeze.
    /// @custom:visibility scope
    event FreezeAsked(address indexed account, address indexed by, FreezeCode code);
    /// @custom:visibility scope
    event Frozen(address indexed account, uint64 untilAt, FreezeCode code, address by);
    /// @custom:visibility scope
    event Unfrozen(address indexed account);
    /// @custom:visibility scope
    event HelperNamed(address indexed account, address indexed helper);
    /// @custom:visibility scope
    event Invited(uint64 indexed id, uint64 indexed unit, bytes32 owner, uint64 expiresAt);
    /// @custom:visibility scope
    event InvitationRevoked(uint64 indexed id);
    /// @custom:visibility scope
    event InvitationUsed(uint64 indexed id, address indexed account);
    /// @custom:visibility public
    event AttestorListed(uint64 indexed id, Method method, address indexed key, string name, uint64 untilAt, bytes32 basis);
    /// @custom:visibility public
    event AttestorEnded(uint64 indexed id, address indexed by, string reason);
    /// @custom:visibility scope
    event Attested(uint64 indexed attestor, address indexed account, uint64 unit, bytes32 digest);

    /// @notice Lets a device key act for the caller within limits. Caller: the account.
    function authoriseKey(Grant calldata grant) external;
    /// @notice Ends a device key for good. Caller: the account, or the key itself.
    function revokeKey(address account, address key) external;
    /// @notice Counts what a device key of the caller spends. Caller: the account; the ledger itself makes this call before those
    /// that the key signed.
    function useKey(address key, uint256 amountFen) external;
    /// @notice Names two or three guardians, or none. Not while a recovery is open or the account frozen. Caller: the account.
    function setGuardians(Guardian[] calldata guardians) external;
    /// @notice Asks for a new root key; the second guardian who asks for the same one opens a recovery, whose number is returned. Caller: a guardian.
    function askRecovery(address account, address key, Suite suite) external returns (uint64 id);
    /// @notice Opens a recovery by a document. Caller: registrar.
    function openRecovery(address account, address key, Suite suite, bytes32 document) external returns (uint64 id);
    /// @notice Ends the account's open recovery and what guardians asked for. Caller: the account or a living key of it.
    /// @custom:visibility public
    function vetoRecovery(address account) external;
    /// @notice Gives the account its new root key and ends all keys of before. Caller: anyone, once the waiting period is over.
    /// @custom:visibility public
    function finishRecovery(uint64 id) external;
    /// @notice Freezes an account for at most 30 days. Caller: the account or a living key of it.
    function freeze(address account, uint64 untilAt, FreezeCode code) external;
    /// @notice Asks for a freeze; the second guardian who asks within 7 days freezes the account for 14 days. Caller: a guardian.
    function askFreeze(address account, FreezeCode code) external;
    /// @notice Lifts the caller's freeze. Caller: the account.
    /// @custom:visibility public
    function unfreeze() external;
    /// @notice Names who prepares the caller's acts; zero for nobody. Caller: the account.
    function nameHelper(address helper) external;
    /// @notice Issues letters, at most 40 at once, for at most 90 days. Caller: registrar.
    function invite(Letter[] calldata letters) external returns (uint64 first);
    /// @notice Makes an open letter void. Caller: registrar.
    function revokeInvitation(uint64 id) external;
    /// @notice Binds the caller to the letter's owner. The signature is the one-time key's (65 bytes, low s) over
    /// `keccak256("tulou/invitation/v1", uint64 chain, uint64 id, address caller)`, packed. Caller: an account that acts for nobody.
    /// @custom:visibility public
    function redeem(uint64 id, bytes calldata signature) external;
    /// @notice Lists a body outside the ledger whose statements bind accounts, for at most 366 days. A face only while a registrar holds
    /// office. Caller: a passed decision, or the street office.
    function listAttestor(Listing calldata listing) external returns (uint64 id);
    /// @notice Ends an attestor at once and for good, with a public reason. Caller: a passed decision, the street office or the registrar.
    function endAttestor(uint64 id, string calldata reason) external;
    /// @notice Binds the caller to the statement's owner, for whom no account acts yet. The signature is the attestor's (65 bytes, low s)
    /// over the EIP-712 digest. Caller: the statement's account, which acts for nobody.
    /// @custom:visibility public
    function redeemAttested(Statement calldata statement, bytes calldata signature) external;

    /// @notice An account: root key, freeze, guardians, helper.
    function account(address ofAccount) external view returns (Account memory value);
    /// @notice One device key of an account.
    function key(address ofAccount, address ofKey) external view returns (Key memory value);
    /// @notice The device keys of an account that were not revoked, expired ones too.
    function keys(address ofAccount) external view returns (Key[] memory items);
    /// @notice Whether a key may make a call now that spends so much; if not, the first four bytes of the refusal; what is left of its limit and until when.
    /// @custom:visibility scope
    function mayAct(address ofAccount, address ofKey, address target, bytes4 selector, uint64 amountFen)
        external view returns (bool allowed, bytes4 refusal, uint64 restFen, uint64 resetsAt);
    /// @notice Recoveries, oldest first.
    function recoveries(uint64 cursor, uint64 limit) external view returns (Recovery[] memory items, uint64 next);
    /// @notice The open recovery of an account; all zero where there is none.
    function openRecoveryOf(address ofAccount) external view returns (Recovery memory value);
    /// @notice Invitations, oldest first.
    function invitations(uint64 cursor, uint64 limit) external view returns (Invitation[] memory items, uint64 next);
    /// @notice The invitation of a letter, by its one-time key; all zero where there is none.
    /// @custom:visibility holder
    function invitationOf(address letterKey) external view returns (Invitation memory value);
    /// @notice Attestors, oldest first; ended ones too.
    function attestors(uint64 cursor, uint64 limit) external view returns (Attestor[] memory items, uint64 next);
}
