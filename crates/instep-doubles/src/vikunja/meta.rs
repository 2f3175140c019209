//! What the server says about itself: `/info`, `/routes`, `/token/test`. Changes nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::call::{Api, Call, Reply};
use super::refusal::Refusal;
use super::{fetch, route};

/// The version the double claims to be.
pub(crate) const VERSION: &str = "v2.5.0";

/// `GET /info`
pub(crate) fn info(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let shown = json!({
        "version": VERSION, "frontend_url": format!("{}/", call.state.base_url), "motd": "",
        "link_sharing_enabled": true, "max_file_size": "20MB", "max_items_per_page": 50,
        "available_migrators": ["vikunja-file", "ticktick", "wekan", "csv"],
        "task_attachments_enabled": true, "enabled_background_providers": ["upload"],
        "totp_enabled": true, "legal": {"imprint_url": "", "privacy_policy_url": ""},
        "caldav_enabled": false,
        "auth": {"local": {"enabled": true, "registration_enabled": true},
                 "ldap": {"enabled": false},
                 "openid_connect": {"enabled": false, "providers": null}},
        "email_reminders_enabled": true, "user_deletion_enabled": true,
        "task_comments_enabled": true, "demo_mode_enabled": false, "webhooks_enabled": true,
        "public_teams_enabled": false, "allow_icon_changes": false, "enabled_pro_features": [],
        "concurrent_writes": call.state.concurrent_writes,
    });
    Ok(Reply::Ok(if call.is_v2() {
        fetch::with_schema(call, "VikunjaInfos", shown)
    } else {
        shown
    }))
}

/// `GET /token/test`
pub(crate) fn token_test(_: &mut Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::Ok(json!({"message": "ok"})))
}

/// `POST /token/test`, which answers with a joke.
pub(crate) fn token_teapot(_: &mut Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::Status(418, json!({"message": "🍵"})))
}

/// `GET /routes`: the scopes that exist.
pub(crate) fn routes(_: &mut Call<'_>) -> Result<Reply, Refusal> {
    let mut groups: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (group, permission, route) in route::scopes() {
        let version = if route.api == Api::V1 { "v1" } else { "v2" };
        let known = groups.entry(group).or_default();
        if !known.contains_key(permission) {
            let path = format!("/api/{version}{}", route.path);
            known.insert(
                permission.to_owned(),
                json!({"path": path, "method": route.method}),
            );
        }
    }
    let all: Map<String, Value> = groups
        .into_iter()
        .map(|(group, known)| (group.to_owned(), Value::Object(known)))
        .collect();
    Ok(Reply::Ok(Value::Object(all)))
}
