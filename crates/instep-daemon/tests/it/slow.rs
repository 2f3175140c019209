//! Who takes all the time in the world holds up nobody else, and not for ever.

use std::time::{Duration, Instant};

use instep_daemon::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{BODY, Open, SECRET, TestHouse, http, sign};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

fn head(length: usize) -> String {
    let signature = sign(SECRET, BODY.as_bytes());
    format!(
        "POST /hooks/vikunja HTTP/1.1\r\nhost: x\r\nx-vikunja-signature: {signature}\r\n\
         content-length: {length}\r\n\r\n"
    )
}

async fn begin(door: &Open, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(door.address)
        .await
        .expect("a connection");
    // It may have been sent away already.
    let _ = stream.write_all(text.as_bytes()).await;
    stream
}

/// Reads to the end.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A reset is an end as well.
    let _ = read.expect("it ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_thousand_slow_ones_hold_up_nobody() {
    let house = TestHouse::new();
    let door = Open::at(house.clone(), Limits::default()).await;
    let (http, url) = (http(), door.url("/hooks/vikunja"));
    let send = async |number: usize| {
        let body =
            format!(r#"{{"event_name":"task.updated","data":{{"task":{{"id":{number}}}}}}}"#);
        let signed = http
            .post(&url)
            .header("x-vikunja-signature", sign(SECRET, body.as_bytes()))
            .body(body);
        let begun = Instant::now();
        let status = signed.send().await.expect("an answer").status().as_u16();
        assert_eq!(status, 204);
        begun.elapsed()
    };
    let mut alone: Vec<Duration> = Vec::new();
    for number in 1..=50 {
        alone.push(send(number).await);
    }
    let mut slow = Vec::new();
    for number in 0..1_000 {
        // A third says nothing, a third half a head, a third half a body.
        let whole = head(BODY.len());
        let text = match number % 3 {
            0 => String::new(),
            1 => whole[..whole.len() / 2].to_owned(),
            _ => format!("{whole}{}", &BODY[..20]),
        };
        slow.push(begin(&door, &text).await);
    }
    let mut beside: Vec<Duration> = Vec::new();
    for number in 51..=100 {
        beside.push(send(number).await);
    }
    assert_eq!(house.heard().len(), 100);
    alone.sort();
    beside.sort();
    // A median of microseconds may double on a busy computer; being held up would be seconds.
    assert!(
        beside[25] < alone[25] * 5 + Duration::from_millis(50),
        "{alone:?} {beside:?}"
    );
    assert!(beside[49] < Duration::from_secs(1), "{beside:?}");
    drop(slow);
    door.close().await;
}

/// Only those that wait are sent away, and those that came first go first.
#[tokio::test]
async fn no_more_are_let_in_than_there_is_room_for() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let door = Open::at(TestHouse::new(), limits).await;
    let mut first = begin(&door, "").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(begin(&door, "POST /ho").await);
    }
    assert_eq!(rest(&mut first).await, "");
    // The last one is still there, and is answered.
    let mut last = others.pop().expect("three");
    last.write_all(
        b"oks/vikunja HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .await
    .expect("a connection");
    assert!(rest(&mut last).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn a_head_and_a_body_have_to_come_in_time() {
    let limits = Limits {
        head_time: Duration::from_millis(200),
        body_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let house = TestHouse::new();
    let door = Open::at(house.clone(), limits).await;
    let begun = Instant::now();
    let mut head_only = begin(&door, "POST /hooks/vikunja HTTP/1.1\r\nhost: x\r\nx-a: ").await;
    let mut nothing = begin(&door, "").await;
    let mut half = begin(&door, &format!("{}{}", head(BODY.len()), &BODY[..40])).await;
    for stream in [&mut head_only, &mut nothing] {
        let told = rest(stream).await;
        assert!(
            told.is_empty() || told.starts_with("HTTP/1.1 408"),
            "{told}"
        );
    }
    let told = rest(&mut half).await;
    assert!(told.starts_with("HTTP/1.1 408"), "{told}");
    assert!(begun.elapsed() < PATIENCE);
    assert!(house.heard().is_empty());
}

/// A body that ends too soon is none, however its beginning was signed.
#[tokio::test]
async fn a_body_that_was_cut_short_counts_for_nothing() {
    let house = TestHouse::new();
    let door = Open::at(house.clone(), Limits::default()).await;
    let mut stream = begin(&door, &format!("{}{BODY}", head(BODY.len() + 1))).await;
    stream.shutdown().await.expect("an end");
    rest(&mut stream).await;
    assert!(house.heard().is_empty());
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_at_the_limit() {
    let house = TestHouse::new();
    let door = Open::at(house.clone(), Limits::default()).await;
    let opening = "POST /hooks/vikunja HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = begin(&door, opening).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut sent = 0;
    while sent < 64 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += 1;
    }
    let told = rest(&mut stream).await;
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 413"),
        "{told}"
    );
    assert!(sent < 64, "4 MiB were swallowed");
    assert!(house.heard().is_empty());
}

#[tokio::test]
async fn a_head_has_a_limit() {
    let door = Open::at(TestHouse::new(), Limits::default()).await;
    let long = format!(
        "GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let mut stream = begin(&door, &long).await;
    let told = rest(&mut stream).await;
    assert!(
        told.is_empty() || told.starts_with("HTTP/1.1 431"),
        "{told}"
    );
    let many = format!(
        "GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n{}\r\n",
        "x-a: b\r\n".repeat(300)
    );
    let mut stream = begin(&door, &many).await;
    let told = rest(&mut stream).await;
    assert!(told.starts_with("HTTP/1.1 431"), "{told}");
}
