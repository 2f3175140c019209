//! What a fake's faults leave behind: each is what its name says and no more.

use std::sync::Mutex;
use std::time::Duration;

use instep_contract::{
    Call, Connector, ConnectorError, Doubt, FakeConnector, FakeRemote, Fault, Look, Moment,
    Profile, Reinstall, World,
};
use instep_model::{
    Draft, Evidence, Field, Fields, Identity, Operation, RemoteId, TaskId, Timestamp, Value,
};

/// A world with one fault in it and a clock that is set by hand.
struct Once<'a> {
    fault: &'a Mutex<Option<Fault>>,
    now: &'a Mutex<Timestamp>,
}

impl World for Once<'_> {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("no test panics while it holds this")
    }

    async fn step(&self, _: Call, _: Moment) {}

    fn fault(&self, _: Call) -> Option<Fault> {
        self.fault
            .lock()
            .expect("no test panics while it holds this")
            .take()
    }
}

struct Bench {
    remote: FakeRemote,
    fault: Mutex<Option<Fault>>,
    now: Mutex<Timestamp>,
}

impl Bench {
    fn new(profile: Profile) -> Self {
        Self {
            remote: FakeRemote::new(profile, Identity("first".to_owned())),
            fault: Mutex::new(None),
            now: Mutex::new(Timestamp::UNIX_EPOCH),
        }
    }

    fn connect(&self, fault: Fault) -> FakeConnector<Once<'_>> {
        *self.fault.lock().expect("not poisoned") = Some(fault);
        self.remote.connect(Once {
            fault: &self.fault,
            now: &self.now,
        })
    }

    fn titles(&self) -> Vec<String> {
        let tasks = self.remote.tasks();
        tasks
            .iter()
            .map(|task| task.fields.title().to_owned())
            .collect()
    }
}

fn create(title: &str) -> Operation {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, title.as_bytes());
    Operation::Create(Draft {
        task: TaskId(id),
        collection: None,
        fields: Fields::new().with(Field::Title, Value::Text(title.to_owned())),
        notes: Vec::new(),
        depends: std::collections::BTreeSet::new(),
        parent: None,
        markers: std::collections::BTreeMap::new(),
        shadow: None,
    })
}

/// Sends two creates under a fault and says how the call ended and what is stored after it.
async fn check(profile: Profile, fault: Fault, ended: &str, stored: &[&str]) {
    let bench = Bench::new(profile);
    let mut connector = bench.connect(fault);
    let answer = connector.apply(&[create("a"), create("b")]).await;
    let told = match answer {
        Ok(answers) => answers
            .iter()
            .map(|answer| match answer {
                Ok(_) => "stored".to_owned(),
                Err(error) => error.to_string(),
            })
            .collect::<Vec<_>>()
            .join(", "),
        Err(error) => error.to_string(),
    };
    assert_eq!(told, ended, "{fault:?}");
    let mut titles = bench.titles();
    titles.sort();
    assert_eq!(titles, stored, "{fault:?}");
}

#[tokio::test]
async fn a_write_fails_as_it_is_told_to() {
    let unknown = "the request was sent, its outcome is unknown";
    let unreached = "the service could not be reached";
    check(Profile::server(), Fault::NotSent, unreached, &[]).await;
    check(Profile::server(), Fault::ReplyLost(1), unknown, &["a", "b"]).await;
    check(Profile::database(), Fault::ReplyLost(1), unknown, &["a"]).await;
    check(Profile::database(), Fault::ReplyLost(0), unknown, &[]).await;
    let busy = "the service was busy with another writer";
    check(Profile::file(), Fault::Busy, busy, &[]).await;
    let refused = "the service refuses the task: not this one";
    check(Profile::server(), Fault::Rejected(1), refused, &[]).await;
    let partly = format!("stored, {refused}");
    check(Profile::database(), Fault::Rejected(1), &partly, &["a"]).await;
    check(
        Profile::server(),
        Fault::Reordered(1),
        "stored, stored",
        &["a", "b"],
    )
    .await;
}

