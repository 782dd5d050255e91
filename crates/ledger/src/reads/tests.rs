use std::sync::Arc;

use super::{ENTRY, Shelf};

#[test]
fn a_shelf_holds_as_much_as_it_is_said_to_and_the_oldest_go_first() {
    let limit = 10 * (ENTRY + 50);
    let mut shelf = Shelf::default();
    for height in 1..=10 {
        shelf.put(height, Arc::new(height), 50, limit);
    }
    assert_eq!(shelf.get(1).as_deref(), Some(&1));
    assert_eq!(shelf.bytes, limit);
    // One byte more than there is room for.
    shelf.put(11, Arc::new(11), 51, limit);
    assert_eq!(shelf.get(1), None);
    assert_eq!(shelf.get(2).as_deref(), Some(&2));
    assert!(shelf.bytes <= limit);
    // Things that take nothing themselves still take their entries.
    for height in 100..200 {
        shelf.put(height, Arc::new(height), 0, limit);
    }
    assert!(shelf.by_height.len() * ENTRY <= limit);
    assert_eq!(shelf.by_height.len(), shelf.order.len());
    // What is larger than the shelf is not put there and costs nobody a place.
    let before = shelf.by_height.len();
    shelf.put(1_000, Arc::new(0), limit, limit);
    assert_eq!((shelf.get(1_000), shelf.by_height.len()), (None, before));
}
