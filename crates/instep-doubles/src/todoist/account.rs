//! The user and what the plan allows. Changes nothing.

use serde_json::{Value, json};

use super::Plan;
use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::state::Store;
use super::wire;

/// The user's name.
pub(crate) const FULL_NAME: &str = "Ann Example";
/// The user's address.
pub(crate) const EMAIL: &str = "ann@example.com";
/// Active tasks in a project.
pub(crate) const MOST_TASKS: usize = 300;
/// Sections in a project.
pub(crate) const MOST_SECTIONS: usize = 20;
/// Personal labels.
pub(crate) const MOST_LABELS: usize = 500;

pub(crate) fn is_premium(store: &Store) -> bool {
    store.plan == Plan::Pro
}

/// Projects beside the inbox.
pub(crate) fn most_projects(store: &Store) -> usize {
    match store.plan {
        Plan::Free => 5,
        Plan::Pro => 300,
    }
}

/// `GET /user`
pub(crate) fn me(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::Ok(user(&call.state.store)))
}

/// The user, as REST and `/sync` show it.
pub(crate) fn user(store: &Store) -> Value {
    let premium = is_premium(store);
    let status = if premium {
        "current_personal_plan"
    } else {
        "not_premium"
    };
    let completed = store.tasks.values();
    let completed: i64 = completed.map(|task| task.completed_count).sum();
    let mut user = json!({
        "id": store.user, "email": EMAIL, "full_name": FULL_NAME, "business_account_id": null,
        "is_premium": premium, "premium_status": status, "premium_until": null,
        "date_format": 0, "time_format": 0, "weekly_goal": 25, "daily_goal": 5,
        "completed_count": completed, "completed_today": 0, "karma": 0.0, "karma_trend": "up",
        "lang": "en", "next_week": 1, "start_day": 1, "start_page": "today",
        "inbox_project_id": store.inbox, "days_off": [6, 7], "weekend_start_day": 6,
        "tz_info": zone(store), "token": "not-a-token", "image_id": null,
    });
    let rest = json!({
        "activated_user": true, "auto_reminder": 0, "feature_identifier": "double",
        "features": {"karma_disabled": false, "restriction": 3, "karma_vacation": false,
                     "dateist_lang": null, "beta": 0, "has_push_reminders": true,
                     "dateist_inline_disabled": false},
        "has_magic_number": false, "has_password": true, "is_celebrations_enabled": true,
        "joinable_workspace": null, "joined_at": wire::stamp(store.joined_at),
        "getting_started_guide_projects": null, "share_limit": 5, "sort_order": 0,
        "theme_id": "11", "unique_prefix": 1, "verification_status": "verified",
        "websocket_url": "wss://localhost/", "is_deleted": false,
    });
    if let (Value::Object(user), Value::Object(rest)) = (&mut user, rest) {
        user.extend(rest);
    }
    user
}

fn zone(store: &Store) -> Value {
    let zoned = store.now().to_zoned(store.moment.zone.clone());
    let minutes = i64::from(zoned.offset().seconds() / 60);
    let sign = if minutes < 0 { '-' } else { '+' };
    let gmt = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
    let info = store.moment.zone.to_offset_info(store.now());
    json!({"gmt_string": gmt, "hours": minutes / 60, "minutes": minutes % 60,
           "is_dst": i64::from(info.dst().is_dst()), "timezone": store.moment.zone_name})
}

/// `user_plan_limits` of `/sync`.
pub(crate) fn plan_limits(store: &Store) -> Value {
    let premium = is_premium(store);
    let (name, reminders) = if premium { ("pro", 700) } else { ("free", 0) };
    let current = json!({
        "plan_name": name, "max_tasks": MOST_TASKS, "max_sections": MOST_SECTIONS,
        "max_projects": most_projects(store), "max_labels": MOST_LABELS, "deadlines": premium,
        "durations": premium, "reminders": premium, "max_reminders_time": reminders,
        "comments": true, "labels": true, "completed_tasks": true, "uploads": true,
        "activity_log": true, "activity_log_limit": if premium { -1 } else { 7 },
    });
    json!({"current": current, "next": null})
}
