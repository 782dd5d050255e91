// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Money: assets, each an ERC-20 at its own address, with holds.
/// @notice An asset mirrors deposits in a bank; it is issued and burnt by mandate only. Amounts are in fen.
interface IMoney {
    enum HoldState { None, Held, Captured, Released }

    struct Asset {
        /// @custom:visibility public
        uint32 id;
        /// Address of its ERC-20 face.
        /// @custom:visibility public
        address token;
        /// @custom:visibility public
        string name;
        /// @custom:visibility public
        string symbol;
        /// @custom:visibility public
        uint64 supplyFen;
        /// Module that may issue and burn it besides the bank; zero for none.
        /// @custom:visibility public
        address mandate;
    }

    /// @notice Money set aside for an order: still in the balance, no longer to be spent.
    struct Hold {
        /// @custom:visibility scope
        uint64 id;
        /// @custom:visibility scope
        uint32 asset;
        /// Who may capture or release it.
        /// @custom:visibility scope
        address holder;
        /// Whose money it is.
        /// @custom:visibility scope
        address account;
        /// @custom:visibility scope
        uint64 amountFen;
        /// Part that was captured.
        /// @custom:visibility scope
        uint64 capturedFen;
        /// @custom:visibility scope
        HoldState state;
        /// @custom:visibility scope
        bytes32 memo;
        /// From this second on the owner may release it; 0 for never.
        /// @custom:visibility scope
        uint64 expiresAt;
    }

    /// No asset has this number.
    error NoSuchAsset(uint32 asset);
    /// The name or the symbol is empty or longer than 31 bytes.
    error BadName(string name, string symbol);
    /// An amount of nothing, or one that no bank could hold.
    error BadAmount(uint256 amount);
    /// The account may not issue or burn this asset.
    error NoMandate(uint32 asset, address account);
    /// The account has less that is not held.
    error NotEnough(address account, uint64 availableFen, uint64 askedFen);
    /// Nothing is kept at the zero address, and nobody but a module pays into its sub-accounts.
    error BadAccount(address account);
    /// Only the module that a sub-account belongs to moves its money.
    error NotYourAccount(address account, address caller);
    /// No hold has this number.
    error NoSuchHold(uint64 hold);
    /// The hold was captured or released.
    error HoldEnded(uint64 hold, HoldState state);
    /// Only who made the hold ends it, and after its expiry the owner of the money.
    error NotHolder(uint64 hold, address holder);
    /// More than was held.
    error OverHold(uint64 hold, uint64 heldFen, uint64 askedFen);
    /// The expiry has passed already.
    error BadExpiry(uint64 expiresAt);

    /// @custom:visibility public
    event AssetCreated(uint32 indexed asset, address token, string name, string symbol, address mandate);
    /// @custom:visibility scope
    event Issued(uint32 indexed asset, address indexed to, uint64 amountFen, bytes32 memo);
    /// @custom:visibility scope
    event Burnt(uint32 indexed asset, address indexed from, uint64 amountFen, bytes32 memo);
    /// @custom:visibility scope
    event Held(uint64 indexed hold, uint32 indexed asset, address indexed account, uint64 amountFen, bytes32 memo);
    /// @custom:visibility scope
    event Captured(uint64 indexed hold, address to, uint64 amountFen, uint64 releasedFen);
    /// @custom:visibility scope
    event Released(uint64 indexed hold, uint64 amountFen);

    /// @notice Opens an asset. Caller: a passed decision.
    function createAsset(string calldata name, string calldata symbol, address mandate) external returns (uint32 asset);
    /// @notice Issues what came into the bank account. Caller: bank.
    function issue(uint32 asset, address to, uint64 amountFen, bytes32 memo) external;
    /// @notice Burns what left the bank account, from the caller's own account. Caller: bank.
    function burn(uint32 asset, uint64 amountFen, bytes32 memo) external;
    /// @notice Sets own money aside in favour of a holder. Anyone.
    function hold(uint32 asset, address holder, uint64 amountFen, bytes32 memo, uint64 expiresAt) external returns (uint64 id);
    /// @notice Takes held money, all or a part; the rest is free again. Caller: the holder.
    function capture(uint64 id, address to, uint64 amountFen) external;
    /// @notice Frees held money. Caller: the holder, or after the expiry its owner.
    function release(uint64 id) external;

    /// @notice Assets in the order they were opened.
    function assets(uint64 cursor, uint64 limit) external view returns (Asset[] memory items, uint64 next);
    /// @notice One asset.
    function asset(uint32 id) external view returns (Asset memory);
    /// @notice Balance of an account, and the part of it that is held.
    /// @custom:visibility scope
    function balance(uint32 ofAsset, address account) external view returns (uint64 balanceFen, uint64 heldFen);
    /// @notice One hold.
    function holdOf(uint64 id) external view returns (Hold memory);
}
