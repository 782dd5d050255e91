// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

// The state of native modules as a Solidity author would write it. Nothing here runs: solc says where it
// would put each variable, and the modules must put theirs at the same place.

contract Rules {
    struct Value { uint64 num; uint64 den; uint64 fromAt; uint64 untilAt; }
    struct Kind { uint8 unit; uint8 bound; }
    struct Entry { Value value; Kind kind; bytes32 basis; string source; string article; }
    struct EditionRow { uint256 layer; uint256 madeAt; bytes32 source; bytes32 bookHash; string name; }

    bytes32 bookHash;
    string[] keys;
    mapping(bytes32 => uint256) ids;
    mapping(uint256 => mapping(uint256 => Entry[])) values;
    EditionRow[] editions;
}

contract Roles {
    struct Head { uint8 office; uint64 fromAt; uint64 untilAt; uint64 revokedAt; }
    struct Row {
        Head head; address holder; address grantedBy; uint256 frozenUntil; bytes32 basis; string reason;
    }
    struct PermitKey { address module; uint32 selector; uint32 offices; }
    struct PermitRow { PermitKey key; string name; }

    Row[] mandates;
    mapping(uint256 => uint256[]) byOffice;
    mapping(address => mapping(uint256 => uint256[])) byHolder;
    PermitRow[] permits;
    mapping(address => mapping(uint256 => uint256)) officesFor;
}

contract Schedule {
    struct Head { address target; uint8 stage; uint8 refusals; }
    struct Times { uint64 dueAt; uint64 plannedAt; uint64 bytesLength; }
    struct Row { Head head; Times times; bytes32 refusal; bytes32[] data; }
    struct Turn { uint64 dueAt; uint64 id; }
    struct Heap { Turn[] turns; }

    Row[] tasks;
    Heap waiting;
    uint256[] parked;
    mapping(uint256 => uint256) parkedIndex;
}

contract Documents {
    struct Head { uint8 kind; uint64 registeredAt; uint64 retainUntil; }
    struct Links { uint64 supersedes; uint64 supersededBy; }
    struct Row {
        bytes32 hash; Head head; address custodian; address registeredBy; Links links; string title;
    }

    Row[] documents;
    mapping(bytes32 => uint256) ids;
    mapping(uint256 => uint256[]) byKind;
}

contract Money {
    struct HoldHead { uint32 asset; uint64 amount; uint64 captured; uint8 state; uint64 expiresAt; }
    struct HoldRow { HoldHead head; address account; address holder; bytes32 memo_; }

    uint256 assets;
    mapping(uint256 => address) mandates;
    HoldRow[] holds;
}

// One asset, at its own address.
contract Token {
    struct Balance { uint64 total; uint64 held; }

    uint256 supply;
    string name;
    string symbol;
    mapping(address => Balance) balances;
    mapping(address => mapping(address => uint256)) allowances;
}

// Calldata that is kept: its length and its words.
struct Blob { uint256 len; mapping(uint256 => uint256) words; }

contract Council {
    struct Gate { uint64 gasLimit; uint32 freezes; bool deployClosed; uint8 suitesClosed; }
    struct Limits { uint32 freezeDays; uint32 releaseNotice; uint32 openDays; }
    struct Shares {
        uint32 participationNum; uint32 participationDen; uint32 majorityNum; uint32 majorityDen;
        uint32 vetoNum; uint32 vetoDen;
    }
    struct Periods { uint64 voting; uint64 delay; }
    struct Seat { address account; uint32 weight; }
    struct Span { uint64 sinceAt; uint64 untilAt; }
    struct MemberRow { Seat seat; Span span; string name; }
    struct Head { uint8 state; uint64 proposer; uint64 lapsesAt; uint32 refusal; }
    struct Times { uint64 proposedAt; uint64 closesAt; uint64 executableAt; uint64 endedAt; }
    struct ProposalRow {
        Head head; Times times; uint256 voted; uint256 inFavour; uint256 vetoing; address target;
        bytes32 textHash; string title; Blob input;
    }
    struct ReleaseRow { uint32 release; uint64 height; }
    struct FreezeHead { uint64 untilAt; uint64 fromAt; uint16 code; }
    struct FreezeRow { FreezeHead head; string reason; }

    Gate gate;
    Limits limits;
    Shares shares;
    Periods periods;
    MemberRow[] members;
    mapping(address => uint256) byAccount;
    ProposalRow[] proposals;
    uint256[] pending;
    ReleaseRow[] releases;
    mapping(address => FreezeRow) frozen;
    mapping(address => uint256) deployers;
}

