// Drives the double through the official TypeScript SDK: client.mjs FOLDER URL TOKEN PART [CODE].

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [folder, url, token, part, code] = process.argv.slice(2)
const resolve = createRequire(`${folder}/package.json`).resolve
const sdk = await import(pathToFileURL(resolve('@doist/todoist-sdk')).href)
const api = new sdk.TodoistApi(token, { baseUrl: url })

async function every(list, args, key = 'results') {
    const rows = []
    let cursor = null
    do {
        const page = await list.call(api, { ...args, cursor })
        rows.push(...page[key])
        cursor = page.nextCursor ?? null
    } while (cursor)
    return rows
}

async function tasks() {
    const user = await api.getUser()
    const project = await api.addProject({ name: 'TypeScript' })
    const other = await api.addProject({ name: 'Other', color: 'berry_red' })
    const section = await api.addSection({ name: 'Section', projectId: other.id })
    const plain = await api.addTask({ content: 'Plain' })
    assert.equal(plain.projectId, user.inboxProjectId)
    const task = await api.addTask({
        content: 'Write',
        description: 'at length',
        projectId: project.id,
        labels: ['errand'],
        priority: 4,
        dueDate: '2026-12-01',
        deadlineDate: '2026-12-24',
        duration: 30,
        durationUnit: 'minute',
        order: 7,
    })
    assert.equal(task.due.date, '2026-12-01')
    assert.equal(task.deadline.date, '2026-12-24')
    assert.deepEqual(task.duration, { amount: 30, unit: 'minute' })
    assert.deepEqual([task.childOrder, task.priority, task.labels], [7, 4, ['errand']])
    assert.deepEqual(await api.getTask(task.id), task)

    const changed = await api.updateTask(task.id, {
        content: 'Rewrite',
        dueString: null,
        deadlineDate: null,
        order: 3,
    })
    assert.deepEqual([changed.content, changed.due, changed.deadline], ['Rewrite', null, null])
    assert.equal(changed.childOrder, 3)
    const bare = await api.updateTask(task.id, { duration: null, durationUnit: null })
    assert.equal(bare.duration, null)

    const moved = await api.moveTask(task.id, { sectionId: section.id })
    assert.deepEqual([moved.projectId, moved.sectionId], [other.id, section.id])
    const [back] = await api.moveTasks([task.id], { projectId: project.id })
    assert.deepEqual([back.id, back.projectId, back.sectionId], [task.id, project.id, null])
    assert.equal((await every(api.getTasks, { projectId: project.id })).length, 1)
    assert.equal((await every(api.getTasks, { ids: [task.id] }))[0].id, task.id)
    assert.equal((await every(api.getTasksByFilter, { query: '@errand & p1' }))[0].id, task.id)

    const hour = 3600 * 1000
    const since = new Date(Date.now() - hour).toISOString()
    const until = new Date(Date.now() + hour).toISOString()
    assert.equal(await api.closeTask(task.id), true)
    assert.equal((await api.getTask(task.id)).checked, true)
    const done = await every(api.getCompletedTasksByCompletionDate, { since, until }, 'items')
    assert.deepEqual(
        done.map((it) => it.id),
        [task.id],
    )
    const found = await every(api.searchCompletedTasks, { query: 'REWRITE' }, 'items')
    assert.equal(found[0].id, task.id)
    assert.equal(await api.reopenTask(task.id), true)
    assert.equal((await api.getTask(task.id)).checked, false)

    const daily = await api.addTask({ content: 'Daily', dueString: 'every day' })
    assert.equal(await api.closeTask(daily.id), true)
    assert.ok((await api.getTask(daily.id)).due.date > daily.due.date)
    const log = await every(api.getActivityLogs, { objectEventTypes: ['task:completed'] })
    assert.deepEqual(
        log.map((it) => it.objectId),
        [daily.id, task.id],
    )
    const quick = await api.quickAddTask({ text: 'Call back tomorrow p2 @phone' })
    assert.deepEqual([quick.content, quick.priority, quick.labels], ['Call back', 3, ['phone']])
    for (const gone of [plain, task, daily, quick]) {
        assert.equal(await api.deleteTask(gone.id), true)
    }
    await assert.rejects(api.getTask(task.id), (error) => error.httpStatusCode === 404)
}

