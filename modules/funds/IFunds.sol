// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Money of the owners: purpose-bound funds, budget lines, payments and their allotment.
/// @notice The ledger mirrors the bank account of each fund. No order leaves without a budget line or a passed
/// decision; every bank line is shown, explained or not.
interface IFunds {
    /// @notice What a fund may be used for.
    enum Purpose { None, Maintenance, CommonIncome, Operating }

    /// @notice What a bank line did.
    enum MovementKind { None, Credit, Payment, Unexplained, Explained }

    /// @notice Where a payment stands. `Ordered` means signed and sent to the bank, `Paid` that the bank confirmed.
    enum RequestState { None, Requested, Ordered, Paid, Rejected, Withdrawn, Returned }

    /// @notice Whose signatures a payment needs, by its amount together with the payee's others of the last 30 days.
    enum Tier { None, Small, Medium, Committee, Assembly }

    /// @notice Which part of a job is paid.
    enum Stage { None, Advance, Progress, Final }

    /// @notice Where the sharing out of a cost stands: units are entered with their areas, remainders ranked,
    /// units charged.
    enum AllotPhase { None, Entering, Ranking, Charging, Done }

    /// @notice One fund.
    struct Fund {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        string name;
        /// @custom:visibility public
        Purpose purpose;
        /// Number of the asset in `money`.
        /// @custom:visibility public
        uint32 asset;
        /// Account in `money` that only this module moves.
        /// @custom:visibility public
        address account;
        /// Bank balance, held amounts included.
        /// @custom:visibility public
        uint64 balanceFen;
        /// Part of it that is ordered and not yet debited.
        /// @custom:visibility public
        uint64 heldFen;
        /// Sum of bank debits without a known reason.
        /// @custom:visibility public
        uint64 unexplainedFen;
        /// Number of those debits.
        /// @custom:visibility public
        uint32 unexplained;
        /// Number of bank lines.
        /// @custom:visibility public
        uint64 movements;
    }

    /// @notice A budget line of one year.
    struct Line {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        uint64 fund;
        /// @custom:visibility public
        uint32 year;
        /// @custom:visibility public
        string name;
        /// @custom:visibility public
        uint64 plannedFen;
        /// Requested and not yet paid.
        /// @custom:visibility public
        uint64 committedFen;
        /// @custom:visibility public
        uint64 paidFen;
        /// Planned less committed and paid.
        /// @custom:visibility public
        uint64 leftFen;
        /// Passed decision that planned it.
        /// @custom:visibility public
        uint64 decision;
    }

    /// @notice What a decision allows and what became of it.
    struct Budget {
        /// @custom:visibility public
        uint64 decision;
        /// Fund it draws on; 0 before the first use.
        /// @custom:visibility public
        uint64 fund;
        /// Budget voted or, once the price check is in, the settled amount.
        /// @custom:visibility public
        uint64 allowedFen;
        /// Budget voted.
        /// @custom:visibility public
        uint64 votedFen;
        /// Planned as budget lines.
        /// @custom:visibility public
        uint64 linesFen;
        /// @custom:visibility public
        uint64 committedFen;
        /// @custom:visibility public
        uint64 paidFen;
        /// Whether the price check is in.
        /// @custom:visibility public
        bool settled;
        /// Digest of the price check report.
        /// @custom:visibility public
        bytes32 reportDigest;
        /// Whether the cost is shared out over the units.
        /// @custom:visibility public
        bool allotted;
        /// Part of the cost that the balances of units charged so far did not cover.
        /// @custom:visibility public
        uint64 receivableFen;
    }

    /// @notice How far the sharing out of a cost has come.
    struct AllotmentProgress {
        /// @custom:visibility public
        AllotPhase phase;
        /// Units entered; all of the scope from `Ranking` on.
        /// @custom:visibility public
        uint64 units;
        /// Units charged.
        /// @custom:visibility public
        uint64 charged;
    }

