//! Looking: what changed since the last time, in as few calls as can tell (S9). Nothing here writes
//! to the server; why a look is enough is told in `cursor.rs`.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{ConnectorError, Cursor, Look, Observation};
use instep_model::{Collection, Evidence, Gone, RemoteTask, Timestamp};

use super::VikunjaConnector;
use super::age;
use super::api::{Listed, Place};
use super::convert::{remote_id, remote_task};
use super::cursor::{Ids, MAX_RECENT, Mark, OVERLAP_SECS, Owner, PAGE, SETTLE_SECS, Seen, updated};
use super::moves::{Moves, carried_over, compare, known};
use super::wire;

/// What a look has found so far, and what the next one will start from.
struct Findings {
    next: Mark,
    tasks: BTreeMap<i64, wire::Task>,
    gone: Vec<Gone>,
    /// The server's time of the first answer about tasks.
    date: Option<i64>,
}

impl VikunjaConnector {
    pub(super) async fn look(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        let mark = since.map(Mark::decode).transpose()?;
        match (mark, look) {
            (Some(mark), Look::Changes) => self.look_for_changes(mark).await,
            (mark, _) => self.look_at_everything(mark).await,
        }
    }

    async fn look_for_changes(&mut self, mut mark: Mark) -> Result<Observation, ConnectorError> {
        // After our own writes the newest tasks are certain to differ.
        let mut foreign = self.written > 0;
        if let Some(from) = mark.unsettled.filter(|_| !foreign) {
            match self.glance(&mark, from).await? {
                None => foreign = true,
                Some(date) if date - mark.looked_at >= SETTLE_SECS => {
                    mark.unsettled = None;
                    return self.nothing_new(mark);
                }
                Some(_) => {}
            }
        }
        let listed = self.api.projects().await?;
        if !self.is_same_owner(&mark, &listed.rows).await? {
            return self.look_at_everything(Some(mark)).await;
        }
        let moves = compare(&mark, &listed.rows);
        if moves.is_empty() && !foreign {
            if mark.unsettled.is_none() {
                mark.rest(listed.date);
            }
            return self.nothing_new(mark);
        }
        if self.went_back(&mark, &listed).await? {
            // Only a look at everything shows what became of it.
            let seen = self.nothing_new(mark)?;
            return Ok(Observation {
                went_back: true,
                ..seen
            });
        }
        self.follow(mark, listed, moves, foreign).await
    }

    /// Looks at the newest tasks alone. Answers the server's time when they are, in number and
    /// content, those that are known.
    async fn glance(&mut self, mark: &Mark, from: i64) -> Result<Option<i64>, ConnectorError> {
        let mut expected = mark.recent_since(from);
        if expected.len() > MAX_RECENT && mark.visible() > PAGE as u64 {
            // One page does not show that nothing else changed in that time.
            return Ok(None);
        }
        let listed = self
            .api
            .newest(Place::Everywhere, from, expected.len())
            .await?;
        for task in listed.rows.iter().filter(|task| updated(task) >= from) {
            if expected.remove(&task.id) != Some(Seen::of(task)) {
                return Ok(None);
            }
        }
        let same = expected.is_empty() && listed.total == mark.visible();
        Ok(same.then_some(listed.date))
    }

    fn nothing_new(&mut self, mark: Mark) -> Result<Observation, ConnectorError> {
        self.projects = Some(mark.tree());
        self.remember(&mark);
        Ok(Observation {
            identity: mark.owner.identity(),
            tasks: Vec::new(),
            gone: Vec::new(),
            collections: None,
            complete: false,
            known_as: None,
            went_back: false,
            cursor: mark.encode()?,
        })
    }

    /// Where the known inbox is listed as the known user's, nothing more is asked: nobody else
    /// would see it. Otherwise the server is asked who looks, and what the inbox is now.
    async fn is_same_owner(
        &mut self,
        mark: &Mark,
        projects: &[wire::Project],
    ) -> Result<bool, ConnectorError> {
        let inbox = projects.iter().find(|project| project.id == mark.inbox);
        let owner = inbox.and_then(|project| project.owner.as_ref());
        if owner.is_some_and(|owner| self.owner(owner) == mark.owner) {
            return Ok(true);
        }
        let user = self.api.user().await?;
        Ok(self.owner(&user) == mark.owner && user.inbox() == mark.inbox)
    }

