//! Descriptions and comments: Vikunja's HTML, our Markdown, and what keeps the two from drifting.
//! Nothing here reads a task, and no HTML that a person typed as text ever becomes HTML.
//!
//! What comes out of [`to_markdown`] is stable: rendered with [`to_html`] and read again, it is
//! the same text. A single line end is a line break in both directions, as people type it.

use std::sync::LazyLock;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{BulletListMarker, HrStyle, LinkStyle, Options as HtmdOptions};
use htmd::{Element, HtmlToMarkdown};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Rounds after which a text that still changes is taken as it is.
const MAX_ROUNDS: usize = 6;

/// More escapes than this are left standing.
const MAX_ESCAPES: usize = 200;

/// Markdown as Vikunja's editor would store it.
pub fn to_html(markdown: &str) -> String {
    let events = TaskLists::new(Parser::new_ext(markdown, dialect()).map(plain));
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, events);
    rendered.trim_end().to_owned()
}

/// What a description says, in Markdown.
pub fn to_markdown(html: &str) -> String {
    if !html.contains(['<', '&', '\\', '\n']) && is_harmless(html) {
        return html.trim().to_owned();
    }
    let mut markdown = read(html);
    for _ in 0..MAX_ROUNDS {
        let again = read(&to_html(&markdown));
        if again == markdown {
            break;
        }
        markdown = again;
    }
    markdown
}

fn dialect() -> Options {
    Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES
}

/// Letters, digits and spaces mean the same on both sides.
fn is_harmless(text: &str) -> bool {
    let mut last = ' ';
    text.trim().chars().all(|c| {
        let doubled = c == ' ' && last == ' ';
        last = c;
        !doubled && (c.is_alphanumeric() || c == ' ') && !c.is_ascii_digit()
    })
}

/// HTML typed into Markdown is text, and a line end is one that the person wants to see.
fn plain(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::SoftBreak | Event::HardBreak => Event::InlineHtml("<br>".into()),
        other => other,
    }
}

fn read(html: &str) -> String {
    let read = CONVERTER.with(|converter| converter.convert(html));
    // The converter's only error is one of reading, which a text in memory does not know.
    let markdown = read.unwrap_or_default();
    let kept: Vec<&str> = markdown.split('\n').map(str::trim_end).collect();
    unescape(kept.join("\n").trim_matches('\n'))
}

thread_local! {
    static CONVERTER: LazyLock<HtmlToMarkdown> = const { LazyLock::new(converter) };
}

fn converter() -> HtmlToMarkdown {
    HtmlToMarkdown::builder()
        .options(HtmdOptions {
            bullet_list_marker: BulletListMarker::Dash,
            ul_bullet_spacing: 1,
            ol_number_spacing: 1,
            hr_style: HrStyle::Dashes,
            link_style: LinkStyle::InlinedPreferAutolinks,
            ..HtmdOptions::default()
        })
        .skip_tags(vec!["script", "style"])
        .add_handler(vec!["br"], |_: &dyn Handlers, _: Element| {
            Some(HandlerResult::from("\n"))
        })
        .add_handler(vec!["li"], list_item)
        .add_handler(vec!["s", "del", "strike"], struck)
        .build()
}

fn struck(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let content = handlers.walk_children(element.node).content;
    let text = content.trim();
    (!text.is_empty()).then(|| HandlerResult::from(format!("~~{text}~~")))
}

/// Checklists are lists of items that carry their state.
fn list_item(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let checked = element
        .attrs
        .iter()
        .find(|attr| &*attr.name.local == "data-checked")
        .map(|attr| &*attr.value == "true");
    let item = handlers.fallback(element)?;
    let content = tightened(item.content);
    let Some(checked) = checked else {
        return Some(HandlerResult::from(content));
    };
    let mark = if checked { "[x] " } else { "[ ] " };
    let content = content.replacen("\n- ", &format!("\n- {mark}"), 1);
    Some(HandlerResult::from(content))
}