    /// @notice A company that is paid.
    struct Payee {
        /// Commitment to who it is; decisions name payees by it.
        /// @custom:visibility public
        bytes32 payeeHash;
        /// Commitment to the bank account.
        /// @custom:visibility public
        bytes32 accountHash;
        /// Public name of the company.
        /// @custom:visibility public
        string name;
        /// Since when this bank account is known, in seconds.
        /// @custom:visibility public
        uint64 knownAt;
        /// First second at which a payment to it may be signed.
        /// @custom:visibility public
        uint64 payableAt;
        /// Counts every change; a signature holds for one version only.
        /// @custom:visibility public
        uint32 version;
    }

    /// @notice What `request` asks. Exactly one of `line` and `decision` is given.
    struct Draft {
        /// @custom:visibility public
        uint64 fund;
        /// @custom:visibility public
        uint64 line;
        /// @custom:visibility public
        uint64 decision;
        /// @custom:visibility public
        uint64 amountFen;
        /// @custom:visibility public
        bytes32 payeeHash;
        /// Zero where there is none.
        /// @custom:visibility public
        bytes32 quoteDigest;
        /// Zero where there is none yet; never used twice.
        /// @custom:visibility public
        bytes32 invoiceDigest;
        /// Public text, 1 to 200 bytes.
        /// @custom:visibility public
        string purpose;
        /// 1 advance, 2 progress, 3 final.
        /// @custom:visibility public
        uint8 stage;
    }

    /// @notice A payment, from the ask to the bank line.
    struct Request {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        uint64 fund;
        /// @custom:visibility public
        uint64 line;
        /// @custom:visibility public
        uint64 decision;
        /// @custom:visibility public
        uint64 amountFen;
        /// @custom:visibility public
        bytes32 payeeHash;
        /// @custom:visibility public
        string payeeName;
        /// @custom:visibility public
        bytes32 quoteDigest;
        /// @custom:visibility public
        bytes32 invoiceDigest;
        /// @custom:visibility public
        string purpose;
        /// @custom:visibility public
        Stage stage;
        /// @custom:visibility public
        RequestState state;
        /// @custom:visibility public
        address requester;
        /// @custom:visibility public
        uint64 requestedAt;
        /// This request and the payee's others of the last 30 days that no decision covers.
        /// @custom:visibility public
        uint64 summedFen;
        /// @custom:visibility public
        Tier tier;
        /// Signatures that hold.
        /// @custom:visibility public
        uint32 approvals;
        /// Fewest signatures that can suffice.
        /// @custom:visibility public
        uint32 needed;
        /// First second at which it may be signed; 0 once nobody signs any more.
        /// @custom:visibility public
        uint64 payableAt;
        /// Counts every change that voids signatures; `approve` names it.
        /// @custom:visibility public
        uint32 revision;
        /// @custom:visibility public
        uint64 orderedAt;
        /// Hold in `money` while ordered.
        /// @custom:visibility public
        uint64 hold;
        /// Bank line that paid it.
        /// @custom:visibility public
        uint64 movement;
        /// Why it was rejected, withdrawn or returned.
        /// @custom:visibility public
        string reason;
    }

    /// @notice One signature on a payment.
    struct Approval {
        /// @custom:visibility public
        address signer;
        /// Offices the signer held: bit n for office n of `roles`.
        /// @custom:visibility public
        uint32 offices;
        /// Hash of the sentence the signer was shown.
        /// @custom:visibility public
        bytes32 sentenceHash;
        /// @custom:visibility public
        uint64 signedAt;
        /// False once the payment or the payee's account changed.
        /// @custom:visibility public
        bool holds;
    }

