//! What a call of Taskwarrior's on-exit hook says, whatever stands in it.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;

use instep_api::socket::HookReport;
use instep_app::HookCall;
use proptest::prelude::*;
use serde_json::{Value, json};

const ONE: &str = "3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10";
const TWO: &str = "A1B2C3D4-7B5E-4B0E-9D2F-6F0D3B1F9A11";

fn args(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}

fn usual() -> Vec<OsString> {
    args(&[
        "hook",
        "api:2",
        "args:task add api:1 data:x",
        "command:add",
        "rc:/var/lib/ann/.taskrc",
        "data:/var/lib/ann/.task",
        "version:3.5.0",
    ])
}

fn report(input: &mut impl Read) -> Option<HookReport> {
    let call = HookCall::parse(&usual(), || false).expect("a call of Taskwarrior");
    call.read(input)
}

/// What is reported of these lines: the uuids, or what stands for all and for none.
fn check(lines: &[u8], told: &[&str]) {
    let report = report(&mut &lines[..]);
    let shown = String::from_utf8_lossy(&lines[..lines.len().min(300)]).into_owned();
    match (told, report) {
        (["nothing"], report) => assert_eq!(report, None, "{shown}"),
        (["anything"], Some(report)) => assert_eq!(report.tasks, Vec::<String>::new(), "{shown}"),
        (told, Some(report)) => assert_eq!(report.tasks, told, "{shown}"),
        (told, None) => panic!("{told:?} was wanted of: {shown}"),
    }
}

fn line(uuid: &str) -> String {
    format!("{{\"description\":\"milk\",\"uuid\":\"{uuid}\",\"status\":\"pending\"}}\n")
}

#[test]
fn the_uuids_of_all_lines_are_reported_each_once() {
    let (one, two) = (line(ONE), line(TWO));
    check(one.as_bytes(), &[ONE]);
    check(one.trim_end().as_bytes(), &[ONE]);
    check(format!("{one}{two}{one}").as_bytes(), &[ONE, TWO]);
    check(format!("\n\r\n{one}\n \t\n{two}").as_bytes(), &[ONE, TWO]);
    check(one.replace(':', " \t: ").as_bytes(), &[ONE]);
    check(b"", &["nothing"]);
    check(b"\n\n  \n", &["nothing"]);
}

#[test]
fn bytes_that_are_no_json_are_read_past() {
    let raw = |text: &[u8]| {
        let mut line = b"{\"description\":\"".to_vec();
        line.extend_from_slice(text);
        line.extend_from_slice(format!("\",\"uuid\":\"{ONE}\"}}\n").as_bytes());
        line
    };
    for text in [
        &b"\x01\x1b[31m\x7f"[..],
        b"\xff\xfe\xc3(",
        b"\t\r",
        "🦀".as_bytes(),
    ] {
        check(&raw(text), &[ONE]);
    }
    check(&raw(&vec![b'x'; 2 << 20]), &[ONE]);
    check(&raw(br#"\" , \"uuid\": \"no\\"#), &[ONE]);
    check(&raw(&[b'['; 100_000]), &[ONE]);
}

#[test]
fn a_uuid_inside_a_value_is_not_the_tasks() {
    let within = |value: &Value| {
        let line = format!("{{\"x\":{value},\"uuid\":\"{ONE}\",\"y\":{value}}}\n");
        check(line.as_bytes(), &[ONE]);
        let line = format!("{{\"x\":{value}}}\n");
        check(line.as_bytes(), &["anything"]);
    };
    within(&json!(TWO));
    within(&json!("uuid"));
    within(&json!(format!("\"uuid\":\"{TWO}\"")));
    within(&json!({"uuid": TWO}));
    within(&json!([{"uuid": TWO}, "uuid", TWO, ["uuid"]]));
}

#[test]
fn what_makes_no_sense_means_that_anything_may_have_changed() {
    let good = line(ONE);
    for bad in [
        "hello\n",
        "{}\n",
        "{\"uuid\":\"\"}\n",
        "{\"uuid\":17}\n",
        "{\"uuid\":\"not-a-uuid\"}\n",
        "{\"uuid\":\"3f2a1c52+7b5e-4b0e-9d2f-6f0d3b1f9a10\"}\n",
        "{\"uuid\":\"3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a1\\u0030\"}\n",
        "]]]]\n",
        "\"",
        "\u{0}\n",
    ] {
        check(bad.as_bytes(), &["anything"]);
        check(format!("{good}{bad}").as_bytes(), &["anything"]);
    }
    for cut in 1..good.len() - 1 {
        check(&good.as_bytes()[..cut], &["anything"]);
    }
    let many: String = (0..1001)
        .map(|n| line(&format!("{n:08}-7b5e-4b0e-9d2f-6f0d3b1f9a10")))
        .collect();
    check(many.as_bytes(), &["anything"]);
    let (thousand, _) = many.trim_end().rsplit_once('\n').expect("lines");
    assert_eq!(
        report(&mut thousand.as_bytes())
            .expect("a report")
            .tasks
            .len(),
        1000
    );
}

/// Input without an end is read to a limit, and an error of the pipe is no reason to stay silent.
#[test]
fn input_that_never_ends_or_breaks_off_is_reported() {
    let endless = report(&mut io::repeat(b'{')).expect("a report");
    assert_eq!(endless.tasks, Vec::<String>::new());
    let task = line(ONE);
    let broken = report(&mut task.as_bytes().chain(Broken)).expect("a report");
    assert_eq!(broken.tasks, Vec::<String>::new());
    assert_eq!(report(&mut Broken), None);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("broken"))
    }
}

