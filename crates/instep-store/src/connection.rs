//! The hub's connections: the one that writes, those that read, and whose turn it is.
//!
//! A transaction that fails is over before its error is answered. A connection on which one was
//! left without an end is never used again: whoever needs it next opens another.

use std::ops::{Deref, DerefMut};

use instep_contract::StoreError;
use sqlx::any::AnyConnectOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::dialect;
use crate::sql::{Stop, failed};

/// How often a transaction is run anew because the database was busy. Each time waits for the
/// database's own five seconds first.
pub(crate) const MAX_TRIES: u32 = 3;

/// Runs a step that is one statement, which is a transaction by itself, and anew where the
/// database was busy.
macro_rules! statement {
    ($hub:expr, |$on:ident| $step:expr) => {
        crate::connection::turn!($hub, |writer| async {
            writer.commit_durably().await?;
            let $on: &mut sqlx::AnyConnection = writer;
            $step.await
        })
    };
}
pub(crate) use statement;

/// Runs a step in a transaction of its own, and anew where the database was busy.
macro_rules! transaction {
    ($hub:expr, |$on:ident| $step:expr) => {
        crate::connection::turn!($hub, |writer| async {
            let mut transaction = writer.begin().await?;
            let $on: &mut sqlx::AnyConnection = transaction.inside();
            let outcome = $step.await;
            transaction.end(outcome).await
        })
    };
}
pub(crate) use transaction;

/// The same, its commit without the wait for the disk: power loss may take it back until a later
/// transaction has been committed.
macro_rules! light_transaction {
    ($hub:expr, |$on:ident| $step:expr) => {
        crate::connection::turn!($hub, |writer| async {
            let mut transaction = writer.begin_lightly().await?;
            let $on: &mut sqlx::AnyConnection = transaction.inside();
            let outcome = $step.await;
            transaction.end(outcome).await
        })
    };
}
pub(crate) use light_transaction;

/// What all have in common: the turn to write, and taking another where the database was busy.
macro_rules! turn {
    ($hub:expr, |$writer:ident| $step:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = async {
                let mut turn = $hub.connections.writer().await?;
                let $writer: &mut crate::connection::Writing = &mut turn;
                $step.await
            };
            let outcome: Result<_, crate::sql::Stop> = outcome.await;
            if outcome.is_err() {
                $hub.connections.mend().await;
            }
            match outcome {
                Err(stop) if stop.is_busy() && tries < crate::connection::MAX_TRIES => {}
                outcome => break outcome.map_err(instep_contract::StoreError::from),
            }
        }
    }};
}
pub(crate) use turn;

/// Every connection of one opened hub.
#[derive(Debug)]
pub(crate) struct Connections {
    options: AnyConnectOptions,
    /// One connection: writers take turns here rather than in the database.
    writer: Mutex<Slot>,
    readers: AnyPool,
}

#[derive(Debug)]
enum Slot {
    Open(Writing),
    /// It was given up: the next to need one opens it anew.
    Lost,
    Closed,
}

/// The connection that writes.
#[derive(Debug)]
pub(crate) struct Writing {
    connection: AnyConnection,
    /// Whether a transaction was begun of which we do not know that it ended.
    is_midway: bool,
    /// Whether the last transaction was a light one, as far as is known.
    was_light: bool,
}

impl Connections {
    /// Around a connection that is open, with `readers` beside it.
    pub(crate) fn new(
        options: AnyConnectOptions,
        connection: AnyConnection,
        readers: AnyPool,
    ) -> Self {
        let writer = Mutex::new(Slot::Open(Writing::new(connection)));
        Self {
            options,
            writer,
            readers,
        }
    }

    /// The connection that writes, once it is our turn.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, StoreError> {
        self.ready(self.writer.lock().await).await
    }

    /// A connection to read from: the writer's while it is idle, so that a program that does
    /// one thing after another needs no second one.
    pub(crate) async fn reader(&self) -> Result<Reader<'_>, StoreError> {
        if let Ok(idle) = self.writer.try_lock() {
            return self.ready(idle).await.map(Reader::Writer);
        }
        let own = self.readers.acquire().await;
        own.map(Reader::Own).map_err(failed)
    }

    /// Opens another in the place of one that was given up.
    async fn ready<'a>(&self, mut slot: MutexGuard<'a, Slot>) -> Result<Writer<'a>, StoreError> {
        slot.give_up_midway().await;
        if matches!(*slot, Slot::Lost) {
            let connection = connect(&self.options).await.map_err(failed)?;
            *slot = Slot::Open(Writing::new(connection));
        }
        let open = MutexGuard::try_map(slot, |slot| match slot {
            Slot::Open(writing) => Some(writing),
            Slot::Lost | Slot::Closed => None,
        });
        open.map_err(|_| StoreError::Unavailable {
            source: "the hub was closed".into(),
        })
    }

    /// Ends what a failure left without an end, before that failure is answered.
    pub(crate) async fn mend(&self) {
        self.writer.lock().await.give_up_midway().await;
    }

    /// Closes every connection and waits until they are. True where nothing of ours can be
    /// written any more and this is the first to say so.
    pub(crate) async fn close(&self) -> bool {
        self.readers.close().await;
        let mut slot = self.writer.lock().await;
        match std::mem::replace(&mut *slot, Slot::Closed) {
            Slot::Open(writing) => {
                // Whatever was answered is stored; a failure to say goodbye loses nothing.
                let _ = writing.connection.close().await;
                true
            }
            Slot::Lost => true,
            Slot::Closed => false,
        }
    }
}