    /// @notice One bank line.
    struct Movement {
        /// @custom:visibility public
        uint64 id;
        /// @custom:visibility public
        uint64 fund;
        /// @custom:visibility public
        MovementKind kind;
        /// @custom:visibility public
        uint64 amountFen;
        /// Balance of the fund after the line.
        /// @custom:visibility public
        uint64 balanceFen;
        /// Serial of the bank.
        /// @custom:visibility public
        string bankRef;
        /// When the bank booked it, in seconds.
        /// @custom:visibility public
        uint64 occurredAt;
        /// When it came on the book.
        /// @custom:visibility public
        uint64 recordedAt;
        /// Public text.
        /// @custom:visibility public
        string memo;
        /// Request it paid; 0 for none.
        /// @custom:visibility public
        uint64 request;
        /// Decision behind it; 0 for none.
        /// @custom:visibility public
        uint64 decision;
        /// Budget line behind it; 0 for none.
        /// @custom:visibility public
        uint64 line;
        /// Public text of the explanation, where it came without an order.
        /// @custom:visibility public
        string explanation;
    }

    /// @notice The walk back from a bank line to who allowed it.
    struct Trail {
        /// @custom:visibility public
        Movement movement;
        /// All zero where the bank line has no request.
        /// @custom:visibility public
        Request request;
        /// @custom:visibility public
        Approval[] approvals;
        /// All zero where no budget line is behind it.
        /// @custom:visibility public
        Line line;
        /// Decision whose ballots allowed it, by itself or through the line; 0 for none.
        /// @custom:visibility public
        uint64 decision;
    }

    /// @notice One month's statement of a fund.
    struct Statement {
        /// @custom:visibility public
        uint64 fund;
        /// Year and month as yyyymm, in community time.
        /// @custom:visibility public
        uint32 period;
        /// @custom:visibility public
        uint32 version;
        /// @custom:visibility public
        uint64 openingFen;
        /// @custom:visibility public
        uint64 creditsFen;
        /// @custom:visibility public
        uint64 debitsFen;
        /// @custom:visibility public
        uint64 closingFen;
        /// Digest of the bank's file.
        /// @custom:visibility public
        bytes32 linesHash;
        /// @custom:visibility public
        uint64 publishedAt;
    }

    /// @notice Part of one unit in a cost.
    struct Share {
        /// @custom:visibility scope
        uint64 unit;
        /// @custom:visibility scope
        uint64 areaM2;
        /// @custom:visibility scope
        uint64 shareFen;
        /// Taken from the unit's balance.
        /// @custom:visibility scope
        uint64 chargedFen;
        /// Owed by the unit's owner, because the balance did not cover it.
        /// @custom:visibility scope
        uint64 receivableFen;
    }

    /// @notice A unit's part in a fund.
    struct UnitBalance {
        /// @custom:visibility scope
        uint64 unit;
        /// @custom:visibility scope
        uint64 balanceFen;
        /// @custom:visibility scope
        uint64 receivableFen;
    }

