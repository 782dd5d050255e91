// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// The member organisations of the consortium and what they decide together about the ledger itself.
interface ICouncil {
    /// Where a proposal stands. Views answer by the clock: `Passed` from `closesAt`, `Ready` from
    /// `executableAt`, `Lapsed` from `lapsesAt`.
    enum ProposalState {
        None, Voting,
        /// Carried; the delay runs, in which a veto is possible.
        Passed,
        /// The delay is over: anyone may execute it.
        Ready,
        /// Its call was made.
        Executed,
        /// Its call was made and refused by the module; nothing else was undone.
        Refused,
        /// Too few took part or agreed.
        Failed, Vetoed, Withdrawn,
        /// Carried, and executed by nobody in time.
        Lapsed
    }

    /// How a member voted.
    enum Choice { None, InFavour, Against }

    /// Why an account may propose a call, or not.
    enum Reason {
        None,
        /// The account is the council itself, and the module permits the call to it.
        Council,
        /// The account is a governor, who may propose the call.
        Governor,
        /// The account is frozen.
        Frozen,
        /// The module does not permit the call to the council.
        NotForCouncil,
        /// The account speaks for no member with weight.
        NotGovernor
    }

    /// One member organisation.
    struct Member {
        /// Number of the member, from 1; never given again.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        string name;
        /// Account that speaks for the member.
        /// @custom:visibility public
        address account;
        /// Votes; a member with any is a governor.
        /// @custom:visibility public
        uint32 weight;
        /// Second at which it became a member.
        /// @custom:visibility public
        uint64 sinceAt;
        /// Second at which its membership ended; 0 while it lasts.
        /// @custom:visibility public
        uint64 untilAt;
    }

    /// How the council decides. A share is num/den or more; never 0 and never above 1.
    struct Rules {
        /// Of all weight, part that must vote.
        /// @custom:visibility public
        uint32 participationNum;
        /// @custom:visibility public
        uint32 participationDen;
        /// Of the weight that voted, part that must agree; besides, more must agree than disagree.
        /// @custom:visibility public
        uint32 majorityNum;
        /// @custom:visibility public
        uint32 majorityDen;
        /// Of all weight, part whose veto stops a carried proposal.
        /// @custom:visibility public
        uint32 vetoNum;
        /// @custom:visibility public
        uint32 vetoDen;
        /// Time in which members vote.
        /// @custom:visibility public
        uint64 votingSeconds;
        /// Time between the vote and the effect, in which a veto is possible.
        /// @custom:visibility public
        uint64 delaySeconds;
    }

    /// One proposal: a call that a module makes on the council's word.
    struct Proposal {
        /// Number of the proposal, from 1.
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        ProposalState state;
        /// Number of the member that proposed it.
        /// @custom:visibility public
        uint64 proposer;
        /// Module that is called.
        /// @custom:visibility public
        address target;
        /// Calldata of that call.
        /// @custom:visibility public
        bytes call;
        /// @custom:visibility public
        string title;
        /// Keccak-256 of the full text.
        /// @custom:visibility public
        bytes32 textHash;
        /// @custom:visibility public
        uint64 proposedAt;
        /// First second at which a vote is too late.
        /// @custom:visibility public
        uint64 closesAt;
        /// First second at which it may be executed and a veto is too late.
        /// @custom:visibility public
        uint64 executableAt;
        /// First second at which it may no longer be executed.
        /// @custom:visibility public
        uint64 lapsesAt;
        /// Second at which its end was written down; 0 before.
        /// @custom:visibility public
        uint64 endedAt;
        /// First four bytes of the refusal, where the call was refused.
        /// @custom:visibility public
        bytes4 refusal;
    }

    /// `leftFactor * leftValue >= rightFactor * rightValue`: "3 x 70 >= 2 x 100".
    struct Comparison {
        /// @custom:visibility public
        uint64 leftFactor;
        /// @custom:visibility public
        uint64 leftValue;
        /// @custom:visibility public
        uint64 rightFactor;
        /// @custom:visibility public
        uint64 rightValue;
        /// @custom:visibility public
        bool met;
    }

    /// A proposal counted by the weights and rules of now.
    struct Tally {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        ProposalState state;
        /// Weight of all governors.
        /// @custom:visibility public
        uint64 total;
        /// @custom:visibility public
        uint64 inFavour;
        /// @custom:visibility public
        uint64 against;
        /// @custom:visibility public
        uint64 vetoing;
        /// @custom:visibility public
        Comparison participation;
        /// @custom:visibility public
        Comparison majority;
        /// @custom:visibility public
        Comparison veto;
        /// How each member voted, by number.
        /// @custom:visibility public
        Ballot[] ballots;
    }

    /// What one member said on a proposal.
    struct Ballot {
        /// Number of the member.
        /// @custom:visibility public
        uint64 member;
        /// Its weight now.
        /// @custom:visibility public
        uint32 weight;
        /// @custom:visibility public
        Choice choice;
        /// @custom:visibility public
        bool vetoed;
    }

