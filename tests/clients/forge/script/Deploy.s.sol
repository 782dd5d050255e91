// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Box} from "../src/Box.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// Deploys a box and changes what is in it: two transactions.
contract Deploy {
    /// Where `forge` listens for what a script wants of it.
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_SCRIPT = true;

    function run() external returns (Box box) {
        VM.startBroadcast();
        box = new Box(7);
        box.set(42);
        VM.stopBroadcast();
    }
}