#[tokio::test]
async fn a_slow_write_lands_when_its_time_has_come() {
    let bench = Bench::new(Profile::server());
    let mut connector = bench.connect(Fault::TimedOut(Duration::from_secs(20)));
    let answer = connector.apply(&[create("late")]).await;
    let timed_out = matches!(
        answer,
        Err(ConnectorError::OutcomeUnknown {
            doubt: Doubt::TimedOut,
            ..
        })
    );
    assert!(timed_out);
    assert!(bench.remote.is_working());
    for (secs, landed) in [(19, 0), (20, 1), (40, 1)] {
        *bench.now.lock().expect("not poisoned") = Timestamp::from_second(secs).expect("in range");
        let found = connector
            .find(&[create("late")], Timestamp::UNIX_EPOCH)
            .await;
        assert_eq!(
            found.expect("no fault is left")[0].len(),
            landed,
            "{secs} s"
        );
    }
}

#[tokio::test]
async fn a_listing_that_is_cut_short_is_an_error() {
    let bench = Bench::new(Profile::server());
    let mut connector = bench.connect(Fault::CutShort);
    let answer = connector.observe(None, Look::Everything).await;
    assert!(matches!(answer, Err(ConnectorError::Malformed { .. })));
    assert!(connector.observe(None, Look::Everything).await.is_ok());
}

#[tokio::test]
async fn a_listing_that_lies_names_living_tasks_as_gone_and_forgets_them() {
    let bench = Bench::new(Profile::server());
    for title in ["a", "b", "c"] {
        let fields = Fields::new().with(Field::Title, Value::Text(title.to_owned()));
        let id = RemoteId::new("unused");
        bench.remote.create(Timestamp::UNIX_EPOCH, &id, &fields);
    }
    let mut connector = bench.connect(Fault::NotSent);
    assert!(connector.observe(None, Look::Changes).await.is_err());
    let first = connector.observe(None, Look::Changes).await;
    let first = first.expect("no fault is left");
    let mut connector = bench.connect(Fault::Lie(1));
    let lie = connector
        .observe(Some(&first.cursor), Look::Everything)
        .await;
    let lie = lie.expect("a lie looks like an answer");
    assert!(lie.complete);
    assert_eq!((lie.tasks.len(), lie.gone.len()), (1, 2));
    assert_eq!(lie.gone[0].evidence, Evidence::Unlisted);
    let truth = connector.observe(Some(&lie.cursor), Look::Changes).await;
    let truth = truth.expect("no fault is left");
    assert_eq!((truth.tasks.len(), truth.gone.len()), (2, 0));
}

#[tokio::test]
async fn a_server_set_up_anew_is_somebody_else_and_numbers_from_the_start() {
    for how in [Reinstall::Empty, Reinstall::Imported] {
        let bench = Bench::new(Profile::server());
        let mut connector = bench.connect(Fault::Reordered(0));
        connector
            .apply(&[create("a")])
            .await
            .expect("nothing is wrong");
        connector
            .apply(&[create("b")])
            .await
            .expect("nothing is wrong");
        let before = connector.observe(None, Look::Everything).await;
        let before = before.expect("nothing is wrong");
        bench
            .remote
            .delete(Timestamp::UNIX_EPOCH, &before.tasks[0].id);
        let identity = Identity("second".to_owned());
        bench.remote.reinstall(Timestamp::UNIX_EPOCH, identity, how);
        let after = connector.observe(Some(&before.cursor), Look::Changes).await;
        let after = after.expect("nothing is wrong");
        assert_ne!(after.identity, before.identity);
        assert!(after.complete && after.gone.is_empty());
        let kept = if how == Reinstall::Empty { 0 } else { 1 };
        assert_eq!(after.tasks.len(), kept);
    }
}

#[tokio::test]
async fn a_cursor_can_be_refused() {
    let bench = Bench::new(Profile::file());
    let mut connector = bench.connect(Fault::Reordered(0));
    let seen = connector.observe(None, Look::Changes).await;
    let cursor = seen.expect("nothing is wrong").cursor;
    let mut connector = bench.connect(Fault::CursorInvalid);
    let refused = connector.observe(Some(&cursor), Look::Changes).await;
    assert!(matches!(refused, Err(ConnectorError::CursorInvalid)));
}
