// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// Holds one number and tells who changed it.
contract Box {
    event Changed(address indexed by, uint256 value);

    uint256 public value;

    constructor(uint256 first) {
        value = first;
    }

    function set(uint256 next) external {
        value = next;
        emit Changed(msg.sender, next);
    }
}