    /// No fund has this number.
    error NoSuchFund(uint64 fund);
    /// No budget line has this number.
    error NoSuchLine(uint64 line);
    /// No payment request has this number.
    error NoSuchRequest(uint64 request);
    /// No bank line has this number.
    error NoSuchMovement(uint64 movement);
    /// 1 maintenance, 2 common income, 3 operating.
    error NoSuchPurpose(uint8 purpose);
    /// 1 advance, 2 progress, 3 final.
    error NoSuchStage(uint8 stage);
    /// A public text is empty or too long.
    error BadText(uint64 bytesGiven, uint64 bytesMost);
    /// An amount of nothing.
    error NoAmount();
    /// Not a year and month as yyyymm.
    error BadPeriod(uint32 period);
    /// The bank line is dated after now.
    error InTheFuture(uint64 occurredAt);
    /// A bank line with this serial is booked.
    error BankRefUsed(string bankRef, uint64 movement);
    /// No passed decision with a budget has this number.
    error NotDecided(uint64 decision);
    /// The decision is not about the use of the maintenance fund (matter 5).
    error WrongMatter(uint64 decision, uint8 matter);
    /// The decision draws on another fund.
    error OtherFund(uint64 asked, uint64 fund);
    /// The line, or what the decision allows, has less left.
    error OverBudget(uint64 leftFen, uint64 askedFen);
    /// A payment stands on one line or on one decision, not on both or none.
    error OneBasis();
    /// By its amount, or because it is the maintenance fund, this needs a passed decision of matter 5 that covers it.
    error DecisionRequired(uint64 summedFen, uint64 mostFen);
    /// The payee or its bank account is not registered.
    error UnknownPayee(bytes32 payeeHash);
    /// The decision names another payee.
    error OtherPayee(bytes32 decided);
    /// The invoice was used for another payment.
    error InvoiceUsed(bytes32 invoiceDigest, uint64 request);
    /// A last payment comes after the price check.
    error NotSettled(uint64 decision);
    /// The payee had more payments in the window than can be summed at once.
    error TooManyRequests(bytes32 payeeHash);
    /// The request is no longer, or not yet, in the state that this needs.
    error WrongState(uint64 request, RequestState state);
    /// Who asks for money does not sign for it.
    error OwnRequest(uint64 request);
    /// The payment changed since the signer read it.
    error StaleRevision(uint64 request, uint32 revision);
    /// The account signed this revision.
    error AlreadySigned(uint64 request, address signer);
    /// The account has no signature on this request.
    error NotSigned(uint64 request, address signer);
    /// The payee's bank account is too new.
    error PayeeCooling(bytes32 payeeHash, uint64 payableAt);
    /// Only the account that asked may change or withdraw the request.
    error NotRequester(uint64 request, address requester);
    /// The bank line is not an unexplained debit.
    error NotUnexplained(uint64 movement);
    /// Opening + credits - debits is not closing.
    error NotBalanced(uint64 openingFen, uint64 creditsFen, uint64 debitsFen, uint64 closingFen);
    /// The opening is not the closing of the statement before.
    error OpeningDiffers(uint64 openingFen, uint64 lastClosingFen);
    /// More is paid or committed than the settled amount.
    error BelowPaid(uint64 spentFen, uint64 finalFen);
    /// The overrun is so large that the owners must decide again.
    error OverrunNeedsDecision(uint64 budgetFen, uint64 finalFen);
    /// The price check is in.
    error AlreadySettled(uint64 decision);
    /// Not all of the settled amount is paid, or a payment is under way.
    error NotPaid(uint64 decision, uint64 paidFen, uint64 finalFen);
    /// A page of no units, or of more than one transaction surely carries.
    error BadPage(uint32 units, uint32 most);
    /// The cost is shared out.
    error AlreadyAllotted(uint64 decision);
    /// The cost of this decision is not, or not yet wholly, shared out.
    error NotAllotted(uint64 decision);
    /// The lists differ in length, or are too long.
    error BadList(uint64 units, uint64 amounts, uint64 most);
    /// The unit's balance was opened.
    error AlreadyOpened(uint64 fund, uint64 unit);
    /// The balances of the units would exceed the money of the fund.
    error UnitsExceedFund(uint64 unitsFen, uint64 fundFen);