/// The editor wraps every item in a paragraph. An item of one paragraph, with nothing below it
/// but such items, is written without blank lines.
fn tightened(item: String) -> String {
    let starts_item = |block: &str| {
        let text = block.trim_start();
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
        text.starts_with("- ") || (digits.len() < text.len() && digits.starts_with(". "))
    };
    let tight = !item.contains("```") && item.trim().split("\n\n").skip(1).all(starts_item);
    if !tight {
        return item;
    }
    format!("\n{}", item.trim_matches('\n').replace("\n\n", "\n"))
}

/// Takes away every backslash that does not change what the text means.
fn unescape(markdown: &str) -> String {
    let escapes = escapes(markdown);
    if escapes.is_empty() || escapes.len() > MAX_ESCAPES {
        return markdown.to_owned();
    }
    let meaning = to_html(markdown);
    let bare = without(markdown, &escapes);
    if to_html(&bare) == meaning {
        return bare;
    }
    let mut dropped = Vec::new();
    for at in escapes {
        dropped.push(at);
        if to_html(&without(markdown, &dropped)) != meaning {
            dropped.pop();
        }
    }
    without(markdown, &dropped)
}

/// Where a backslash stands before a character that it could escape.
fn escapes(markdown: &str) -> Vec<usize> {
    let bytes = markdown.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] == b'\\' && bytes[at + 1].is_ascii_punctuation() {
            found.push(at);
            at += 1;
        }
        at += 1;
    }
    found
}

fn without(markdown: &str, dropped: &[usize]) -> String {
    let mut rest = dropped.iter().peekable();
    markdown
        .char_indices()
        .filter(|(at, _)| rest.next_if_eq(&at).is_none())
        .map(|(_, c)| c)
        .collect()
}

/// Renders task list items in the shape of Vikunja's editor, which alone it can tick.
struct TaskLists<'a> {
    events: std::vec::IntoIter<Event<'a>>,
}

impl<'a> TaskLists<'a> {
    fn new(events: impl Iterator<Item = Event<'a>>) -> Self {
        let events: Vec<Event<'a>> = events.collect();
        let mut shaped = Vec::with_capacity(events.len());
        let mut lists: Vec<bool> = Vec::new();
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Start(Tag::List(None)) => {
                    let ticked = is_task_list(&events[at..]);
                    lists.push(ticked);
                    shaped.push(if ticked {
                        raw("<ul data-type=\"taskList\">")
                    } else {
                        event.clone()
                    });
                }
                Event::Start(Tag::List(Some(_))) => {
                    lists.push(false);
                    shaped.push(event.clone());
                }
                Event::Start(Tag::Item) if lists.last() == Some(&true) => {
                    shaped.push(raw(item_start(&events[at..])));
                }
                Event::TaskListMarker(checked) => {
                    if lists.last() != Some(&true) {
                        shaped.push(Event::Text(if *checked { "[x] " } else { "[ ] " }.into()));
                    }
                }
                Event::End(TagEnd::List(_)) => {
                    let ticked = lists.pop() == Some(true);
                    shaped.push(if ticked {
                        raw("</ul>\n")
                    } else {
                        event.clone()
                    });
                }
                _ => shaped.push(event.clone()),
            }
        }
        Self {
            events: shaped.into_iter(),
        }
    }
}

impl<'a> Iterator for TaskLists<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        self.events.next()
    }
}

fn raw<'a>(html: impl Into<CowStr<'a>>) -> Event<'a> {
    Event::Html(html.into())
}

fn item_start(events: &[Event<'_>]) -> &'static str {
    if marker(events) == Some(true) {
        "<li data-checked=\"true\" data-type=\"taskItem\">"
    } else {
        "<li data-checked=\"false\" data-type=\"taskItem\">"
    }
}

/// The marker of the item that `events` start with.
fn marker(events: &[Event<'_>]) -> Option<bool> {
    events[1..].iter().take(2).find_map(|event| match event {
        Event::TaskListMarker(checked) => Some(*checked),
        _ => None,
    })
}

/// Whether each item of the list that `events` start with has a marker.
fn is_task_list(events: &[Event<'_>]) -> bool {
    let mut depth = 0_usize;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::List(_)) if depth == 1 => return true,
            Event::End(TagEnd::List(_)) => depth -= 1,
            Event::Start(Tag::Item) if depth == 1 && marker(&events[at..]).is_none() => {
                return false;
            }
            _ => {}
        }
    }
    false
}
