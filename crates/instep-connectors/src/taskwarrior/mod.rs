//! The Taskwarrior connector: 2.6 and 3 through the command line, 3 through its library where the
//! feature `taskchampion` is on and a person's hooks need not run.
//!
//! A look at untouched files starts no process. Templates of repeated tasks are never seen nor
//! written, and no row is ever purged. It does not merge, retry or wait.

mod age;
mod client;
mod convert;
mod cursor;
mod edit;
mod fetch;
mod hooks;
mod lost;
mod mend;
mod observe;
#[cfg(feature = "taskchampion")]
mod operations;
mod place;
mod quiet;
mod race;
#[cfg(feature = "taskchampion")]
mod replica;
mod scan;
#[cfg(feature = "taskchampion")]
mod sequence;
mod setup;
mod stored;
mod trail;
mod undo;
mod unfinished;
mod wire;
mod write;

use std::collections::{HashMap, HashSet};
#[cfg(feature = "taskchampion")]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Lost, Observation};
#[cfg(feature = "taskchampion")]
use instep_model::SetSince;
use instep_model::{Capabilities, Identity, Operation, RemoteId, RemoteTask, Timestamp};
use uuid::Uuid;

use client::Program;
use convert::Rules;
use cursor::{Beginning, Door, Header, Table};
use edit::Terms;
use fetch::Trust;
pub use hooks::{Hooks, hooks};
use mend::{Span, Watch};
use observe::{Findings, Seen};
use place::Place;
use quiet::{Moment, Quiet};
pub use setup::{Found, Settings, declare_markers, detect};
use trail::Trail;
use wire::{Row, State};
use write::Writing;

/// One Taskwarrior database.
///
/// The calls that it counts are processes started and databases opened through the library.
#[derive(Debug)]
pub struct TaskwarriorConnector {
    settings: Settings,
    rules: Rules,
    capabilities: Capabilities,
    program: Program,
    place: Option<Place>,
    opened: u64,
    /// The rows that were read last by their ids, until the next write is through.
    read: HashMap<Uuid, Row>,
    /// An import that was not looked back at to the end; the next write does that first.
    open: Option<write::Open>,
    quiet: Quiet,
    watch: Watch,
}

impl TaskwarriorConnector {
    /// Prepares to reach a database; starts no process and opens no data.
    ///
    /// # Errors
    /// [`ConnectorError::Setup`] when the program or the taskrc is missing, or a marker's name
    /// cannot be an attribute's.
    pub fn open(settings: Settings) -> Result<Self, ConnectorError> {
        setup::check_markers(&settings.markers)?;
        let file = setup::find_program(&settings.program)?;
        let taskrc = setup::find_taskrc(settings.taskrc.as_deref())?;
        let of_2 = setup::looks_like_2(settings.data.as_deref(), &taskrc);
        let rules = Rules {
            zone: settings.zone.clone(),
            markers: settings.markers.clone(),
            forbidden: if of_2 { vec![',', ':'] } else { vec![','] },
            brackets: of_2,
        };
        let program = Program {
            file,
            taskrc,
            markers: settings.markers.clone(),
            run_hooks: settings.run_hooks,
            calls: 0,
            waited: Duration::ZERO,
            kinds: None,
        };
        Ok(Self {
            capabilities: rules.capabilities(),
            settings,
            rules,
            program,
            place: None,
            opened: 0,
            read: HashMap::new(),
            open: None,
            quiet: Quiet::default(),
            watch: Watch::default(),
        })
    }

    /// The data directory, every link followed, once an identity was told.
    pub fn data_dir(&self) -> Option<&std::path::Path> {
        self.place.as_ref().map(|place| place.data.as_path())
    }

    /// Where the database lies, from what is remembered if that still holds, else by asking.
    async fn place(&mut self, remembered: Option<&Place>) -> Result<Place, ConnectorError> {
        let known = self
            .place
            .iter()
            .chain(remembered)
            .find(|place| self.is_ours(place) && place.holds());
        let place = match known {
            Some(place) => place.clone(),
            None => setup::resolve(&mut self.program, self.settings.data.as_deref()).await?,
        };
        self.rules.brackets = place.major() < 3;
        self.place = Some(place.clone());
        Ok(place)
    }

    fn is_ours(&self, place: &Place) -> bool {
        let named = self.settings.data.as_deref();
        place.is_of(&self.program.file, &self.program.taskrc, named)
    }

