// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Named accounts with a balance: open, query, transfer, the three calls of the "simple" benchmark whose
/// figures other chains publish.
contract Simple {
    mapping(string name => uint256 balance) private balances;
    mapping(string name => bool open) private opened;

    error AlreadyOpen(string name);
    error NotOpen(string name);
    error TooLittle(string name, uint256 balance, uint256 amount);

    /// Opens an account with a balance.
    function open(string calldata name, uint256 amount) external {
        if (opened[name]) revert AlreadyOpen(name);
        opened[name] = true;
        balances[name] = amount;
    }

    /// Balance of an account.
    function query(string calldata name) external view returns (uint256 amount) {
        if (!opened[name]) revert NotOpen(name);
        return balances[name];
    }

    /// Moves an amount from one account to another.
    function transfer(string calldata from, string calldata to, uint256 amount) external {
        if (!opened[to]) revert NotOpen(to);
        uint256 balance = balances[from];
        if (balance < amount) revert TooLittle(from, balance, amount);
        balances[from] = balance - amount;
        balances[to] += amount;
    }
}