impl Slot {
    /// Closing a connection rolls back what it was in the middle of.
    async fn give_up_midway(&mut self) {
        if matches!(self, Self::Open(writing) if writing.is_midway)
            && let Self::Open(writing) = std::mem::replace(self, Self::Lost)
        {
            let _ = writing.connection.close().await;
        }
    }
}

impl Writing {
    fn new(connection: AnyConnection) -> Self {
        Self {
            connection,
            is_midway: false,
            was_light: false,
        }
    }

    /// Has what is no transaction of its own wait for the disk.
    pub(crate) async fn commit_durably(&mut self) -> Result<(), sqlx::Error> {
        if self.was_light {
            self.connection.execute(dialect::DURABLE_COMMITS).await?;
            self.was_light = false;
        }
        Ok(())
    }

    /// Begins a transaction that means to write.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, sqlx::Error> {
        self.begin_as(dialect::BEGIN_WRITE, false).await
    }

    /// The same for one whose commit does not wait for the disk.
    pub(crate) async fn begin_lightly(&mut self) -> Result<Transaction<'_>, sqlx::Error> {
        self.begin_as(dialect::BEGIN_LIGHT, true).await
    }

    async fn begin_as(
        &mut self,
        statement: &'static str,
        is_light: bool,
    ) -> Result<Transaction<'_>, sqlx::Error> {
        self.was_light |= is_light;
        let inner = self.connection.begin_with(statement).await?;
        self.was_light = is_light;
        self.is_midway = true;
        Ok(Transaction {
            inner,
            is_midway: &mut self.is_midway,
        })
    }
}

impl Deref for Writing {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

/// A transaction that has begun. Dropped without an end, it takes its connection with it.
pub(crate) struct Transaction<'a> {
    inner: sqlx::Transaction<'a, Any>,
    is_midway: &'a mut bool,
}

impl Transaction<'_> {
    pub(crate) fn inside(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    /// Commits what went well and rolls back what did not. Some failures (a full drive, a fault
    /// of the disk) have SQLite roll back by itself, and sqlx, which does not see that, takes
    /// the connection for one inside a transaction ever after: it is not known to have ended.
    pub(crate) async fn end<T>(self, outcome: Result<T, impl Into<Stop>>) -> Result<T, Stop> {
        match outcome {
            Ok(value) => {
                self.inner.commit().await?;
                *self.is_midway = false;
                Ok(value)
            }
            Err(stop) => {
                *self.is_midway = self.inner.rollback().await.is_err();
                Err(stop.into())
            }
        }
    }
}

/// Opens a connection, set up as all of ours are.
pub(crate) async fn connect(options: &AnyConnectOptions) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    match connection.execute(dialect::ON_CONNECT).await {
        Ok(_) => Ok(connection),
        Err(error) => {
            // The first answer is the one that says what is wrong.
            let _ = connection.close().await;
            Err(error)
        }
    }
}

/// The turn to write.
pub(crate) type Writer<'a> = MappedMutexGuard<'a, Writing>;

/// A connection to read from.
pub(crate) enum Reader<'a> {
    Writer(Writer<'a>),
    Own(PoolConnection<Any>),
}

impl Deref for Reader<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Writer(writer) => writer,
            Self::Own(own) => own,
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Writer(writer) => writer,
            Self::Own(own) => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use instep_contract::StoreError;
    use instep_model::UserId;
    use sqlx::{AnyConnection, Row};

    use crate::HubStore;
    use crate::sql::Stop;

    /// Only a light transaction does not wait for the disk: not what comes after it, however it ended.
    #[tokio::test]
    async fn only_a_light_transaction_does_not_wait_for_the_disk() {
        const FULL: i64 = 2;
        async fn level(on: &mut AnyConnection) -> Result<i64, Stop> {
            let row = sqlx::query("PRAGMA synchronous").fetch_one(on);
            Ok(row.await?.get(0))
        }
        let dir = tempfile::tempdir().expect("a directory");
        let store = HubStore::open(&dir.path().join("hub.db"), UserId::new("me")).await;
        let store = store.expect("a new hub opens");
        let hub = &*store.0;
        for refused in [false, true] {
            let inside = light_transaction!(hub, |on| async {
                let level = level(&mut *on).await?;
                match refused {
                    true => Err(Stop::Refused(StoreError::Unavailable {
                        source: "no".into(),
                    })),
                    false => Ok(level),
                }
            });
            assert_eq!(inside.ok(), (!refused).then_some(FULL - 1));
            let after = match refused {
                true => transaction!(hub, |on| level(on)),
                false => statement!(hub, |on| level(on)),
            };
            assert_eq!(after.expect("answers"), FULL);
        }
        let given_up = async {
            let mut writer = hub.connections.writer().await.expect("open");
            let begun = writer.begin_lightly().await;
            drop(begun.expect("begins"));
        };
        given_up.await;
        let after: Result<i64, StoreError> = statement!(hub, |on| level(on));
        assert_eq!(after.expect("answers"), FULL);
    }
}
