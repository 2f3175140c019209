//! What was signed by nobody who may post changes nothing, in whatever way it is wrong; what was
//! signed well counts once.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use instep_app::RemoteId;
use instep_daemon::http::{Limits, router};

use crate::house::{BEFORE, BODY, OTHER, Open, SECRET, TestHouse, ask, http, post, sign};

/// A small generator, so that every run forges the same.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// One forgery: the name it is posted under, its signature and its body.
fn forge(chance: &mut Chance, number: usize) -> (&'static str, String, Vec<u8>) {
    let good = sign(SECRET, BODY.as_bytes());
    let mut body = BODY.as_bytes().to_vec();
    let at = chance.below(body.len());
    match number % 12 {
        // A bit of the body, or a byte more, or fewer.
        0 => body[at] ^= 1 << chance.below(8),
        1 => body.insert(at, b' '),
        2 => body.truncate(at),
        // A bit of the signature.
        3 => {
            let mut bytes = good.clone().into_bytes();
            let at = chance.below(bytes.len());
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            return ("vikunja", String::from_utf8(bytes).expect("text"), body);
        }
        // Signed by somebody else, with nothing, or with a guess.
        4 => return ("vikunja", sign(OTHER, &body), body),
        5 => return ("vikunja", sign("", &body), body),
        6 => return ("vikunja", sign(&chance.next().to_string(), &body), body),
        // No signature that could be one.
        7 => return ("vikunja", format!("{:064x}", chance.next()), body),
        8 => return ("vikunja", format!("sha256={good}"), body),
        // Another account's, none's, and one whose secret is empty.
        9 => return ("work", good, body),
        10 => return ("nobody", good, body),
        _ => return ("broken", sign("", &body), body),
    }
    ("vikunja", good, body)
}

#[tokio::test]
async fn a_hundred_thousand_forged_bodies_are_all_refused() {
    let house = TestHouse::new();
    let router = router(house.clone(), Limits::default());
    let mut chance = Chance(0x5eed);
    for number in 0..100_000 {
        let (name, signature, body) = forge(&mut chance, number);
        let (status, _, text) =
            ask(&router, post(&format!("/hooks/{name}"), &signature, body)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{number}: {text}");
    }
    assert!(house.heard().is_empty());
    assert_eq!(*house.told.lock().expect("a lock"), 0);
}

/// The same over real connections, where one address that sends them has to wait at some time; who
/// signs well from there does not.
#[tokio::test]
async fn forged_bodies_are_refused_over_real_connections() {
    let house = TestHouse::new();
    let door = Open::at(house.clone(), Limits::default()).await;
    let (http, mut chance) = (http(), Chance(7));
    let mut told_to_wait = 0;
    for number in 0..2_000 {
        let (name, signature, body) = forge(&mut chance, number);
        let request = http
            .post(door.url(&format!("/hooks/{name}")))
            .header("x-vikunja-signature", signature)
            .header("x-forwarded-for", format!("198.51.100.{}", number % 2))
            .body(body);
        let status = request.send().await.expect("an answer").status().as_u16();
        assert!(matches!(status, 401 | 429), "{status}");
        told_to_wait += usize::from(status == 429);
    }
    assert!(house.heard().is_empty());
    assert!(told_to_wait > 1_000, "{told_to_wait}");
    let good = http
        .post(door.url("/hooks/vikunja"))
        .header("x-vikunja-signature", sign(SECRET, BODY.as_bytes()))
        .header("x-forwarded-for", "203.0.113.5")
        .body(BODY);
    assert_eq!(good.send().await.expect("an answer").status(), 204);
    door.close().await;
}

#[tokio::test]
async fn a_refusal_does_not_tell_why() {
    let router = router(TestHouse::new(), Limits::default());
    let good = sign(SECRET, BODY.as_bytes());
    let unsigned = Request::post("/hooks/vikunja")
        .body(Body::from(BODY))
        .expect("a request");
    let twice = Request::post("/hooks/vikunja")
        .header("x-vikunja-signature", &good)
        .header("x-vikunja-signature", &good)
        .body(Body::from(BODY))
        .expect("a request");
    let mut answers = vec![ask(&router, unsigned).await, ask(&router, twice).await];
    for (name, signature) in [
        ("nobody", good.as_str()),
        ("work", &good),
        ("vikunja", "00"),
        ("vikunja", ""),
        ("vikunja", &good.to_uppercase()),
        ("vikunja", "ÿ"),
        ("%ff", &good),
        ("vikunja%2f..", &good),
    ] {
        answers.push(ask(&router, post(&format!("/hooks/{name}"), signature, BODY)).await);
    }
    for (status, headers, text) in &answers {
        assert_eq!(*status, StatusCode::UNAUTHORIZED);
        assert_eq!(*text, answers[0].2);
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!text.contains("task.updated"), "{text}");
    }
}

#[tokio::test]
async fn both_secrets_count_while_one_is_replaced() {
    let house = TestHouse::new();
    let router = router(house.clone(), Limits::default());
    for secret in [SECRET, BEFORE] {
        let request = post("/hooks/vikunja", &sign(secret, BODY.as_bytes()), BODY);
        assert_eq!(ask(&router, request).await.0, StatusCode::NO_CONTENT);
    }
    let heard = house.heard();
    assert_eq!(heard.len(), 1, "one body is one delivery");
    assert_eq!(heard[0].0.account.as_str(), "vikunja-1");
    assert_eq!(heard[0].0.items, [RemoteId::new("17")]);
}

