// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title One asset of `money` as an ERC-20 with two decimals.
interface IToken {
    /// The account has less that is not held (ERC-6093).
    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
    /// The spender may move less (ERC-6093).
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
    /// Nothing may be sent from nobody's account: it would look like an issue (ERC-6093).
    error ERC20InvalidSender(address sender);
    /// Nothing may be sent to this account (ERC-6093).
    error ERC20InvalidReceiver(address receiver);

    /// @custom:visibility scope
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// @custom:visibility scope
    event Approval(address indexed owner, address indexed spender, uint256 value);
    /// @custom:visibility scope
    event TransferWithMemo(address indexed from, address indexed to, uint256 value, bytes32 indexed memo);

    /// @notice Name of the asset.
    /// @custom:visibility public
    function name() external view returns (string memory);
    /// @notice Short name of the asset.
    /// @custom:visibility public
    function symbol() external view returns (string memory);
    /// @notice Always 2: amounts are in fen.
    /// @custom:visibility public
    function decimals() external view returns (uint8);
    /// @notice All there is of it.
    /// @custom:visibility public
    function totalSupply() external view returns (uint256);
    /// @notice Balance, held money included.
    /// @custom:visibility scope
    function balanceOf(address account) external view returns (uint256);
    /// @notice What a spender may still move for an owner.
    /// @custom:visibility scope
    function allowance(address owner, address spender) external view returns (uint256);
    /// @notice Moves own money.
    function transfer(address to, uint256 value) external returns (bool);
    /// @notice Lets a spender move own money.
    function approve(address spender, uint256 value) external returns (bool);
    /// @notice Moves an owner's money within the allowance.
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    /// @notice Moves own money and says what for.
    function transferWithMemo(address to, uint256 value, bytes32 memo) external returns (bool);
}