    /// One number that the council sets.
    struct Parameter {
        /// @custom:visibility public
        string name;
        /// @custom:visibility public
        uint64 value;
        /// @custom:visibility public
        uint64 least;
        /// @custom:visibility public
        uint64 most;
    }

    /// From which height on a release of the rules is in force.
    struct Release {
        /// @custom:visibility public
        uint32 release;
        /// @custom:visibility public
        uint64 height;
    }

    /// The freeze of an account.
    struct Freeze {
        /// @custom:visibility public
        address account;
        /// Whether it holds now.
        /// @custom:visibility public
        bool holds;
        /// @custom:visibility public
        uint64 fromAt;
        /// First second after it.
        /// @custom:visibility public
        uint64 untilAt;
        /// 1 key lost or stolen, 2 order of a court or authority, 3 suspected fraud, 4 abuse of the ledger.
        /// @custom:visibility public
        uint16 code;
        /// Public reason of the last freeze or of its end.
        /// @custom:visibility public
        string reason;
    }

    /// Only the council, by a proposal that was carried.
    error OnlyCouncil(address caller);
    /// No member has weight: this ledger has no council, and nothing of it can be decided.
    error NoCouncil();
    /// The account speaks for no member with weight.
    error NotGovernor(address account);
    /// There is no such proposal.
    error NoSuchProposal(uint64 id);
    /// A proposal calls a module, with a selector and at most 4,096 bytes.
    error BadCall(address target, uint64 bytesGiven);
    /// The module does not permit this call to the council.
    error NotForCouncil(address target, bytes4 selector);
    /// A title is 1 to 200 bytes of public text.
    error BadTitle(uint64 bytesGiven, uint64 bytesMost);
    /// So many proposals wait already.
    error TooManyProposals(uint64 most);
    /// Voting is over.
    error VotingOver(uint64 id, uint64 closesAt);
    /// Only the member that proposed it withdraws it.
    error NotYourProposal(uint64 id, uint64 proposer);
    /// The proposal stands where this cannot be done.
    error WrongStage(uint64 id, ProposalState state);
    /// The delay still runs.
    error TooEarly(uint64 id, uint64 executableAt);
    /// The member has vetoed it already.
    error AlreadyVetoed(uint64 id, uint64 member);
    /// A reason is 1 to 512 bytes of public text.
    error BadReason(uint64 bytesGiven, uint64 bytesMost);
    /// There is no such member, or it is none any more.
    error NoSuchMember(uint64 id);
    /// A name is 1 to 100 bytes.
    error BadName(uint64 bytesGiven, uint64 bytesMost);
    /// Zero or a module, nobody's account; or a frozen one, which speaks for no member.
    error BadAccount(address account);
    /// The account speaks for another member.
    error AccountTaken(address account, uint64 member);
    /// So many members were numbered already.
    error TooManyMembers(uint64 most);
    /// A council has at least three governors.
    error TooFewGovernors(uint64 left, uint64 least);
    /// One member would have more weight than one may have: less than a third of all, less than half where
    /// there are three governors.
    error TooHeavy(uint64 member, uint32 weight, uint64 most);
    /// One member would reach the participation alone.
    error DecidesAlone(uint64 member, uint32 weight, uint64 total);
    /// A share is above 0 and at most 1.
    error BadShare(uint32 num, uint32 den);
    /// A time is too short or too long, in seconds.
    error BadTime(uint64 given, uint64 least, uint64 most);
    /// No parameter has this name.
    error NoSuchParameter(string name);
    /// The value is outside of its bounds.
    error OutOfBounds(string name, uint64 value, uint64 least, uint64 most);
    /// A release follows the last one by number and by height.
    error BadRelease(uint32 release, uint64 height, uint32 lastRelease, uint64 lastHeight);
    /// A release is told of in time.
    error ReleaseTooSoon(uint64 height, uint64 earliest);
    /// No reason has this code.
    error NoSuchCode(uint16 code);
    /// Modules and accounts that speak for a member are not frozen.
    error CannotFreeze(address account);
    /// A freeze ends in the future, and within the longest time allowed.
    error BadFreeze(uint64 untilAt, uint64 latestUntilAt);
    /// The account is not frozen.
    error NotFrozen(address account);