    pub(super) fn owner(&self, user: &wire::User) -> Owner {
        Owner {
            base: self.api.client.base().to_string(),
            user: user.id,
            created: user.created.map_or(0, Timestamp::as_second),
        }
    }

    /// Reads what changed in the projects that moved.
    async fn follow(
        &mut self,
        mark: Mark,
        listed: Listed<wire::Project>,
        moves: Moves,
        foreign: bool,
    ) -> Result<Observation, ConnectorError> {
        let floor = mark.floor;
        let mut found = Findings {
            next: carried_over(&mark, &listed.rows),
            tasks: BTreeMap::new(),
            gone: Vec::new(),
            date: None,
        };
        self.read_archived(&mut found, &moves.archived, floor)
            .await?;
        for (_, listed) in self.list(moves.unknown.iter().copied()).await? {
            found.take(listed);
        }
        let structural = !moves.vanished.is_empty() || moves.tree;
        if foreign || structural || !moves.open.is_empty() {
            self.read_open(&mut found, &mark, &moves, floor).await?;
        }
        for id in &moves.vanished {
            self.explain_vanished(&mut found, &mark, *id).await?;
        }
        self.read_far_ends(&mut found).await?;
        found.drop_seen();
        if moves.tree {
            self.read_repathed(&mut found, &mark).await?;
        }
        let date = found.date.unwrap_or(listed.date);
        found.next.finish(listed.date, date);
        self.report(found, moves.tree, false)
    }

    /// The newest tasks of all open projects, and where their number does not fit, the ids.
    async fn read_open(
        &mut self,
        found: &mut Findings,
        mark: &Mark,
        moves: &Moves,
        floor: i64,
    ) -> Result<(), ConnectorError> {
        let expected = found.next.recent_since(floor).len() + self.written;
        let newest = self.api.newest(Place::Everywhere, floor, expected).await?;
        let total = newest.total;
        found.take_since(newest, floor);
        if found.next.visible() == total {
            return Ok(());
        }
        let unsettled = mark.unsettled.unwrap_or(i64::MAX);
        let suspects: Vec<i64> = found
            .next
            .projects
            .iter()
            .filter(|(id, known)| {
                !known.archived && (moves.open.contains(id) || known.updated >= unsettled)
            })
            .map(|(id, _)| *id)
            .collect();
        let pages = |id: &i64| {
            let known = found.next.projects.get(id);
            known.map_or(1, |known| known.tasks.0.len() / PAGE + 1)
        };
        let all = usize::try_from(total).unwrap_or(usize::MAX) / PAGE + 1;
        if suspects.iter().map(pages).sum::<usize>() <= all {
            for (id, listed) in self.list(suspects).await? {
                found.hold_against(&BTreeSet::from([id]), listed);
            }
        }
        if found.next.visible() != total {
            let open = found
                .next
                .projects
                .iter()
                .filter(|(_, known)| !known.archived);
            let open = open.map(|(id, _)| *id).collect();
            let listed = self.api.tasks(Place::Everywhere, None).await?;
            found.hold_against(&open, listed);
        }
        Ok(())
    }