#[test]
fn a_report_says_what_taskwarrior_said_of_itself() {
    let first = report(&mut line(ONE).as_bytes()).expect("a report");
    let second = report(&mut line(ONE).as_bytes()).expect("a report");
    assert_eq!(
        (&*first.data, &*first.command),
        ("/var/lib/ann/.task", "add")
    );
    assert_eq!(first.id.len(), 32, "{}", first.id);
    assert_ne!(first.id, second.id);
    assert!(first.at_ms > 1_700_000_000_000);
    let mut odd = args(&["hook", "api:2"]);
    odd.push(OsString::from_vec(b"data:/var/lib/\xff".to_vec()));
    odd.push(format!("command:{}", "x".repeat(1 << 20)).into());
    let call = HookCall::parse(&odd, || true).expect("a call");
    let report = call.read(&mut line(ONE).as_bytes()).expect("a report");
    assert_eq!(report.data, "/var/lib/\u{fffd}");
    assert!(report.command.len() <= 4096);
}

#[test]
fn what_a_person_types_is_no_call() {
    let is_call = |words: &[&str], typed: bool| HookCall::parse(&args(words), || typed).is_some();
    assert!(is_call(&["hook"], false));
    assert!(!is_call(&["hook"], true));
    assert!(is_call(&["hook", "--pass", "--config=/x y", "api:2"], true));
    for typed in [
        &[][..],
        &["sync"],
        &["hook", "install"],
        &["hook", "status", "--json"],
        &["hook", "--help"],
        &["--json", "hook", "status"],
        &["add", "api:2"],
    ] {
        assert!(!is_call(typed, false), "{typed:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = || prop_oneof![Just("uuid".to_owned()), "\\PC{0,8}", any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        key().prop_map(Value::from),
        Just(Value::from(TWO)),
        Just(Value::from(format!("\",\"uuid\":\"{TWO}"))),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands beside it, before and behind, the uuid of the object itself is found.
    #[test]
    fn the_uuid_is_found_beside_anything(
        before in prop::collection::vec(("\\PC{0,9}", any_json()), 0..5),
        behind in prop::collection::vec(("\\PC{0,9}", any_json()), 0..5),
    ) {
        let before = before.into_iter().map(|(key, value)| (key + "1", value));
        let behind = behind.into_iter().map(|(key, value)| (key + "2", value));
        let uuid = [("uuid".to_owned(), Value::from(ONE))];
        let task: serde_json::Map<String, Value> = before.chain(uuid).chain(behind).collect();
        let text = format!("{}\n", Value::Object(task));
        let report = report(&mut text.as_bytes()).expect("a report");
        prop_assert_eq!(report.tasks, vec![ONE.to_owned()]);
    }

    /// No bytes at all lead to anything but nothing, uuids or a look at everything.
    #[test]
    fn no_input_does_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Some(report) = report(&mut bytes.as_slice()) {
            prop_assert!(report.tasks.iter().all(|task| task.len() == 36));
        }
    }
}
