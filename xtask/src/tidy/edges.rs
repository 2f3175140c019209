//! Which crate may depend on which, and that Cargo's own files are in order.

use toml::{Table, Value};

use super::Finding;
use super::rooms;
use super::tree::TextFile;

/// Our crates, each with those of ours that it may depend on. Nothing else may point anywhere.
const EDGES: [(&str, &[&str]); 15] = [
    (
        "instep",
        &["instep-api", "instep-app", "instep-daemon", "instep-unsafe"],
    ),
    ("instep-api", &[]),
    (
        "instep-app",
        &[
            "instep-api",
            "instep-connectors",
            "instep-contract",
            "instep-engine",
            "instep-model",
            "instep-safefile",
            "instep-store",
            "instep-sync",
        ],
    ),
    (
        "instep-connectors",
        &["instep-contract", "instep-model", "instep-safefile"],
    ),
    ("instep-contract", &["instep-model"]),
    (
        "instep-daemon",
        &["instep-api", "instep-app", "instep-unsafe"],
    ),
    ("instep-doubles", &[]),
    (
        "instep-engine",
        &["instep-contract", "instep-model", "instep-sync"],
    ),
    ("instep-model", &[]),
    ("instep-safefile", &[]),
    (
        "instep-sim",
        &[
            "instep-contract",
            "instep-engine",
            "instep-model",
            "instep-sync",
        ],
    ),
    ("instep-store", &["instep-contract", "instep-model"]),
    ("instep-sync", &["instep-model"]),
    ("instep-unsafe", &[]),
    ("xtask", &[]),
];
/// What any crate's tests may use beyond that.
const TEST_EDGES: [&str; 3] = ["instep-contract", "instep-doubles", "instep-sim"];

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !files.iter().any(|file| file.path == "Cargo.lock") {
        findings.push(Finding {
            path: "Cargo.lock".to_owned(),
            line: 0,
            message: "is missing, or ignored".to_owned(),
        });
    }
    let shared = files
        .iter()
        .find(|file| file.path == "Cargo.toml")
        .and_then(|file| file.text.parse::<Table>().ok())
        .unwrap_or_default();
    for file in files {
        if file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml")
            || file.path == "xtask/Cargo.toml"
        {
            findings.extend(check_manifest(file, &shared));
        }
    }
    findings
}

/// `workspace` is the root manifest, which may give a dependency another name.
fn check_manifest(file: &TextFile, workspace: &Table) -> Vec<Finding> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![file.finding(0, format!("is not valid TOML: {error}"))],
    };
    let mut findings = Vec::new();
    let package = manifest
        .get("package")
        .and_then(|package| package.get("name"));
    let package = package.and_then(Value::as_str).unwrap_or_default();
    if file.package() != Some(package) {
        findings.push(file.finding(
            0,
            format!("is the manifest of `{package}`, unlike its folder"),
        ));
    }
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package) else {
        findings.push(file.finding(
            0,
            format!("`{package}` is not in the list of allowed edges"),
        ));
        return findings;
    };
    let room = rooms::room(package);
    for dependency in dependencies(&manifest, workspace) {
        let name = dependency.package.as_str();
        let is_ours = EDGES.iter().any(|(ours, _)| *ours == name) || name.starts_with("instep");
        let for_tests = dependency.tests_only && TEST_EDGES.contains(&name);
        let banned = room.is_some_and(|room| room.bans(name)) && !dependency.tests_only;
        if is_ours && !allowed.contains(&name) && !for_tests {
            findings.push(file.finding(0, format!("`{package}` may not depend on `{name}`")));
        } else if banned {
            findings.push(file.finding(0, format!("`{name}` has no place in {package}")));
        }
    }
    findings
}

struct Dependency {
    package: String,
    tests_only: bool,
}

