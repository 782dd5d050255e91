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
    // It is full to the byte: the next costs the oldest its place, and one byte more costs two.
    shelf.put(11, Arc::new(11), 50, limit);
    assert_eq!(shelf.get(1), None);
    assert_eq!(shelf.get(2).as_deref(), Some(&2));
    shelf.put(12, Arc::new(12), 51, limit);
    assert_eq!(shelf.get(3), None);
    assert_eq!(shelf.get(4).as_deref(), Some(&4));
    assert_eq!(shelf.bytes, limit - 2 * (ENTRY + 50) + ENTRY + 51);
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
