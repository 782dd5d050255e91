use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{Link, Links};

/// A member that sends back what it hears, on every connection.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn links() -> Links {
    Links::open(&[echo(), echo(), echo()], 7).expect("links")
}

fn dial(links: &Links, from: usize, to: usize) -> TcpStream {
    let stream = TcpStream::connect(links.door(from, to)).expect("the door is open");
    stream.set_nodelay(true).expect("an open socket");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an open socket");
    stream
}

/// Sends bytes and waits until all are back.
fn round_trip(stream: &mut TcpStream, bytes: usize) -> Duration {
    let begun = Instant::now();
    let sent: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
    let mut writer = stream.try_clone().expect("an open socket");
    let copy = sent.clone();
    let writing = thread::spawn(move || writer.write_all(&copy));
    let mut back = vec![0; bytes];
    stream.read_exact(&mut back).expect("everything comes back");
    writing.join().expect("no panic").expect("everything was taken");
    assert_eq!(back, sent, "in order and unaltered");
    begun.elapsed()
}

#[test]
fn a_plain_link_carries_everything_both_ways() {
    let links = links();
    round_trip(&mut dial(&links, 0, 1), 3_000_000);
    // The last bytes are counted just after they were handed over.
    let all = || links.delivered(0, 1) == 3_000_000 && links.delivered(1, 0) == 3_000_000;
    assert!(crate::wait_until(Duration::from_secs(20), all).is_some());
    assert_eq!(links.delivered(0, 2), 0);
}

#[test]
fn latency_is_that_of_each_direction() {
    let links = links();
    let mut stream = dial(&links, 0, 1);
    round_trip(&mut stream, 10);
    links.set(0, 1, Link::slow(Duration::from_millis(60)));
    links.set(1, 0, Link::slow(Duration::from_millis(20)));
    let took = round_trip(&mut stream, 10);
    assert!(took >= Duration::from_millis(80), "{took:?}");
}

#[test]
fn bandwidth_is_shared_by_the_connections_of_a_direction() {
    let links = links();
    links.set(0, 1, Link { bytes_per_s: Some(200_000), ..Link::default() });
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| round_trip(&mut dial(&links, 0, 1), 50_000));
        }
    });
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[test]
fn a_lost_segment_is_a_wait_and_never_a_hole() {
    let links = links();
    let mut stream = dial(&links, 0, 1);
    links.set(0, 1, Link { loss: 1.0, ..Link::default() });
    // Five timeouts in a row, each twice the one before, then it passes.
    let took = round_trip(&mut stream, 10);
    assert!(took >= Duration::from_millis(200 * 31), "{took:?}");
}

#[test]
fn nothing_passes_a_cut_and_all_of_it_passes_after_healing() {
    let links = links();
    let mut stream = dial(&links, 0, 1);
    round_trip(&mut stream, 10);
    links.part(&[0]);
    let before = links.delivered(0, 1);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| round_trip(&mut stream, 1_000));
        thread::sleep(Duration::from_millis(400));
        assert_eq!(links.delivered(0, 1), before);
        assert!(!waiting.is_finished());
        // The sides themselves go on.
        round_trip(&mut dial(&links, 1, 2), 10);
        links.heal_all();
        assert!(waiting.join().expect("no panic") >= Duration::from_millis(400));
    });
}

#[test]
fn a_dial_into_a_cut_link_fails() {
    let links = links();
    links.cut(0, 1);
    let mut stream = dial(&links, 0, 1);
    // An end without a byte, or a reset, as the system likes.
    assert!(!matches!(stream.read(&mut [0; 1]), Ok(1..)));
    links.heal(0, 1);
    round_trip(&mut dial(&links, 0, 1), 10);
}

#[test]
fn a_closed_side_closes_the_other() {
    let links = links();
    let mut stream = dial(&links, 0, 1);
    round_trip(&mut stream, 10);
    stream.shutdown(std::net::Shutdown::Write).expect("an open socket");
    assert_eq!(stream.read(&mut [0; 1]).expect("a clean end"), 0);
}
