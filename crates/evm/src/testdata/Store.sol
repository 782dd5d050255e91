// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Values of 256 bytes by key: eight slots each.
contract Store {
    mapping(bytes32 => bytes32[8]) private values;

    function put(bytes32 key, bytes32[8] calldata value) external {
        values[key] = value;
    }

    function get(bytes32 key) external view returns (bytes32[8] memory) {
        return values[key];
    }
}
