//! Descriptions: what a person typed survives, what Vikunja's editor wrote does not drift.

use expect_test::{Expect, expect};
use instep_connectors::vikunja::markdown::{to_html, to_markdown};
use proptest::prelude::*;

/// What Vikunja holds, and how it reads here; written back and read again it stays so.
#[track_caller]
fn check(html: &str, markdown: Expect) {
    let read = to_markdown(html);
    markdown.assert_eq(&read);
    let mut text = read.clone();
    for _ in 0..10 {
        text = to_markdown(&to_html(&text));
    }
    assert_eq!(text, read, "drifted");
}

/// What a person typed, and that it comes back as typed.
#[track_caller]
fn check_typed(markdown: &str) {
    let back = to_markdown(&to_html(markdown));
    assert_eq!(back, markdown, "through {}", to_html(markdown));
}

#[test]
// tidy: long because it is a table
fn the_editors_descriptions_read_as_markdown() {
    check("", expect![""]);
    check("<p></p>", expect![""]);
    check("<p>two coats</p>", expect!["two coats"]);
    check("2 l milk & co", expect!["2 l milk & co"]);
    check("<p>a &lt;b&gt; c &amp; d</p>", expect!["a <b> c & d"]);
    check(
        "<p><strong>bold</strong> and <em>soft</em> and <s>gone</s> and <u>under</u></p>",
        expect!["**bold** and *soft* and ~~gone~~ and under"],
    );
    check(
        r#"<p>two coats</p><ul data-type="taskList"><li data-checked="false" data-type="taskItem"><p>buy paint</p></li><li data-checked="true" data-type="taskItem"><p>wash</p></li></ul>"#,
        expect![[r#"
            two coats

            - [ ] buy paint
            - [x] wash"#]],
    );
    check(
        r#"<ul data-type="taskList"><li data-checked="false" data-type="taskItem"><label><input type="checkbox"><span></span></label><div><p>buy paint</p></div></li></ul><p>after</p>"#,
        expect![[r#"
            - [ ] buy paint

            after"#]],
    );
    check(
        "<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li></ul>",
        expect![[r#"
        - a
        - b
          - c"#]],
    );
    check(
        "<ul><li><p>a</p><p>more</p></li><li><p>b</p></li></ul>",
        expect![[r#"
        - a

          more

        - b"#]],
    );
    check(
        "<ol><li><p>a</p></li><li><p>b</p></li></ol>",
        expect![[r#"
        1. a
        2. b"#]],
    );
    check(
        "<h1>One</h1><p>text</p><h2>Two</h2>",
        expect![[r#"
        # One

        text

        ## Two"#]],
    );
    check(
        r#"<p><a target="_blank" rel="noopener" href="https://example.org/a?b=c">site</a></p>"#,
        expect!["[site](https://example.org/a?b=c)"],
    );
    check(
        r#"<p><a href="https://example.org">https://example.org</a></p>"#,
        expect!["<https://example.org>"],
    );
    check(
        "<pre><code class=\"language-rust\">let a = 1;\n\nlet b = *a;</code></pre>",
        expect![[r#"
        ```rust
        let a = 1;

        let b = *a;
        ```"#]],
    );
    check("<p>use <code>a_b * c</code></p>", expect!["use `a_b * c`"]);
    check(
        "<blockquote><p>said</p><p>more</p></blockquote>",
        expect![[r#"
        > said
        >
        > more"#]],
    );
    check(
        "<p>one<br>two</p>",
        expect![[r#"
        one
        two"#]],
    );
    check(
        "<p>one</p><hr><p>two</p>",
        expect![[r#"
        one

        - - -

        two"#]],
    );
    check(
        "<table><tbody><tr><th><p>a</p></th><th><p>b</p></th></tr><tr><td><p>1</p></td><td><p>2</p></td></tr></tbody></table>",
        expect![[r#"
        | a | b |
        | - | - |
        | 1 | 2 |"#]],
    );
    check(
        "<p>x</p><script>alert(1)</script><!-- hidden -->",
        expect!["x"],
    );
}

#[test]
fn what_was_typed_comes_back_as_typed() {
    for text in [
        "plain",
        "2 * 3",
        "2 * 3 * 4",
        "a_b and c_d",
        "[x] not a list",
        "[ ] open",
        "#1",
        "# heading",
        "- a\n- b",
        "- [ ] a\n- [x] b",
        "1. a\n2. b",
        "see https://example.org/a_b?c=*",
        "a\nb\nc",
        "a\n\nb",
        "**bold** and *soft*",
        "`code_here *`",
        "a < b && c > d",
        "<b>not html</b>",
        "C:\\dir\\file",
        "5 > 3",
        "50% ~ about",
        "~/home/file_name",
        "snake_case_name",
        "[link](https://example.org)",
        "```rust\nlet a = 1;\n```",
        "> quoted",
        "x = y + z - 1",
        "a | b",
        "$5 & 10 €",
        "\"quoted\" 'single'",
        "e-mail: me@example.org",
        "+49 30 1234",
        "2026-11-27",
        "3. Mai",
        "! wow !",
    ] {
        check_typed(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_was_read_does_not_drift(text in r"([a-z0-9*_`\[\]()<>#+.!~|\\&:;/ -]{0,12}\n?){0,6}") {
        let read = to_markdown(&to_html(&text));
        prop_assert_eq!(to_markdown(&to_html(&read)), read);
    }

    #[test]
    fn what_the_wire_brings_does_not_drift(
        html in r"(<p>|</p>|<ul><li>|</li></ul>|<strong>|</strong>|<em>|</em>|<br>|<code>|</code>|[a-z*_#\[\]\\> -]{0,6}){0,12}",
    ) {
        let read = to_markdown(&html);
        prop_assert_eq!(to_markdown(&to_html(&read)), read);
    }
}