    /// A fund was opened.
    /// @custom:visibility public
    event FundOpened(uint64 indexed fund, Purpose purpose, string name, address account);
    /// A budget line was planned out of a decision.
    /// @custom:visibility public
    event LineOpened(uint64 indexed line, uint64 indexed fund, uint32 year, uint64 plannedFen, uint64 decision);
    /// A payee was registered, or its bank account changed.
    /// @custom:visibility public
    event PayeeSet(bytes32 indexed payeeHash, bytes32 accountHash, string name, uint32 version, uint64 payableAt);
    /// Money came in.
    /// @custom:visibility public
    event Credited(uint64 indexed fund, uint64 indexed movement, uint64 amountFen, uint64 balanceFen);
    /// Money went out; `request` 0 where nobody ordered it.
    /// @custom:visibility public
    event Debited(uint64 indexed fund, uint64 indexed movement, uint64 amountFen, uint64 balanceFen, uint64 request);
    /// A debit nobody had ordered was explained and charged to a line.
    /// @custom:visibility public
    event DebitExplained(uint64 indexed movement, uint64 indexed line, string explanation);
    /// A payment was asked for.
    /// @custom:visibility public
    event PaymentRequested(uint64 indexed request, uint64 indexed fund, uint64 amountFen, bytes32 payeeHash, Tier tier);
    /// A payment changed; its signatures are void.
    /// @custom:visibility public
    event PaymentEdited(uint64 indexed request, uint64 amountFen, bytes32 payeeHash, Tier tier, uint32 revision);
    /// Somebody signed for a payment.
    /// @custom:visibility public
    event PaymentApproved(uint64 indexed request, address indexed signer, uint32 offices, bytes32 sentenceHash);
    /// Somebody took a signature back.
    /// @custom:visibility public
    event ApprovalRevoked(uint64 indexed request, address indexed signer);
    /// A payment has all its signatures and its money is held for the bank.
    /// @custom:visibility public
    event PaymentOrdered(uint64 indexed request, uint64 amountFen, uint64 hold);
    /// A payment was paid, rejected, withdrawn or returned.
    /// @custom:visibility public
    event PaymentEnded(uint64 indexed request, RequestState state, string reason);
    /// A month's statement was published.
    /// @custom:visibility public
    event StatementPublished(uint64 indexed fund, uint32 indexed period, uint32 version, uint64 closingFen, bytes32 linesHash);
    /// The price check of a job is in.
    /// @custom:visibility public
    event CostSettled(uint64 indexed decision, uint64 votedFen, uint64 finalFen, bytes32 reportDigest);
    /// A page of the sharing out is done, and more are to come.
    /// @custom:visibility public
    event AllotmentAdvanced(uint64 indexed decision, AllotPhase phase, uint64 units, uint64 charged);
    /// The cost of a job is shared out over its units.
    /// @custom:visibility public
    event CostAllotted(uint64 indexed decision, uint64 totalFen, uint64 units, uint64 receivableFen);
    /// Units have balances in a fund.
    /// @custom:visibility public
    event UnitBalancesOpened(uint64 indexed fund, uint64 units, uint64 totalFen);

    /// @notice Opens a fund. Caller: chair, street office, or a passed decision. `purpose` as in `Purpose`.
    function openFund(string calldata name, uint8 purpose) external returns (uint64 fund);
    /// @notice Plans a budget line out of a passed decision's budget. Caller: treasurer, chair, or a passed decision.
    function openLine(uint64 fund, uint32 year, string calldata name, uint64 plannedFen, uint64 decision) external returns (uint64 line);
    /// @notice Registers a payee or changes its bank account; a new account cools down. Caller: manager or treasurer.
    function setPayee(bytes32 payeeHash, bytes32 accountHash, string calldata name) external;

    /// @notice Books money that came in. Caller: bank.
    function credit(uint64 fund, uint64 amountFen, string calldata bankRef, uint64 occurredAt, string calldata memo) external returns (uint64 movement);
    /// @notice Books money that went out without an order; shown as unexplained. Caller: bank.
    function debit(uint64 fund, uint64 amountFen, string calldata bankRef, uint64 occurredAt, string calldata memo) external returns (uint64 movement);
    /// @notice Says what an unexplained debit was and charges it to a line. Caller: treasurer.
    function explain(uint64 movement, uint64 line, string calldata explanation) external;
    /// @notice Publishes a month's statement, refused unless opening + credits - debits = closing. Caller: bank.
    function statement(uint64 fund, uint32 period, uint64 openingFen, uint64 closingFen, bytes32 linesHash) external;