/// Every dependency of `manifest`, those for one platform too, by its real name.
fn dependencies(manifest: &Table, workspace: &Table) -> Vec<Dependency> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let sections = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    let mut found = Vec::new();
    for section in sections.chain([manifest]) {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let entries = section.get(kind).and_then(Value::as_table);
            for (key, value) in entries.into_iter().flatten() {
                let inherited = || workspace.get("workspace")?.get("dependencies")?.get(key);
                let renamed = value
                    .get("package")
                    .or_else(|| inherited()?.get("package"))
                    .and_then(Value::as_str);
                found.push(Dependency {
                    package: renamed.unwrap_or(key).to_owned(),
                    tests_only: kind == "dev-dependencies",
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::TextFile;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// The manifest of `package` in the folder of that name, with `rest` after its name.
    fn check(package: &str, rest: &str, expected: &[&str]) {
        let path = format!("crates/{package}/Cargo.toml");
        let files = [
            file("Cargo.lock", ""),
            file(
                "Cargo.toml",
                "[workspace.dependencies]\nhub = { package = \"instep-store\" }",
            ),
            file(&path, &format!("[package]\nname = \"{package}\"\n{rest}\n")),
        ];
        let found: Vec<String> = super::check(&files)
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected: Vec<String> = expected
            .iter()
            .map(|text| format!("{path}: {text}"))
            .collect();
        assert_eq!(found, expected, "{rest}");
    }

    #[test]
    fn a_crate_depends_on_what_the_list_allows() {
        check(
            "instep-sync",
            "[dependencies]\ninstep-model.workspace = true",
            &[],
        );
        let finding = "`instep-sync` may not depend on `instep-store`";
        check(
            "instep-sync",
            "[dependencies]\ninstep-store.workspace = true",
            &[finding],
        );
        check(
            "instep-sync",
            "[dependencies]\nhub.workspace = true",
            &[finding],
        );
        check(
            "instep-sync",
            "[dependencies]\nx = { package = \"instep-store\" }",
            &[finding],
        );
        check(
            "instep-sync",
            "[build-dependencies]\ninstep-store.workspace = true",
            &[finding],
        );
        check(
            "instep-sync",
            "[target.x.dependencies]\ninstep-store.workspace = true",
            &[finding],
        );
        let unknown = "`instep-sync` may not depend on `instep-new`";
        check(
            "instep-sync",
            "[dependencies]\ninstep-new.workspace = true",
            &[unknown],
        );
        let program = "`instep` may not depend on `instep-model`";
        check(
            "instep",
            "[dependencies]\ninstep-model.workspace = true",
            &[program],
        );
    }

    #[test]
    fn tests_may_depend_on_what_stands_in_for_the_world() {
        check(
            "instep-connectors",
            "[dev-dependencies]\ninstep-doubles.workspace = true",
            &[],
        );
        check(
            "instep-sync",
            "[dev-dependencies]\ninstep-sim.workspace = true",
            &[],
        );
        let finding = "`instep-sync` may not depend on `instep-store`";
        check(
            "instep-sync",
            "[dev-dependencies]\ninstep-store.workspace = true",
            &[finding],
        );
        let shipped = "`instep-connectors` may not depend on `instep-doubles`";
        check(
            "instep-connectors",
            "[dependencies]\ninstep-doubles.workspace = true",
            &[shipped],
        );
    }

    #[test]
    fn a_crate_does_without_what_its_room_bans() {
        let finding = "`serde_json` has no place in instep-model";
        check(
            "instep-model",
            "[dependencies]\nserde_json.workspace = true",
            &[finding],
        );
        check(
            "instep-model",
            "[dev-dependencies]\nserde_json.workspace = true",
            &[],
        );
        check(
            "instep-engine",
            "[dependencies]\ntokio = \"1\"",
            &["`tokio` has no place in instep-engine"],
        );
    }

    #[test]
    fn a_crate_is_listed_and_its_folder_bears_its_name() {
        check(
            "instep-new",
            "",
            &["`instep-new` is not in the list of allowed edges"],
        );
        let files = [
            file("Cargo.lock", ""),
            file(
                "crates/model/Cargo.toml",
                "[package]\nname = \"instep-model\"",
            ),
        ];
        let found = super::check(&files);
        assert_eq!(
            found[0].to_string(),
            "crates/model/Cargo.toml: is the manifest of `instep-model`, unlike its folder"
        );
        let broken = super::check(&[file("Cargo.lock", ""), file("xtask/Cargo.toml", "[")]);
        assert!(
            broken[0].message.starts_with("is not valid TOML"),
            "{broken:?}"
        );
    }

    #[test]
    fn the_lock_file_is_there() {
        assert_eq!(
            super::check(&[])[0].to_string(),
            "Cargo.lock: is missing, or ignored"
        );
    }
}
