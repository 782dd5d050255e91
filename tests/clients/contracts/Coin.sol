// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// OpenZeppelin's ERC-20 with a supply, and one error of each kind that a client must decode.
contract Coin is ERC20 {
    error TooMuch(uint256 asked, uint256 most);

    constructor(uint256 supply) ERC20("Coin", "COIN") {
        _mint(msg.sender, supply);
    }

    function refuseTyped(uint256 asked) external pure {
        revert TooMuch(asked, 10);
    }

    function refuseInWords() external pure {
        require(false, "not today");
    }
}