    /// Tasks whose project stands somewhere else now: nothing moved in them, and yet their path did.
    async fn read_repathed(
        &mut self,
        found: &mut Findings,
        mark: &Mark,
    ) -> Result<(), ConnectorError> {
        let (before, after) = (mark.tree(), found.next.tree());
        let repathed: Vec<i64> = found
            .next
            .projects
            .iter()
            .filter(|(id, known)| {
                mark.projects.contains_key(id)
                    && !known.tasks.0.is_empty()
                    && before.path(**id) != after.path(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        for (_, listed) in self.list(repathed).await? {
            found
                .tasks
                .extend(listed.rows.into_iter().map(|task| (task.id, task)));
        }
        Ok(())
    }

    /// All tasks of these projects, read side by side.
    async fn list(
        &self,
        projects: impl IntoIterator<Item = i64>,
    ) -> Result<Vec<(i64, Listed<wire::Task>)>, ConnectorError> {
        let projects: Vec<i64> = projects.into_iter().collect();
        let read = |id: &i64| self.api.tasks(Place::Project(*id), None);
        let listed = self.api.side_by_side(projects.iter().collect(), read);
        let listed = listed.await?;
        Ok(projects.into_iter().zip(listed).collect())
    }

    async fn read_archived(
        &mut self,
        found: &mut Findings,
        archived: &BTreeSet<i64>,
        floor: i64,
    ) -> Result<(), ConnectorError> {
        let newest = |id: &i64| self.api.newest(Place::Project(*id), floor, 0);
        let newest = self.api.side_by_side(archived.iter().collect(), newest);
        let mut differ = Vec::new();
        for (id, newest) in archived.iter().zip(newest.await?) {
            let total = newest.total;
            found.take_since(newest, floor);
            let known = found.next.projects.get(id);
            if known.is_some_and(|known| known.tasks.0.len() as u64 != total) {
                differ.push(*id);
            }
        }
        for (id, listed) in self.list(differ).await? {
            found.hold_against(&BTreeSet::from([id]), listed);
        }
        Ok(())
    }

    /// A project that is no longer listed was deleted with all its tasks, or taken from us.
    async fn explain_vanished(
        &mut self,
        found: &mut Findings,
        mark: &Mark,
        id: i64,
    ) -> Result<(), ConnectorError> {
        let Some(known) = mark.projects.get(&id) else {
            return Ok(());
        };
        let left: Vec<i64> = known
            .tasks
            .0
            .iter()
            .copied()
            .filter(|task| !found.next.knows(*task))
            .collect();
        match self.api.project_exists(id).await {
            Ok(false) => {}
            Ok(true) => {
                return Err(ConnectorError::Malformed {
                    what: "the list of projects leaves out one that exists".into(),
                });
            }
            Err(failure) if failure.has_status(403) => {
                // Out of sight is not deleted: nothing is said about its tasks.
                tracing::warn!(
                    project.id = id,
                    "a Vikunja project is no longer shared with us"
                );
                for task in left {
                    found.next.forget(task);
                }
                return Ok(());
            }
            Err(failure) => return Err(failure.into()),
        }
        for task in left {
            found.lose(task, Evidence::NotFound);
        }
        Ok(())
    }

    /// Tasks whose relations changed from the other end.
    async fn read_far_ends(&mut self, found: &mut Findings) -> Result<(), ConnectorError> {
        let mut far = BTreeSet::new();
        for task in found.tasks.values() {
            far.extend(found.next.links.take(task));
        }
        far.retain(|id| !found.tasks.contains_key(id) && found.next.knows(*id));
        for (place, ids) in self.by_place(&found.next, far) {
            for (_, task) in self.api.tasks_by_id(place, &ids).await? {
                // Its other relations are not news: it was not changed itself.
                found.next.links.take(&task);
                found.next.recent.remove(&task.id);
                found.tasks.insert(task.id, task);
            }
        }
        Ok(())
    }

    /// Where tasks have to be asked for: those of archived projects only in their own.
    fn by_place(&self, mark: &Mark, ids: BTreeSet<i64>) -> BTreeMap<Place, Vec<i64>> {
        let mut places: BTreeMap<Place, Vec<i64>> = BTreeMap::new();
        for id in ids {
            let home = mark
                .projects
                .iter()
                .find(|(_, known)| known.archived && known.tasks.0.contains(&id));
            let place = home.map_or(Place::Everywhere, |(project, _)| Place::Project(*project));
            places.entry(place).or_default().push(id);
        }
        places
    }

    async fn look_at_everything(
        &mut self,
        mark: Option<Mark>,
    ) -> Result<Observation, ConnectorError> {
        let user = self.api.user().await?;
        let owner = self.owner(&user);
        let inbox = user.inbox();
        let mark = mark.filter(|mark| mark.owner == owner);
        let listed = self.api.projects().await?;
        let mut found = Findings {
            next: Mark::new(owner, inbox, listed.date),
            tasks: BTreeMap::new(),
            gone: Vec::new(),
            date: None,
        };
        found.next.projects = listed
            .rows
            .iter()
            .map(|project| (project.id, known(project, Ids::default())))
            .collect();
        let open = self.api.tasks(Place::Everywhere, None).await?;
        found.fill(open);
        let archived = listed.rows.iter().filter(|project| project.is_archived);
        for (_, rows) in self.list(archived.map(|project| project.id)).await? {
            found.fill(rows);
        }
        let mut went_back = false;
        if let Some(mark) = mark {
            went_back = age::shows_older(&mark, &listed, found.tasks.values());
            self.miss(&mut found, &mark).await?;
        }
        let kept_from = listed.date - OVERLAP_SECS;
        for task in found.tasks.values() {
            found.next.links.take(task);
            if updated(task) >= kept_from {
                found.next.see(task);
            }
        }
        let date = found.date.unwrap_or(listed.date);
        found.next.finish(listed.date, date);
        let seen = self.report(found, true, true)?;
        Ok(Observation { went_back, ..seen })
    }

    /// What was known and is not in a listing of everything.
    async fn miss(&mut self, found: &mut Findings, mark: &Mark) -> Result<(), ConnectorError> {
        for (id, known) in &mark.projects {
            if !found.next.projects.contains_key(id) {
                self.explain_vanished(found, mark, *id).await?;
                continue;
            }
            for task in &known.tasks.0 {
                if !found.tasks.contains_key(task) {
                    found.lose(*task, Evidence::Unlisted);
                }
            }
        }
        Ok(())
    }

    fn report(
        &mut self,
        found: Findings,
        tree_moved: bool,
        complete: bool,
    ) -> Result<Observation, ConnectorError> {
        self.written = 0;
        let tree = found.next.tree();
        let offset_ms = self.api.client.offset_ms();
        let tasks: Vec<RemoteTask> = found
            .tasks
            .values()
            .map(|task| remote_task(task, &tree, offset_ms))
            .collect();
        let collections: Option<Vec<Collection>> = tree_moved.then(|| tree.collections());
        self.projects = Some(tree);
        self.remember(&found.next);
        Ok(Observation {
            identity: found.next.owner.identity(),
            tasks,
            gone: found.gone,
            collections,
            complete,
            known_as: None,
            went_back: false,
            cursor: found.next.encode()?,
        })
    }
}

impl Findings {
    /// Takes those that changed no earlier than this second.
    fn take_since(&mut self, mut listed: Listed<wire::Task>, floor: i64) {
        listed.rows.retain(|task| updated(task) >= floor);
        self.take(listed);
    }

    /// Takes rows that may be new, changed or moved.
    fn take(&mut self, listed: Listed<wire::Task>) {
        self.date.get_or_insert(listed.date);
        for task in listed.rows {
            self.next.file(&task);
            self.tasks.insert(task.id, task);
        }
    }

    /// Rows of a look at everything: nothing is known of them yet.
    fn fill(&mut self, listed: Listed<wire::Task>) {
        self.date.get_or_insert(listed.date);
        for task in listed.rows {
            if let Some(known) = self.next.projects.get_mut(&task.project_id) {
                known.tasks.0.insert(task.id);
            }
            self.tasks.insert(task.id, task);
        }
    }

    /// Holds all rows of some projects against what is known to lie in them.
    fn hold_against(&mut self, projects: &BTreeSet<i64>, listed: Listed<wire::Task>) {
        let here: BTreeSet<i64> = listed.rows.iter().map(|task| task.id).collect();
        let missing: Vec<i64> = self
            .next
            .projects
            .iter()
            .filter(|(id, _)| projects.contains(id))
            .flat_map(|(_, known)| known.tasks.0.difference(&here).copied())
            .collect();
        let news = listed.rows.into_iter().filter(|task| {
            let home = self.next.projects.get(&task.project_id);
            home.is_none_or(|known| !known.tasks.0.contains(&task.id))
        });
        let news: Vec<wire::Task> = news.collect();
        for id in missing {
            self.lose(id, Evidence::Unlisted);
        }
        self.take(Listed {
            rows: news,
            total: listed.total,
            date: listed.date,
        });
    }

    fn lose(&mut self, id: i64, evidence: Evidence) {
        self.next.forget(id);
        self.tasks.remove(&id);
        self.gone.push(Gone {
            id: remote_id(id),
            evidence,
            at: None,
            last: None,
        });
    }

    /// Leaves out what was reported just so before, and remembers the rest.
    fn drop_seen(&mut self) {
        let next = &mut self.next;
        self.tasks.retain(|_, task| !next.see(task));
        // A task that turned up after all, in another project, is not gone.
        let tasks = &self.tasks;
        self.gone
            .retain(|gone| !tasks.keys().any(|id| remote_id(*id) == gone.id));
    }
}
