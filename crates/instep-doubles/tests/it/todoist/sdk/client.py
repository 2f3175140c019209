"""Drives the double through the official Python SDK: client.py URL TOKEN [CODE]."""

import sys
from datetime import date, datetime, timedelta, timezone

import httpx
import todoist_api_python._core.endpoints as endpoints
from todoist_api_python.api import TodoistAPI
from todoist_api_python.authentication import revoke_auth_token

url, token, *code = sys.argv[1:]
# The SDK has no argument for its address; these names are read at every call.
endpoints.API_URL = f"{url}/api/v1"
endpoints.OAUTH_URL = f"{url}/oauth"
api = TodoistAPI(token)


def every(pages):
    return [row for page in pages for row in page]


def tasks():
    project = api.add_project("Python")
    other = api.add_project("Other", color="berry_red")
    section = api.add_section("Section", other.id)
    task = api.add_task(
        "Write",
        description="at length",
        project_id=project.id,
        labels=["errand"],
        priority=4,
        due_date=date(2026, 12, 1),
        deadline_date=date(2026, 12, 24),
        duration=30,
        duration_unit="minute",
        order=7,
    )
    assert (task.content, task.description, task.order) == ("Write", "at length", 7)
    assert (task.project_id, task.labels, task.priority) == (project.id, ["errand"], 4)
    assert task.due.date == date(2026, 12, 1) and not task.due.is_recurring
    assert task.deadline.date == date(2026, 12, 24)
    assert (task.duration.amount, task.duration.unit) == (30, "minute")
    assert api.get_task(task.id) == task

    floating = api.add_task("Floats", due_datetime=datetime(2026, 12, 1, 9))
    assert floating.due.date == datetime(2026, 12, 1, 9) and floating.due.timezone is None
    zone = timezone(timedelta(hours=2))
    fixed = api.add_task("Fixed", due_datetime=datetime(2026, 12, 1, 9, tzinfo=zone))
    assert fixed.due.timezone == "UTC"
    assert fixed.due.date == datetime(2026, 12, 1, 7, tzinfo=timezone.utc)

    changed = api.update_task(
        task.id, content="Rewrite", due_string="no date", order=3, collapsed=True
    )
    assert (changed.content, changed.due, changed.order) == ("Rewrite", None, 3)
    assert changed.is_collapsed and changed.description == "at length"

    assert api.move_task(task.id, section_id=section.id)
    moved = api.get_task(task.id)
    assert (moved.project_id, moved.section_id) == (other.id, section.id)
    assert [it.id for it in every(api.get_tasks(project_id=other.id))] == [task.id]
    assert every(api.get_tasks(label="errand")) == [moved]
    assert [it.id for it in every(api.filter_tasks(query="@errand & p1"))] == [task.id]

    begun = datetime.now(timezone.utc) - timedelta(hours=1)
    assert api.complete_task(task.id)
    assert api.get_task(task.id).is_completed
    assert every(api.get_tasks(project_id=other.id)) == []
    done = api.get_completed_tasks_by_completion_date(
        since=begun, until=begun + timedelta(hours=2)
    )
    assert [it.id for it in every(done)] == [task.id]
    assert api.uncomplete_task(task.id)
    assert not api.get_task(task.id).is_completed

    daily = api.add_task("Daily", due_string="every day")
    assert daily.due.is_recurring
    assert api.complete_task(daily.id)
    assert api.get_task(daily.id).due.date > daily.due.date
    quick = api.add_task_quick("Call back tomorrow p2 @phone")
    assert (quick.content, quick.priority, quick.labels) == ("Call back", 3, ["phone"])

    for gone in (task, floating, fixed, daily, quick):
        assert api.delete_task(gone.id)
    try:
        api.get_task(task.id)
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 404
    else:
        raise AssertionError("a deleted task was found")


def places():
    project = api.add_project("Places", description="all")
    renamed = api.update_project(project.id, name="Renamed", is_favorite=True)
    assert (renamed.name, renamed.is_favorite, renamed.description) == ("Renamed", True, "all")
    assert project.id in [it.id for it in every(api.get_projects())]
    assert [it.id for it in every(api.search_projects("renam"))] == [project.id]
    assert every(api.get_collaborators(project.id)) == []
    section = api.add_section("One", project.id, order=2)
    assert (section.project_id, section.order) == (project.id, 2)
    assert api.update_section(section.id, name="Two").name == "Two"
    assert [it.name for it in every(api.get_sections(project_id=project.id))] == ["Two"]
    assert api.get_section(section.id).name == "Two"
    assert api.delete_section(section.id)
    assert api.archive_project(project.id).is_archived
    assert project.id not in [it.id for it in every(api.get_projects())]
    assert not api.unarchive_project(project.id).is_archived
    assert api.delete_project(project.id)


def words():
    label = api.add_label("errand", color="blue", item_order=5, is_favorite=True)
    assert (label.name, label.order, label.is_favorite) == ("errand", 5, True)
    assert api.update_label(label.id, name="chore").name == "chore"
    assert api.get_label(label.id) in every(api.get_labels())
    assert [it.id for it in every(api.search_labels("cho"))] == [label.id]
    task = api.add_task("Labelled", labels=["shared"])
    assert every(api.get_shared_labels(omit_personal=True)) == ["shared"]
    assert every(api.get_shared_labels()) == ["chore", "shared"]
    assert api.rename_shared_label("shared", "common")
    assert api.get_task(task.id).labels == ["common"]
    assert api.remove_shared_label("common")
    assert api.get_task(task.id).labels == []
    assert api.delete_label(label.id)

    comment = api.add_comment("First", task_id=task.id)
    assert (comment.task_id, comment.project_id) == (task.id, None)
    assert api.update_comment(comment.id, "Second").content == "Second"
    assert [it.content for it in every(api.get_comments(task_id=task.id))] == ["Second"]
    assert api.get_comment(comment.id).content == "Second"
    assert api.delete_comment(comment.id)
    on_project = api.add_comment("Here", project_id=task.project_id)
    assert (on_project.task_id, on_project.project_id) == (None, task.project_id)
    assert api.delete_task(task.id)


def pages():
    project = api.add_project("Pages")
    made = {api.add_task(f"Task {at}", project_id=project.id).id for at in range(120)}
    got = list(api.get_tasks(project_id=project.id))
    assert [len(page) for page in got] == [50, 50, 20]
    assert {task.id for page in got for task in page} == made
    got = list(api.get_tasks(project_id=project.id, limit=200))
    assert [len(page) for page in got] == [120]
    assert api.delete_project(project.id)


def oauth():
    # The SDK's own call wants a `state` in the answer, which no documentation promises.
    app = {"client_id": "app", "client_secret": "app-secret", "code": code[0]}
    access = httpx.post(f"{url}/oauth/access_token", json=app).json()["access_token"]
    own = TodoistAPI(access)
    assert own.add_task("By an app").content == "By an app"
    assert revoke_auth_token("app", "app-secret", access)
    try:
        list(own.get_tasks())
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 401
    else:
        raise AssertionError("a revoked token worked")


for part in (oauth,) if code else (tasks, places, words, pages):
    part()
print("ok")
