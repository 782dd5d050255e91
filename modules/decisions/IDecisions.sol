// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Decisions of the owners' assembly by open ballot.
/// @notice A motion is announced, opens after its full days of notice, closes at its deadline and publishes its own
/// outcome. Every threshold is an integer comparison that anyone can repeat (Civil Code art. 278, 1259).
interface IDecisions {
    /// @notice Where a motion stands. Views answer by the clock: `Open` from `opensAt`, `Closed` from `closesAt`
    /// until the count is published.
    enum MotionState { None, Noticed, Open, Closed, Passed, Failed, NotQuorate, Cancelled }

    /// @notice What became of the call that a passed motion makes.
    enum ActionState { None, Planned, Done, Refused }

    /// @notice How a ballot came in.
    enum Channel { None, Online, Paper }

    /// @notice Who decides: kind 1 the estate, 2 one building, 3 one stair of a building.
    struct Scope {
        /// @custom:visibility public
        uint8 kind;
        /// @custom:visibility public
        uint32 building;
        /// @custom:visibility public
        uint32 stair;
    }

    /// @notice What `propose` announces; nothing in it changes afterwards.
    struct Proposal {
        /// Number of the matter in art. 278 (1 to 9): 5 uses the maintenance fund; 6, 7 and 8 need three quarters.
        /// @custom:visibility public
        uint8 matter;
        /// @custom:visibility public
        Scope scope;
        /// Whether the shorter notice of an extraordinary meeting applies.
        /// @custom:visibility public
        bool extraordinary;
        /// Public text, 1 to 200 bytes.
        /// @custom:visibility public
        string title;
        /// Keccak-256 of the full text.
        /// @custom:visibility public
        bytes32 textHash;
        /// Seconds; 0 means the earliest opening the law allows.
        /// @custom:visibility public
        uint64 opensAt;
        /// Seconds; a ballot at this second is too late.
        /// @custom:visibility public
        uint64 closesAt;
        /// Most that may be spent on it; 0 where no money is asked.
        /// @custom:visibility public
        uint64 budgetFen;
        /// Commitment to the payee; zero where none is named.
        /// @custom:visibility public
        bytes32 payeeHash;
        /// Module called when it passes; zero for none.
        /// @custom:visibility public
        address target;
        /// Calldata of that call, at most 4,096 bytes.
        /// @custom:visibility public
        bytes action;
    }

    /// @notice One motion.
    struct Motion {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        uint8 matter;
        /// Whether three quarters are needed instead of more than half.
        /// @custom:visibility public
        bool special;
        /// @custom:visibility public
        Scope scope;
        /// @custom:visibility public
        bool extraordinary;
        /// @custom:visibility public
        string title;
        /// @custom:visibility public
        bytes32 textHash;
        /// @custom:visibility public
        MotionState state;
        /// Account that proposed it.
        /// @custom:visibility public
        address opener;
        /// @custom:visibility public
        uint64 noticeAt;
        /// @custom:visibility public
        uint64 opensAt;
        /// @custom:visibility public
        uint64 closesAt;
        /// Second at which the outcome was published; 0 before.
        /// @custom:visibility public
        uint64 closedAt;
        /// Whether a late quorum moved the close.
        /// @custom:visibility public
        bool extended;
        /// Snapshot of the register that fixes who votes; 0 before opening.
        /// @custom:visibility public
        uint64 roll;
        /// @custom:visibility public
        uint64 rollAreaM2;
        /// @custom:visibility public
        uint32 rollHeads;
        /// Rules in force when it was announced, under which it is counted.
        /// @custom:visibility public
        bytes32 packHash;
        /// @custom:visibility public
        uint64 budgetFen;
        /// @custom:visibility public
        bytes32 payeeHash;
        /// @custom:visibility public
        address target;
        /// @custom:visibility public
        bytes action;
        /// @custom:visibility public
        ActionState actionState;
        /// First four bytes of the refusal, where the action was refused.
        /// @custom:visibility public
        bytes4 actionRefusal;
    }