    /// Through which door to go. Hooks run only for the program.
    fn door(&self, place: &Place, writes: bool) -> Door {
        let hooks = writes && self.settings.run_hooks;
        if cfg!(feature = "taskchampion") && place.major() >= 3 && !hooks {
            Door::Library
        } else {
            Door::Program
        }
    }

    /// Reads all there is and holds it against `old`.
    async fn look(
        &mut self,
        header: &mut Header,
        (looked_at, old): (i64, &Table),
        look: Look,
    ) -> Result<Findings, ConnectorError> {
        let place = header.place.clone();
        let door = header.door;
        let mut seen = Seen::new(old, look, &self.rules, header, looked_at);
        match door {
            Door::Program => {
                let take = |line: &[u8]| seen.take_line(line);
                self.program.export(&place.data, None, take).await?;
            }
            #[cfg(feature = "taskchampion")]
            Door::Library if has_database(&place.data) => {
                self.opened += 1;
                let take = |uuid, properties: &_| seen.take_properties(uuid, properties);
                self.program
                    .timed(replica::read_all(&place.data, take))
                    .await?;
            }
            Door::Library => {}
        }
        let found = seen.finish()?;
        if found.total == 0 {
            setup::check_migrated(&place)?;
        }
        Ok(found)
    }

    /// Finds what an import took back whose program ended before it was put back: the next write
    /// does that, and until then the tasks stay as if they were being written.
    async fn find_unfinished(
        &mut self,
        header: &mut Header,
        before: Option<&Header>,
        table: &mut Table,
    ) -> Result<(), ConnectorError> {
        let Some(before) = before else {
            return Ok(());
        };
        if let Some(began) = before.writes.filter(|_| self.open.is_none())
            && self.door(&header.place, true) == Door::Program
        {
            let (program, sent) = (&mut self.program, &before.sent);
            self.open = write::unfinished(program, &header.place, sent, began).await?;
        }
        if let Some(open) = &self.open {
            header.writes = before.writes;
            for uuid in open.tasks() {
                table.forget(uuid);
                let name = uuid.to_string();
                let sent = before.sent.get(&name).cloned();
                header.sent.extend(sent.map(|sent| (name, sent)));
            }
        }
        Ok(())
    }

    /// Refuses to write where the tasks lie in the other version's files. Those files stay beside a
    /// database that took them over; beside an empty one they hold the tasks.
    async fn check_migrated(&mut self, place: &Place) -> Result<(), ConnectorError> {
        let Err(unmigrated) = setup::check_migrated(place) else {
            return Ok(());
        };
        #[cfg(feature = "taskchampion")]
        if place.major() >= 3 && has_database(&place.data) {
            self.opened += 1;
            let empty = replica::is_empty(&place.data);
            return match self.program.timed(empty).await? {
                true => Err(unmigrated),
                false => Ok(()),
            };
        }
        let mut tasks = 0_usize;
        let count = |_: &[u8]| {
            tasks += 1;
            Ok(())
        };
        self.program.export(&place.data, None, count).await?;
        if tasks == 0 { Err(unmigrated) } else { Ok(()) }
    }

    /// Reads these rows now; deleted ones and templates too.
    async fn rows(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<Row>>, ConnectorError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let place = self.place(None).await?;
        let uuids: Vec<Option<Uuid>> = ids.iter().map(edit::uuid_of).collect();
        #[cfg(feature = "taskchampion")]
        if self.door(&place, false) == Door::Library {
            if !has_database(&place.data) {
                return Err(observe::missing(&place.data));
            }
            self.opened += 1;
            let named: Vec<Uuid> = uuids.iter().map(|id| id.unwrap_or_default()).collect();
            let read = replica::read_some(&place.data, &named);
            return self.program.timed(read).await;
        }
        let named: Vec<Uuid> = uuids.iter().copied().flatten().collect();
        let trust = Trust::Files {
            absent: &HashSet::new(),
        };
        let found = fetch::fetch(&mut self.program, &place, &named, trust).await?;
        let missing = named.iter().filter(|uuid| !found.contains_key(uuid));
        let missing: HashSet<Uuid> = missing.copied().collect();
        let vanished = self.watch.vanished(&mut self.program, &place, &missing);
        if !vanished.await?.is_empty() {
            // It is on its way from file to file, or will be put back.
            return Err(ConnectorError::Busy);
        }
        let row = |id: Option<Uuid>| found.get(&id?).map(|(row, _)| row.clone());
        Ok(uuids.into_iter().map(row).collect())
    }