    /// @notice Asks for a payment; the amount is committed at once. Caller: manager or treasurer.
    function request(Draft calldata draft) external returns (uint64 id);
    /// @notice Changes a request that is not ordered; all signatures are void. Caller: who asked.
    function edit(uint64 id, uint64 amountFen, bytes32 payeeHash, bytes32 invoiceDigest) external;
    /// @notice Signs for a payment as shown; the last signature needed orders it. Caller: chair, committee member,
    /// treasurer or manager, but not who asked.
    function approve(uint64 id, uint32 revision, bytes32 sentenceHash) external;
    /// @notice Takes one's signature back before the order. Caller: who signed.
    function revoke(uint64 id) external;
    /// @notice Refuses a request before the order. Caller: chair, committee member or treasurer.
    function reject(uint64 id, string calldata reason) external;
    /// @notice Withdraws a request before the order. Caller: who asked.
    function withdraw(uint64 id, string calldata reason) external;
    /// @notice Confirms that an order was executed. Caller: bank.
    function confirmDebit(uint64 id, string calldata bankRef, uint64 occurredAt) external returns (uint64 movement);
    /// @notice Reports that an order was not executed; the money is free again. Caller: bank.
    function returnOrder(uint64 id, string calldata reason) external;

    /// @notice Opens the balances of units inside a fund, at most 500 at once. Caller: bank or registrar.
    function openUnitBalances(uint64 fund, uint64[] calldata units, uint64[] calldata amountsFen) external;
    /// @notice Records the price check of a decided job. Caller: auditor or street office.
    function settle(uint64 decision, uint64 finalFen, bytes32 reportDigest) external;
    /// @notice Shares the settled and paid cost over the units in the decision's scope, by area. One call does the
    /// work of 220 units; where there are more, it is called until `CostAllotted`. Caller: treasurer or manager.
    function allot(uint64 decision) external;
    /// @notice The same with at most the work of `atMost` units, 1 to 220. Caller: treasurer or manager.
    function allotPage(uint64 decision, uint32 atMost) external;

    /// @notice All funds.
    function funds(uint64 cursor, uint64 limit) external view returns (Fund[] memory items, uint64 next);
    /// @notice One fund.
    function fund(uint64 id) external view returns (Fund memory);
    /// @notice Budget lines; `ofFund` 0 and `year` 0 for all.
    function lines(uint64 ofFund, uint32 year, uint64 cursor, uint64 limit) external view returns (Line[] memory items, uint64 next);
    /// @notice One budget line.
    function line(uint64 id) external view returns (Line memory);
    /// @notice What a decision allows and what became of it.
    function budget(uint64 decision) external view returns (Budget memory);
    /// @notice One payee.
    function payee(bytes32 payeeHash) external view returns (Payee memory);
    /// @notice Bank lines of a fund in the order they were booked, dated `from` to before `until` (0: no end).
    function movements(uint64 ofFund, uint64 from, uint64 until, uint64 cursor, uint64 limit) external view returns (Movement[] memory items, uint64 next);
    /// @notice Payments in the order they were asked; `state` 0 and `ofFund` 0 for all.
    function requests(uint8 state, uint64 ofFund, uint64 cursor, uint64 limit) external view returns (Request[] memory items, uint64 next);
    /// @notice One payment.
    function requestOf(uint64 id) external view returns (Request memory);
    /// @notice Signatures on a payment, void ones included.
    function approvals(uint64 id) external view returns (Approval[] memory);
    /// @notice From a bank line back to request, signatures, budget line and decision.
    function trail(uint64 movement) external view returns (Trail memory);
    /// @notice Statements of a fund, oldest first, all versions.
    function statements(uint64 ofFund, uint64 cursor, uint64 limit) external view returns (Statement[] memory items, uint64 next);
    /// @notice Parts of the units in a cost that is shared out, by unit number.
    function allotment(uint64 decision, uint64 cursor, uint64 limit) external view returns (Share[] memory items, uint64 next);
    /// @notice How far the sharing out of a cost has come; all zero before its first page.
    function allotmentProgress(uint64 decision) external view returns (AllotmentProgress memory);
    /// @notice What one unit would bear of a decision's budget, or bears of its settled cost.
    function estimate(uint64 decision, uint64 unit) external view returns (Share memory);
    /// @notice Balance of a unit inside a fund.
    function unitBalance(uint64 ofFund, uint64 unit) external view returns (UnitBalance memory);
}