    /// @notice Area and heads that belong together.
    struct Weight {
        /// @custom:visibility public
        uint64 areaM2;
        /// @custom:visibility public
        uint32 heads;
    }

    /// @notice `leftFactor * leftValue` against `rightFactor * rightValue`: "3 x 10,158.40 >= 2 x 13,024.80".
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
        uint128 left;
        /// @custom:visibility public
        uint128 right;
        /// True: left must exceed right. False: equal is enough.
        /// @custom:visibility public
        bool strict;
        /// @custom:visibility public
        bool met;
    }

    /// @notice All subtotals and comparisons. Areas in 0.01 m2.
    struct Result {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        MotionState state;
        /// What the ballots give as they stand: Passed, Failed or NotQuorate.
        /// @custom:visibility public
        MotionState outcome;
        /// @custom:visibility public
        Weight roll;
        /// @custom:visibility public
        Weight participating;
        /// @custom:visibility public
        Weight yes;
        /// @custom:visibility public
        Weight no;
        /// @custom:visibility public
        Weight abstain;
        /// @custom:visibility public
        Comparison quorumArea;
        /// @custom:visibility public
        Comparison quorumHeads;
        /// @custom:visibility public
        Comparison consentArea;
        /// @custom:visibility public
        Comparison consentHeads;
        /// Smallest area and number of heads still needed for the quorum.
        /// @custom:visibility public
        Weight missing;
    }

    /// @notice The ballot of one head.
    struct Ballot {
        /// Head key: a pseudonym of the owner or owners who vote as one.
        /// @custom:visibility scope
        bytes32 head;
        /// 1 for, 2 against, 3 abstain; 0 none.
        /// @custom:visibility scope
        uint8 choice;
        /// @custom:visibility scope
        Channel channel;
        /// @custom:visibility scope
        uint64 castAt;
        /// @custom:visibility scope
        uint64 areaM2;
        /// How often the head has voted on this motion; the last ballot counts.
        /// @custom:visibility scope
        uint32 times;
        /// Digest of the paper, where it came on paper.
        /// @custom:visibility scope
        bytes32 evidenceHash;
    }

    /// No motion has this number.
    error NoSuchMotion(uint64 motion);
    /// The matter is none of the nine of art. 278.
    error NoSuchMatter(uint8 matter);
    /// The scope is not 1, 2 or 3, or has a building or stair too many or too few.
    error NoSuchScope(uint8 kind, uint32 building, uint32 stair);
    /// The title is empty or longer than 200 bytes.
    error BadTitle(uint64 bytesGiven, uint64 bytesMost);
    /// A motion on the maintenance fund states its budget.
    error BudgetMissing();
    /// There is nothing to call at this address, or an action without a target, or one too long.
    error BadAction(address target, uint64 bytesGiven);
    /// The opening falls into the days of notice.
    error NoticeTooShort(uint64 opensAt, uint64 earliestAt);
    /// The time for voting is shorter or longer than the rules allow; all in seconds, `most` 0 for no limit.
    error BadPeriod(uint64 period, uint64 least, uint64 most);
    /// Voting has not begun.
    error NotOpen(uint64 motion, uint64 opensAt);
    /// Voting is over.
    error VotingClosed(uint64 motion, uint64 closesAt);
    /// Voting still runs.
    error StillOpen(uint64 motion, uint64 closesAt);
    /// Only a motion that has not opened can be cancelled.
    error AlreadyOpen(uint64 motion);
    /// The motion was cancelled.
    error MotionIsCancelled(uint64 motion);
    /// 1 for, 2 against, 3 abstain.
    error NoSuchChoice(uint8 choice);
    /// The account owned nothing in the electorate when voting opened.
    error NotInElectorate(uint64 motion, address account);
    /// The head was not in the electorate, or the caller does not vote for it.
    error NotYourHead(uint64 motion, bytes32 head);
    /// No paper ballot of this head waits for a second counter.
    error NoPaper(uint64 motion, bytes32 head);
    /// The second counter must be another person.
    error SameCounter(uint64 motion, bytes32 head, address counter);
    /// The two counters read different things; the first reading stays until it is replaced.
    error PaperDiffers(uint64 motion, bytes32 head);

    /// A motion was announced.
    /// @custom:visibility public
    event MotionProposed(uint64 indexed motion, uint8 indexed matter, address opener, bytes32 textHash, uint64 opensAt, uint64 closesAt, bytes32 packHash);
    /// Voting began; the electorate is frozen.
    /// @custom:visibility public
    event MotionOpened(uint64 indexed motion, uint64 roll, uint64 areaM2, uint32 heads);
    /// A ballot counts, in place of an earlier one of the same head.
    /// @custom:visibility scope
    event BallotCast(uint64 indexed motion, bytes32 indexed head, uint8 choice, Channel channel, uint64 areaM2);
    /// One counter has read a paper ballot.
    /// @custom:visibility scope
    event PaperRecorded(uint64 indexed motion, bytes32 indexed head, uint8 choice, bytes32 evidenceHash, address counter);
    /// A late quorum moved the close.
    /// @custom:visibility public
    event MotionExtended(uint64 indexed motion, uint64 closesAt);
    /// The outcome is published.
    /// @custom:visibility public
    event MotionClosed(uint64 indexed motion, MotionState outcome, uint64 participatingAreaM2, uint32 participatingHeads, uint64 yesAreaM2, uint32 yesHeads);
    /// A passed motion's call was made.
    /// @custom:visibility public
    event ActionDone(uint64 indexed motion, address target);
    /// A passed motion's call was refused; the outcome stands.
    /// @custom:visibility public
    event ActionRefused(uint64 indexed motion, address target, bytes refusal);
    /// A motion was withdrawn before it opened.
    /// @custom:visibility public
    event MotionCancelled(uint64 indexed motion, bytes32 reasonHash);

    /// @notice Announces a motion; the days of notice run from the day after today.
    /// Caller: chair, committee member or street office.
    function propose(Proposal calldata proposal) external returns (uint64 motion);
    /// @notice Withdraws a motion that has not opened. Caller: chair or street office.
    function cancel(uint64 motion, bytes32 reasonHash) external;
    /// @notice Freezes the electorate once `opensAt` is reached. Anyone; opening twice does nothing.
    function open(uint64 motion) external;
    /// @notice Votes for every head of the caller's account in the electorate. 1 for, 2 against, 3 abstain.
    function cast(uint64 motion, uint8 choice) external;
    /// @notice Votes for one head of the caller's account.
    function castFor(uint64 motion, bytes32 head, uint8 choice) external;
    /// @notice First reading of a paper ballot; replaces an unconfirmed reading. Caller: counter.
    function recordPaper(uint64 motion, bytes32 head, uint8 choice, bytes32 evidenceHash) external;
    /// @notice Second reading by another counter: the same paper, the same choice. The ballot counts from now.
    function confirmPaper(uint64 motion, bytes32 head, uint8 choice, bytes32 evidenceHash) external;
    /// @notice Counts and publishes once `closesAt` is reached, then makes the motion's call if it passed.
    /// Anyone; closing twice does nothing.
    function close(uint64 motion) external;

    /// @notice One motion.
    function motion(uint64 id) external view returns (Motion memory);
    /// @notice Motions in the order they were proposed; `state` 0 for all.
    function motions(uint8 state, uint64 cursor, uint64 limit) external view returns (Motion[] memory items, uint64 next);
    /// @notice Subtotals and comparisons, final or as they stand.
    function result(uint64 id) external view returns (Result memory);
    /// @notice Ballots in the order in which the heads first voted.
    function ballots(uint64 id, uint64 cursor, uint64 limit) external view returns (Ballot[] memory items, uint64 next);
    /// @notice The ballot of one head; `choice` 0 where it has not voted.
    function ballotOf(uint64 id, bytes32 head) external view returns (Ballot memory);
    /// @notice Heads for which an account votes, and the area of each; empty before the motion opens.
    function votesOf(uint64 id, address account) external view returns (Ballot[] memory);
    /// @notice Earliest opening of a motion announced now, in seconds.
    /// @custom:visibility public
    function earliestOpening(bool extraordinary) external view returns (uint64 opensAt);
}