#[tokio::test]
async fn a_body_that_was_written_anew_is_another_one() {
    let router = router(TestHouse::new(), Limits::default());
    let signature = sign(SECRET, BODY.as_bytes());
    let parsed: serde_json::Value = serde_json::from_str(BODY).expect("JSON");
    let anew = parsed.to_string();
    assert_ne!(anew, BODY, "what was escaped is not any more");
    let (status, _, _) = ask(&router, post("/hooks/vikunja", &signature, anew)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_sent_a_hundred_times_counts_once() {
    let house = TestHouse::new();
    let router = router(house.clone(), Limits::default());
    for _ in 0..100 {
        let request = post("/hooks/vikunja", &sign(SECRET, BODY.as_bytes()), BODY);
        assert_eq!(ask(&router, request).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!(house.heard().len(), 1);
    // The same bytes for another account are another delivery.
    let request = post("/hooks/work", &sign(OTHER, BODY.as_bytes()), BODY);
    assert_eq!(ask(&router, request).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.heard().len(), 2);
}

/// Whatever the order, each is a reason to look at its item.
#[tokio::test]
async fn what_comes_in_another_order_leads_to_the_same() {
    let (there, back) = (TestHouse::new(), TestHouse::new());
    let bodies: Vec<String> = (1..=50)
        .map(|id| format!(r#"{{"event_name":"task.updated","data":{{"task":{{"id":{id}}}}}}}"#))
        .collect();
    for (house, order) in [(&there, false), (&back, true)] {
        let router = router(house.clone(), Limits::default());
        let mut bodies = bodies.clone();
        if order {
            bodies.reverse();
        }
        for body in bodies {
            let request = post("/hooks/vikunja", &sign(SECRET, body.as_bytes()), body);
            assert_eq!(ask(&router, request).await.0, StatusCode::NO_CONTENT);
        }
    }
    let named = |house: &TestHouse| {
        let mut names: Vec<Option<String>> =
            house.heard().into_iter().map(|one| one.0.id).collect();
        names.sort();
        names
    };
    assert_eq!(named(&there), named(&back));
    assert_eq!(named(&there).len(), 50);
}

/// A service may say things that this version cannot read: that it said something is enough.
#[tokio::test]
async fn signed_and_strange_is_a_reason_to_look_at_everything() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        Vec::new(),
        b"no JSON".to_vec(),
        deep.into_bytes(),
        vec![0x1f, 0x8b, 8, 0, 0],
        vec![0xff; 100],
        br#"{"event_name":"project.deleted","data":{"project":{"id":3}}}"#.to_vec(),
    ] {
        let house = TestHouse::new();
        let router = router(house.clone(), Limits::default());
        let mut request = post("/hooks/vikunja", &sign(SECRET, &body), body);
        let gzip = axum::http::HeaderValue::from_static("gzip");
        request.headers_mut().insert("content-encoding", gzip);
        assert_eq!(ask(&router, request).await.0, StatusCode::NO_CONTENT);
        assert_eq!(house.heard()[0].0.items, [], "the account as a whole");
    }
}

#[tokio::test]
async fn a_body_has_a_limit_whatever_it_is_said_to_be() {
    let house = TestHouse::new();
    let router = router(house.clone(), Limits::default());
    let limit = Limits::default().body;
    for (size, expected) in [
        (limit, StatusCode::NO_CONTENT),
        (limit + 1, StatusCode::PAYLOAD_TOO_LARGE),
        (64 * limit, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let body = vec![b' '; size];
        let request = post("/hooks/vikunja", &sign(SECRET, &body), body.clone());
        assert_eq!(ask(&router, request).await.0, expected, "{size}");
        let mut request = post("/hooks/vikunja", &sign(SECRET, &body), body);
        let length = axum::http::HeaderValue::from_static("10");
        request.headers_mut().insert("content-length", length);
        assert_eq!(
            ask(&router, request).await.0,
            expected,
            "{size}, said to be 10"
        );
    }
    let mut request = post("/hooks/vikunja", "", "x");
    let length = axum::http::HeaderValue::from_static("99999999999");
    request.headers_mut().insert("content-length", length);
    assert_eq!(ask(&router, request).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Nothing is said to have arrived that could be lost.
#[tokio::test]
async fn what_could_not_be_kept_is_to_be_sent_again() {
    let house = TestHouse::new();
    let router = router(house.clone(), Limits::default());
    let signed = || post("/hooks/vikunja", &sign(SECRET, BODY.as_bytes()), BODY);
    house.disk_is_full.store(true, Ordering::Relaxed);
    let (status, headers, _) = ask(&router, signed()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(headers.contains_key("retry-after"));
    house.disk_is_full.store(false, Ordering::Relaxed);
    assert_eq!(ask(&router, signed()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.heard().len(), 1);
}

#[tokio::test]
async fn only_posts_are_taken() {
    let router = router(TestHouse::new(), Limits::default());
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let request = Request::builder()
            .method(method)
            .uri("/hooks/vikunja")
            .body(Body::empty())
            .expect("a request");
        let (status, headers, _) = ask(&router, request).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
    for path in ["/hooks", "/hooks/", "/hooks/a/b", "/"] {
        let mut request = post(path, "", "x");
        let host = axum::http::HeaderValue::from_static("127.0.0.1");
        request.headers_mut().insert("host", host);
        assert_eq!(
            ask(&router, request).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
