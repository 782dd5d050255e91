// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// The national algorithms from a contract: the precompiles are called by `staticcall`, and have no code to check for.
library National {
    address internal constant SM2VERIFY = 0x7755000000000000000000000000000000000102;
    address internal constant SM3 = 0x7755000000000000000000000000000000000103;

    /// The default identity in bits and in text, then a, b and the base point of the curve.
    bytes private constant IDENTITY_AND_CURVE =
        hex"0080" hex"31323334353637383132333435363738"
        hex"fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
        hex"28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
        hex"32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
        hex"bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0";

    function sm3(bytes memory data) internal view returns (bytes32 hash) {
        (bool ok, bytes memory out) = SM3.staticcall(data);
        require(ok && out.length == 32, "no SM3 here");
        return abi.decode(out, (bytes32));
    }

    /// Whether a message was signed by a key under the default identity.
    function verifies(bytes memory message, bytes32 r, bytes32 s, bytes32 x, bytes32 y) internal view returns (bool) {
        bytes32 za = sm3(abi.encodePacked(IDENTITY_AND_CURVE, x, y));
        bytes32 e = sm3(abi.encodePacked(za, message));
        (bool ok, bytes memory out) = SM2VERIFY.staticcall(abi.encodePacked(e, r, s, x, y));
        return ok && out.length == 32;
    }
}

/// What tests call.
contract Notary {
    event Signed(bytes32 indexed x, bytes message);

    function sm3(bytes calldata data) external view returns (bytes32) {
        return National.sm3(data);
    }

    function verifies(bytes calldata message, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external view returns (bool) {
        return National.verifies(message, r, s, x, y);
    }

    function record(bytes calldata message, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external {
        require(National.verifies(message, r, s, x, y), "not signed");
        emit Signed(x, message);
    }
}
