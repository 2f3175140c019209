//! The tasks that the cases start from, and titles that have broken such programs before.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::server::Server;

/// Titles that are easily mangled, each once.
pub(crate) const ODD: [&str; 16] = [
    "Buy 🥛 and 👩‍👩‍👧‍👦 cake 🎂",
    "לקנות חלב ולחם",
    "اتصل بالبنك غدا",
    "say \"hello\" and 'bye'",
    "-n leading dash",
    "--yes two leading dashes",
    "<b>not bold</b> & <script>alert(1)</script>",
    "a < b > c &amp; d &lt; e",
    "back\\slash and /slash/",
    "100% of [it] {all} $HOME `id`",
    "*stars* _lines_ # hash",
    "due:tomorrow +tag project:X",
    "日本語のタスク",
    "é decomposed e\u{301}",
    "1. numbered",
    "; semicolon | pipe > file",
];

/// What an annotation or a comment may say on both sides alike.
const SAID: [&str; 5] = [
    "called twice",
    "tea & <b>biscuits</b>",
    "שלום",
    "🎉 done soon",
    "she said \"no\"",
];

/// The title of the task with this number.
pub(crate) fn title(prefix: &str, number: usize) -> String {
    match ODD.get(number) {
        Some(odd) => (*odd).to_owned(),
        None => format!("{prefix} {number:05}"),
    }
}

/// The uuid that the task with this number has in Taskwarrior.
pub(crate) fn uuid(number: usize) -> String {
    format!("5eed0000-0000-4000-8000-{number:012x}")
}

/// Tasks for Taskwarrior's import: each field on some, alone and together.
pub(crate) fn for_taskwarrior(prefix: &str, count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| taskwarrior(prefix, number))
        .collect()
}

fn taskwarrior(prefix: &str, number: usize) -> Value {
    let (minute, day) = (number % 60, 1 + number % 28);
    let mut task = json!({
        "uuid": uuid(number),
        "description": title(prefix, number),
        "status": "pending",
        "entry": format!("202601{day:02}T10{minute:02}00Z"),
    });
    let mut put = |key: &str, value: Value| task[key] = value;
    if number.is_multiple_of(3) {
        put(
            "tags",
            json!([format!("t{}", number % 7), format!("über{}", number % 5)]),
        );
    }
    match number % 4 {
        1 => put("priority", json!("L")),
        2 => put("priority", json!("M")),
        3 => put("priority", json!("H")),
        _ => {}
    }
    match number % 5 {
        // Midnight in Berlin, in winter: a day without a time.
        1 => put("due", json!(format!("202712{day:02}T230000Z"))),
        2 => put("due", json!(format!("202706{day:02}T10{minute:02}05Z"))),
        _ => {}
    }
    match number % 6 {
        1 => put("project", json!(format!("P{}", number % 4))),
        2 => put(
            "project",
            json!(format!("P{}.Sub {}", number % 4, number % 3)),
        ),
        3 => put("project", json!("Häuser & Gärten.a <b> c")),
        _ => {}
    }
    if number % 8 == 5 {
        put("wait", json!(format!("203001{day:02}T080000Z")));
        put("scheduled", json!(format!("202705{day:02}T080000Z")));
    }
    if number % 9 == 7 {
        let said = |at: usize, text: &str| json!({"entry": format!("202602{day:02}T1000{at:02}Z"), "description": text});
        put(
            "annotations",
            json!([
                said(1, SAID[number % SAID.len()]),
                said(2, SAID[(number + 1) % SAID.len()]),
            ]),
        );
    }
    if number % 10 == 9 {
        put("depends", json!([uuid(number - 1), uuid(number - 4)]));
    }
    if number % 11 == 4 {
        put("status", json!("completed"));
        put("end", json!(format!("202603{day:02}T12{minute:02}00Z")));
    }
    task
}

/// Makes tasks in Vikunja through its API: each field on some, alone and together. Their ids.
pub(crate) fn in_vikunja(server: &Server, prefix: &str, count: usize) -> Vec<i64> {
    let top = server.make_project("Reisen", 0);
    let below = server.make_project("Süd & <West>", top);
    let dotted = server.make_project("v1.2 plan", 0);
    let projects = [server.inbox(), top, below, dotted];
    let mut ids = vec![0; count];
    for (at, project) in projects.iter().enumerate() {
        let numbers: Vec<usize> = (0..count).filter(|n| n % projects.len() == at).collect();
        let tasks: Vec<Value> = numbers.iter().map(|n| vikunja(prefix, *n)).collect();
        for (number, id) in numbers.into_iter().zip(server.make_all(*project, &tasks)) {
            ids[number] = id;
        }
    }
    let labels = ["shop", "日本", "two words", "a:b", "x,y"].map(|title| server.label(title));
    for (number, id) in ids.iter().enumerate() {
        if number % 3 == 1 {
            let set = [labels[number % 5], labels[(number / 3) % 5]];
            server.set_labels(*id, &BTreeSet::from(set));
        }
        if number % 9 == 7 {
            let said = SAID[number % SAID.len()];
            let html = said
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            server.comment(*id, &format!("<p>{html}</p>"));
        }
        if number % 10 == 9 {
            server.wait_for(*id, ids[number - 3]);
        }
    }
    ids
}

fn vikunja(prefix: &str, number: usize) -> Value {
    let (minute, day) = (number % 60, 1 + number % 28);
    let mut task = json!({"title": title(prefix, number), "priority": number % 6});
    let mut put = |key: &str, value: Value| task[key] = value;
    match number % 5 {
        1 => put("due_date", json!(format!("2027-12-{day:02}T23:00:00Z"))),
        2 => put(
            "due_date",
            json!(format!("2027-06-{day:02}T10:{minute:02}:05Z")),
        ),
        _ => {}
    }
    if number % 7 == 3 {
        put(
            "description",
            json!("<p>first <strong>line</strong></p><ul><li><p>one</p></li></ul>"),
        );
        put("percent_done", json!(0.5));
    }
    if number % 8 == 2 {
        put("start_date", json!(format!("2027-05-{day:02}T08:00:00Z")));
        put("end_date", json!(format!("2027-05-{day:02}T09:00:00Z")));
        put(
            "reminders",
            json!([{"reminder": format!("2027-05-{day:02}T07:00:00Z")}]),
        );
    }
    if number % 11 == 4 {
        put("done", json!(true));
    }
    task
}