    /// A call was proposed.
    /// @custom:visibility public
    event Proposed(uint64 indexed id, uint64 indexed member, address indexed target, bytes4 selector, string title, bytes32 textHash, uint64 closesAt, uint64 executableAt);
    /// A member voted; the last vote before the close counts.
    /// @custom:visibility public
    event Voted(uint64 indexed id, uint64 indexed member, bool inFavour, uint32 weight);
    /// A member vetoed a carried proposal.
    /// @custom:visibility public
    event VetoCast(uint64 indexed id, uint64 indexed member, uint32 weight, string reason);
    /// A proposal ended without its call.
    /// @custom:visibility public
    event Ended(uint64 indexed id, ProposalState state);
    /// A carried proposal's call was made.
    /// @custom:visibility public
    event Executed(uint64 indexed id, address indexed target);
    /// A carried proposal's call was refused by the module.
    /// @custom:visibility public
    event ExecutionRefused(uint64 indexed id, address indexed target, bytes refusal);
    /// A member joined.
    /// @custom:visibility public
    event MemberAdded(uint64 indexed id, string name, address account, uint32 weight);
    /// A membership ended.
    /// @custom:visibility public
    event MemberEnded(uint64 indexed id);
    /// A member's weight changed.
    /// @custom:visibility public
    event WeightSet(uint64 indexed id, uint32 weight);
    /// Another account speaks for a member.
    /// @custom:visibility public
    event AccountSet(uint64 indexed id, address account);
    /// The rules of deciding changed.
    /// @custom:visibility public
    event RulesSet(Rules rules);
    /// A parameter changed; the next block is the first under it.
    /// @custom:visibility public
    event ParameterSet(string name, uint64 value);
    /// A release comes into force at a height.
    /// @custom:visibility public
    event ReleaseScheduled(uint32 indexed release, uint64 height);
    /// An account may send nothing from the next block until a time.
    /// @custom:visibility public
    event AccountFrozen(address indexed account, uint64 untilAt, uint16 code, string reason);
    /// A freeze was lifted early.
    /// @custom:visibility public
    event AccountUnfrozen(address indexed account, string reason);
    /// An account may create contracts, or no longer.
    /// @custom:visibility public
    event DeployerSet(address indexed account, bool allowed);

    /// Proposes a call that a module permits to the council. Caller: a governor.
    function propose(address target, bytes calldata call, string calldata title, bytes32 textHash) external returns (uint64 id);
    /// Votes; voting again replaces the vote. Caller: a governor.
    function vote(uint64 id, bool inFavour) external;
    /// Vetoes a carried proposal while its delay runs. Caller: a governor.
    function veto(uint64 id, string calldata reason) external;
    /// Makes the call of a carried proposal after its delay. Anyone; false where the module refused the call.
    function execute(uint64 id) external returns (bool done);
    /// Withdraws a proposal while it is voted on. Caller: the member that proposed it.
    function withdraw(uint64 id) external;
    /// Takes in a member; weight 0 does not govern. Council only, as all that follow.
    function addMember(string calldata name, address account, uint32 weight) external returns (uint64 id);
    /// Ends a membership. The member's nodes stay until `validators.dismiss`.
    function endMember(uint64 id) external;
    /// Changes a member's weight.
    function setWeight(uint64 id, uint32 weight) external;
    /// Lets another account speak for a member.
    function setAccount(uint64 id, address account) external;
    /// Changes how the council decides. Times of proposals that wait stay as they were.
    function setRules(Rules calldata rules) external;
    /// Sets a parameter within its bounds.
    function setParameter(string calldata name, uint64 value) external;
    /// Schedules a release, or moves the last one where its height has not come.
    function scheduleRelease(uint32 release, uint64 height) external;
    /// Freezes an account until a time: it sends no transaction and calls no module.
    function freezeAccount(address account, uint64 untilAt, uint16 code, string calldata reason) external;
    /// Lifts a freeze early.
    function unfreezeAccount(address account, string calldata reason) external;
    /// Lets an account create contracts, or no longer.
    function allowDeployer(address account, bool allowed) external;

    /// All members there ever were, oldest first.
    function members(uint64 cursor, uint64 limit) external view returns (Member[] memory items, uint64 next);
    /// All proposals, oldest first.
    function proposals(uint64 cursor, uint64 limit) external view returns (Proposal[] memory items, uint64 next);
    /// One proposal.
    function proposal(uint64 id) external view returns (Proposal memory value);
    /// A proposal counted by the weights and rules of now.
    function tally(uint64 id) external view returns (Tally memory value);
    /// How the council decides.
    function rules() external view returns (Rules memory value);
    /// One parameter with its bounds.
    function parameter(string calldata name) external view returns (Parameter memory value);
    /// All parameters.
    function parameters() external view returns (Parameter[] memory items);
    /// The release in force at a height, by what is scheduled today.
    /// @custom:visibility public
    function releaseAt(uint64 height) external view returns (uint32 release);
    /// All releases, oldest first.
    function releases(uint64 cursor, uint64 limit) external view returns (Release[] memory items, uint64 next);
    /// The last freeze of an account; all zero where there was none.
    function frozen(address account) external view returns (Freeze memory value);
    /// Whether an account may create contracts.
    /// @custom:visibility public
    function mayDeploy(address account) external view returns (bool allowed);
    /// Whether an account may propose a call now, and why; its member number, 0 for none.
    /// @custom:visibility public
    function explain(address account, address target, bytes4 selector) external view returns (bool allowed, Reason reason, uint64 member);
}
