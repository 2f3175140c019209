//! Finding out anew which task is which item: an account's pairs end, no task is touched, and
//! everything is looked at as at a first meeting. Nothing of it happens before a person has seen what
//! it leads to (I9).

use instep_api::socket::Progress;
use instep_api::{Exit, Failure, RepairRequest, SyncReply, SyncRequest};
use instep_contract::Store;
use instep_model::Timestamp;

use crate::app::App;
use crate::say;
use crate::tell::{exit_of_sync, outcome, state_of};

/// What a plain sync may say of an account that is repaired all the same: none of it is decided by
/// its pairs.
const GOES_ON: [&str; 5] = ["refused", "parked", "review", "conflict", "first_meeting"];

impl App {
    /// Says what finding the pairs of these accounts anew would lead to, or does it.
    ///
    /// # Errors
    /// When an account cannot be looked at, or deletions wait that its pairs alone tell of.
    pub async fn repair(
        &self,
        request: &RepairRequest,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<SyncReply, Failure> {
        let plain = SyncRequest {
            accounts: request.accounts.clone(),
            dry_run: true,
            ..SyncRequest::default()
        };
        self.may_part(&plain).await?;
        let preview = SyncRequest {
            yes: true,
            anew: true,
            ..plain
        };
        if request.dry_run {
            let mut reply = self.sync(&preview, progress).await?;
            for (name, pairs) in self.pairs(&request.accounts).await? {
                let pairs = say::count(pairs, "pair");
                let told = format!("{name}: {pairs} would end and be found anew");
                reply.notes.push(told);
            }
            return Ok(reply);
        }
        if !request.yes {
            let mut reply = self.sync(&preview, progress).await?;
            self.wait_for_a_word(&mut reply).await;
            return Ok(reply);
        }
        let before = self.pairs(&request.accounts).await?;
        let repair = SyncRequest {
            dry_run: false,
            ..preview
        };
        let mut reply = self.sync(&repair, progress).await?;
        let after = self.pairs(&request.accounts).await?;
        for ((name, before), (_, after)) in before.into_iter().zip(after) {
            let before = say::count(before, "pair");
            let told = format!("{name}: {before} ended, {after} found");
            reply.notes.push(told);
        }
        Ok(reply)
    }

    /// Refuses where an account cannot be looked at, and where a deletion is under way: without the
    /// pair it would look like a task that one side lacks, and come back.
    async fn may_part(&self, plain: &SyncRequest) -> Result<(), Failure> {
        let reply = self.sync(plain, &mut |_| {}).await?;
        let mut errors = reply.accounts.iter().filter_map(|one| one.error.as_ref());
        if let Some(failure) = errors.find(|error| !GOES_ON.contains(&error.code.as_str())) {
            return Err(failure.clone());
        }
        let plan = reply.plan.unwrap_or_default();
        let deletions = plan.iter().filter(|entry| entry.action == "delete").count();
        if deletions == 0 {
            return Ok(());
        }
        let names = plain.accounts.iter().map(|name| format!(" {name}"));
        Err(Failure::new(
            Exit::NeedsYou,
            "deletions_wait",
            format!("{} to be carried first", say::count(deletions, "deletion")),
            "once the pairs have ended, what was deleted on one side could not be told from what \
             that side never had, and would come back",
            format!("instep sync{}", names.collect::<String>()),
        )
        .now("nothing was repaired"))
    }

    /// Turns a preview into the question whether to carry it out.
    async fn wait_for_a_word(&self, reply: &mut SyncReply) {
        let pairs = self.pairs(&[]).await.unwrap_or_default();
        for told in reply.accounts.iter_mut().filter(|one| one.error.is_none()) {
            let name = &told.name;
            let known = pairs.iter().find(|(known, _)| known == name);
            let pairs = known.map_or(0, |(_, pairs)| *pairs);
            let plan = reply.plan.iter().flatten();
            let changes = plan.filter(|entry| entry.account == *name).count();
            let failure = Failure::new(
                Exit::NeedsYou,
                "repair",
                format!("the pairs of {name} would be found anew"),
                format!(
                    "{} would end; besides finding their tasks again that makes {}",
                    say::count(pairs, "pair"),
                    say::count(changes, "change")
                ),
                format!("to accept it: instep repair {name} --yes"),
            );
            told.state = state_of(failure.exit);
            told.error = Some(failure.now("nothing was written on either side"));
        }
        reply.outcome = outcome(exit_of_sync(reply)).to_owned();
    }

    /// How many living pairs each of these accounts has, by name.
    async fn pairs(&self, names: &[String]) -> Result<Vec<(String, usize)>, Failure> {
        let mut pairs = Vec::new();
        for entry in self.entries(names)? {
            let tally = self.hub.tally(&entry.account.id, Timestamp::now()).await;
            let tally = tally.map_err(|error| say::from_store(&error))?;
            pairs.push((entry.account.name.clone(), tally.alive.values().sum()));
        }
        Ok(pairs)
    }
}
