// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Work that falls due: deadlines, closes, payouts. Modules plan it, anybody runs it.
interface ISchedule {
    /// Planned waits for its time, Retrying was refused and waits again, Parked was refused too often.
    enum State { None, Planned, Retrying, Parked, Done, Cancelled }

    /// One call that a module wants to receive at a time.
    struct Task {
        /// Number of the task, from 1.
        /// @custom:visibility public
        uint64 id;
        /// The module that planned it and receives it.
        /// @custom:visibility public
        address target;
        /// @custom:visibility public
        State state;
        /// When it runs next; when it last ran or was cancelled, once it waits no more.
        /// @custom:visibility public
        uint64 dueAt;
        /// When it was to run at first.
        /// @custom:visibility public
        uint64 plannedAt;
        /// Times it was refused.
        /// @custom:visibility public
        uint8 refusals;
        /// keccak256 of the last refusal's revert data; zero where it was never refused.
        /// @custom:visibility public
        bytes32 refusal;
        /// The call.
        /// @custom:visibility public
        bytes data;
    }

    /// Only modules plan work.
    error NotAModule(address caller);
    /// A call has 4 to 4096 bytes.
    error BadCall(uint64 length);
    /// There is no such task.
    error NoSuchTask(uint64 id);
    /// Only the module that planned a task may cancel it.
    error NotYours(uint64 id, address caller);
    /// The task waits no more.
    error NotWaiting(uint64 id, State state);
    /// Only a parked task can be put back.
    error NotParked(uint64 id, State state);

    /// A call was planned.
    /// @custom:visibility public
    event Planned(uint64 indexed id, address indexed target, uint64 dueAt);
    /// A task ran.
    /// @custom:visibility public
    event Ran(uint64 indexed id, address indexed target);
    /// A task was refused and runs again later, or is parked (nextAt = 0).
    /// @custom:visibility public
    event Refused(uint64 indexed id, address indexed target, uint8 refusals, uint64 nextAt, bytes refusal);
    /// A task was cancelled by its module.
    /// @custom:visibility public
    event Cancelled(uint64 indexed id, address indexed target);
    /// A parked task was put back.
    /// @custom:visibility public
    event PutBack(uint64 indexed id, address indexed target);

    /// Plans a call to the calling module. A time in the past means the next run.
    function plan(uint64 dueAt, bytes calldata data) external returns (uint64 id);
    /// Cancels a waiting task of the calling module.
    function cancel(uint64 id) external;
    /// Runs due tasks, earliest first, at most `most` (1 to 64); what is left stays due. Open to all.
    /// Returns how many were taken up and whether more are due.
    /// @custom:visibility public
    function run(uint64 most) external returns (uint64 taken, bool more);
    /// Puts a parked task back for the next run. Open to all: the task itself has not changed.
    /// @custom:visibility public
    function putBack(uint64 id) external;

    /// One task.
    function task(uint64 id) external view returns (Task memory value);
    /// All tasks, oldest first.
    function tasks(uint64 cursor, uint64 limit) external view returns (Task[] memory items, uint64 next);
    /// Tasks that wait and are due at a time, in the order in which they will run.
    function due(uint64 at, uint64 limit) external view returns (Task[] memory items);
    /// Tasks refused too often, oldest first.
    function parked(uint64 cursor, uint64 limit) external view returns (Task[] memory items, uint64 next);
    /// Time of the earliest waiting task; 0 where none waits.
    /// @custom:visibility public
    function nextDueAt() external view returns (uint64 at);
}