async function places() {
    const project = await api.addProject({ name: 'Places', description: 'all' })
    const renamed = await api.updateProject(project.id, { name: 'Renamed' })
    assert.deepEqual([renamed.name, renamed.description], ['Renamed', 'all'])
    assert.equal((await api.getProject(project.id)).name, 'Renamed')
    assert.equal((await every(api.searchProjects, { query: 'renam' })).length, 1)
    const section = await api.addSection({ name: 'One', projectId: project.id })
    assert.equal((await api.updateSection(section.id, { name: 'Two' })).name, 'Two')
    assert.equal((await every(api.getSections, { projectId: project.id }))[0].name, 'Two')
    await api.addTask({ content: 'Inside', sectionId: section.id })
    await api.addComment({ content: 'On all', projectId: project.id })
    const whole = await api.getFullProject(project.id)
    assert.deepEqual(
        [whole.project.id, whole.commentsCount, whole.notes[0].content],
        [project.id, 1, 'On all'],
    )
    assert.deepEqual([whole.tasks[0].content, whole.sections[0].name], ['Inside', 'Two'])
    assert.equal((await api.archiveSection(section.id)).isArchived, true)
    assert.equal((await api.unarchiveSection(section.id)).isArchived, false)
    assert.equal(await api.deleteSection(section.id), true)
    assert.equal((await api.archiveProject(project.id)).isArchived, true)
    assert.equal((await every(api.getArchivedProjects, {})).length, 1)
    assert.equal((await api.unarchiveProject(project.id)).isArchived, false)
    assert.equal(await api.deleteProject(project.id), true)
}

async function words() {
    const label = await api.addLabel({ name: 'errand', color: 'blue' })
    assert.equal((await api.updateLabel(label.id, { name: 'chore' })).name, 'chore')
    assert.equal((await every(api.getLabels, {}))[0].name, 'chore')
    const task = await api.addTask({ content: 'Labelled', labels: ['shared'] })
    assert.deepEqual(await every(api.getSharedLabels, { omitPersonal: true }), ['shared'])
    assert.equal(await api.renameSharedLabel({ name: 'shared', newName: 'common' }), true)
    assert.deepEqual((await api.getTask(task.id)).labels, ['common'])
    assert.equal(await api.removeSharedLabel({ name: 'common' }), true)
    assert.equal(await api.deleteLabel(label.id), true)

    const comment = await api.addComment({ content: 'First', taskId: task.id })
    assert.equal(comment.taskId, task.id)
    assert.equal((await api.updateComment(comment.id, { content: 'Second' })).content, 'Second')
    assert.equal((await every(api.getComments, { taskId: task.id }))[0].content, 'Second')
    const here = await api.addComment({ content: 'Here', projectId: task.projectId })
    assert.equal(here.projectId, task.projectId)
    for (const gone of [comment, here]) {
        assert.equal(await api.deleteComment(gone.id), true)
    }
    await api.updateTask(task.id, { dueDatetime: '2026-12-01T09:00:00' })
    const reminder = await api.addReminder({
        reminderType: 'relative',
        taskId: task.id,
        minuteOffset: 30,
    })
    assert.equal(reminder.itemId, task.id)
    assert.equal(await api.deleteReminder(reminder.id), true)
    assert.equal(await api.deleteTask(task.id), true)
}

async function pages() {
    const project = await api.addProject({ name: 'Pages' })
    const made = new Set()
    for (let at = 0; at < 120; at += 1) {
        const task = await api.addTask({ content: `Task ${at}`, projectId: project.id })
        made.add(task.id)
    }
    const got = await every(api.getTasks, { projectId: project.id })
    assert.deepEqual(new Set(got.map((it) => it.id)), made)
    assert.equal(await api.deleteProject(project.id), true)
}

function command(type, args, tempId) {
    return { type, uuid: randomUUID(), args, ...(tempId && { tempId }) }
}