    async fn write(
        &mut self,
        place: &Place,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        let terms = Terms {
            rules: &self.rules,
            read: &self.read,
            now_secs: Timestamp::now().as_second(),
        };
        #[cfg(feature = "taskchampion")]
        if self.door(place, true) == Door::Library {
            self.opened += 1;
            let applied = replica::apply(&place.data, batch, terms);
            return self.program.timed(applied).await;
        }
        let writing = Writing {
            program: &mut self.program,
            open: &mut self.open,
            quiet: &mut self.quiet,
            watch: &mut self.watch,
        };
        write::apply(writing, place, batch, terms).await
    }

    /// The task of a row that is one.
    fn alive(&self, row: Option<Row>) -> Option<RemoteTask> {
        row.filter(|row| row.state != State::Deleted && !row.is_template())
            .map(|row| self.rules.task(&row))
    }
}

impl Connector for TaskwarriorConnector {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        let place = self.place(None).await?;
        Ok(Identity(setup::identity(&place.data)))
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        let before = since.map(cursor::decode).transpose()?;
        if let (Some((header, table)), Some(cursor), Look::Changes) = (&before, since, look)
            && self.is_ours(&header.place)
            && !cursor::has_forgotten(table)
            && header.is_untouched(Timestamp::now().as_second())
            && header.identity == setup::identity(&header.place.data)
        {
            return Ok(nothing_new(header, cursor));
        }
        let place = self
            .place(before.as_ref().map(|(header, _)| &header.place))
            .await?;
        let identity = setup::identity(&place.data);
        let door = self.door(&place, false);
        // Taken before reading, so that a change during it is looked at again.
        let taken_nanos = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        let stamps = place::data_stamps(&place.data);
        let trail = Trail::of(&place);
        let mut header = Header::new(place, identity, door, stamps, taken_nanos);
        header.trail = trail;
        let (before, old) = match before {
            Some((before, table)) => (Some(before), cursor::decode_table(table)),
            None => (None, Table::default()),
        };
        let looked_at = before.as_ref().map_or(0, Header::taken_secs);
        let known_as = before
            .as_ref()
            .map(|before| before.identity.clone())
            .filter(|known| *known != header.identity);
        // In another directory everything may be another.
        let look = known_as.as_ref().map_or(look, |_| Look::Everything);
        let mut found = self.look(&mut header, (looked_at, &old), look).await?;
        if known_as.is_some() && found.known == 0 {
            return Err(ConnectorError::CursorInvalid);
        }
        if found.total == 0 && old.len() > 0 {
            let stamps = before.as_ref().map_or(&[][..], |before| &before.data);
            observe::check_still_there(&header.place.data, stamps)?;
        }
        self.find_unfinished(&mut header, before.as_ref(), &mut found.table)
            .await?;
        // A copy that was put back by way of another directory begins a trail of its own.
        let older =
            known_as.is_some() || before.is_some_and(|before| header.is_older(&before, &found.age));
        let went_back = found.age.is_less() && older;
        // A data directory that the program has just made has only now got its identity.
        header.identity = setup::identity(&header.place.data);
        Ok(Observation {
            identity: Identity(header.identity.clone()),
            known_as: known_as.map(Identity),
            tasks: found.tasks,
            gone: found.gone,
            collections: None,
            complete: since.is_none() || look == Look::Everything,
            went_back,
            cursor: cursor::encode(&header, &found.table)?,
        })
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        let rows = self.rows(ids).await?;
        let there = rows.iter().flatten();
        self.read = there.map(|row| (row.uuid, row.clone())).collect();
        Ok(rows.into_iter().map(|row| self.alive(row)).collect())
    }

    fn compares(&self) -> bool {
        true
    }

    fn undo_takes_ours(&self) -> bool {
        // Through the library nothing of ours is a step of its own.
        let through = |place: &Place| self.door(place, true) == Door::Library;
        self.place.as_ref().is_some_and(through)
    }

    #[cfg(feature = "taskchampion")]
    async fn set_since(
        &mut self,
        asked: &[(RemoteId, Timestamp)],
    ) -> Result<Vec<Option<SetSince>>, ConnectorError> {
        let place = self.place(None).await?;
        self.opened += 1;
        // An id that names no task stands for one that is nowhere.
        let of = |(id, since): &(RemoteId, Timestamp)| {
            let uuid = edit::uuid_of(id);
            (uuid.unwrap_or_default(), *since)
        };
        let asked: Vec<(Uuid, Timestamp)> = asked.iter().map(of).collect();
        let set = operations::set_since(&place.data, &asked);
        self.program.timed(set).await
    }

    fn forget_seen(&self, cursor: &Cursor, items: &[RemoteId]) -> Result<Cursor, ConnectorError> {
        let (header, table) = cursor::decode(cursor)?;
        let mut table = cursor::decode_table(table);
        for uuid in items.iter().filter_map(edit::uuid_of) {
            table.forget(uuid);
        }
        cursor::encode(&header, &table)
    }

    fn note_sending(&self, cursor: &Cursor, batch: &[Operation]) -> Result<Cursor, ConnectorError> {
        let (mut header, table) = cursor::decode(cursor)?;
        let mut table = cursor::decode_table(table);
        let began = header.writes;
        header.writes = began.or_else(|| Some(Beginning::now(&header.place.data)));
        let imports = self.door(&header.place, true) == Door::Program;
        for operation in batch {
            let Some(uuid) = operation.target().and_then(edit::uuid_of) else {
                continue;
            };
            table.forget(uuid);
            if imports {
                let sent = header.sent.entry(uuid.to_string()).or_default();
                sent.add(&edit::sent(operation, &self.rules));
            }
        }
        cursor::encode(&header, &table)
    }

    async fn missing_tags(&mut self, _: &[String]) -> Result<Vec<String>, ConnectorError> {
        Ok(Vec::new())
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        if batch.is_empty() && self.open.is_none() && self.watch.due.is_none() {
            return Ok(Vec::new());
        }
        let place = self.place(None).await?;
        self.check_migrated(&place).await?;
        let answers = self.write(&place, batch).await?;
        // What was read before this write says nothing about a later one; where it has not been
        // made, it will be made again on the same reading.
        let again: HashSet<Uuid> = batch
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| matches!(answer, Err(ConnectorError::Busy)))
            .filter_map(|(operation, _)| edit::target(operation).ok())
            .collect();
        self.read.retain(|uuid, _| again.contains(uuid));
        Ok(answers)
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        _: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        // We choose the ids: what a lost answer left stands under the id that was sent.
        let made = |operation: &Operation| match operation {
            Operation::Create(draft) => RemoteId::new(draft.task.to_string()),
            // No uuid, so that nothing stands under it.
            _ => RemoteId::new(""),
        };
        let ids: Vec<RemoteId> = sent.iter().map(made).collect();
        let tasks = self.read(&ids).await?;
        let applied = |task: Option<RemoteTask>| {
            let task = task.into_iter();
            task.map(|task| Applied {
                held: Some(task.clone()),
                ..Applied::done(task.id)
            })
            .collect()
        };
        Ok(tasks.into_iter().map(applied).collect())
    }

    fn ready_in(&mut self) -> Duration {
        let of_2 = self.place.as_ref().filter(|place| place.major() < 3);
        of_2.map_or(Duration::ZERO, |place| {
            self.quiet
                .wait(&place.data, &self.program.file, Moment::now())
        })
    }

    async fn lost(&mut self, reported: &[RemoteId]) -> Result<Vec<Lost>, ConnectorError> {
        let place = self.place(None).await?;
        if place.major() >= 3 {
            return Ok(Vec::new());
        }
        if !self.quiet.is_settled(&place.data, Moment::now()) {
            return Err(ConnectorError::Busy);
        }
        let reported: HashSet<Uuid> = reported.iter().filter_map(edit::uuid_of).collect();
        let look = self
            .watch
            .look(&mut self.program, &place, &reported, Span::Recent);
        let found = look.await?;
        self.watch.due = (!found.wanted.is_empty()).then_some(reported);
        let lost = |(uuid, row): (&Uuid, &Row)| Lost {
            id: RemoteId::new(uuid.to_string()),
            task: self.alive(Some(row.clone())),
            left: self.alive(found.left.get(uuid).map(|(row, _)| row.clone())),
        };
        Ok(found.wanted.iter().map(lost).collect())
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.place.as_ref().map(place::watched).unwrap_or_default()
    }

    fn calls(&self) -> u64 {
        self.program.calls + self.opened
    }

    fn waited(&self) -> Duration {
        self.program.waited
    }
}

fn nothing_new(header: &Header, cursor: &Cursor) -> Observation {
    Observation {
        identity: Identity(header.identity.clone()),
        tasks: Vec::new(),
        gone: Vec::new(),
        collections: None,
        complete: false,
        known_as: None,
        went_back: false,
        cursor: cursor.clone(),
    }
}

#[cfg(feature = "taskchampion")]
fn has_database(data: &Path) -> bool {
    data.join(place::DATABASE).is_file()
}
