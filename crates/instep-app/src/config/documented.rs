//! What README says of the settings, against what is read of them: neither may know a key, a default or
//! a variable that the other does not.

use std::collections::BTreeSet;
use std::path::Path;

use instep_engine::{BreakerRule, Rate};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor, value};

use super::keys::{ACCOUNT, BREAKER, DAEMON, TOP, own_keys};
use super::limits::RawBreaker;
use super::parse::{Raw, RawAccount, parse};
use super::{Config, Daemon};
use crate::Places;

/// Notes the names of the fields that a type reads, and gives it none.
struct Names<'a>(&'a mut BTreeSet<&'static str>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom("nothing is here"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        self.0.extend(fields);
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<'de, T: Deserialize<'de>>() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    assert!(T::deserialize(Names(&mut names)).is_err());
    names
}

fn set(keys: &[&'static str]) -> BTreeSet<&'static str> {
    keys.iter().copied().collect()
}

#[test]
fn every_key_that_is_known_is_read() {
    assert_eq!(fields::<Raw>(), set(&TOP));
    assert_eq!(fields::<Daemon>(), set(&DAEMON));
    assert_eq!(fields::<RawBreaker>(), set(&BREAKER));
    let kinds = ["taskwarrior", "vikunja", "file"].into_iter();
    let own = kinds.flat_map(own_keys);
    let known = ACCOUNT.iter().chain(own).copied().collect();
    assert_eq!(fields::<RawAccount>(), known);
}

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    std::fs::read_to_string(path).expect("the README")
}

/// The config of README that has every setting.
fn settings(readme: &str) -> &str {
    let section = readme.split("\n## Settings\n").nth(1);
    let section = section.expect("a section about settings");
    let block = section.split("```toml\n").nth(1).expect("a config");
    block.split("```").next().expect("its end")
}

fn meant(text: &str) -> Config {
    let config = parse(&Places::under(Path::new("/users/ann")), text);
    let config = config.unwrap_or_else(|failure| panic!("{failure:?} in\n{text}"));
    assert_eq!(config.unknown, [], "{text}");
    config
}

#[test]
fn readme_has_every_setting_with_its_default() {
    let readme = readme();
    let block = settings(&readme);
    let usual = meant(block);
    assert_eq!(usual.daemon, Daemon::default());
    assert_eq!(usual.breaker, BreakerRule::default());
    assert_eq!(usual.rate, Rate::default());
    // What is not set unless somebody sets it stands behind a `#`.
    let all = block.replace("\n# ", "\n");
    meant(&all);
    let table: toml::Table = all.parse().expect("a config");
    let of = |name: &str| match name {
        "" => table.keys().map(String::as_str).collect(),
        name => {
            let inner = table[name].as_table().expect("a table");
            inner.keys().map(String::as_str).collect::<BTreeSet<&str>>()
        }
    };
    let mut top = set(&TOP);
    top.remove("account");
    assert_eq!(of(""), top);
    assert_eq!(of("daemon"), set(&DAEMON));
    assert_eq!(of("breaker"), set(&BREAKER));
    for line in block.lines().filter(|line| line.contains(" = ")) {
        let says = line.rsplit_once("  # ").map(|(_, says)| says.trim());
        assert!(says.is_some_and(|says| !says.is_empty()), "{line}");
    }
}

/// Every variable of ours that some crate names, but for those of tests.
fn variables() -> BTreeSet<String> {
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut dirs: Vec<_> = crates.read_dir().expect("crates").flatten().collect();
    dirs.retain(|one| one.path().join("src").is_dir());
    let mut open: Vec<_> = dirs.iter().map(|one| one.path().join("src")).collect();
    let mut found = BTreeSet::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = path.read_dir().expect("a directory").flatten();
            open.extend(entries.map(|one| one.path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let named = text.split('"').skip(1).step_by(2);
        let is_name = |name: &str| {
            let rest = name.strip_prefix("INSTEP_").unwrap_or_default();
            let is_plain = |c: char| c.is_ascii_uppercase() || c == '_';
            !rest.is_empty() && rest.chars().all(is_plain) && !rest.starts_with("TEST_")
        };
        found.extend(named.filter(|name| is_name(name)).map(str::to_owned));
    }
    found
}

#[test]
fn readme_has_every_variable() {
    let readme = readme();
    let rows = readme.lines().filter(|line| line.starts_with("| `INSTEP_"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let documented = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let documented: BTreeSet<String> = documented.map(str::to_owned).collect();
    assert_eq!(documented, variables());
}