async function sync() {
    const task = await api.addTask({ content: 'Before', labels: ['shared'] })
    const comment = await api.addComment({ content: 'On it', taskId: task.id })
    const beside = await api.addComment({ content: 'Beside', projectId: task.projectId })
    const label = await api.addLabel({ name: 'personal' })
    const section = await api.addSection({ name: 'Section', projectId: task.projectId })
    const reminder = command('reminder_add', {
        itemId: task.id,
        type: 'relative',
        minuteOffset: 30,
    })
    await api.sync({ commands: [reminder] })
    const full = await api.sync({ syncToken: '*', resourceTypes: ['all'] })
    assert.equal(full.fullSync, true)
    assert.equal(full.items.length, 1)
    assert.equal(full.user.inboxProjectId, task.projectId)
    assert.deepEqual(
        [
            full.projects,
            full.sections,
            full.labels,
            full.notes,
            full.projectNotes,
            full.reminders,
        ].map((rows) => rows.length),
        [1, 1, 1, 1, 1, 1],
    )
    const types = ['items', 'projects', 'sections', 'labels', 'notes', 'project_notes']
    const [projectId, itemId] = [randomUUID(), randomUUID()]
    const both = [
        command('project_add', { name: 'Synced' }, projectId),
        command('item_add', { content: 'Synced', projectId }, itemId),
    ]
    const made = await api.sync({ commands: both })
    assert.deepEqual(Object.values(made.syncStatus), ['ok', 'ok'])
    const again = await api.sync({ commands: both })
    assert.deepEqual(again.tempIdMapping, made.tempIdMapping)
    const gone = await api.addProject({ name: 'Gone' })
    await api.deleteProject(gone.id)
    await api.deleteSection(section.id)
    await api.deleteLabel(label.id)
    await api.deleteComment(comment.id)
    await api.deleteComment(beside.id)
    await api.deleteTask(task.id)
    const delta = await api.sync({ syncToken: full.syncToken, resourceTypes: types })
    assert.equal(delta.fullSync, false)
    for (const [rows, deleted] of [
        [delta.projects, gone],
        [delta.sections, section],
        [delta.labels, label],
        [delta.notes, comment],
        [delta.projectNotes, beside],
    ]) {
        const row = rows.find((it) => it.id === deleted.id)
        assert.equal(row.isDeleted, true)
    }
    assert.equal(delta.items.find((it) => it.id === task.id).isDeleted, true)
    const added = delta.items.find((it) => it.id === made.tempIdMapping[itemId])
    assert.equal(added.projectId, made.tempIdMapping[projectId])
    const bad = command('item_update', { id: task.id, content: 'After' })
    const good = command('item_update', { id: added.id, content: 'After' })
    await assert.rejects(api.sync({ commands: [bad, good] }))
    assert.equal((await api.getTask(added.id)).content, 'After')
}

async function oauth() {
    const app = { clientId: 'app', clientSecret: 'app-secret' }
    const at = { baseUrl: url }
    const first = await sdk.getAuthToken({ ...app, code }, at)
    assert.equal(first.expiresIn, 3600)
    const { refreshToken } = first
    const second = await sdk.refreshAuthToken({ ...app, refreshToken }, at)
    assert.notEqual(second.refreshToken, refreshToken)
    const own = new sdk.TodoistApi(second.accessToken, at)
    assert.equal((await own.addTask({ content: 'By an app' })).content, 'By an app')
    const again = await sdk.refreshAuthToken({ ...app, refreshToken }, at)
    assert.deepEqual([again.accessToken, again.refreshToken], [second.accessToken, undefined])
    assert.equal(await sdk.revokeToken({ ...app, token: second.accessToken }, at), true)
    await assert.rejects(own.getTasks(), (error) => error.httpStatusCode === 401)
}

// The SDK sends a POST again when its connection ends.
async function retry() {
    await api.addTask({ content: 'Hazard' })
}

const parts = { tasks, places, words, pages, sync, oauth, retry }
await parts[part]()
console.log('ok')