contract Validators {
    struct Head { uint64 member; uint8 kind; uint64 fromEpoch; uint64 untilEpoch; }
    struct NodeRow { bytes32 key; Head head; string endpoint; }
    struct SetRow { uint256 fromEpoch; bytes32[] keys; }

    uint256 epochLength;
    NodeRow[] nodes;
    mapping(bytes32 => uint256) ids;
    uint256[] connected;
    SetRow[] sets;
}

contract Ledgers {
    struct Epochs { uint64 length; uint64 first; uint64 last; uint64 registeredAt; }
    struct SetRow { uint256 from; bytes32[] keys; }
    struct Row { bytes32 genesis; uint256 chainId; Epochs epochs; SetRow[] sets; string name; }
    struct FactHead { uint64 ledger; uint64 height; uint64 at; bool succeeded; }
    struct FactRow { FactHead head; bytes32 transaction; bytes32 logsHash; uint256 recordedAt; }

    Row[] ledgers;
    mapping(bytes32 => uint256) ids;
    FactRow[] facts;
    mapping(uint256 => mapping(bytes32 => uint256)) factIds;
}

contract Accounts {
    struct Gate { uint64 frozenUntil; uint64 moved; }
    struct Standing { address root; uint8 suite; uint64 frozenUntil; uint8 code; }
    struct KeyHead { uint8 suite; uint64 sinceAt; uint64 expiresAt; uint64 overAt; }
    struct Allowance { uint64 limit; uint64 period; uint64 spent; uint64 window; }
    struct ScopeWord { address target; uint32 selector; }
    struct KeyRow { KeyHead head; Allowance allowance; bytes32 label; ScopeWord[] scope; }
    struct Seat { address account; uint8 office; }
    struct AskHead { address key; uint8 suite; uint64 at; }
    struct FreezeAsk { address by; uint64 at; }
    struct AskRow { AskHead head; uint256 by; FreezeAsk freeze; }
    struct AccountRow {
        Standing standing; uint256[] keys; mapping(address => KeyRow) known; Seat[] guardians;
        mapping(uint256 => AskRow) asks; uint256 recovery; address helper;
    }
    struct RecoveryHead { address key; uint8 suite; uint8 stage; }
    struct RecoveryTimes { uint64 openedAt; uint64 readyAt; uint64 lapsesAt; uint64 endedAt; }
    struct RecoveryRow {
        RecoveryHead head; RecoveryTimes times; uint256 account; uint256 first; uint256 second; bytes32 document;
    }
    struct LetterHead { uint64 unit; uint64 issuedAt; uint64 expiresAt; uint8 stage; }
    struct LetterRow { LetterHead head; uint256 key; bytes32 owner; uint256 account; }
    struct AttestorHead { uint8 method; uint64 sinceAt; uint64 untilAt; uint64 endedAt; }
    struct AttestorRow {
        AttestorHead head; uint256 key; uint256 bindings; bytes32 basis; string name; string page;
    }

    Gate gate;
    mapping(address => AccountRow) accounts;
    RecoveryRow[] recoveries;
    LetterRow[] letters;
    mapping(address => uint256) byKey;
    AttestorRow[] attestors;
    mapping(address => uint256) byAttestor;
    mapping(bytes32 => uint256) statements;
}
