//! By which names this computer may be asked how the daemon stands. A page in a browser can be made
//! to ask an address of this computer by a name of its own; such a name is refused.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Problem;

/// Lets through what asks by a name of this computer itself.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, more) = (hosts.next(), hosts.next());
    let named = first.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str);
    let passes = more.is_none() && named.is_some_and(is_own) && authority.is_none_or(is_own);
    match passes {
        true => next.run(request).await,
        false => Problem::WrongHost.into_response(),
    }
}

/// Whether this is a name of this computer itself, with or without a port.
fn is_own(host: &str) -> bool {
    without_port(host).is_some_and(is_loopback)
}

fn is_loopback(bare: &str) -> bool {
    let literal = match bare
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => bare.parse().ok().map(IpAddr::V4),
    };
    bare.eq_ignore_ascii_case("localhost")
        || literal.is_some_and(|ip| ip.to_canonical().is_loopback())
}

fn without_port(host: &str) -> Option<&str> {
    let (bare, port) = match host.rfind(']') {
        Some(end) => (&host[..=end], &host[end + 1..]),
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        }
    };
    (is_port && !bare.is_empty()).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_names_of_this_computer_itself() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:7117",
            "localhost",
            "LOCALHOST:80",
            "127.9.9.9",
            "[::1]",
            "[::1]:7117",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_own(host), "{host}");
        }
        for host in [
            "",
            "tasks.example.org",
            ":80",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "localhost.",
            "127.0.0.1.",
            "evil.test",
            "tasks.example.org.",
            "x.tasks.example.org",
            "tasks.example.org.evil.test",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "017700000001",
            "0.0.0.0",
            "[::]",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "127.0.0.1:",
            "127.0.0.1:99999",
            "127.0.0.1:80:80",
            "127.0.0.1@evil.test",
            "evil.test@127.0.0.1",
            "127.0.0.1 ",
            "[::1%25lo]",
            "192.168.1.2",
            "[fe80::1]",
            "127.0.0.1:+80",
        ] {
            assert!(!is_own(host), "{host}");
        }
    }
}
