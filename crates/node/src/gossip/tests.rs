use alloy_primitives::{B256, Bytes};

use super::{
    Foreign, REMEMBERED,
    message::{BATCH, MESSAGE_BYTES, Message, MessageError, Status},
};

fn status() -> Status {
    Status {
        protocol: 1,
        program: "tulou/0.1.0".into(),
        release: 1,
        height: 48_213,
        hash: B256::repeat_byte(3),
        clock_ms: 1_795_482_000_123,
    }
}

#[test]
fn messages_go_there_and_back() {
    for message in [
        Message::Status(status()),
        Message::Transactions(vec![Bytes::from_static(&[2, 1]), Bytes::new()]),
        Message::Transactions(Vec::new()),
    ] {
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes), Ok(message));
        for cut in 0..bytes.len() {
            assert!(Message::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let longer = [bytes.as_ref(), &[0]].concat();
        assert!(matches!(Message::decode(&longer), Err(MessageError::Malformed(_))));
    }
}

#[test]
fn other_formats_and_floods_are_refused() {
    let bytes = Message::Status(status()).encode();
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = value;
        Message::decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(MessageError::OtherFormat(2)));
    assert_eq!(with(1, 9), Err(MessageError::UnknownKind(9)));
    let many = Message::Transactions(vec![Bytes::new(); BATCH + 1]).encode();
    assert_eq!(Message::decode(&many), Err(MessageError::TooMany(BATCH + 1)));
    let large = vec![1; MESSAGE_BYTES + 1];
    assert_eq!(Message::decode(&large), Err(MessageError::TooLarge(MESSAGE_BYTES + 1)));
    let wordy = Message::Status(Status { program: "x".repeat(65), ..status() }).encode();
    assert!(matches!(Message::decode(&wordy), Err(MessageError::Malformed(_))));
}

#[test]
fn the_newest_foreign_transactions_are_remembered_in_bounded_space() {
    let foreign = Foreign::default();
    let hash = |i: usize| B256::left_padding_from(&i.to_be_bytes());
    for i in 0..REMEMBERED * 3 {
        foreign.remember(hash(i));
    }
    assert!(foreign.knows(&hash(REMEMBERED * 3 - 1)));
    assert!(foreign.knows(&hash(REMEMBERED * 2)));
    assert!(!foreign.knows(&hash(0)));
    let sets = foreign.0.lock();
    assert!(sets.0.len() + sets.1.len() <= REMEMBERED * 2);
}
