//! Where services reach the daemon: read, checked, and put together with an account's name.

use std::net::IpAddr;

use instep_api::{Failure, NotesLine};
use instep_model::Kind;
use url::{Host, Url};

use crate::notice::remark;
use crate::say;

/// Checks a public address as a person types it; answers it without a slash at its end.
pub(crate) fn public_url(text: &str) -> Result<String, Failure> {
    let wrong = |why: &str| {
        say::usage(
            "bad_url",
            format!("`{text}` cannot be the public URL"),
            why,
            "instep webhook install --public-url https://tasks.example.org",
        )
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong("it is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it does not begin with https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a name or a password has no place in it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a `?` or a `#`"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Where a service posts what is about this account.
pub(crate) fn target(public_url: &str, account: &str) -> String {
    format!("{}/hooks/{account}", public_url.trim_end_matches('/'))
}

/// What to know about an address: whether a service will post there at all, and who can read it.
pub(crate) fn remarks(public_url: &str) -> Vec<NotesLine> {
    let Ok(url) = Url::parse(public_url) else {
        return Vec::new();
    };
    let service = say::service(Kind::Vikunja);
    let host = url.host_str().unwrap_or_default().to_owned();
    if is_private(&url) {
        return vec![remark(format!(
            "{host} is an address of this computer or its network: {service} posts there only with \
             `outgoingrequests.allownonroutableips: true` in its own config, and says nothing \
             where it does not. Polling goes on in any case"
        ))];
    }
    match url.scheme() {
        "http" => vec![remark(format!(
            "what {service} posts to {host} can be read on the way; https:// keeps it private"
        ))],
        _ => Vec::new(),
    }
}

fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_private_ip(ip.into()),
        Some(Host::Ipv6(ip)) => is_private_ip(ip.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let local = [".local", ".localhost", ".lan", ".internal", ".home.arpa"];
            !name.contains('.') || local.iter().any(|end| name.ends_with(end))
        }
        None => true,
    }
}

fn is_private_ip(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || shared
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            ip.is_loopback()
                || ip.is_unspecified()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_checked_and_trimmed() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(public_url(text).ok().as_deref(), expected, "{text}");
        };
        check(
            "https://tasks.example.org/",
            Some("https://tasks.example.org"),
        );
        check(
            " https://x.example:8443/instep/ ",
            Some("https://x.example:8443/instep"),
        );
        check("http://127.0.0.1:7117", Some("http://127.0.0.1:7117"));
        for bad in [
            "",
            "tasks.example.org",
            "ftp://x.example",
            "https://",
            "https://a:b@x.example",
            "https://x.example/?q=1",
            "https://x.example/#top",
            "file:///etc/passwd",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn an_address_that_services_do_not_post_to_is_said_to_be_one() {
        let check = |text: &str, private: bool| {
            let told = remarks(text);
            let says = told
                .iter()
                .any(|note| note.text.contains("allownonroutableips"));
            assert_eq!(says, private, "{text}");
        };
        for url in [
            "http://127.0.0.1:7117",
            "http://localhost",
            "https://nas.local",
            "https://nas",
            "http://192.168.1.4",
            "http://10.1.2.3",
            "http://172.20.0.2",
            "http://169.254.1.1",
            "http://100.64.0.9",
            "http://[::1]:7117",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0",
        ] {
            check(url, true);
        }
        for url in [
            "https://tasks.example.org",
            "http://93.184.216.34",
            "https://[2606:2800::1]",
        ] {
            check(url, false);
        }
    }
}
