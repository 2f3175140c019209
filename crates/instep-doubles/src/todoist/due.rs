//! Due dates: their three kinds, how they are written and what a client may send. What the words
//! of a `string` mean is the business of `due_text`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::args::{Args, Given};
use super::due_text::{self, Said};
use super::recurrence::Rule;
use super::refusal::Refusal;

/// Longest `due_string`.
const LONGEST_STRING: usize = 150;
/// The only language whose words are understood.
const USUAL_LANG: &str = "en";
/// The languages a client may name.
const LANGS: [&str; 17] = [
    "en", "da", "pl", "zh", "ko", "de", "pt", "ja", "it", "fr", "sv", "ru", "es", "nl", "fi", "nb",
    "tw",
];

/// Now, where the user is.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) zone_name: String,
}

impl Moment {
    /// The time on the user's clock.
    pub(crate) fn local(&self) -> DateTime {
        self.now.to_zoned(self.zone.clone()).datetime()
    }

    pub(crate) fn today(&self) -> Date {
        self.local().date()
    }
}

/// When something is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum When {
    /// All day.
    Day(Date),
    /// A time wherever the user is.
    Floating(DateTime),
    /// An instant, and the zone it was meant in.
    Fixed(Timestamp, String),
}

impl When {
    /// Reads a date a client sent; a time without an offset is meant in `zone`, if one is named.
    pub(crate) fn parse(text: &str, zone: Option<&str>, moment: &Moment) -> Option<Self> {
        if text.len() == "2026-12-01".len() {
            return text.parse().ok().map(Self::Day);
        }
        let name = zone.unwrap_or(&moment.zone_name);
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::Fixed(at, name.to_owned()));
        }
        let civil: DateTime = text.parse().ok()?;
        match zone {
            None => Some(Self::Floating(civil)),
            Some(name) => {
                let zone = TimeZone::get(name).ok()?;
                let at = civil.to_zoned(zone).ok()?.timestamp();
                Some(Self::Fixed(at, name.to_owned()))
            }
        }
    }

    /// The date and time on the clock it is meant for; midnight for a whole day.
    pub(crate) fn civil(&self) -> DateTime {
        match self {
            Self::Day(date) => date.to_datetime(jiff::civil::Time::midnight()),
            Self::Floating(civil) => *civil,
            Self::Fixed(at, name) => {
                let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
                at.to_zoned(zone).datetime()
            }
        }
    }

    /// The same kind of date at another time.
    pub(crate) fn moved_to(&self, civil: DateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(civil.date()),
            Self::Floating(_) => Self::Floating(civil),
            Self::Fixed(at, name) => {
                let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
                let moved = civil.to_zoned(zone).map_or(*at, |zoned| zoned.timestamp());
                Self::Fixed(moved, name.clone())
            }
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Day(date) => date.to_string(),
            Self::Floating(civil) => civil.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            Self::Fixed(at, _) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// A due date of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Due {
    pub(crate) when: When,
    pub(crate) string: String,
    pub(crate) lang: String,
    pub(crate) rule: Option<Rule>,
}

impl Due {
    pub(crate) fn shown(&self) -> Value {
        let timezone = match &self.when {
            When::Fixed(_, name) => Value::from(name.as_str()),
            _ => Value::Null,
        };
        json!({"date": self.when.written(), "timezone": timezone, "string": self.string,
               "lang": self.lang, "is_recurring": self.rule.is_some()})
    }

    /// The next occurrence, if it recurs.
    pub(crate) fn advanced(&self, moment: &Moment) -> Option<Self> {
        let rule = self.rule.as_ref()?;
        let now = match &self.when {
            When::Fixed(_, name) => {
                let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
                moment.now.to_zoned(zone).datetime()
            }
            _ => moment.local(),
        };
        let all_day = matches!(self.when, When::Day(_));
        let civil = rule.next(self.when.civil(), now, all_day);
        Some(Self {
            when: self.when.moved_to(civil),
            ..self.clone()
        })
    }
}

/// The words of a due date: `None` for "no date".
fn spoken(string: &str, lang: &str, moment: &Moment) -> Result<Option<Due>, Refusal> {
    match due_text::read(string, moment).ok_or_else(Refusal::bad_date)? {
        Said::NoDate => Ok(None),
        Said::Date(when, rule) => Ok(Some(Due {
            when,
            string: string.to_owned(),
            lang: lang.to_owned(),
            rule,
        })),
    }
}

fn lang(args: Args<'_>, key: &str) -> Result<String, Refusal> {
    match args.text(key)?.flatten() {
        None => Ok(USUAL_LANG.to_owned()),
        Some(lang) if LANGS.contains(&lang.as_str()) => Ok(lang),
        Some(_) => Err(Refusal::invalid(key, "language")),
    }
}

/// The due date in a REST body: `due_string`, `due_date`, `due_datetime`, `due_lang`. A date beside
/// a recurring string is one occurrence of it; a date alone does not recur.
pub(crate) fn from_rest(args: Args<'_>, moment: &Moment) -> Result<Given<Due>, Refusal> {
    let lang = lang(args, "due_lang")?;
    let string = args.text_up_to("due_string", LONGEST_STRING)?.flatten();
    let date = args.text("due_date")?.flatten();
    let date = date.map(|text| {
        let when = When::parse(&text, None, moment);
        when.filter(|when| matches!(when, When::Day(_)))
    });
    let time = args.text("due_datetime")?.flatten();
    let time = time.map(|text| {
        let when = When::parse(&text, None, moment);
        when.filter(|when| !matches!(when, When::Day(_)))
    });
    let when = match date.or(time) {
        Some(None) => return Err(Refusal::bad_date()),
        Some(Some(when)) => Some(when),
        None => None,
    };
    dated(when, string, lang, None, moment)
}

/// The `due` object of a sync command; `null` clears.
pub(crate) fn from_sync(args: Args<'_>, moment: &Moment) -> Result<Given<Due>, Refusal> {
    let due = match args.object("due")? {
        None => return Ok(None),
        Some(None) => return Ok(Some(None)),
        Some(Some(due)) => due,
    };
    from_object(&due, moment)
}

/// A due object as sync commands and reminders carry it.
pub(crate) fn from_object(
    due: &Map<String, Value>,
    moment: &Moment,
) -> Result<Given<Due>, Refusal> {
    let due = Args(due);
    let lang = lang(due, "lang")?;
    let string = due.text_up_to("string", LONGEST_STRING)?.flatten();
    let zone = due.text("timezone")?.flatten();
    let when = match due.text("date")?.flatten() {
        None => None,
        Some(text) => {
            let when = When::parse(&text, zone.as_deref(), moment);
            Some(when.ok_or_else(Refusal::bad_date)?)
        }
    };
    let recurring = due.flag("is_recurring")?;
    dated(when, string, lang, recurring, moment)
}

/// Puts a date and words together; `recurring: Some(false)` takes the rule off.
fn dated(
    when: Option<When>,
    string: Option<String>,
    lang: String,
    recurring: Option<bool>,
    moment: &Moment,
) -> Result<Given<Due>, Refusal> {
    let Some(when) = when else {
        return match string {
            None => Ok(None),
            Some(string) => spoken(&string, &lang, moment).map(Some),
        };
    };
    let said = match &string {
        Some(string) => due_text::read(string, moment),
        None => None,
    };
    let rule = match said {
        Some(Said::Date(_, rule)) if recurring != Some(false) => rule,
        _ => None,
    };
    let string = string.unwrap_or_else(|| when.written());
    Ok(Some(Some(Due {
        when,
        string,
        lang,
        rule,
    })))
}
