//! How the daemon stands is told to this computer, and to nobody's page in a browser.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use instep_daemon::http::{Limits, router};

use crate::house::{Open, TestHouse, ask, http};

fn get(path: &str, host: &str) -> Request<Body> {
    let request = Request::get(path).header("host", host);
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let house = TestHouse::new();
    let router = router(house.clone(), Limits::default());
    let (status, headers, text) = ask(&router, get("/health", "127.0.0.1:7117")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(text, r#"{"ok":true,"silent":[]}"#);
    house.is_silent.store(true, Ordering::Relaxed);
    let (status, headers, text) = ask(&router, get("/health", "[::1]:7117")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text, r#"{"ok":false,"silent":["vikunja"]}"#);
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    let (status, headers, text) = ask(&router, get("/metrics", "localhost")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        headers["content-type"]
            .to_str()
            .expect("text")
            .starts_with("text/plain; version=0.0.4")
    );
    assert!(text.contains("instep_up 1"), "{text}");
}

/// A name that leads to this computer today and to another tomorrow is the trick of a web page.
#[tokio::test]
async fn a_name_of_somebody_else_is_refused() {
    let router = router(TestHouse::new(), Limits::default());
    for path in ["/health", "/metrics", "/", "/nothing"] {
        for host in [
            "127.0.0.1.evil.test",
            "evil.test:7117",
            "tasks.example.org",
            "localhost.",
            "[::1].evil.test",
            "2130706433",
        ] {
            let (status, headers, _) = ask(&router, get(path, host)).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path} {host}");
            assert_eq!(headers["content-type"], "application/problem+json");
        }
        let mut twice = get(path, "127.0.0.1");
        let other = axum::http::HeaderValue::from_static("evil.test");
        twice.headers_mut().append("host", other);
        assert_eq!(ask(&router, twice).await.0, StatusCode::MISDIRECTED_REQUEST);
        let none = Request::get(path).body(Body::empty()).expect("a request");
        assert_eq!(ask(&router, none).await.0, StatusCode::MISDIRECTED_REQUEST);
    }
}

#[tokio::test]
async fn it_answers_over_a_real_connection_and_closes_when_told() {
    let door = Open::at(TestHouse::new(), Limits::default()).await;
    let (http, url) = (http(), door.url("/health"));
    assert_eq!(
        http.get(&url).send().await.expect("an answer").status(),
        200
    );
    // The client keeps its connection; the door closes all the same.
    door.close().await;
    assert!(http.get(&url).send().await.is_err());
}
