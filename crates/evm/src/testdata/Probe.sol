// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// The native module of the tests.
interface ICounter {
    function add(uint256 n) external returns (uint256);
    function note() external;
    function total() external view returns (uint256);
}

/// Reaches a native module in all the ways in which a contract can.
contract Probe {
    event Seen(uint256 total);

    ICounter private immutable counter;

    constructor(address target) {
        counter = ICounter(target);
    }

    receive() external payable {}

    /// Adds, and is then refused as a whole.
    function addAndRefuse(uint256 n) external {
        counter.add(n);
        revert("refused");
    }

    /// An inner frame that adds is undone; the outer one goes on.
    function nested(uint256 n) external {
        try this.addAndRefuse(n) {} catch {}
        emit Seen(counter.total());
    }

    /// The revert data of a refused call.
    function caught(uint256 n) external returns (bytes memory) {
        try counter.add(n) returns (uint256) {
            return "";
        } catch (bytes memory reason) {
            return reason;
        }
    }

    /// A call without a return value: solc checks the code size first.
    function note() external {
        counter.note();
    }

    function total() external view returns (uint256) {
        return counter.total();
    }

    function byCall(bytes calldata input) external payable returns (bool ok, bytes memory output) {
        (ok, output) = address(counter).call{value: msg.value}(input);
    }

    function byCallWithGas(uint256 most, bytes calldata input) external returns (bool ok, bytes memory output) {
        (ok, output) = address(counter).call{gas: most}(input);
    }

    function byStaticCall(bytes calldata input) external view returns (bool ok, bytes memory output) {
        (ok, output) = address(counter).staticcall(input);
    }

    function byDelegateCall(bytes calldata input) external returns (bool ok, bytes memory output) {
        (ok, output) = address(counter).delegatecall(input);
    }
}

/// Lives for one transaction only.
contract Mayfly {
    uint256 private kept = 1;

    constructor() payable {
        selfdestruct(payable(msg.sender));
    }
}

/// Makes the same address twice.
contract Hatchery {
    function hatch(bytes32 salt) external payable returns (address) {
        return address(new Mayfly{salt: salt, value: msg.value}());
    }

    receive() external payable {}
}
