use alloy_primitives::address;

use crate::*;

#[test]
fn the_test_mnemonic_gives_the_accounts_that_every_tool_knows() {
    let key = Key::test(0).unwrap();
    assert_eq!(key.address(), address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
    assert_ne!(demo_key("O0001").address(), demo_key("O0002").address());
}

#[test]
fn a_call_is_read_by_name_and_says_what_it_expects() {
    let none: &[String] = &[];
    let totals = Invocation::parse("registry.totals", none).unwrap();
    assert!(totals.is_view());
    assert_eq!(totals.address(), tulou_modules::address::registry);
    assert!(matches!(Invocation::parse("registry", none), Err(CallError::NotACall(_))));
    assert!(matches!(Invocation::parse("x.y", none), Err(CallError::UnknownModule { .. })));
    let unknown = Invocation::parse("registry.nothing", none).unwrap_err();
    assert!(unknown.to_string().contains("totals"), "{unknown}");
    let count = Invocation::parse("registry.totals", &["1".into()]).unwrap_err();
    assert!(matches!(count, CallError::ArgumentCount { expected: 0, got: 1, .. }));
    let bad = Invocation::parse("roles.holders", &["x".into(), "0".into(), "1".into()]);
    assert!(bad.is_err());
}
