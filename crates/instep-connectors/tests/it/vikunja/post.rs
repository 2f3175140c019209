//! What a webhook is about, once its signature holds, and what is no signature.

use hmac::{Hmac, KeyInit, Mac};
use instep_connectors::vikunja::posted;
use instep_contract::Post;
use secrecy::SecretString;
use sha2::Sha256;

const SECRET: &str = "0123456789abcdef";
const HEADER: &str = "x-vikunja-signature";

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ask(headers: &[(&str, &[u8])], body: &str, secrets: &[&str]) -> Option<Vec<String>> {
    let post = Post {
        headers,
        body: body.as_bytes(),
    };
    let secrets: Vec<SecretString> = secrets.iter().copied().map(SecretString::from).collect();
    let items = posted(&post, &secrets)?;
    Some(items.iter().map(|id| id.as_str().to_owned()).collect())
}

fn about(body: &str) -> Vec<String> {
    let signature = sign(SECRET, body.as_bytes());
    let told = ask(&[(HEADER, signature.as_bytes())], body, &[SECRET]);
    told.expect("a signature that holds")
}

#[test]
fn what_a_body_is_about() {
    let check = |body: &str, expected: &[&str]| assert_eq!(about(body), expected, "{body}");
    check(
        r#"{"event_name":"task.updated","data":{"task":{"id":7,"x":[]},"y":1},"z":{}}"#,
        &["7"],
    );
    check(
        r#"{"event_name":"task.deleted","data":{"task":{"id":7}}}"#,
        &["7"],
    );
    check(
        r#"{"event_name":"task.relation.created","data":{"task":{"id":7},"relation":{"other_task_id":8}}}"#,
        &["7", "8"],
    );
    check(
        r#"{"event_name":"task.comment.edited","data":{"comment":{},"task":{"id":9}}}"#,
        &["9"],
    );
    let everything: &[&str] = &[];
    for body in [
        r#"{"event_name":"project.updated","data":{"project":{"id":3}}}"#,
        r#"{"event_name":"project.deleted","data":{}}"#,
        r#"{"event_name":"task.updated","data":{"task":null}}"#,
        r#"{"event_name":"task.updated","data":{"task":{"id":-1}}}"#,
        r#"{"event_name":"task.updated","data":{"task":{"id":"7"}}}"#,
        r#"{"event_name":"task.updated"}"#,
        r#"{"event_name":7}"#,
        "",
        "[1,2",
    ] {
        check(body, everything);
    }
}

#[test]
fn a_body_of_any_depth_is_only_a_reason_to_look() {
    for depth in [200, 10_000, 500_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(about(&deep).is_empty());
        let body = format!(
            r#"{{"event_name":"task.updated","extra":{deep},"data":{{"task":{{"id":7}}}}}}"#
        );
        let items = about(&body);
        assert!(items.is_empty() || items == ["7"], "{items:?}");
    }
}

#[test]
fn only_one_whole_signature_by_a_secret_that_counts_holds() {
    const BODY: &str = r#"{"event_name":"task.updated","data":{"task":{"id":7}}}"#;
    let good = sign(SECRET, BODY.as_bytes());
    let check = |headers: &[(&str, &str)], secrets: &[&str], holds: bool| {
        let raw: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()))
            .collect();
        let told = ask(&raw, BODY, secrets);
        assert_eq!(told.is_some(), holds, "{headers:?} {secrets:?}");
    };
    check(&[(HEADER, &good)], &[SECRET], true);
    check(&[("x-other", "1"), (HEADER, &good)], &[SECRET], true);
    check(&[(HEADER, &good)], &["another", SECRET], true);
    // Two are compared, and no more.
    check(&[(HEADER, &good)], &["another", "a third", SECRET], false);
    check(&[(HEADER, &good)], &["another"], false);
    check(&[(HEADER, &good)], &[], false);
    check(&[(HEADER, &good), (HEADER, &good)], &[SECRET], false);
    check(&[("x-other", &good)], &[SECRET], false);
    check(&[], &[SECRET], false);
    check(&[(HEADER, "")], &[SECRET], false);
    check(&[(HEADER, &good[1..])], &[SECRET], false);
    check(&[(HEADER, &format!("{good}00"))], &[SECRET], false);
    check(&[(HEADER, &format!("sha256={good}"))], &[SECRET], false);
    check(&[(HEADER, &good.to_uppercase())], &[SECRET], false);
    // What is signed with nothing at all, and what stands in for it.
    check(&[(HEADER, &sign("", BODY.as_bytes()))], &[""], false);
    let nobody = sign("nobody signs with this", BODY.as_bytes());
    check(&[(HEADER, &nobody)], &[], false);
}
